"""The numbered steps that bring a database up to date. A step that has shipped is never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlite_utils import Database as Tables

from omnicore.errors import StorageFailed

__all__ = ["NEWEST", "migrate"]


def _catalogue(tables: Tables) -> None:
    tables.table("plugins").create(
        {
            "name": str,
            "path": str,
            "signature": str,
            "hash": str,
            "manifest": str,
            "state": str,
            "reason": str,
            "problem": str,
            "switched_off": int,
            "serving": str,
            "verified": str,
            "last_error": str,
            "last_error_at": float,
            "added_at": float,
            "changed_at": float,
            "present": int,
        },
        pk="name",
        not_null={
            "path",
            "signature",
            "state",
            "reason",
            "problem",
            "switched_off",
            "verified",
            "added_at",
            "changed_at",
            "present",
        },
    )
    tables.table("versions").create(
        {"plugin": str, "hash": str, "manifest": str, "size": int, "seen_at": float},
        pk=("plugin", "hash"),
        not_null={"manifest", "size", "seen_at"},
    )


def _grants(tables: Tables) -> None:
    tables.table("grants").create(
        {"plugin": str, "capability": str, "scope": str, "granted_by": str, "granted_at": float},
        pk=("plugin", "capability"),
        not_null={"scope", "granted_by", "granted_at"},
    )


def _kv(tables: Tables) -> None:
    # Keys are stored as UTF-8 blobs, so that a prefix is a plain range of bytes. The totals are kept by
    # triggers: whatever way an entry comes or goes, quota questions cost one row. `sequence` only grows, so
    # that a version is never given out twice, even when a key is deleted and written again.
    for sql in (
        "CREATE TABLE kv (plugin TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
        " version INTEGER NOT NULL, expires_at REAL, PRIMARY KEY (plugin, key))",
        "CREATE INDEX kv_expiry ON kv (plugin, expires_at) WHERE expires_at IS NOT NULL",
        "CREATE TABLE kv_totals (plugin TEXT PRIMARY KEY, bytes INTEGER NOT NULL, keys INTEGER NOT NULL,"
        " sequence INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TRIGGER kv_added AFTER INSERT ON kv BEGIN UPDATE kv_totals SET keys = keys + 1,"
        " bytes = bytes + length(new.key) + length(new.value) WHERE plugin = new.plugin; END",
        "CREATE TRIGGER kv_changed AFTER UPDATE OF value ON kv BEGIN UPDATE kv_totals"
        " SET bytes = bytes + length(new.value) - length(old.value) WHERE plugin = new.plugin; END",
        "CREATE TRIGGER kv_gone AFTER DELETE ON kv BEGIN UPDATE kv_totals SET keys = keys - 1,"
        " bytes = bytes - length(old.key) - length(old.value) WHERE plugin = old.plugin; END",
    ):
        tables.execute(sql)


_STEPS: tuple[Callable[[Tables], None], ...] = (_catalogue, _grants, _kv)
NEWEST = len(_STEPS)


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
        for number, step in enumerate(_STEPS[done:], start=done + 1):
            step(tables)
            tables.table("migrations").insert({"number": number, "name": step.__name__[1:], "applied_at": now})
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _applied(connection: sqlite3.Connection) -> int:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name='migrations'").fetchone()
    if known is None:
        return 0
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])
