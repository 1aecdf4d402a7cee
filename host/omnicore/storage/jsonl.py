"""A backup's rows as text that any program reads in fifty years: one JSON object a line, one file a table."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omnicore.errors import StorageFailed
from omnicore.storage.archive import DATABASE, extract
from omnicore.storage.faults import storage_failed

__all__ = ["write_rows"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


def write_rows(backup: Path, folder: Path) -> dict[str, int]:
    """Writes `TABLE.jsonl` for each table of a backup; how many rows of each. Bytes become `{"base64": ...}`.

    Rows are read one at a time, so that memory does not grow with them. Raises: StorageFailed, InvalidInput.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".rows-") as scratch:
            extract(backup, Path(scratch))
            file = Path(scratch) / DATABASE
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                return {table: _write(connection, table, folder) for table in _tables(connection)}
    except OSError as error:
        raise StorageFailed(
            f"{folder} cannot be written: {error.strerror}", remedy="make room, or let the host write there"
        ) from error
    except sqlite3.Error as error:
        raise storage_failed(error, str(backup)) from error


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Tables that hold rows of their own: what indexes of words keep beside them is made from others."""
    virtual = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
    ]
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    # A database that was restored can hold tables of a stranger: their names are no names of files.
    plain = [name for name in names if _NAME.fullmatch(name)]
    return [name for name in plain if not any(name == one or name.startswith(f"{one}_") for one in virtual)]


def _write(connection: sqlite3.Connection, table: str, folder: Path) -> int:
    count = 0
    with (folder / f"{table}.jsonl").open("w", encoding="utf-8") as file:
        for row in _rows(connection, table):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    cursor = connection.execute('SELECT * FROM "' + table.replace('"', '""') + '"')
    names = [one[0] for one in cursor.description]
    for row in cursor:
        yield {name: _plain(value) for name, value in zip(names, row, strict=True)}


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
