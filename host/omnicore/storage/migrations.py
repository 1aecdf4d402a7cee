"""The numbered steps that bring a database up to date. A step that has shipped is never changed."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database as Tables

from omnicore.errors import StorageFailed
from omnicore.storage.schema import STEPS
from omnicore.storage.schema.table import Statements, Table

__all__ = ["NEWEST", "migrate"]


NEWEST = len(STEPS)


def migrate(connection: sqlite3.Connection, place: str, *, now: float) -> None:
    """Applies the steps that the database has not seen, in one transaction.

    Raises: StorageFailed: a newer OmniCore wrote it.
    """
    if _applied(connection) == NEWEST:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _applied(connection)  # again: another process may have been first
        if done > NEWEST:
            raise StorageFailed(
                f"{place} was written by a newer OmniCore (step {done}, this one knows {NEWEST})",
                remedy="upgrade OmniCore, or give this one another data folder",
                path=place,
            )
        # Hooks of strangers' packages stay out (execute_plugins): this is the host's own file.
        tables = Tables(connection, execute_plugins=False, recursive_triggers=False)
        tables.table("migrations").create(
            {"number": int, "name": str, "applied_at": float}, pk="number", if_not_exists=True
        )
        for number, (name, step) in enumerate(STEPS[done:], start=done + 1):
            for part in step:
                _make(tables, part)
            tables.table("migrations").insert({"number": number, "name": name, "applied_at": now})
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _make(tables: Tables, part: Table | Statements) -> None:
    if isinstance(part, Statements):
        for sql in part.sqlite:
            tables.execute(sql)
        return
    table = tables.table(part.name)
    table.create(dict(part.columns), pk=part.pk, not_null=set(part.not_null), defaults=dict(part.defaults))
    for columns in part.indexes:
        table.create_index(columns)
    for columns in part.unique:
        table.create_index(columns, unique=True)


def _applied(connection: sqlite3.Connection) -> int:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name='migrations'").fetchone()
    if known is None:
        return 0
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])
