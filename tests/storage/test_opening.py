"""Opening the database that the settings name, and saying what is wrong with it."""

from __future__ import annotations

import errno
import getpass
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from omnicore.config.settings import Settings, StorageSettings
from omnicore.errors import StorageFailed, ToolMissing
from omnicore.storage import database, migrations
from omnicore.storage.database import Database, filesystem_of, left_open, open_store, refuse_network
from omnicore.storage.migrations import NEWEST, STEPS
from omnicore.storage.store import Store

ADD = "INSERT INTO grants VALUES (?, 'kv', ?, 'test', 0)"
OPTIONS = StorageSettings()


def _fill(store: Store, count: int, size: int = 500) -> None:
    with store.write() as session:
        session.executemany(ADD, [(f"p{number}", "x" * size) for number in range(count)])


def _damage(file: Path) -> None:
    """Overwrites the first page of a table that nothing reads while the database is opened."""
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'grants'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(os.urandom(size))


def test_without_a_url_it_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    with closing(open_store(OPTIONS, tmp_path / "data")) as store:
        assert (store.dialect, store.place) == ("sqlite", str(tmp_path / "data" / "omnicore.db"))


def test_a_url_names_a_postgresql_database(tmp_path: Path, postgresql_url: str) -> None:
    with closing(open_store(replace(OPTIONS, url=postgresql_url), tmp_path)) as store:
        assert store.dialect == "postgresql"
        assert "never-shown" not in store.place
    assert list(tmp_path.iterdir()) == []


def test_the_url_is_shown_nowhere() -> None:
    settings = Settings(storage=StorageSettings(url="postgresql://me:hidden@host/db"))
    assert "hidden" not in f"{settings!r} {settings.to_json()}"


def test_a_missing_library_is_named_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name=name)

    monkeypatch.setattr(database, "import_module", missing)
    with pytest.raises(ToolMissing, match=r"psycopg is not installed; run `pip install 'omnicore\[postgresql\]'`"):
        open_store(replace(OPTIONS, url="postgresql://h/d"), tmp_path)


@pytest.mark.parametrize(("level", "number"), [("normal", 1), ("full", 2)])
def test_the_setting_says_whether_commits_wait_for_the_disk(tmp_path: Path, level: str, number: int) -> None:
    with closing(open_store(replace(OPTIONS, synchronous=level), tmp_path)) as store:
        assert store.apply(lambda session: session.execute("PRAGMA synchronous").fetchone()) == (number,)
        with store.write(durable=True) as session:
            assert session.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store.apply(lambda session: session.execute("PRAGMA synchronous").fetchone()) == (number,)


def test_damage_is_found_when_the_host_starts(tmp_path: Path) -> None:
    with closing(open_store(OPTIONS, tmp_path)) as store:
        _fill(store, 500)
    _damage(tmp_path / "omnicore.db")
    with pytest.raises(StorageFailed, match=r"is damaged; restore a backup"):
        open_store(OPTIONS, tmp_path)
    open_store(OPTIONS, tmp_path, check=False).close()


def test_after_an_unclean_stop_the_check_may_take_longer_and_says_when_it_did_not_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(open_store(OPTIONS, tmp_path)) as store:
        _fill(store, 3000)
        assert left_open(tmp_path / "omnicore.db")
        shutil.copytree(tmp_path, tmp_path / "copy")  # as a killed process leaves it
    assert not left_open(tmp_path / "omnicore.db")
    with caplog.at_level(logging.WARNING, "omnicore.storage"):
        open_store(replace(OPTIONS, check_s=0.0), tmp_path).close()
        assert caplog.messages == []
        with closing(open_store(replace(OPTIONS, check_s=0.0), tmp_path / "copy")) as store:
            assert store.rows("SELECT count(*) FROM grants") == [(3000,)]
    assert "is too large to be checked in 0.0 s" in caplog.text


def test_tables_change_only_after_a_copy_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def known(steps: int) -> None:
        monkeypatch.setattr(migrations, "STEPS", STEPS[:steps])
        monkeypatch.setattr(migrations, "NEWEST", steps)

    file = tmp_path / "omnicore.db"
    for steps in (2, 3, 4, 5):
        known(steps)
        with closing(open_store(OPTIONS, tmp_path)) as store:
            store.apply(lambda session, steps=steps: session.execute(ADD, (f"of {steps}", "")).rowcount)
    assert sorted(path.name for path in tmp_path.glob("*before*")) == ["omnicore.db.before-4", "omnicore.db.before-5"]
    known(4)
    with pytest.raises(StorageFailed, match="written by a newer OmniCore"):
        open_store(OPTIONS, tmp_path)
    with closing(Database.open(file.with_name("omnicore.db.before-5"))) as copy:
        assert copy.rows("SELECT plugin FROM grants ORDER BY plugin") == [("of 2",), ("of 3",), ("of 4",)]
        assert copy.rows("SELECT max(number) FROM migrations") == [(4,)]
    known(NEWEST)
    with closing(open_store(OPTIONS, tmp_path)) as store:
        assert store.rows("SELECT count(*) FROM grants") == [(4,)]


def test_a_network_file_system_is_known_by_its_mount() -> None:
    mounts = "\n".join(
        (
            "/dev/sda1 / ext4 rw 0 0",
            "server:/x /srv/shared nfs4 rw 0 0",
            "server:/y /srv/with\\040space cifs rw 0 0",
            "tmpfs /srv/shared/fast tmpfs rw 0 0",
            "broken line",
        )
    )
    kinds = {
        "/home/me/omnicore.db": "ext4",
        "/srv/shared/omnicore.db": "nfs4",
        "/srv/with space/omnicore.db": "cifs",
        "/srv/shared/fast/omnicore.db": "tmpfs",
        "/srv/shared-not/omnicore.db": "ext4",
    }
    assert {name: filesystem_of(Path(name), mounts) for name in kinds} == kinds


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {os.path.realpath(tmp_path)} nfs rw 0 0\n")
    monkeypatch.setattr("omnicore.storage.database._MOUNTS", mounts)
    with pytest.raises(StorageFailed, match=r"network file system \(nfs\).*; put the data folder on a local disk"):
        open_store(OPTIONS, tmp_path)
    monkeypatch.setattr("omnicore.storage.database._MOUNTS", tmp_path / "nothing")
    refuse_network(tmp_path / "omnicore.db")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("existing", [True, False])
def test_a_folder_of_another_user_says_whose_it_is_and_what_to_do(tmp_path: Path, existing: bool) -> None:
    if existing:
        open_store(OPTIONS, tmp_path / "data").close()
    for folder in (tmp_path, *tmp_path.parents[:3]):  # a run on several processes has a folder for each
        if folder.is_relative_to(Path(tempfile.gettempdir()) / f"pytest-of-{getpass.getuser()}"):
            folder.chmod(0o755)

    def opening() -> bool:
        os.setuid(65_534)
        try:
            open_store(OPTIONS, tmp_path / "data").close()
        except StorageFailed as error:
            known = "belongs to user 0" if existing else os.strerror(errno.EACCES)
            return known in str(error) and ("chown" if existing else "--data") in str(error)
        return False

    assert _in_a_child(opening)


def _in_a_child(work: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0
