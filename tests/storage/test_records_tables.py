"""The migrations come to the tables that the records declare."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from typing import Any

import pytest

import omnicore.storage.tables as rooms
from omnicore.storage.migrations import migrate
from omnicore.storage.store import Store
from omnicore.storage.table import Table

_COLUMNS = (
    "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name = ?"
)
_KEYS = (
    "SELECT i.indisprimary, i.indisunique, (SELECT string_agg(a.attname, ',' ORDER BY k.place)"
    " FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)"
    " JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number)"
    " FROM pg_index AS i WHERE i.indrelid = CAST(? AS regclass) AND i.indpred IS NULL"
)


def _tables() -> list[Table[Any]]:
    modules = [importlib.import_module(f"{rooms.__name__}.{one.name}") for one in pkgutil.iter_modules(rooms.__path__)]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Table)}
    return sorted(found.values(), key=lambda table: table.name)


TABLES = _tables()


def _sqlite(database: sqlite3.Connection, table: str) -> tuple[Any, Any]:
    """Columns by name, with type, not null and place in the key; and the columns of whole indexes."""
    columns = {
        name: (kind.replace("FLOAT", "REAL"), bool(not_null or key), key)
        for _, name, kind, not_null, _, key in database.execute(f"PRAGMA table_info({table})")
    }
    indexes = {
        (bool(unique), tuple(row[2] for row in database.execute(f"PRAGMA index_info({name})")))
        for _, name, unique, origin, partial in database.execute(f"PRAGMA index_list({table})")
        if origin == "c" and not partial
    }
    return columns, indexes


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_migrations_make_the_table_of_the_record(table: Table[Any]) -> None:
    migrated, declared = (sqlite3.connect(":memory:", isolation_level=None) for _ in range(2))
    migrate(migrated, "memory", now=1.0)
    for statement in table.sql("sqlite"):
        declared.execute(statement)
    assert _sqlite(migrated, table.name) == _sqlite(declared, table.name)
    migrated.close()
    declared.close()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_migrations_make_the_tables_of_the_records_in_postgresql(store: Store) -> None:
    def found(name: str) -> tuple[Any, Any]:
        return sorted(store.rows(_COLUMNS, (name,))), sorted(store.rows(_KEYS, (name,)))

    for table in TABLES:
        other = Table(table.record, f"declared_{table.name}", key=table.key, indexes=table.indexes, unique=table.unique)
        with store.write() as session:
            for statement in other.sql("postgresql"):
                session.execute(statement)
        declared = found(other.name)
        with store.write() as session:
            session.execute(f"DROP TABLE {other.name}")
        assert found(table.name) == declared


def test_tasks_are_among_the_records() -> None:
    assert {"tasks", "schedules"} <= {table.name for table in TABLES}
