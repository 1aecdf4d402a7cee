"""Errors of SQLite and the file system as `StorageFailed`, each with a remedy."""

from __future__ import annotations

import sqlite3

from omnicore.errors import StorageFailed

_REMEDIES = {
    sqlite3.SQLITE_NOTADB: ("is no database", "move the file away; the host makes a new one"),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "restore a backup, or move the file away and the host makes a new one",
    ),
    sqlite3.SQLITE_BUSY: (
        "is locked by another process",
        "stop the other process that writes to it, then try again",
    ),
    sqlite3.SQLITE_LOCKED: (
        "is locked by another process",
        "stop the other process that writes to it, then try again",
    ),
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        "free space on that disk; nothing of the last change was kept",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written",
        "give this user the right to write to the file and its folder",
    ),
    sqlite3.SQLITE_PERM: (
        "cannot be written",
        "give this user the right to write to the file and its folder",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "check that its folder exists and that this user may write to it",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "check the disk and free space",
    ),
}
_PRIMARY = 0xFF  # the low byte of an extended result code is the primary one


def storage_failed(error: sqlite3.Error | OSError, place: str) -> StorageFailed:
    """The error to raise `from error`. Details: `path`, and `reason` as SQLite or the system names it."""
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        remedy = "check that the folder exists, has space and belongs to this user"
        return StorageFailed(f"{place} cannot be used: {reason}", remedy=remedy, path=place, reason=reason)
    number = getattr(error, "sqlite_errorcode", None)
    reason = getattr(error, "sqlite_errorname", None) or str(error)
    fact, remedy = _REMEDIES.get(
        -1 if number is None else number & _PRIMARY,
        (f"failed: {error}", "see the reason; `omnicore doctor` checks the file"),
    )
    return StorageFailed(f"{place} {fact}", remedy=remedy, path=place, reason=reason)
