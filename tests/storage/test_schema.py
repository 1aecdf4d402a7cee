"""Hosts of the version before go on with a database that this version extended, and come back to it."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from omnicore.errors import StorageFailed
from omnicore.storage import migrations
from omnicore.storage.archive import describe
from omnicore.storage.database import Database
from omnicore.storage.migrations import NEWEST, STEPS, Applied, migrate, pending, statements
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.postgresql_link import with_percent_marks

RELEASED = 25
"""Steps of 0.1.0. What its hosts say to a database is in `statements_0_1_0.json`, as its tests recorded it."""
SAID: dict[str, list[str]] = json.loads((Path(__file__).parent / "statements_0_1_0.json").read_text("utf-8"))
ADD = "INSERT INTO grants (plugin, capability, scope, granted_by, granted_at) VALUES ('{}', 'kv', '{{}}', 'test', 0)"

_TABLE = re.compile(r"CREATE TABLE (\w+) ")
_COLUMN = re.compile(r"ALTER TABLE \w+ ADD COLUMN \w+ (?P<words>.*)", re.DOTALL)
_INDEX = re.compile(r"CREATE (?P<unique>UNIQUE )?INDEX \w+ ON (?P<table>\w+) ")
_FILLED = re.compile(r"(INSERT INTO|UPDATE) (?P<table>\w+) ")


def breaches(said: list[str]) -> list[str]:
    """Statements of a step that hosts of the version before do not survive."""
    new: set[str] = set()
    found = []
    for sql in said:
        if (table := _TABLE.match(sql)) is not None:
            new.add(table[1])
        elif (column := _COLUMN.match(sql)) is not None:
            fits = "NOT NULL" not in column["words"] or "DEFAULT" in column["words"]
            found += [] if fits and not re.search(r"\b(UNIQUE|REFERENCES|CHECK)\b", column["words"]) else [sql]
        elif (index := _INDEX.match(sql)) is not None:
            found += [sql] if index["unique"] and index["table"] not in new else []
        elif _FILLED.match(sql) is None and not sql.startswith("CREATE SEQUENCE "):
            found.append(sql)
    return found


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("step", STEPS[RELEASED:])
def test_a_step_only_expands_or_says_which_version_it_needs(step: str, dialect: Any) -> None:
    needs = (Path(migrations.__file__).parent / f"{step}.sql").read_text("utf-8").startswith("-- needs: ")
    assert needs or breaches(list(statements(step, dialect))) == []


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE grants",
        "ALTER TABLE grants DROP COLUMN scope",
        "ALTER TABLE grants RENAME TO rights",
        "ALTER TABLE grants ADD COLUMN more TEXT NOT NULL",
        "ALTER TABLE grants ADD COLUMN more TEXT UNIQUE",
        "CREATE UNIQUE INDEX one ON grants (plugin)",
        "CREATE TRIGGER refuse BEFORE INSERT ON grants BEGIN SELECT raise(abort, 'no'); END",
        "DELETE FROM grants",
    ],
)
def test_what_takes_something_away_is_a_breach(sql: str) -> None:
    assert breaches([sql]) == [sql]


def test_new_tables_columns_and_indexes_are_none() -> None:
    assert not breaches(
        [
            "CREATE TABLE pets (name TEXT PRIMARY KEY)",
            "CREATE UNIQUE INDEX one ON pets (name)",
            "ALTER TABLE grants ADD COLUMN more TEXT",
            "ALTER TABLE grants ADD COLUMN most TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX two ON grants (more)",
            "INSERT INTO pets SELECT plugin FROM grants",
        ]
    )


# -- what 0.1.0 says


def test_sqlite_understands_all_that_a_host_of_0_1_0_says() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        migrate(database, "memory", now=1.0)
        for sql in SAID["both"]:
            database.execute(f"EXPLAIN {sql}", [None] * sql.count("?"))


def test_postgresql_understands_all_that_a_host_of_0_1_0_says(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        for sql in (*SAID["both"], *SAID["postgresql"]):
            asked = with_percent_marks(sql).replace("%s", "NULL").replace("%%", "%")
            connection.execute(f"PREPARE said AS {asked}".encode())
            connection.execute("DEALLOCATE said")


# -- steps that this version does not know


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Makes the steps those of another version: the first so many, and texts of further ones."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    real = Path(migrations.__file__).parent

    def known(count: int, *more: str) -> None:
        names = list(STEPS[:count])
        for name in names:
            (folder / f"{name}.sql").write_text((real / f"{name}.sql").read_text("utf-8"), "utf-8")
        for number, text in enumerate(more, start=count + 1):
            names.append(f"{number:04}_later")
            (folder / f"{names[-1]}.sql").write_text(text, "utf-8")
        monkeypatch.setattr(migrations, "_FOLDER", folder)
        monkeypatch.setattr(migrations, "STEPS", tuple(names))
        monkeypatch.setattr(migrations, "NEWEST", len(names))

    return known


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Opens an empty database, again and again the same."""
    if request.param == "sqlite":
        return lambda: Database.open(tmp_path / "omnicore.db")
    url = request.getfixturevalue("empty_postgresql_url")
    return lambda: PostgresDatabase.open(url)


EXPAND = "ALTER TABLE grants ADD COLUMN more TEXT;\n"
CONTRACT = "-- needs: 0.9.0\n-- `more` has taken its place.\n\nALTER TABLE grants DROP COLUMN scope;\n"


def test_a_database_that_a_later_version_extended_is_opened_and_used(
    opened: Callable[[], Any], steps: Callable[..., None]
) -> None:
    steps(RELEASED)
    with closing(opened()) as before:
        before.apply(lambda session: session.execute(ADD.format("a")).rowcount)
        steps(RELEASED, EXPAND)
        opened().close()
        steps(RELEASED)
        # The host that runs, and one that starts again.
        before.apply(lambda session: session.execute(ADD.format("b")).rowcount)
    with closing(opened()) as again:
        again.apply(lambda session: session.execute(ADD.format("c")).rowcount)
        assert again.rows("SELECT max(number) FROM migrations") == [(RELEASED,)]
        assert again.rows("SELECT number, oldest FROM schema_steps") == [(RELEASED + 1, "0.1.0")]
        assert describe(again).step == RELEASED + 1
    steps(RELEASED, EXPAND, EXPAND.replace("more", "most"))
    with closing(opened()) as later:
        assert later.rows("SELECT plugin, more, most FROM grants ORDER BY plugin") == [(n, None, None) for n in "abc"]


def test_a_database_from_which_a_later_version_took_something_names_the_version_it_needs(
    opened: Callable[[], Any], steps: Callable[..., None]
) -> None:
    steps(RELEASED, EXPAND, CONTRACT, EXPAND.replace("more", "most"))
    opened().close()
    for known in (RELEASED, RELEASED + 1):
        steps(RELEASED, *[EXPAND] * (known - RELEASED))
        with pytest.raises(StorageFailed, match=rf"step {RELEASED + 2}, .*{known}\).*upgrade OmniCore to 0\.9\.0 or"):
            opened()
    steps(RELEASED, EXPAND, CONTRACT)
    opened().close()


def test_a_step_lets_a_host_that_holds_its_table_go_on_and_comes_when_it_is_done(
    empty_postgresql_url: str, steps: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(RELEASED)
    slow = threading.Event()
    real, tries = migrations.statements, []

    def counted(file: str, dialect: Any) -> Iterator[str]:
        tries.append(file)
        if len(tries) == 3:
            slow.set()
        return real(file, dialect)

    with closing(PostgresDatabase.open(empty_postgresql_url)) as before:
        steps(RELEASED, EXPAND)
        monkeypatch.setattr("omnicore.storage.postgresql.statements", counted)
        with psycopg.connect(empty_postgresql_url) as reader:
            reader.execute("SELECT count(*) FROM grants")  # holds the table against changes until its end
            later = threading.Thread(target=lambda: PostgresDatabase.open(empty_postgresql_url).close())
            later.start()
            while not slow.is_set():  # nobody queues for long behind the step that waits
                before.apply(
                    lambda session: session.execute(ADD.format(len(tries)) + " ON CONFLICT DO NOTHING").rowcount
                )
        later.join()
        assert before.rows("SELECT max(number) FROM schema_steps") == [(RELEASED + 1,)]
        assert before.refused == 0


def test_a_step_that_takes_something_away_waits_until_no_host_of_a_version_before_is_connected(
    empty_postgresql_url: str, steps: Callable[..., None]
) -> None:
    steps(RELEASED)
    with closing(PostgresDatabase.open(empty_postgresql_url)) as before:
        steps(RELEASED, CONTRACT)
        with pytest.raises(StorageFailed, match=r"before 0\.9\.0, .*; upgrade all hosts to 0\.9\.0 or"):
            PostgresDatabase.open(empty_postgresql_url)
        assert before.rows("SELECT scope FROM grants") == []
    with psycopg.connect(empty_postgresql_url, autocommit=True) as of_0_1_0:
        of_0_1_0.execute(f"SELECT pg_advisory_lock_shared({0x4F4D4E50})")
        with pytest.raises(StorageFailed, match="upgrade all hosts"):
            PostgresDatabase.open(empty_postgresql_url)
    with (
        closing(PostgresDatabase.open(empty_postgresql_url)) as after,
        closing(PostgresDatabase.open(empty_postgresql_url)),
        pytest.raises(StorageFailed, match="scope"),
    ):
        after.rows("SELECT scope FROM grants")


def test_steps_that_are_unknown_here_are_none_to_do() -> None:
    assert pending(Applied(NEWEST + 2, RELEASED, "0.1.0"), "here") == []


def test_no_two_steps_have_one_number() -> None:
    assert [int(step[:4]) for step in STEPS] == list(range(1, NEWEST + 1))
