"""The interface of the database: SQLite on one machine, PostgreSQL on several; its errors; renewal after a fork."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar
from weakref import WeakSet

from omnicore.errors import StorageBusy, StorageFailed

Dialect = Literal["sqlite", "postgresql"]
_T = TypeVar("_T")


class Cursor(Protocol):
    """The result of a statement. `rowcount` is the number of rows that it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Session(Protocol):
    """An open transaction. Marks are `?` in both dialects, rows are tuples."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Runs one statement. Raises: StorageFailed, out of the transaction's block."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Runs one statement for each row of parameters."""


class Changes(Protocol):
    """Notifies an event loop when another process has written."""

    @property
    def works(self) -> bool:
        """False after the notifications have ended: poll `data_version` from then on."""

    def begin(self, notify: Callable[[], None]) -> None:
        """Calls `notify` on the running loop after each write, and once when the notifications end by themselves."""

    def close(self) -> None:
        """Ends the notifications."""


class Store(Protocol):
    """A database, safe to use from any thread. Statements use what both dialects understand."""

    @property
    def dialect(self) -> Dialect:
        """The dialect, for the few statements that differ."""

    @property
    def place(self) -> str:
        """The file or the server without credentials, as messages name it."""

    @property
    def refused(self) -> int:
        """The number of writes since opening that failed because another session held a lock for too long."""

    def write(self, *, durable: bool = False, locks: Sequence[str] = ()) -> AbstractContextManager[Session]:
        """A transaction for this block: committed at its end, rolled back when the block raises.

        Transactions of PostgreSQL run at the same time, and each statement sees what was committed before it. A row
        that was inserted or changed is locked until the end. Code that reads and then writes rows that are not locked
        must name a lock.

        Args:
            durable: wait until the data is on the disk, whatever `storage.synchronous` says.
            locks: names, such as `kv:greet`; only one transaction of all hosts holds a name at a time.
        """

    def apply(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """Runs `work` in a transaction that it may share with other threads, and returns after the commit.

        Many small writes share one commit. An exception from `work` undoes its own writes only. It may run in another
        thread, and more than once if the transaction is repeated: it must use only its session and have no other
        effect. `locks`: see `write`.
        """

    async def apply_async(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """The same for an event loop, which is not blocked: another thread waits for the disk.

        Cancelling the wait does not cancel the work.
        """

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query, as tuples. Raises: StorageFailed."""

    def data_version(self) -> int:
        """A number that changes whenever another process, or another store, has written."""

    def data_version_at_hand(self) -> int | None:
        """The same number if it is known without waiting, for an event loop; otherwise None."""

    def changes(self) -> Changes | None:
        """Notifications of other processes' writes, or None if the database has none. Blocks. Raises: StorageFailed."""

    def clean(self) -> None:
        """Leaves nothing of deleted rows in the database's log, as far as nobody reads there just now.

        Blocks. PostgreSQL looks after its own files. Raises: StorageFailed.
        """

    def check(self) -> None:
        """Checks the database for damage. Raises: StorageFailed."""

    def close(self) -> None:
        """Closes every connection; a second time does nothing."""


_LOCKED = ("is locked by another process", "stop the other process that writes to it, then try again")
_NO_RIGHT = ("cannot be written", "give this user the right to write to the file and its folder")
_REMEDIES = {
    sqlite3.SQLITE_NOTADB: ("is no database", "move the file away; the host makes a new one"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "restore a backup, or move the file away and the host makes a new one"),
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        "free space on that disk; nothing of the last change was kept",
    ),
    sqlite3.SQLITE_READONLY: _NO_RIGHT,
    sqlite3.SQLITE_PERM: _NO_RIGHT,
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "check that its folder exists and that this user may write to it",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "check the disk and free space",
    ),
}
_BUSY = "try again; end the session if it stays (pg_stat_activity: idle in transaction, pg_terminate_backend)"
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


def storage_busy(place: str = "the database", holder: str = "") -> StorageBusy:
    """The error of a write that waited too long. Args: holder: the session that probably holds the lock."""
    named = f"{holder} in {place}" if holder else f"another session in {place}"
    return StorageBusy(f"a write waited too long for a lock of {named}; nothing was kept", remedy=_BUSY, path=place)


class Renewable(Protocol):
    """A part with connections or locks that a forked child must not share with its parent."""

    def renew(self) -> None:
        """Takes new locks and forgets connections, without closing them: the parent still uses them."""


_ALIVE: WeakSet[Renewable] = WeakSet()


def renewed_after_fork(part: Renewable) -> None:
    """Registers a part: `part.renew()` is called in every forked child."""
    _ALIVE.add(part)


def _renew_all() -> None:
    for part in list(_ALIVE):
        part.renew()


os.register_at_fork(after_in_child=_renew_all)
