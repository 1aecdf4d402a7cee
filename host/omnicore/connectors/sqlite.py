"""A SQLite file, through the standard library: rows in, rows out, one statement at a time."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from omnicore.config.folders import state_root
from omnicore.connectors.kind import Opening, temporary, text
from omnicore.connectors.queries import FUNCTIONS
from omnicore.connectors.rows import Rows, sql_kind, unfit
from omnicore.errors import InvalidInput, InvalidSetting, OmniError

_LOCK_S = 5.0
_STEPS = 1000  # instructions between two looks at the clock
_VALUE_BYTES = 16 * 1024 * 1024
# All that a query does; which functions it calls is asked for each.
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
# What SQLite asks for while it opens one, as `json_each` and full-text tables are: nothing of it is written.
_OF_VIRTUAL_TABLES = frozenset({(sqlite3.SQLITE_UPDATE, "sqlite_master"), (sqlite3.SQLITE_PRAGMA, "data_version")})
# Statements that would reach another file, or change how this one is kept.
_REFUSED = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA})


class _Sqlite:
    """Each call has a connection of its own on a thread: opening one takes a tenth of a millisecond."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._config = opening.config
        self._path = Path(opening.config["file"])
        self._room = asyncio.Semaphore(opening.concurrency)

    async def query(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> Any:
        """See `omnicore.connectors.rows.Server`."""
        return await self._threaded("query", sql, parameters, timeout_s)

    async def execute(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> Any:
        """See `omnicore.connectors.rows.Server`."""
        return await self._threaded("execute", sql, parameters, timeout_s)

    async def probe(self) -> None:
        """See `omnicore.connectors.rows.Server`."""
        await self.query("SELECT count(*) AS tables FROM sqlite_master", (), _LOCK_S)

    async def close(self) -> None:
        """Nothing: each call closes its own connection."""

    async def _threaded(self, action: str, sql: str, parameters: Sequence[Any], timeout_s: float) -> Any:
        stop = threading.Event()
        end = time.monotonic() + timeout_s
        async with self._room:
            try:
                return await asyncio.to_thread(self._run, action, sql, parameters, lambda: _over(stop, end))
            except sqlite3.Error as error:
                raise _fault(self._opening.name, error) from error
            except (sqlite3.Warning, TypeError, ValueError, OverflowError) as error:  # the driver's, about the input
                raise unfit(self._opening.name, str(error)) from error
            finally:
                stop.set()  # a call that was cancelled ends on its thread too

    def _run(self, action: str, sql: str, parameters: Sequence[Any], over: Any) -> Any:
        if any(self._path.resolve().is_relative_to(one.resolve()) for one in _states(self._opening.data)):
            raise InvalidInput(
                "the file is the host's own", remedy="the operator names one outside of the data folders of hosts"
            )
        if not self._path.is_file():
            raise InvalidInput(
                f"there is no file {self._path.name}", remedy="the operator corrects `file` of the connector"
            )
        mode = "rw" if action == "execute" else "ro"
        address = f"file:{quote(str(self._path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=_LOCK_S, isolation_level=None)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _VALUE_BYTES)
            if action == "execute":
                connection.set_authorizer(_allowed)
            else:
                connection.execute("PRAGMA query_only = ON")
                connection.set_authorizer(self._reads)
            connection.set_progress_handler(over, _STEPS)
            cursor = connection.execute(sql, parameters)
            if action == "execute":
                for _ in cursor:  # one by one: a thousand of the largest values would be gigabytes
                    pass
                return {"changed": max(cursor.rowcount, 0)}
            return self._rows(cursor)
        finally:
            connection.close()

    def _reads(self, action: int, first: str | None, second: str | None, *_about: Any) -> int:
        """The proof once more, by SQLite itself, which knows what a statement comes down to."""
        if action in _READS or (action, first) in _OF_VIRTUAL_TABLES:
            return sqlite3.SQLITE_OK
        name = (second or "").lower()
        known = name in FUNCTIONS["sqlite"] or name in map(str.lower, self._config.get("functions", ()))
        return sqlite3.SQLITE_OK if action == sqlite3.SQLITE_FUNCTION and known else sqlite3.SQLITE_DENY

    def _rows(self, cursor: sqlite3.Cursor) -> dict[str, Any]:
        rows = Rows.of(self._opening, [column[0] for column in cursor.description or ()])
        for row in cursor:
            if not rows.add(row):
                break
        return rows.answer()


def _states(data: Path) -> list[Path]:
    """The data folder of this host, and the folder of those of this user's other projects."""
    try:
        return [data, state_root()]
    except InvalidSetting:  # without a home folder there are none
        return [data]


def _allowed(action: int, *_about: Any) -> int:
    return sqlite3.SQLITE_DENY if action in _REFUSED else sqlite3.SQLITE_OK


def _over(stop: threading.Event, end: float) -> bool:
    return stop.is_set() or time.monotonic() > end


def _fault(name: str, error: sqlite3.Error) -> OmniError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return temporary(f"{name} is locked by another writer", acted=False)
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CANTOPEN")):
        return temporary(f"{name} cannot be read or written: {error}", acted=False)
    return unfit(name, str(error), code=code)


KIND = sql_kind(
    "sqlite",
    "SQLite",
    "A SQLite file on the host's machine",
    "sqlite",
    _Sqlite,
    "file",
    secrets={},
    file=text("path of the file", most=1024),
)
