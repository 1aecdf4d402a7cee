"""What only PostgreSQL does: servers that go away, refuse, are slow or full."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, nullcontext, suppress
from typing import Any

import psycopg
import pytest
from tests.storage.postgresql_server import PostgresServer

from omnicore.errors import InvalidSetting, StorageBusy, StorageFailed
from omnicore.storage.migrations import NEWEST
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.postgresql_link import postgresql_failed, read_url
from omnicore.storage.store import Session

ADD = "INSERT INTO grants VALUES (?, 'kv', '{}', 'test', 0)"
END_WRITERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE application_name = 'omnicore' AND datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def database(postgresql_url: str) -> Iterator[PostgresDatabase]:
    with closing(PostgresDatabase.open(postgresql_url)) as database:
        yield database


def _add(database: PostgresDatabase, name: str) -> None:
    database.apply(lambda session: session.execute(ADD, (name,)).rowcount)


def _names(database: PostgresDatabase) -> list[str]:
    return [name for (name,) in database.rows("SELECT plugin FROM grants ORDER BY plugin")]


def _cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(END_WRITERS)


def test_whoever_listens_is_told_when_the_connection_ends(database: PostgresDatabase, postgresql_url: str) -> None:
    async def listen() -> None:
        changes = await asyncio.to_thread(database.changes)
        told = asyncio.Event()
        changes.begin(told.set)
        await asyncio.to_thread(_cut, postgresql_url)
        await asyncio.wait_for(told.wait(), 10)
        assert not changes.works
        changes.close()

    asyncio.run(listen())


def test_when_a_listening_connection_ended_the_loop_takes_the_next_socket_of_its_number(
    database: PostgresDatabase, postgresql_server: PostgresServer
) -> None:
    async def listen() -> None:
        loop = asyncio.get_running_loop()
        changes = await asyncio.to_thread(database.changes)
        told = asyncio.Event()
        changes.begin(told.set)
        number = changes._ear._connection.fileno()
        await asyncio.to_thread(postgresql_server.kill)
        try:
            await asyncio.wait_for(told.wait(), 10)
        finally:
            await asyncio.to_thread(postgresql_server.start)
        with ExitStack() as stack:
            sockets = [stack.enter_context(one) for _ in range(20) for one in socket.socketpair()]
            assert number in [one.fileno() for one in sockets]
            for one in sockets:
                loop.add_writer(one, told.set)
                loop.remove_writer(one)

    asyncio.run(listen())


def test_a_server_that_was_killed_is_used_again_when_it_is_back(
    database: PostgresDatabase, postgresql_server: PostgresServer
) -> None:
    _add(database, "before")
    postgresql_server.kill()
    try:
        for use in (lambda: _names(database), lambda: _add(database, "lost"), database.data_version):
            with pytest.raises(StorageFailed, match=r"does not answer; see that PostgreSQL runs"):
                use()
    finally:
        postgresql_server.start()
    assert _names(database) == ["before"]
    _add(database, "after")
    assert _names(database) == ["after", "before"]


def test_a_server_that_was_restarted_meanwhile_is_not_noticed(
    database: PostgresDatabase, postgresql_server: PostgresServer
) -> None:
    _add(database, "a")
    assert _names(database) == ["a"]
    postgresql_server.kill()
    postgresql_server.start()
    _add(database, "b")
    assert _names(database) == ["a", "b"]


def test_work_whose_connection_broke_before_the_commit_is_done_again(
    database: PostgresDatabase, postgresql_url: str
) -> None:
    turns: list[int] = []

    def work(session: Session) -> int:
        turns.append(1)
        session.execute(ADD, ("a",))
        if len(turns) == 1:
            _cut(postgresql_url)
        return session.execute("SELECT count(*) FROM grants").fetchone()[0]

    assert database.apply(work) == 1
    assert len(turns) == 2
    assert _names(database) == ["a"]


def test_a_block_whose_connection_broke_fails_and_keeps_nothing(
    database: PostgresDatabase, postgresql_url: str
) -> None:
    def broken(*, then: bool, swallowed: bool = False) -> None:
        with database.write() as session:
            session.execute(ADD, ("a",))
            _cut(postgresql_url)
            if then:
                with suppress(psycopg.Error) if swallowed else nullcontext():
                    session.execute(ADD, ("b",))

    with pytest.raises(StorageFailed, match="does not answer; see that"):
        broken(then=True)
    with pytest.raises(StorageFailed, match="does not answer, and nothing was saved"):
        broken(then=True, swallowed=True)
    with pytest.raises(StorageFailed, match="during a commit; check whether"):
        broken(then=False)
    assert _names(database) == []


def test_work_whose_commit_was_cut_off_is_not_done_again(database: PostgresDatabase, postgresql_url: str) -> None:
    turns: list[int] = []

    def work(session: Session) -> None:
        turns.append(1)
        session.execute(ADD, ("a",))
        _cut(postgresql_url)

    with pytest.raises(StorageFailed, match="during a commit"):
        database.apply(work)
    assert turns == [1]


def test_a_work_that_keeps_losing_its_connection_ends(database: PostgresDatabase, postgresql_url: str) -> None:
    turns: list[int] = []

    def work(session: Session) -> None:
        turns.append(1)
        _cut(postgresql_url)
        session.execute(ADD, ("a",))

    with pytest.raises(StorageFailed, match="does not answer"):
        database.apply(work)
    assert len(turns) == 3


def test_a_broken_connection_of_a_reader_is_replaced(database: PostgresDatabase, postgresql_url: str) -> None:
    assert _names(database) == []
    _cut(postgresql_url)
    assert _names(database) == []


def test_a_writer_that_holds_a_row_too_long_is_named(postgresql_url: str) -> None:
    with (
        closing(PostgresDatabase.open(postgresql_url)) as holder,
        closing(PostgresDatabase.open(postgresql_url, lock_timeout_s=0.05)) as waiting,
    ):
        with holder.write() as session:
            session.execute(ADD, ("a",))
            with pytest.raises(StorageBusy, match=r"waited too long for a lock .* nothing was kept; try again"):
                _add(waiting, "a")
            _add(waiting, "b")
        _add(waiting, "c")
        assert _names(waiting) == ["a", "b", "c"]


def test_a_statement_that_takes_too_long_is_cut_off(postgresql_url: str) -> None:
    with closing(PostgresDatabase.open(postgresql_url, statement_timeout_s=0.4)) as database:
        with pytest.raises(StorageFailed, match="took too long"):
            database.rows("SELECT pg_sleep(30)")
        with pytest.raises(StorageFailed, match="took too long"):
            database.apply(lambda session: session.execute("SELECT pg_sleep(30)").fetchone())
        _add(database, "a")


def test_a_writer_that_stands_still_does_not_hold_up_the_others(postgresql_url: str) -> None:
    with (
        closing(PostgresDatabase.open(postgresql_url, statement_timeout_s=0.5)) as still,
        closing(PostgresDatabase.open(postgresql_url)) as other,
    ):

        def standing() -> None:
            with still.write() as session:
                session.execute(ADD, ("one",))
                _add(other, "one")

        with pytest.raises(StorageFailed):
            standing()
        assert _names(other) == ["one"]


def test_more_queries_than_connections_wait_and_then_fail(postgresql_url: str) -> None:
    with closing(PostgresDatabase.open(postgresql_url, readers=1, timeout_s=0.2)) as database:
        done: list[Any] = []
        with psycopg.connect(postgresql_url) as holder:
            holder.execute("LOCK TABLE grants IN ACCESS EXCLUSIVE MODE")
            thread = threading.Thread(target=lambda: done.append(_names(database)))
            thread.start()
            while not database.place or database._link._free._value:  # type: ignore[attr-defined]
                thread.join(0.005)
            with pytest.raises(StorageFailed, match=r"are in use; raise storage\.connections"):
                database.rows("SELECT 1")
        thread.join(60)
        assert done == [[]]


def test_refusals_say_why_and_show_no_credentials(postgresql_server: PostgresServer) -> None:
    postgresql_server.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'; CREATE ROLE full_up LOGIN CONNECTION LIMIT 0")
    url = postgresql_server.url("migrated")
    cases = {
        url.replace("omnicore:never-shown", "guarded:wr0ng"): "refuses the credentials; check the user",
        url.replace("omnicore:", "nobody_here:"): "refuses the credentials",
        url.replace("/migrated", "/missing"): "has no such database; make it",
        url.replace("omnicore:", "full_up:"): "has no connection left",
        "postgresql://guarded:wr0ng@127.0.0.1:1/x": "does not answer",
    }
    for bad, message in cases.items():
        with pytest.raises(StorageFailed, match=message) as caught:
            PostgresDatabase.open(bad)
        told = f"{caught.value} {caught.value.details}"
        assert not [word for word in ("wr0ng", "never-shown", "guarded", "nobody_here", "full_up") if word in told]
    postgresql_server.sql("DROP ROLE guarded; DROP ROLE full_up")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (psycopg.errors.DiskFull, "the disk is full; free space"),
        (psycopg.errors.TooManyConnections, "has no connection left"),
        (psycopg.errors.SerializationFailure, "transactions collide; try again"),
        (psycopg.errors.InsufficientPrivilege, "refuses this user"),
        (psycopg.errors.ReadOnlySqlTransaction, "is a standby"),
        (psycopg.errors.DataCorrupted, "is damaged; restore a backup"),
        (psycopg.errors.AdminShutdown, "does not answer"),
        (psycopg.errors.IoError, "look at the log of the server"),
        (psycopg.errors.SyntaxError, "failed: .*; see the reason"),
    ],
)
def test_each_failure_says_what_to_do(error: type[psycopg.Error], message: str) -> None:
    with pytest.raises(StorageFailed, match=message) as caught:
        raise postgresql_failed(error("words"), "postgresql://host/name")
    assert caught.value.details == {"path": "postgresql://host/name", "reason": error.sqlstate}


def test_a_standby_that_refuses_the_beginning_of_a_write_is_called_one() -> None:
    refused = psycopg.errors.FeatureNotSupported("cannot set transaction read-write mode during recovery")
    assert "it is a standby; point storage.url" in str(postgresql_failed(refused, "postgresql://host/name"))


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://u:secret@h/d", "postgresql://u:sec%ret@h/d", "postgresql://u:secret@h/d?no=1", ""),
        *("postgresql://u:top@secret@h/d", "postgresql://u:top/secret@h/d", "postgresql://u:top/secret"),
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"storage\.url is no URL") as caught:
        read_url(url)
    assert "sec" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_place_names_host_and_database_only() -> None:
    parameters, place = read_url("postgresql://me:p%40ss@db.example:5433/main?sslmode=require")
    assert place == "postgresql://db.example:5433/main"
    assert (parameters["password"], parameters["sslmode"]) == ("p@ss", "require")


def _open_at_once(url: str, gate: multiprocessing.synchronize.Barrier, answers: multiprocessing.Queue) -> None:
    gate.wait()
    try:
        PostgresDatabase.open(url).close()
        answers.put("")
    except StorageFailed as error:
        answers.put(str(error))


def test_processes_that_open_a_new_database_at_once_agree(empty_postgresql_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_open_at_once, args=(empty_postgresql_url, gate, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [""] * 3
    for process in processes:
        process.join()


def test_a_database_of_a_newer_version_is_left_alone(database: PostgresDatabase, postgresql_url: str) -> None:
    database.apply(lambda session: session.execute("INSERT INTO migrations VALUES (?, 'future', 0)", (NEWEST + 1,)))
    with pytest.raises(StorageFailed, match=r"written by a newer OmniCore .*; upgrade OmniCore"):
        PostgresDatabase.open(postgresql_url)


def test_a_database_in_another_encoding_is_refused(postgresql_server: PostgresServer) -> None:
    postgresql_server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(StorageFailed, match="not encoded in UTF-8"):
        PostgresDatabase.open(postgresql_server.url("latin"))
    postgresql_server.sql("DROP DATABASE latin")


def test_check_finds_a_table_that_cannot_be_read(
    database: PostgresDatabase, postgresql_url: str, postgresql_server: PostgresServer
) -> None:
    with database.write() as session:
        session.executemany(ADD, [(f"p{number}",) for number in range(100)])
    database.check()
    file = postgresql_server.folder / "data" / database.rows("SELECT pg_relation_filepath('grants')")[0][0]
    database.close()
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    postgresql_server.stop()
    with file.open("r+b") as stream:
        stream.write(b"\xff" * 8192)
    postgresql_server.start()
    with (
        closing(PostgresDatabase.open(postgresql_url)) as damaged,
        pytest.raises(StorageFailed, match="is damaged; restore a backup"),
    ):
        damaged.check()
