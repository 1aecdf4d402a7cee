"""How much room the rows take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from omnicore.storage.store import Store

__all__ = ["stored_bytes"]


def stored_bytes(store: Store) -> int:
    """Bytes on the disk: of SQLite's file with its journal, of PostgreSQL's database. Raises: StorageFailed."""
    if store.dialect == "postgresql":
        return int(store.rows("SELECT pg_database_size(current_database())")[0][0])
    size = 0
    for ending in ("", "-wal"):
        with suppress(OSError):  # a database in memory has no file
            size += Path(store.place + ending).stat().st_size
    return size
