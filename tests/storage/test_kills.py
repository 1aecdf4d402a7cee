"""Processes that are killed, and disks that fill up, in the middle of their work: nothing acknowledged is lost."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from tests.storage.stores import STEPS_SEEN

from omnicore.config.settings import StorageSettings
from omnicore.errors import StorageFailed
from omnicore.storage import migrations, postgresql
from omnicore.storage.database import Database, open_store
from omnicore.storage.migrations import NEWEST
from omnicore.storage.store import Session, Store

ADD = "INSERT INTO grants VALUES (?, 'kv', ?, 'test', 0)"
SPAWN = multiprocessing.get_context("spawn")


def _opened(place: str) -> Store:
    if place.startswith("postgresql://"):
        return postgresql.PostgresDatabase.open(place)
    return Database.open(Path(place))


@pytest.fixture
def place(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A new database, without tables."""
    if dialect == "sqlite":
        return str(tmp_path / "omnicore.db")
    return str(request.getfixturevalue("empty_postgresql_url"))


def _write_for_ever(place: str, answers: int) -> None:
    store = _opened(place)

    def adding(name: str) -> Callable[[Session], object]:
        # Two rows: either both of them are there, or none.
        return lambda session: [session.execute(ADD, (f"{name}{half}", "x" * 200)).rowcount for half in "ab"]

    def worker(number: int) -> None:
        for turn in range(1_000_000):
            name = f"{number}-{turn}"
            store.apply(adding(name))
            os.write(answers, f"{name}\n".encode())

    for number in range(6):
        threading.Thread(target=worker, args=(number,)).start()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("acknowledged", [1, 40, 150])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(place: str, acknowledged: int) -> None:
    _opened(place).close()
    reading, writing = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(place, writing))
    process.start()
    os.close(writing)
    with os.fdopen(reading) as answers:
        said = [next(answers).strip() for _ in range(acknowledged)]
        process.kill()
        said += [line.strip() for line in answers if line.endswith("\n")]
    process.join()
    with closing(_opened(place)) as store:
        kept = {name for (name,) in store.rows("SELECT plugin FROM grants")}
        assert {f"{name}{half}" for name in said for half in "ab"} <= kept
        assert {name[:-1] + "a" for name in kept} == {name[:-1] + "a" for name in kept if name[:-1] + "b" in kept}
        store.check()
        assert store.apply(lambda session: session.execute(ADD, ("after", "")).rowcount) == 1


def _migrate_and_die(place: str, after: int) -> None:
    """Dies when that many steps have been applied."""
    made = 0

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            nonlocal made
            if made == after:
                os.kill(os.getpid(), signal.SIGKILL)
            made += 1
            return real(*arguments)

        return counted

    migrations.statements = dying(migrations.statements)
    postgresql.statements = dying(postgresql.statements)
    _opened(place)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("after", [0, 5, 19])
def test_a_migration_that_is_killed_has_done_nothing_or_all(place: str, after: int) -> None:
    process = multiprocessing.get_context("fork").Process(target=_migrate_and_die, args=(place, after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with closing(_opened(place)) as store:
        assert store.rows(STEPS_SEEN) == [(NEWEST, NEWEST)]
        assert store.apply(lambda session: session.execute(ADD, ("after", "")).rowcount) == 1
        store.check()


def _fill_the_disk(file: str, answers: Connection) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the system then answers with an error, as a full disk does
    store = Database.open(Path(file))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    kept = 0
    try:
        for number in range(10_000):
            store.apply(lambda session, name=f"p{number}": session.execute(ADD, (name, "x" * 5000)).rowcount)
            kept += 1
    except StorageFailed as error:
        answers.send((kept, str(error)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    answers.send(store.apply(lambda session: session.execute(ADD, ("room again", "")).rowcount))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_file_that_cannot_grow_fails_the_write_and_goes_on_when_it_can(place: str) -> None:
    answers, theirs = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_fill_the_disk, args=(place, theirs))
    process.start()
    theirs.close()
    kept, message = answers.recv()
    assert answers.recv() == 1
    process.join()
    assert "disk" in message
    assert "free space" in message
    with closing(_opened(place)) as store:
        assert store.rows("SELECT count(*) FROM grants") == [(kept + 1,)]
        store.check()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Database]:
    """A database that cannot take another page."""
    with closing(Database.open(tmp_path / "omnicore.db")) as database:
        with database.write() as session:
            pages = session.execute("PRAGMA page_count").fetchone()[0]
            session.execute(f"PRAGMA max_page_count={pages + 2}")
        yield database


def test_on_a_full_disk_all_who_share_the_commit_are_told(full: Database) -> None:
    begun, go = threading.Event(), threading.Event()
    answers: dict[str, object] = {}

    def holding(session: Session) -> None:
        begun.set()
        assert go.wait(60)

    def worker(name: str, work: Callable[[Session], object]) -> None:
        try:
            answers[name] = full.apply(work)
        except StorageFailed as error:
            answers[name] = error.details["reason"]

    def large(session: Session) -> None:
        session.executemany(ADD, [(f"p{number}", "x" * 1000) for number in range(1000)])

    def small(session: Session) -> int:
        return session.execute(ADD, ("small", "")).rowcount

    threads = [threading.Thread(target=worker, args=("holder", holding))]
    threads[0].start()
    assert begun.wait(60)
    for name, work in (("small", small), ("large", large)):
        threads.append(threading.Thread(target=worker, args=(name, work)))
        threads[-1].start()
        while len(full._group._waiting) < len(threads) - 1:
            threads[-1].join(0.001)
    go.set()
    for thread in threads:
        thread.join(60)
    assert answers == {"holder": None, "small": "SQLITE_FULL", "large": "SQLITE_FULL"}
    assert full.rows("SELECT count(*) FROM grants") == [(0,)]
    assert full.apply(small) == 1


def test_bytes_that_were_damaged_under_a_running_host_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "omnicore.db"
    with closing(Database.open(file)) as database, database.write() as session:
        session.executemany(ADD, [(f"p{number}", "x" * 500) for number in range(2000)])
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 10 * 8)
        stream.write(os.urandom(file.stat().st_size // 10))
    with closing(open_store(StorageSettings(), tmp_path, check=False)) as store:
        for use in (lambda: store.rows("SELECT * FROM grants"), store.check):
            with pytest.raises(StorageFailed, match=r"is damaged; restore a backup"):
                use()


def test_a_lock_of_a_stranger_is_waited_for_and_then_named(tmp_path: Path) -> None:
    Database.open(tmp_path / "omnicore.db").close()
    with closing(sqlite3.connect(tmp_path / "omnicore.db", isolation_level=None)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        with closing(Database.open(tmp_path / "omnicore.db", busy_timeout_s=0.05)) as store:
            with pytest.raises(StorageFailed, match="is locked by another process"):
                store.apply(lambda session: session.execute(ADD, ("a", "")).rowcount)
            stranger.execute("ROLLBACK")
            assert store.apply(lambda session: session.execute(ADD, ("a", "")).rowcount) == 1
