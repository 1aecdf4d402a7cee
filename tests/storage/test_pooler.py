"""Hosts behind pgbouncer in transaction mode, where the next statement may have another session."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.storage.pgbouncer import PGBOUNCER, pgbouncer
from tests.storage.postgresql_server import PostgresServer

from omnicore.config.settings import StorageSettings
from omnicore.errors import StorageBusy, StorageFailed
from omnicore.storage.database import open_store
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.store import Session

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not on this machine: apt install pgbouncer"),
]
ADD = "INSERT INTO grants (plugin, capability, scope, granted_by, granted_at) VALUES (?, 'kv', '{}', 'test', 0)"
COUNT = "SELECT count(*) FROM grants"


@pytest.fixture(scope="module")
def pooler(postgresql_server: PostgresServer) -> Iterator[str]:
    with pgbouncer(postgresql_server) as query:
        yield query


@pytest.fixture
def pooled_url(pooler: str, postgresql_url: str) -> str:
    """The test's database through the pooler."""
    return f"postgresql://omnicore@{urlsplit(postgresql_url).path}?{pooler}"


@pytest.fixture
def database(pooled_url: str) -> Iterator[PostgresDatabase]:
    with closing(PostgresDatabase.open(pooled_url, pooled=True)) as database:
        yield database


def _add(session: Session, name: str) -> int:
    return session.execute(ADD, (name,)).rowcount


def test_a_host_that_is_not_told_of_the_pooler_refuses_it_with_the_setting(pooled_url: str) -> None:
    for _ in range(3):
        with pytest.raises(
            StorageFailed, match=r"pooler in transaction mode; set storage\.pooler = true, and storage\."
        ):
            PostgresDatabase.open(pooled_url)


def test_a_pooler_in_session_mode_needs_no_setting(postgresql_server: PostgresServer, postgresql_url: str) -> None:
    with pgbouncer(postgresql_server, mode="session", size=8) as query:
        url = f"postgresql://omnicore@{urlsplit(postgresql_url).path}?{query}"
        with closing(PostgresDatabase.open(url)) as database:
            assert database.apply(lambda session: _add(session, "a")) == 1
            assert database.rows(COUNT) == [(1,)]


def test_many_threads_of_two_hosts_lose_and_double_nothing(
    database: PostgresDatabase, pooled_url: str, postgresql_url: str
) -> None:
    with closing(PostgresDatabase.open(pooled_url, pooled=True)) as other, ThreadPoolExecutor(16) as pool:

        def add(number: int) -> int:
            one = (database, other)[number % 2]
            one.rows("SELECT plugin FROM grants WHERE plugin = ?", (str(number),))
            return one.apply(lambda session: _add(session, str(number)), locks=[f"n{number % 5}"])

        assert list(pool.map(add, range(300))) == [1] * 300
        with database.write() as session:
            session.executemany(ADD, [(f"many {number}",) for number in range(100)])
        assert other.rows(COUNT) == [(400,)]
    with psycopg.connect(postgresql_url) as direct:  # nothing was left behind in the pooler's sessions
        found = direct.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        ).fetchone()
    assert found == (0,)


def test_the_sessions_of_the_pooler_keep_no_settings_and_no_statements(
    database: PostgresDatabase, pooled_url: str
) -> None:
    for number in range(10):
        database.apply(lambda session, number=number: _add(session, str(number)))
        database.rows(COUNT)
    with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as stranger:
        for _ in range(5):
            assert stranger.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
            for name, value in {
                "statement_timeout": "0",
                "lock_timeout": "0",
                "default_transaction_read_only": "off",
            }.items():
                assert stranger.execute(f"SHOW {name}").fetchone() == (value,)


def test_reads_only_read_and_statements_end_in_time(pooled_url: str) -> None:
    with closing(PostgresDatabase.open(pooled_url, pooled=True, statement_timeout_s=0.2)) as database:
        with pytest.raises(StorageFailed, match="standby"):
            database.rows("INSERT INTO grants (plugin) VALUES ('a') RETURNING 1")
        with pytest.raises(StorageFailed, match="took too long"):
            database.rows("SELECT pg_sleep(5)")
        with pytest.raises(StorageFailed, match="took too long"):
            database.apply(lambda session: session.execute("SELECT pg_sleep(5)").fetchall())
        assert database.rows(COUNT) == [(0,)]


def test_without_a_direct_url_changes_of_others_are_found_by_asking(
    database: PostgresDatabase, pooled_url: str
) -> None:
    assert database.changes() is None
    before = database.data_version()
    with closing(PostgresDatabase.open(pooled_url, pooled=True)) as other, other.write() as session:
        _add(session, "a")
    assert database.data_version() != before


def test_with_a_direct_url_others_are_heard_at_once(pooled_url: str, postgresql_url: str) -> None:
    async def listen(database: PostgresDatabase, other: PostgresDatabase) -> float:
        changes = await asyncio.to_thread(database.changes)
        assert changes is not None
        told = asyncio.Event()
        changes.begin(told.set)
        database.apply(lambda session: _add(session, "own"))
        began = time.monotonic()
        await asyncio.to_thread(other.apply, lambda session: _add(session, "others"))
        await asyncio.wait_for(told.wait(), 5)
        changes.close()
        return time.monotonic() - began

    with (
        closing(PostgresDatabase.open(pooled_url, pooled=True, direct_url=postgresql_url)) as database,
        closing(PostgresDatabase.open(pooled_url, pooled=True)) as other,
    ):
        assert asyncio.run(listen(database, other)) < 1.0


def test_a_restore_needs_a_direct_url_and_sees_hosts_behind_the_pooler(
    database: PostgresDatabase, pooled_url: str, postgresql_url: str
) -> None:
    with pytest.raises(StorageFailed, match=r"nobody has a database alone; set storage\.direct_url"):
        PostgresDatabase.open(pooled_url, pooled=True, alone=True)
    database.rows(COUNT)
    with pytest.raises(StorageFailed, match="is in use; stop the hosts"):
        PostgresDatabase.open(pooled_url, pooled=True, direct_url=postgresql_url, alone=True)


def test_a_host_that_stands_still_in_a_transaction_holds_nobody_up_for_two_seconds(
    database: PostgresDatabase, pooled_url: str
) -> None:
    with closing(PostgresDatabase.open(pooled_url, pooled=True)) as other:

        def standing() -> None:
            with database.write(locks=["noun"]) as session:
                _add(session, "one")
                other.apply(lambda session: _add(session, "one"), locks=["noun"])

        began = time.monotonic()
        with pytest.raises(StorageFailed):
            standing()
        assert time.monotonic() - began < 2.5
        assert other.rows("SELECT plugin FROM grants") == [("one",)]


def test_a_stranger_that_holds_a_row_is_named_in_time(database: PostgresDatabase, postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url, application_name="psql") as stranger:
        stranger.execute("INSERT INTO grants VALUES ('held', 'kv', '{}', 'test', 0)")
        began = time.monotonic()
        with pytest.raises(StorageBusy, match=r"psql, idle in transaction"), database.write() as session:
            _add(session, "held")
        assert time.monotonic() - began < 2.0
        free = threading.Thread(target=lambda: database.apply(lambda session: _add(session, "free")))
        free.start()
        free.join(1.0)
        assert not free.is_alive()


def test_the_settings_lead_through_the_pooler(pooled_url: str, postgresql_url: str, tmp_path: Path) -> None:
    options = replace(StorageSettings(), url=pooled_url, pooler=True, direct_url=postgresql_url)
    with closing(open_store(options, tmp_path)) as store:
        assert store.apply(lambda session: _add(session, "a")) == 1
        changes = store.changes()
        assert changes is not None
        changes.close()


def test_a_backup_is_made_of_one_instant_through_the_pooler(database: PostgresDatabase) -> None:
    database.apply(lambda session: _add(session, "before"))
    with database.snapshot() as ask:
        assert list(ask(COUNT)) == [(1,)]
        database.apply(lambda session: _add(session, "meanwhile"))
        assert list(ask(COUNT)) == [(1,)]
    assert database.rows(COUNT) == [(2,)]
