"""The tables of `storage.schema` in SQLite, made by sqlite-utils."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from omnicore.storage.migrations import NEWEST, pending
from omnicore.storage.schema import STEPS
from omnicore.storage.schema.table import Statements, Table

if TYPE_CHECKING:
    from sqlite_utils import Database as Tables

__all__ = ["foreign_code", "migrate", "newest_step"]


def migrate(
    connection: sqlite3.Connection, place: str, *, now: float, before: Callable[[int], None] | None = None
) -> None:
    """Applies the steps that the database has not seen, in one transaction.

    Args:
        before: called with the number of the first new step, when older ones have left something to lose.

    Raises: StorageFailed: a newer OmniCore wrote it.
    """
    if newest_step(connection) == NEWEST:
        return
    library = import_module("sqlite_utils")  # most hosts find their tables made, and do without it
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Hooks of strangers' packages stay out (execute_plugins): this is the host's own file.
        tables = library.Database(connection, execute_plugins=False, recursive_triggers=False)
        # Asked again: another process may have been first.
        done = newest_step(connection)
        steps = pending(done, place)
        if before is not None and steps and done:
            before(done + 1)
        tables.table("migrations").create(
            {"number": int, "name": str, "applied_at": float}, pk="number", if_not_exists=True
        )
        for number, name, step in steps:
            for part in step:
                _make(tables, part)
            tables.table("migrations").insert({"number": number, "name": name, "applied_at": now})
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def newest_step(connection: sqlite3.Connection) -> int:
    """The number of the newest step that the database has seen, 0 for an empty one."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name='migrations'").fetchone()
    if known is None:
        return 0
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])


def foreign_code(connection: sqlite3.Connection) -> list[str]:
    """The names of triggers and views that no step makes. They would run within the host's own statements."""
    own = {sql for _, step in STEPS for part in step if isinstance(part, Statements) for sql in part.sqlite}
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
    return [str(name) for name, sql in found if sql not in own]


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
