"""Connectors to databases, against real servers: what may be read and written, and what stays bounded."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.connectors.database_servers import mariadb_server

from omnicore.config.folders import project_data
from omnicore.connectors.kind import Opening, ServiceClient, find_kind
from omnicore.errors import InvalidInput, LimitExceeded, OmniError, ServiceRefused, Unavailable


@dataclass(frozen=True)
class Database:
    """A kind with the settings that reach a real one, its mark for a parameter and its endless query."""

    kind: str
    config: Mapping[str, Any]
    mark: str
    credentials: Mapping[str, str]
    endless: str

    def opening(self, **more: Any) -> Opening:
        config = {**self.config, **more.pop("config", {})}
        return Opening("shop", config, self.credentials, **more)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Path]:
    if not shutil.which("mariadbd"):
        pytest.skip("MariaDB is not on this machine: apt install mariadb-server")
    with mariadb_server() as place:
        yield place


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    writable = {"writable": True}
    if request.param == "sqlite":
        sqlite3.connect(tmp_path / "shop.db").close()
        (tmp_path / "shop.db").touch()
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        return Database("sqlite", {"file": str(tmp_path / "shop.db"), **writable}, "?", {}, endless)
    if request.param == "postgresql":
        url = urlsplit(request.getfixturevalue("postgresql_url"))
        config = {"host": parse_qs(url.query)["host"][0], "database": url.path[1:], "user": url.username, **writable}
        return Database("postgresql", config, "%s", {"password": "x"}, "SELECT generate_series(1, 1000000000)")
    place = request.getfixturevalue("mariadb")
    config = {"socket": str(place), "database": "mysql", "user": "root", **writable}
    endless = "SELECT seq FROM seq_1_to_1000000000"
    return Database("mysql", config, "%s", {}, endless)


@asynccontextmanager
async def opened(database: Database, **more: Any) -> AsyncIterator[ServiceClient]:
    client = await find_kind(database.kind).open(database.opening(**more))
    try:
        yield client
    finally:
        await client.close()


def with_table(test: Callable[[ServiceClient, Database], Any]) -> Callable[[Database], None]:
    """A test with a table of two goods, which is gone afterwards."""

    def run(database: Database) -> None:
        async def body() -> None:
            async with asyncio.timeout(60), opened(database) as client:
                text = "VARCHAR(40)" if database.kind == "mysql" else "TEXT"
                await change(client, "DROP TABLE IF EXISTS goods")
                await change(client, f"CREATE TABLE goods (name {text}, price INTEGER)")
                marks = f"({database.mark}, {database.mark})"
                await change(client, f"INSERT INTO goods VALUES {marks}, {marks}", "tea", 3, "it's", None)
                try:
                    await test(client, database)
                finally:
                    await change(client, "DROP TABLE goods")

        asyncio.run(body())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def change(client: ServiceClient, sql: str, *parameters: Any) -> int:
    done = await client.call("execute", {"sql": sql, "parameters": list(parameters)}, timeout_s=30)
    return int(done["changed"])


async def read(client: ServiceClient, sql: str, *parameters: Any) -> Any:
    return await client.call("query", {"sql": sql, "parameters": list(parameters)}, timeout_s=30)


@with_table
async def test_rows_are_written_and_read(client: ServiceClient, database: Database) -> None:
    found = await read(client, f"SELECT name, price FROM goods WHERE name <> {database.mark} ORDER BY name", "x")
    assert found == {"columns": ["name", "price"], "rows": [["it's", None], ["tea", 3]], "truncated": False}
    assert await change(client, "UPDATE goods SET price = 4") == 2
    await client.probe()


@with_table
async def test_a_value_is_never_part_of_the_statement(client: ServiceClient, database: Database) -> None:
    hostile = "x'; DROP TABLE goods; --"
    await change(client, f"INSERT INTO goods VALUES ({database.mark}, 1)", hostile)
    found = await read(client, f"SELECT price FROM goods WHERE name = {database.mark}", hostile)
    assert found["rows"] == [[1]]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM goods",
        "COMMIT; DELETE FROM goods",
        "SELECT 1; DELETE FROM goods",
        "ROLLBACK; DELETE FROM goods; COMMIT",
        "BEGIN NOT ATOMIC COMMIT; DELETE FROM goods; COMMIT; END",
        "/*!50000 BEGIN */ NOT ATOMIC COMMIT; DELETE FROM goods; COMMIT; END",
        "--\nBEGIN NOT ATOMIC COMMIT; DELETE FROM goods; COMMIT; /*\nSELECT */ END",
        "#\nBEGIN NOT ATOMIC COMMIT; DELETE FROM goods; COMMIT; /*\nSELECT */ END",
        "/**/BEGIN NOT ATOMIC COMMIT; DELETE FROM goods; COMMIT; /*\nSELECT */ END",
        "EXECUTE IMMEDIATE 'BEGIN NOT ATOMIC COMMIT; DELETE FROM goods; COMMIT; END'",
        "IF 1 THEN COMMIT; DELETE FROM goods; COMMIT; END IF",
        "DO $$ BEGIN COMMIT; DELETE FROM goods; COMMIT; END $$",
        "DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM goods; END $$",
        "DO $$ BEGIN PERFORM set_config('transaction_read_only', 'off', false); DELETE FROM goods; END $$",
        "WITH gone AS (DELETE FROM goods RETURNING 1) SELECT count(*) FROM gone",
    ],
)
def test_a_query_changes_nothing(sql: str, database: Database) -> None:
    @with_table
    async def test(client: ServiceClient, database: Database) -> None:
        with pytest.raises(OmniError):
            await read(client, sql)
        assert (await read(client, "SELECT count(*) FROM goods"))["rows"] == [[2]]

    test(database)


@with_table
async def test_a_transaction_cannot_be_turned_into_one_that_writes(client: ServiceClient, database: Database) -> None:
    for sql in ("SET TRANSACTION READ WRITE", "COMMIT", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"):
        with suppress(OmniError):
            await read(client, sql)
        with pytest.raises(OmniError):
            await read(client, "DELETE FROM goods")
    assert (await read(client, "SELECT count(*) FROM goods"))["rows"] == [[2]]


def test_nothing_stays_behind_in_a_session(database: Database) -> None:
    left = {
        "sqlite": ("CREATE TEMP TABLE mine (x INTEGER)", "SELECT * FROM mine", None),
        "postgresql": ("SET search_path TO nowhere", "SHOW search_path", '"$user", public'),
        "mysql": ("SET @mine = 7", "SELECT @mine", None),
    }[database.kind]

    async def body() -> None:
        async with opened(database) as client:
            await change(client, left[0])
            try:
                found = (await read(client, left[1]))["rows"][0][0]
            except ServiceRefused:
                found = None
            assert found == left[2]

    asyncio.run(body())


def test_rows_stop_at_the_most_that_are_wanted(database: Database) -> None:
    async def body() -> None:
        async with opened(database, config={"max_rows": 5}) as client:
            found = await read(client, database.endless)
            assert (len(found["rows"]), found["truncated"]) == (5, True)
            assert (await read(client, "SELECT 1"))["rows"] == [[1]]

    asyncio.run(asyncio.wait_for(body(), 60))


def test_rows_that_are_too_large_are_refused(database: Database) -> None:
    async def body() -> None:
        async with opened(database, config={"max_rows": 100_000}, output_bytes=1000) as client:
            with pytest.raises(LimitExceeded, match="fewer rows"):
                await read(client, database.endless)

    asyncio.run(asyncio.wait_for(body(), 60))


def test_a_call_that_is_cancelled_ends_and_the_next_one_works(database: Database) -> None:
    slow = {"sqlite": f"SELECT max(i) FROM ({database.endless})", "mysql": "SELECT sleep(60)"}
    sql = slow.get(database.kind, "SELECT pg_sleep(60)")

    async def body() -> None:
        async with opened(database, concurrency=1, config={"functions": ["sleep", "pg_sleep"]}) as client:
            with pytest.raises((TimeoutError, OmniError)):
                async with asyncio.timeout(0.2):
                    await client.call("query", {"sql": sql}, timeout_s=0.5)
            assert (await read(client, "SELECT 1"))["rows"] == [[1]]

    asyncio.run(asyncio.wait_for(body(), 60))


def test_a_connector_that_only_reads_refuses_to_write(database: Database) -> None:
    async def body() -> None:
        async with opened(database, config={"writable": False}) as client:
            with pytest.raises(InvalidInput, match="only reads; the operator sets `writable`"):
                await change(client, "SELECT 1")

    asyncio.run(body())


def test_a_statement_that_is_wrong_says_what_the_database_says(database: Database) -> None:
    async def body() -> None:
        async with opened(database) as client:
            for sql, values in (
                ("SELECT * FROM missing_one", []),
                (f"SELECT {database.mark}", [1, 2]),
            ):
                with pytest.raises(ServiceRefused, match="correct the statement"):
                    await read(client, sql, *values)
            with pytest.raises(InvalidInput, match="parameter 0"):
                await read(client, f"SELECT {database.mark}", {"a": 1})

    asyncio.run(body())


def test_what_no_database_can_take_is_the_callers_fault(database: Database) -> None:
    """A failure of the server would count against the connector, which other plugins use as well."""

    async def body() -> None:
        async with opened(database) as client:
            mark = database.mark
            for sql, values in (
                ("SELECT 1; SELECT 2", []),
                ("SELECT 1\0", []),
                (f"SELECT {mark} + {mark}", [2**70, 1.0]),
                (f"SELECT {mark}", []),
                ("SELECT %(name)s", [1]),
                ("SELECT %q", [1]),
                ("SELECT 5 % 2", [1]),
                ("", []),
                ("--", []),
            ):
                with suppress(InvalidInput, ServiceRefused):
                    await read(client, sql, *values)

    asyncio.run(body())


def test_a_server_that_is_not_there_is_a_passing_failure(database: Database, tmp_path: Path) -> None:
    away = {
        "sqlite": {"file": str(tmp_path / "none.db")},
        "postgresql": {"host": "127.0.0.1", "port": 1},
        "mysql": {"socket": str(tmp_path / "none")},
    }[database.kind]

    async def body() -> None:
        async with opened(database, config=away) as client:
            with pytest.raises((Unavailable, InvalidInput)):
                await read(client, "SELECT 1")
            with pytest.raises((Unavailable, InvalidInput)):
                await client.probe()

    asyncio.run(body())


def test_sqlite_reaches_no_other_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.executescript("CREATE TABLE t (x)")
    database = Database("sqlite", {"file": str(tmp_path / "a.db"), "writable": True}, "?", {}, "")

    async def body() -> None:
        async with opened(database) as client:
            for sql in (f"ATTACH '{tmp_path}/b.db' AS b", "PRAGMA journal_mode=OFF", f"VACUUM INTO '{tmp_path}/c.db'"):
                with pytest.raises(ServiceRefused):
                    await change(client, sql)

    asyncio.run(body())
    assert [path.name for path in tmp_path.glob("[bc].db")] == []


def test_sqlite_never_opens_the_hosts_own_files(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "omnicore.db").close()
    (tmp_path / "link.db").symlink_to(tmp_path / "omnicore.db")

    async def body(file: Path) -> None:
        database = Database("sqlite", {"file": str(file)}, "?", {}, "")
        async with opened(database, data=tmp_path) as client:
            with pytest.raises(InvalidInput, match="the host's own"):
                await read(client, "SELECT 1")

    asyncio.run(body(tmp_path / "omnicore.db"))
    asyncio.run(body(tmp_path / "link.db"))


def test_sqlite_never_opens_the_state_of_another_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    other = project_data(tmp_path / "other") / "omnicore.db"
    other.parent.mkdir(parents=True)
    sqlite3.connect(other).close()

    async def body() -> None:
        async with opened(Database("sqlite", {"file": str(other)}, "?", {}, ""), data=tmp_path / "data") as client:
            with pytest.raises(InvalidInput, match="the host's own"):
                await read(client, "SELECT 1")

    asyncio.run(body())
