"""Copies of a SQLite file, and the search for damage in one."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from omnicore.storage.faults import storage_failed

__all__ = ["keep_copy", "quick_check"]

_KEPT = 2
_INSTRUCTIONS = 10_000  # how often the time is looked at: about every 0.1 ms


def quick_check(connection: sqlite3.Connection, until: float | None) -> list[str] | None:
    """What is damaged, at most three findings, or None when time (of `time.monotonic`) was up before the end."""
    if until is not None:
        connection.set_progress_handler(lambda: time.monotonic() > until, _INSTRUCTIONS)
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)").fetchall()]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        connection.set_progress_handler(None, 0)
    return [] if found == ["ok"] else found


def keep_copy(file: Path, step: int) -> None:
    """Copies the file to `<file>.before-<step>`, whole or not at all, and keeps the last two such copies.

    Raises: StorageFailed, sqlite3.Error: no room for it.
    """
    try:
        _keep(file, step)
    except OSError as error:
        raise storage_failed(error, str(file)) from error


def _keep(file: Path, step: int) -> None:
    target = file.with_name(f"{file.name}.before-{step}")
    partial = target.with_name(f".{target.name}.partial")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    pattern = re.compile(re.escape(f"{file.name}.before-") + r"([0-9]{1,9})\Z")
    copies = [(int(found.group(1)), path) for path in file.parent.iterdir() if (found := pattern.match(path.name))]
    for _, path in sorted(copies)[:-_KEPT]:
        path.unlink(missing_ok=True)
