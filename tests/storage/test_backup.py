"""Backup and restore, within a database and from each into the other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.errors import Conflict, InvalidInput, StorageFailed
from omnicore.restore import derive
from omnicore.storage.archive import read_contents, tables_of
from omnicore.storage.backup import backup, restore_postgresql, restore_sqlite
from omnicore.storage.database import Database
from omnicore.storage.modules import ModuleStore
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable, KvTotals
from omnicore.storage.tables.memory_words import full_text

CLOCK = ManualClock()
_MEMORY = (
    "INSERT INTO memories (plugin, seq, id, changed, tier, state, text, metadata, importance, judged, created_at,"
    " accessed_at, hits, pinned, hash, writer, size)"
    " VALUES ('p', ?, ?, 1, 1, ?, ?, '{}', 0, 0, 0, 0, 0, 0, ?, 'p', 1)"
)


def _fill(store: Store) -> None:
    KvTable(store, CLOCK).put("other", "é", b"", 5)
    entries = [(b"key %d" % number, bytes([number % 256, 0, 37]) * 3, number + 1) for number in range(2500)]
    with store.write() as session:
        session.execute("INSERT INTO kv_totals VALUES ('p', 0, 0, 2500)")
        session.executemany("INSERT INTO kv VALUES ('p', ?, ?, ?, NULL)", entries)
        session.execute("INSERT INTO grants VALUES ('p', 'kv', '{\"%\": \"?\"}', 'test', 1.25)")
        session.execute("INSERT INTO memory_spaces VALUES ('p', 7, 2, 0, 0, 0, '')")
        for seq, text, state in ((1, "the red door", 0), (2, "a blue door", 0), (3, "", 2)):
            session.execute(_MEMORY, (seq, f"m{seq}", state, text, str(seq)))
        texts = full_text(store)
        texts.make(session, 7)
        texts.add(session, 7, [(1, ["red", "door"]), (2, ["blue", "door"])])
        session.execute(
            "INSERT INTO vectors (collection, seq, id, vector, metadata) VALUES (1, ?, 'v', ?, '{}')",
            (2**60, b"\x00\xff" * 4),
        )


def _holds(store: Store) -> None:
    kv = KvTable(store, CLOCK)
    assert kv.totals("p") == KvTotals(bytes=sum(len(f"key {n}") + 9 for n in range(2500)), keys=2500)
    assert kv.get("p", "key 300") == (bytes([44, 0, 37]) * 3, 301)
    assert kv.put("p", "next", b"") == 2501
    assert kv.totals("p").keys == 2501
    assert store.rows("SELECT * FROM grants") == [("p", "kv", '{"%": "?"}', "test", 1.25)]
    assert [seq for seq, _ in full_text(store).match(7, {"red": 1.0, "door": 0.5}, 9)] == [1, 2]
    assert store.rows("SELECT seq, vector FROM vectors") == [(2**60, b"\x00\xff" * 4)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def file(store: Store, data: Path, tmp_path: Path) -> Path:
    _fill(store)
    ModuleStore(data / "modules").put(b"a module")
    (data / "modules" / "notes.txt").write_text("no module")
    backup(store, data, tmp_path / "all.backup", clock=CLOCK)
    return tmp_path / "all.backup"


def test_a_backup_of_either_database_is_restored_into_sqlite(file: Path, tmp_path: Path, dialect: str) -> None:
    other = tmp_path / "other"
    contents, kept = restore_sqlite(file, other, clock=CLOCK, derive=derive)
    assert (contents.dialect, contents.made_at, kept) == (dialect, CLOCK.now(), None)
    with closing(Database.open(other / "omnicore.db")) as store:
        _holds(store)
        store.check()
    digest = hashlib.sha256(b"a module").hexdigest()
    assert ModuleStore(other / "modules").get(digest) == b"a module"
    assert sorted(path.name for path in other.iterdir()) == ["modules", "omnicore.db", "omnicore.db.lock"]
    assert [path.name for path in (other / "modules").iterdir()] == [f"{digest}.wasm"]


def test_a_backup_of_either_database_is_restored_into_postgresql(
    file: Path, tmp_path: Path, store: Store, postgresql_url: str
) -> None:
    store.close()
    with closing(PostgresDatabase.open(postgresql_url, alone=True, timeout_s=2)) as target:
        if not target.rows("SELECT * FROM grants"):
            target.apply(lambda session: session.execute("INSERT INTO grants VALUES ('old', 'kv', '{}', 't', 0)"))
        _, kept = restore_postgresql(file, target, tmp_path / "other", clock=CLOCK, derive=derive)
        _holds(target)
    restore_sqlite(kept, tmp_path / "before", clock=CLOCK, derive=derive)
    with closing(Database.open(tmp_path / "before" / "omnicore.db")) as before:
        assert before.rows("SELECT count(*) FROM grants") == [(1,)]


def test_numbered_rows_go_on_after_the_highest(file: Path, store: Store, tmp_path: Path, postgresql_url: str) -> None:
    store.close()
    with closing(PostgresDatabase.open(postgresql_url, alone=True, timeout_s=2)) as target:
        restore_postgresql(file, target, tmp_path / "other", clock=CLOCK, derive=derive)
        insert = "INSERT INTO vector_collections (owner, name, dimensions, metric, seq, purged, live, created_at)"
        found = target.apply(
            lambda session: session.execute(f"{insert} VALUES ('p', 'c', 1, 'l2', 0, 0, 0, 0) RETURNING key").fetchone()
        )
        assert found == (1,)


def test_a_backup_holds_one_instant_while_others_write(
    store: Store, open_store: OpenStore, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(store)
    other = open_store()
    seen: list[str] = []

    def writing(folder: Path) -> list[tuple[str, Path]]:
        KvTable(other, CLOCK).put("p", "late", b"")
        seen.append(folder.name)
        return []

    monkeypatch.setattr("omnicore.storage.backup.files_of", writing)
    backup(store, data, tmp_path / "b", clock=CLOCK)
    monkeypatch.undo()
    assert seen == ["data"]
    restore_sqlite(tmp_path / "b", tmp_path / "other", clock=CLOCK, derive=derive)
    with closing(Database.open(tmp_path / "other" / "omnicore.db")) as copy:
        _holds(copy)


def test_the_old_file_is_kept_beside_the_new(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with closing(Database.open(other / "omnicore.db")) as store:
        KvTable(store, CLOCK).put("old", "key", b"1")
    _, kept = restore_sqlite(file, other, clock=CLOCK, derive=derive)
    assert kept is not None
    with closing(Database.open(kept)) as old:
        assert KvTable(old, CLOCK).totals("old").keys == 1
    with closing(Database.open(other / "omnicore.db")) as new:
        assert KvTable(new, CLOCK).totals("old").keys == 0


def test_a_damaged_database_is_replaced_and_kept_with_its_log(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "vectors").mkdir(parents=True)
    (other / "vectors" / "1.index").write_bytes(b"of the old rows")
    (other / "omnicore.db").write_bytes(b"rubbish" * 1000)
    (other / "omnicore.db-wal").write_bytes(b"more rubbish")
    _, kept = restore_sqlite(file, other, clock=CLOCK, derive=derive)
    assert kept is not None
    assert kept.read_bytes() == b"rubbish" * 1000
    assert not (other / "vectors").exists()
    with closing(Database.open(other / "omnicore.db")) as store:
        _holds(store)


def test_a_database_in_use_is_not_replaced(file: Path, tmp_path: Path, postgresql_url: str) -> None:
    other = tmp_path / "other"
    with (
        closing(Database.open(other / "omnicore.db")) as store,
        pytest.raises(StorageFailed, match=r"is open in another process; stop the server"),
    ):
        restore_sqlite(file, other, clock=CLOCK, derive=derive)
    store.close()
    with closing(sqlite3.connect(other / "omnicore.db", isolation_level=None)) as foreign:
        foreign.execute("PRAGMA journal_mode=WAL")
        foreign.execute("BEGIN")
        foreign.execute("SELECT count(*) FROM kv").fetchone()
        with pytest.raises(StorageFailed, match="is locked by another process"):
            restore_sqlite(file, other, clock=CLOCK, derive=derive)
    with (
        closing(PostgresDatabase.open(postgresql_url)),
        pytest.raises(StorageFailed, match=r"is open in another process; stop the servers"),
    ):
        PostgresDatabase.open(postgresql_url, alone=True, timeout_s=0.1)


def test_nobody_opens_a_database_that_is_being_restored(postgresql_url: str, tmp_path: Path) -> None:
    with (
        closing(PostgresDatabase.open(postgresql_url, alone=True)),
        pytest.raises(StorageFailed, match="is being restored"),
    ):
        PostgresDatabase.open(postgresql_url, timeout_s=0.1)


def _rewritten(file: Path, target: Path, **changes: bytes) -> Path:
    """The backup with other bytes for some of its entries; the list still tells the old hashes."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name.replace(".", "_"), old.read(name)))
    return target


def _list(listed: dict[str, object], **changes: object) -> bytes:
    return json.dumps({**listed, **changes}).encode()


def _other_bytes(file: Path, target: Path, mark: bytes, at: int, count: int, flags: int | None = None) -> Path:
    """The backup with some bytes after the first of a mark overwritten; `flags` is where a name is said to be UTF-8."""
    data = bytearray(file.read_bytes())
    begin = data.index(mark)
    data[begin + at : begin + at + count] = b"\xff" * count
    if flags is not None:
        data[begin + flags : begin + flags + 2] = b"\x00\x08"
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_an_altered_backup_changes_nothing(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with closing(Database.open(other / "omnicore.db")):
        pass
    before = (other / "omnicore.db").read_bytes()
    with zipfile.ZipFile(file) as archive:
        listed = json.loads(archive.read("backup.json"))
        database = archive.read("omnicore.db")
    damaged = bytearray(database)
    damaged[4096:] = b"\xaa" * (len(database) - 4096)  # all but the first page
    outside = {**listed, "files": {**listed["files"], "../evil": [1, "00"]}}
    wrong_hash = _rewritten(file, tmp_path / "1", omnicore_db=bytes(damaged))
    told = {**listed, "files": {"omnicore.db": [len(damaged), hashlib.sha256(damaged).hexdigest()]}}
    attempts = {
        wrong_hash: "was altered",
        _rewritten(
            file, tmp_path / "2", omnicore_db=bytes(damaged), backup_json=json.dumps(told).encode()
        ): "database in .* (is damaged|cannot be read)",
        _rewritten(file, tmp_path / "3", backup_json=json.dumps(outside).encode()): "no backup of OmniCore",
        _rewritten(file, tmp_path / "4", backup_json=b"[" * 100_000): "no backup of OmniCore",
        _rewritten(file, tmp_path / "5", backup_json=b"[]"): "no backup of OmniCore",
        _rewritten(file, tmp_path / "6", omnicore_db=database + b"x"): "was altered",
        _rewritten(file, tmp_path / "8", backup_json=_list(listed, step=float("inf"))): "no backup of OmniCore",
        _rewritten(file, tmp_path / "9", backup_json=_list(listed, made_at=10**400)): "no backup of OmniCore",
        _rewritten(file, tmp_path / "a", backup_json=_list(listed, made_at=float("nan"))): "no backup of OmniCore",
        _other_bytes(file, tmp_path / "b", b"PK\x03\x04", 30 + len("omnicore.db") + 20, 10): "no backup, or damaged",
        _other_bytes(file, tmp_path / "c", b"PK\x01\x02", 46, 2, flags=8): "is no backup, or damaged",
    }
    (tmp_path / "7").write_bytes(file.read_bytes()[:-100])
    for bad, message in {**attempts, tmp_path / "7": "is no backup, or damaged"}.items():
        with pytest.raises(InvalidInput, match=message):
            restore_sqlite(bad, other, clock=CLOCK, derive=derive)
    with pytest.raises(StorageFailed, match="cannot be used"):
        restore_sqlite(tmp_path / "nothing", other, clock=CLOCK, derive=derive)
    assert (other / "omnicore.db").read_bytes() == before
    assert sorted(path.name for path in other.iterdir()) == ["omnicore.db", "omnicore.db.lock"]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER more AFTER UPDATE ON users BEGIN UPDATE users SET role = 'admin'; END",
        "CREATE VIEW seen AS SELECT * FROM users",
        "CREATE TRIGGER kv_gone AFTER DELETE ON kv BEGIN UPDATE users SET role = 'admin'; END",
    ],
)
def test_a_backup_whose_database_would_run_statements_of_somebody_is_refused(
    file: Path, tmp_path: Path, planted: str
) -> None:
    name, copy = planted.split()[2], tmp_path / "copy.db"
    with zipfile.ZipFile(file) as archive:
        copy.write_bytes(archive.read("omnicore.db"))
        listed = json.loads(archive.read("backup.json"))
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(planted)
        connection.commit()
    database = copy.read_bytes()
    files = {**listed["files"], "omnicore.db": [len(database), hashlib.sha256(database).hexdigest()]}
    bad = _rewritten(file, tmp_path / "bad", omnicore_db=database, backup_json=_list(listed, files=files))
    with pytest.raises(InvalidInput, match=name):
        restore_sqlite(bad, tmp_path / "other", clock=CLOCK, derive=derive)
    assert not (tmp_path / "other" / "omnicore.db").exists()


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_backup_of_a_newer_version_is_refused(store: Store, data: Path, tmp_path: Path) -> None:
    store.apply(lambda session: session.execute("INSERT INTO migrations VALUES (999, 'future', 0)"))
    backup(store, data, tmp_path / "b", clock=CLOCK)
    with pytest.raises(InvalidInput, match="newer OmniCore; upgrade"):
        restore_sqlite(tmp_path / "b", tmp_path / "other", clock=CLOCK, derive=derive)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_backup_is_for_this_user_only_and_overwrites_nothing(file: Path, store: Store, data: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_contents(file).size > 0
    with pytest.raises(Conflict, match="is there already"):
        backup(store, data, file, clock=CLOCK)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_backup_that_does_not_fit_leaves_nothing(
    file: Path, store: Store, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(tmp_path.rglob("*"))
    usage = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(StorageFailed, match="has no room for the"):
        restore_sqlite(file, data, clock=CLOCK, derive=derive)
    with pytest.raises(StorageFailed, match="cannot be used"):
        backup(store, data, data / "no" / "folder" / "b", clock=CLOCK)
    assert [path.name for path in set(tmp_path.rglob("*")) - set(before)] == ["omnicore.db.lock"]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_what_a_killed_backup_left_goes_with_the_next(store: Store, data: Path, tmp_path: Path) -> None:
    left = tmp_path / ".omnicore-0123456789ab"
    left.mkdir()
    (left / "omnicore.db").write_bytes(b"half")
    backup(store, data, tmp_path / "b", clock=CLOCK)
    assert not left.exists()


def test_both_databases_have_the_same_tables(postgresql_url: str, tmp_path: Path) -> None:
    with (
        closing(PostgresDatabase.open(postgresql_url)) as postgresql,
        closing(Database.open(tmp_path / "omnicore.db")) as sqlite,
    ):
        # Words of memories are kept in each database's own way, and made again after a restore.
        assert set(tables_of(postgresql)) - {"memory_words"} == set(tables_of(sqlite))


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_backup_follows_no_link_that_lies_where_it_is_written(store: Store, data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    (tmp_path / f".b.{os.getpid()}.partial").symlink_to(tmp_path / "mine")
    backup(store, data, tmp_path / "b", clock=CLOCK)
    assert (tmp_path / "mine").read_text() == "keep"
    assert not (tmp_path / "b").is_symlink()
