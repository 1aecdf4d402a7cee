"""A database as every room sees it: SQLite on one machine, PostgreSQL on many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar

__all__ = ["Answer", "Changes", "Dialect", "Session", "Store"]

Dialect = Literal["sqlite", "postgresql"]
_T = TypeVar("_T")


class Answer(Protocol):
    """The result of a statement. `rowcount` is the number of rows that it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Session(Protocol):
    """An open transaction. Marks are `?` in both dialects, rows are tuples."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Answer:
        """Runs one statement. Raises: StorageFailed, out of the transaction's block."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Runs one statement for each row of parameters."""


class Changes(Protocol):
    """Tells an event loop when another process has written."""

    works: bool
    """False once it can tell nothing any more: then `data_version` has to be asked for."""

    def begin(self, told: Callable[[], None]) -> None:
        """Calls `told` on the running loop from now on, once more when it ends by itself."""

    def close(self) -> None:
        """Calls nobody any more."""


class Store(Protocol):
    """A database, safe to use from any thread. Statements keep to what both dialects understand."""

    @property
    def dialect(self) -> Dialect:
        """For the few statements that differ."""

    @property
    def place(self) -> str:
        """The file or the server, without credentials, as errors name it."""

    @property
    def refused(self) -> int:
        """The number of writes that failed since it was opened because another session held a lock for too long."""

    def write(self, *, durable: bool = False, locks: Sequence[str] = ()) -> AbstractContextManager[Session]:
        """A transaction of the caller's own: all of it is kept, or nothing when the block raises.

        Transactions of PostgreSQL run at the same time, and each statement sees what was committed before it. A row
        that was inserted or changed is locked until the end. What reads and then writes rows that are not locked
        names a lock.

        Args:
            durable: wait until the disk holds it, whatever `storage.synchronous` says.
            locks: names, such as `kv:greet`, each of which one transaction of all hosts has at a time.
        """

    def apply(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """Runs `work` in a transaction that it may share with those of other threads, and returns when it is kept.

        Many small writes at once cost one commit. What `work` raises undoes its own writes only. It may run in
        another thread, and again when the transaction has to be repeated: it reads and writes through its session
        and leaves everything else alone. `locks`: see `write`.
        """

    async def apply_async(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """The same for an event loop: it goes on while another thread waits for the disk.

        Cancelling the wait does not take the work back.
        """

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query, as tuples. Raises: StorageFailed."""

    def data_version(self) -> int:
        """A number that changes whenever another process, or another store, has written."""

    def data_version_at_hand(self) -> int | None:
        """The same where it is known without waiting for anybody, for an event loop; else None."""

    def changes(self) -> Changes | None:
        """News of others' writes; None: the database has none. Blocks. Raises: StorageFailed."""

    def check(self) -> None:
        """Looks for damage. Raises: StorageFailed."""

    def close(self) -> None:
        """Closes every connection; a second time does nothing."""
