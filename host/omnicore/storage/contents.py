"""Contents of a database: sizes, row counts, and copies of all rows into another database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omnicore.storage.store import Dialect, Session, Store

__all__ = [
    "Description",
    "columns_of",
    "copy_into_postgresql",
    "copy_into_sqlite",
    "count_rows",
    "describe",
    "stored_bytes",
    "tables_of",
]


def stored_bytes(store: Store) -> int:
    """Bytes on the disk: of SQLite's file with its journal, of PostgreSQL's database. Raises: StorageFailed."""
    if store.dialect == "postgresql":
        return int(store.rows("SELECT pg_database_size(current_database())")[0][0])
    size = 0
    for ending in ("", "-wal"):
        with suppress(OSError):  # a database in memory has no file
            size += Path(store.place + ending).stat().st_size
    return size


Rows = Callable[[str], Iterator[tuple[Any, ...]]]
_BATCH = 1000
_OWN = ("migrations", "changes")
_TABLES = {
    # Neither virtual tables nor the tables that SQLite keeps for them: they are made again from the others.
    "sqlite": "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND name NOT LIKE 'sqlite#_%' ESCAPE '#' ORDER BY name",
    "postgresql": "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
}
_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info(?) ORDER BY cid",
    "postgresql": "SELECT CAST(attname AS text) FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?))"
    " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
}


def tables_of(store: Store) -> list[str]:
    """The tables with rows of their own, by name."""
    return [name for (name,) in store.rows(_TABLES[store.dialect]) if name not in _OWN]


def columns_of(store: Store, table: str) -> list[str]:
    """The columns of a table, in their order."""
    return [name for (name,) in store.rows(_COLUMNS[store.dialect], (table,))]


def count_rows(store: Store) -> dict[str, int]:
    """The number of rows of each table."""
    return {name: int(store.rows(f"SELECT count(*) FROM {_quoted(name)}")[0][0]) for name in tables_of(store)}


def copy_into_sqlite(source: Store, rows: Rows, target: Store) -> None:
    """Fills the empty tables of a SQLite database; `rows` answers queries to the source, all as of one instant."""
    shared = _shared(source, target)
    with target.write(durable=True) as session:
        # The totals that triggers keep are copied like all else.
        triggers = session.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            session.execute(f"DROP TRIGGER {_quoted(name)}")
        for table, columns in shared.items():
            _fill(session, table, columns, rows(_select(table, columns)))
        for _, sql in triggers:
            session.execute(sql)


def copy_into_postgresql(file: Path, source: Store, target: Store, derive: Callable[[Store, Session], None]) -> None:
    """Puts the rows of a SQLite file in the place of all that a PostgreSQL database holds, in one transaction.

    Args: derive: makes the rest from them, in the same transaction.
    """
    shared = _shared(source, target)
    held = [_quoted(name) for name in tables_of(target)]
    with closing(sqlite3.connect(file)) as origin, target.write(durable=True) as session:
        session.execute(f"TRUNCATE {', '.join(held)}")
        for table, columns in shared.items():
            session.execute(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER USER")
            _fill(session, table, columns, origin.execute(_select(table, columns)))
            session.execute(f"ALTER TABLE {_quoted(table)} ENABLE TRIGGER USER")
            _number_on(session, table, columns)
        derive(target, session)


def _shared(source: Store, target: Store) -> dict[str, list[str]]:
    both = set(tables_of(source)) & set(tables_of(target))
    found = {}
    for table in sorted(both):
        theirs = set(columns_of(source, table))
        found[table] = [name for name in columns_of(target, table) if name in theirs]
    return found


def _fill(session: Session, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    marks, left = ", ".join("?" * len(columns)), iter(rows)
    insert = f"INSERT INTO {_quoted(table)} ({_listed(columns)}) VALUES ({marks})"
    session.execute(f"DELETE FROM {_quoted(table)}")
    while batch := list(islice(left, _BATCH)):
        session.executemany(insert, batch)


def _number_on(session: Session, table: str, columns: Sequence[str]) -> None:
    """Lets a table that numbers its rows go on after the highest number it got."""
    for column in columns:
        found = session.execute(
            "SELECT pg_get_serial_sequence(quote_ident(CAST(? AS text)), CAST(? AS text))", (table, column)
        ).fetchone()
        if found[0]:
            session.execute(
                f"SELECT setval(CAST(? AS regclass), coalesce(max({_quoted(column)}), 0) + 1, false)"
                f" FROM {_quoted(table)}",
                (found[0],),
            )


def _select(table: str, columns: Sequence[str]) -> str:
    return f"SELECT {_listed(columns)} FROM {_quoted(table)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Description:
    """A database. Units: `size` in bytes, its log included; `rows` by table; `step` of the migrations."""

    dialect: Dialect
    place: str
    size: int
    step: int
    rows: dict[str, int]


def describe(store: Store) -> Description:
    """Looks at every table. Raises: StorageFailed."""
    step = int(store.rows("SELECT max(number) FROM migrations")[0][0])
    return Description(store.dialect, store.place, stored_bytes(store), step, count_rows(store))
