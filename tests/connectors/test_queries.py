"""Queries of databases: what is proven to read, what is answered, and what is said about the rest."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connectors.test_databases import Database, change, database, mariadb, opened, read

from omnicore.connectors.queries import Dialect, joined, lexemes, proven_query, unproven_columns
from omnicore.errors import InvalidInput, OmniError, PermissionDenied, ServiceRefused

__all__ = ["database", "mariadb"]

HERE = Path(__file__).parent
READS: Mapping[str, list[str]] = tomllib.loads((HERE / "reads.toml").read_text("utf-8"))
EFFECTS: Mapping[str, list[str]] = tomllib.loads((HERE.parent / "attack" / "effects.toml").read_text("utf-8"))
DIALECTS: tuple[Dialect, ...] = ("postgres", "mysql", "sqlite")
TABLES = {
    "postgresql": (
        "CREATE TABLE goods (name text, price int, at timestamptz, about jsonb, tags text[], doc tsvector)",
        "INSERT INTO goods VALUES ('tea', 3, now(), '{\"color\": \"green\"}', '{a,b}', to_tsvector('tea'))",
        "CREATE TABLE sales (name text, count int)",
        "INSERT INTO sales VALUES ('tea', 2)",
    ),
    "mysql": (
        "CREATE TABLE goods (name VARCHAR(40) PRIMARY KEY, price INT, at DATETIME, about JSON, FULLTEXT (name))",
        'INSERT INTO goods VALUES (\'tea\', 3, now(), \'{"color": "green", "size": 1}\')',
        "CREATE TABLE sales (name VARCHAR(40), count INT)",
        "INSERT INTO sales VALUES ('tea', 2)",
    ),
    "sqlite": (
        "CREATE TABLE goods (name, price, at, about)",
        "INSERT INTO goods VALUES ('tea', 3, '2024-01-01', '{\"color\": \"green\", \"size\": 1}')",
        "CREATE TABLE sales (name, count)",
        "INSERT INTO sales VALUES ('tea', 2)",
    ),
}


@pytest.fixture
def shop(database: Database) -> Iterator[Database]:
    """A database with the tables that `reads.toml` asks."""

    async def tell(*statements: str) -> None:
        async with opened(database) as client:
            for one in statements:
                await change(client, one)

    if database.kind == "sqlite":  # the connector itself makes no virtual tables
        with closing(sqlite3.connect(database.config["file"])) as connection:
            connection.executescript(
                "CREATE VIRTUAL TABLE notes USING fts5(words); INSERT INTO notes VALUES ('tea, milk')"
            )
    asyncio.run(tell("DROP TABLE IF EXISTS goods", "DROP TABLE IF EXISTS sales", *TABLES[database.kind]))
    yield database
    asyncio.run(tell("DROP TABLE goods", "DROP TABLE sales"))


def test_ordinary_queries_are_answered(shop: Database) -> None:
    async def refusals() -> list[str]:
        found = []
        async with opened(shop) as client:
            for sql in READS[shop.kind]:
                try:
                    await read(client, sql)
                except OmniError as error:
                    found.append(f"{sql}: {error}")
        return found

    found = asyncio.run(refusals())
    assert not found, "\n".join(found)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_statement_with_an_effect_is_proven(dialect: Dialect) -> None:
    proven = []
    for sql in EFFECTS[dialect]:
        with suppress(InvalidInput):
            proven.append(proven_query(sql, dialect, marks=False))
    assert proven == []
    assert len(EFFECTS[dialect]) > 70


def test_names_that_could_be_functions_are_told_from_columns_by_the_server() -> None:
    assert [sql for sql in EFFECTS["postgres_columns"] if not unproven_columns(sql, marks=False)] == []
    assert unproven_columns('select a.Price, a."Na""me", a.lower, public.f(a.x), a.* from t a', marks=False) == (
        'Na"me',
        "price",
        "x",
    )
    assert unproven_columns("select a.price from t a", marks=False, functions=("price",)) == ()


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("select 1 -- ; drop\n", "select 1"),
        ("select/* x */1;", "select 1"),
        ("select $a$it's$a$", "select 'it''s'"),
        ("select 1 - -1", "select 1 - -1"),
        ("select count (*), count(*)", "select count (*), count(*)"),
        ("  select\n\n 'a  b'", "select 'a  b'"),
    ],
)
def test_what_is_sent_has_no_comments_and_reads_in_one_way(sql: str, sent: str) -> None:
    assert proven_query(sql, "postgres", marks=False) == sent


def test_two_minus_signs_never_become_a_comment() -> None:
    assert proven_query("select 1--1", "mysql", marks=False) == "select 1- -1"


def test_a_refusal_names_the_place_and_the_remedy() -> None:
    with pytest.raises(InvalidInput, match="line 2, column 3") as caught:
        proven_query("select 1,\n  pg_reload_conf()", "postgres", marks=False)
    assert "`functions`" in caught.value.remedy
    assert (caught.value.details["line"], caught.value.details["column"]) == (2, 3)


def test_what_cannot_be_read_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"cannot be read: .* near"):
        proven_query("select from where", "postgres", marks=False)


@pytest.mark.parametrize(
    ("functions", "sql", "passes"),
    [
        (("price_of",), "select price_of(1)", True),
        (("PRICE_OF",), "select Price_Of(1)", True),
        (("price_of",), "select shop.price_of(1)", False),
        (("shop.price_of",), "select shop . price_of (1)", True),
        (("shop.price_of",), "select price_of(1)", False),
        ((), "select pg_catalog.lower('A')", True),
        ((), "select shop.lower('A')", False),
    ],
)
def test_the_operator_can_name_further_functions(functions: tuple[str, ...], sql: str, passes: bool) -> None:
    if passes:
        assert proven_query(sql, "postgres", marks=False, functions=functions)
    else:
        with pytest.raises(InvalidInput, match="not known to only read"):
            proven_query(sql, "postgres", marks=False, functions=functions)


@pytest.mark.parametrize("sql", ["select '%s'", 'select "%s"', "select %size", "select 5 % 2"])
def test_a_parameter_never_lands_within_a_text(sql: str) -> None:
    """The driver of MySQL writes values into the statement: one within quotes would end them."""
    for dialect in ("postgres", "mysql"):
        with pytest.raises(InvalidInput, match="%%"):
            proven_query(sql, dialect, marks=True)


def test_a_doubled_percent_sign_is_one(shop: Database) -> None:
    async def body() -> None:
        async with opened(shop) as client:
            sql = "SELECT %s, name FROM goods WHERE name LIKE 't%%'"
            if shop.kind == "sqlite":
                sql = "SELECT ?, name FROM goods WHERE name LIKE 't%'"
            assert (await read(client, sql, 7))["rows"] == [[7, "tea"]]

    asyncio.run(body())


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 60 + "1" + ")" * 60,
        "select " + "+".join("1" * 9000),
        "select * from " + "t join " * 3000 + "t",
        "select " + "interval " * 3000,
        "select " + "not " * 7000 + "1",
        "select " + "case when 1 = 1 then " * 900 + "1" + " else 2 end" * 900,
        "select " + "exists(select " * 45 + "1" + ")" * 45,
        "with " + "a as (select " * 45 + "1" + ")" * 45,
        "select " + "- " * 7000 + "1",
        "select '" + "a" * 60_000,
        "select /*" + "*" * 60_000,
        "select " + "$" * 60_000,
    ],
    ids=range(12),
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_statement_made_to_take_long_is_refused_or_read_in_bounds(sql: str, dialect: Dialect) -> None:
    with suppress(InvalidInput):
        proven_query(sql, dialect, marks=False)


PARTS = ("'", "''", '"', "`", "\\", "--", "-- ", "/*", "*/", "/*!", "#", "$$", "$a$", ";", "\n", " ", "select", "1")
MORE_PARTS = (
    "into",
    "(",
    ")",
    "%s",
    "%%",
    "U&'",
    "e'",
    "[",
    "]",
    "delete from t",
    "lower(",
    "x",
    ",",
    "\x00",
    "\u00a0",
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DIALECTS), st.lists(st.sampled_from(PARTS + MORE_PARTS), max_size=14))
def test_what_is_sent_reads_the_same_again(dialect: Dialect, parts: list[str]) -> None:
    sql = "".join(parts)
    with suppress(InvalidInput):
        once = joined(lexemes(sql, dialect, marks=False))
        assert joined(lexemes(once, dialect, marks=False)) == once
        assert "/*" not in _without_texts(once, dialect)
        assert ";" not in _without_texts(once, dialect)


def _without_texts(sql: str, dialect: Dialect) -> str:
    found = lexemes(sql, dialect, marks=False)
    return joined([replace(one, text="x") if one.sort in ("text", "quoted") else one for one in found])


def test_a_powerful_login_is_refused_with_the_login_that_would_do(request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgresql_url")
    shop = _postgresql(url)
    with pytest.raises(PermissionDenied, match=r"only reads, and its login .* superuser") as caught:
        asyncio.run(_asked(shop, "SELECT 1"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE goods AS SELECT 'tea' AS name")
        role = f"reader_{shop.config['database']}"
        for statement in _statements(caught.value.remedy):
            connection.execute(statement.replace("omnicore_reader", role).encode())
    reader = replace(shop, config={**shop.config, "user": role})
    assert asyncio.run(_asked(reader, "SELECT name FROM goods")) == [["tea"]]


@pytest.mark.parametrize(
    "right",
    [
        "pg_execute_server_program",
        "pg_read_server_files",
        "pg_write_server_files",
        "createrole",
        "replication",
        "member of a superuser",
    ],
)
def test_a_login_with_rights_on_files_programs_or_roles_is_refused(right: str, postgresql_url: str) -> None:
    shop = _postgresql(postgresql_url)
    role = f"strong_{shop.config['database']}_{right[:5].replace(' ', '_')}_{len(right)}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        ways = {"createrole": "CREATEROLE", "replication": "REPLICATION", "member of a superuser": "IN ROLE omnicore"}
        way = ways.get(right, f"IN ROLE {right}")
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' {way}".encode())
    strong = replace(shop, config={**shop.config, "user": role})
    with pytest.raises(PermissionDenied, match="has more rights than that"):
        asyncio.run(_asked(strong, "SELECT 1"))


def test_a_powerful_login_of_mysql_is_refused_with_the_login_that_would_do(mariadb: Path) -> None:
    shop = Database("mysql", {"socket": str(mariadb), "database": "mysql", "user": "root"}, "%s", {}, "")
    with pytest.raises(PermissionDenied, match="ALL PRIVILEGES") as caught:
        asyncio.run(_asked(shop, "SELECT 1"))
    with pymysql.connect(unix_socket=str(mariadb), user="root", autocommit=True) as connection:
        cursor = connection.cursor()
        for host in ("localhost", _hostname()):
            cursor.execute(f"DROP USER IF EXISTS ''@'{host}'")
        for statement in _statements(caught.value.remedy):
            cursor.execute(statement)
        cursor.execute("CREATE USER filer IDENTIFIED BY 'x'")
        cursor.execute("GRANT FILE ON *.* TO filer")
    reader = replace(shop, config={**shop.config, "user": "omnicore_reader"}, credentials={"password": "..."})
    assert asyncio.run(_asked(reader, "SELECT 1")) == [[1]]
    filer = replace(shop, config={**shop.config, "user": "filer", "database": "information_schema"})
    with pytest.raises(PermissionDenied, match="FILE"):
        asyncio.run(_asked(replace(filer, credentials={"password": "x"}), "SELECT 1"))


def test_a_login_is_looked_at_when_the_connector_is_tested(postgresql_url: str) -> None:
    async def probe() -> None:
        async with opened(_postgresql(postgresql_url)) as client:
            await client.probe()

    with pytest.raises(PermissionDenied, match="CREATE ROLE"):
        asyncio.run(probe())


def test_a_function_that_is_not_known_is_called_when_the_operator_names_it(database: Database) -> None:
    name = {"postgresql": "pg_sleep", "mysql": "sleep", "sqlite": "load_extension"}[database.kind]

    async def body() -> None:
        async with opened(database, config={"functions": [name]}) as client:
            if database.kind == "sqlite":  # it is called, and SQLite has it switched off
                with pytest.raises(ServiceRefused, match="not authorized"):
                    await read(client, "SELECT load_extension('x')")
            else:
                await read(client, f"SELECT {name}(0)")

    asyncio.run(body())


def _postgresql(url: str) -> Database:
    parts = urlsplit(url)
    config = {"host": parse_qs(parts.query)["host"][0], "database": parts.path[1:], "user": parts.username}
    return Database("postgresql", config, "%s", {"password": "x"}, "")


def _statements(remedy: str) -> list[str]:
    """The statements of a remedy, which stand between its colon and its full stop."""
    inside = remedy.partition(": ")[2].partition(" Or set")[0].rstrip(".")
    return [one.strip() for one in inside.split(";")]


def _hostname() -> str:
    return os.uname().nodename


async def _asked(shop: Database, sql: str) -> Any:
    async with opened(shop) as client:
        return (await read(client, sql))["rows"]
