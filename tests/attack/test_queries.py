"""Statements that do more than read, sent as queries to real databases: nothing changes, in them or on the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pymysql
import pytest
from tests.connectors.database_servers import mariadb_server

from omnicore.connectors.kind import Opening, ServiceClient, find_kind
from omnicore.errors import OmniError

EFFECTS: Mapping[str, list[str]] = tomllib.loads(Path(__file__).with_name("effects.toml").read_text("utf-8"))
PLAIN = "SELECT name FROM goods ORDER BY name"
SEEN_IN_POSTGRESQL = (
    "SELECT * FROM goods",
    "SELECT relname, relkind, relnatts FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT * FROM pg_roles ORDER BY oid",
    "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT extname FROM pg_extension",
    "SELECT count(*) FROM pg_largeobject_metadata",
    "SELECT last_value, is_called FROM numbers",
    "SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'",
    "SELECT pg_conf_load_time(), pg_is_in_recovery()",
    "SELECT slot_name FROM pg_replication_slots",
    "SELECT description FROM pg_description WHERE objoid = 'goods'::regclass",
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    "SELECT relacl::text FROM pg_class WHERE relname = 'goods'",
    "SELECT count(*) FROM pg_prepared_xacts",
)
SEEN_IN_MARIADB = (
    "SELECT * FROM shop.goods",
    "SELECT * FROM shop.numbers",
    "SHOW FULL TABLES FROM shop",
    "SHOW COLUMNS FROM shop.goods",
    "SHOW DATABASES",
    "SELECT * FROM mysql.global_priv ORDER BY Host, User",
    "SELECT name FROM mysql.func",
    "SELECT name FROM mysql.proc WHERE db = 'shop'",
    "SELECT name FROM mysql.event",
    "SHOW TRIGGERS FROM shop",
    "SHOW PLUGINS",
    "SHOW GLOBAL VARIABLES WHERE variable_name LIKE 'general_log%' OR variable_name LIKE 'slow_query%'",
    "SELECT @@global.read_only",
)


@dataclass(frozen=True)
class Target:
    """A database with a login that may do everything, and all that could change in it."""

    kind: str
    config: Mapping[str, Any]
    state: Callable[[], object]
    make_reader: Callable[[], str]
    folder: Path

    def statements(self) -> list[str]:
        given = EFFECTS[{"postgresql": "postgres"}.get(self.kind, self.kind)] + EFFECTS["texts"]
        given = given + EFFECTS["postgres_columns"] if self.kind == "postgresql" else given
        return [one.replace("{folder}", str(self.folder)) for one in given]

    def seen(self) -> object:
        return self.state(), sorted(os.listdir(self.folder))

    async def query(self, password: str = "", **config: Any) -> list[str]:
        """Sends every statement as a query, and one that only reads at the end; those that were answered."""
        credentials = {"password": password} if password else {}
        client: ServiceClient = await find_kind(self.kind).open(Opening("shop", {**self.config, **config}, credentials))
        answered = []
        try:
            for sql in (*self.statements(), PLAIN):
                with suppress(OmniError):
                    await client.call("query", {"sql": sql}, timeout_s=5)
                    answered.append(sql)
        finally:
            await client.close()
        return answered


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Path]:
    if not shutil.which("mariadbd"):
        pytest.skip("MariaDB is not on this machine: apt install mariadb-server")
    with mariadb_server() as place:
        yield place


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the servers, which run as others, may write as well."""
    made = Path(tempfile.mkdtemp(prefix="omnicore-attack-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def target(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Target:
    if request.param == "sqlite":
        return sqlite_target(tmp_path / "shop.db", folder)
    if request.param == "mysql":
        return mysql_target(request.getfixturevalue("mariadb"), folder)
    return postgresql_target(request.getfixturevalue("postgresql_url"), folder)


def postgresql_target(url: str, folder: Path) -> Target:
    def ask(*statements: str) -> list[object]:
        with psycopg.connect(url, autocommit=True) as connection:
            return [cursor.fetchall() if cursor.description else None for cursor in map(connection.execute, statements)]

    parts = urlsplit(url)
    reader = f"reader_{parts.path[1:]}"
    ask(
        "CREATE TABLE goods (name text, price int)",
        "INSERT INTO goods VALUES ('tea', 3), ('milk', 2)",
        "CREATE SEQUENCE numbers",
    )

    def make_reader() -> str:
        ask(f"CREATE ROLE {reader} LOGIN PASSWORD 'x'", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")
        return reader

    config = {"host": parse_qs(parts.query)["host"][0], "database": parts.path[1:], "user": parts.username}
    return Target("postgresql", config, lambda: ask(*SEEN_IN_POSTGRESQL), make_reader, folder)


def mysql_target(place: Path, folder: Path) -> Target:
    def ask(*statements: str) -> list[object]:
        with closing(pymysql.connect(unix_socket=str(place), user="root", autocommit=True)) as connection:
            cursor = connection.cursor()
            return [(cursor.execute(one), cursor.fetchall())[1] for one in statements]

    ask(
        "DROP DATABASE IF EXISTS shop",
        "CREATE DATABASE shop",
        "CREATE TABLE shop.goods (name VARCHAR(40), price INT)",
        "INSERT INTO shop.goods VALUES ('tea', 3), ('milk', 2)",
        "CREATE SEQUENCE shop.numbers",
    )

    def make_reader() -> str:
        ask("CREATE OR REPLACE USER reader IDENTIFIED BY 'x'", "GRANT SELECT ON shop.* TO reader")
        ask("DROP USER IF EXISTS ''@localhost", f"DROP USER IF EXISTS ''@'{os.uname().nodename}'")
        return "reader"

    config = {"socket": str(place), "database": "shop", "user": "root"}
    return Target("mysql", config, lambda: ask(*SEEN_IN_MARIADB), make_reader, folder)


def sqlite_target(file: Path, folder: Path) -> Target:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE goods (name, price); INSERT INTO goods VALUES ('tea', 3), ('milk', 2)")
    return Target("sqlite", {"file": str(file)}, file.read_bytes, lambda: "", folder)


def test_a_query_has_no_effect_even_with_a_login_that_may_do_everything(target: Target) -> None:
    before = target.seen()
    # `writable` lets the login pass, so that the proof stands alone.
    answered = asyncio.run(target.query(writable=True))
    assert target.seen() == before
    assert [sql for sql in answered if sql not in EFFECTS["texts"]] == [PLAIN]


def test_a_query_has_no_effect_even_when_nobody_proves_it(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.connectors.rows.proven_query", lambda sql, *rest, **more: sql)
    monkeypatch.setattr("omnicore.connectors.postgresql.unproven_columns", lambda *_, **__: ())
    reader = target.make_reader()
    before = target.seen()
    answered = asyncio.run(target.query(**({"password": "x", "user": reader} if reader else {})))
    assert target.seen() == before
    assert answered[-1] == PLAIN
