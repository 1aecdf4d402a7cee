"""One writer behind a lock: transactions as blocks, and group commit."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from omnicore.errors import Conflict
from omnicore.storage.group_commit import GroupCommit
from omnicore.storage.store import Session

__all__ = ["Writing"]

_T = TypeVar("_T")


class Writing(ABC):
    """Writers of one process take turns; those of other processes wait in the database itself."""

    refused = 0
    """SQLite has one writer: what waits for it too long fails as a whole."""

    def __init__(self) -> None:
        self._locks()

    def _locks(self) -> None:
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._group = GroupCommit(self._lock, self)

    @contextmanager
    def write(self, *, durable: bool = False, locks: Sequence[str] = ()) -> Iterator[Session]:
        """A transaction: all of it is kept, or nothing when the block raises.

        Args:
            durable: wait until the disk holds it, for what a person decided (grants, states).
            locks: SQLite has one writer at a time, which has them all.

        Raises: StorageFailed. Conflict: this thread is in a transaction already.
        """
        self._refuse_nesting()
        with self._lock:
            try:
                try:
                    yield self.begin(durable=durable)
                    self.commit()
                except BaseException:
                    self.rollback()
                    raise
            except BaseException as error:
                told = self.failure(error)
                if told is error:
                    raise
                raise told from error

    def apply(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """Runs `work` in a transaction that may be shared; see `omnicore.storage.store.Store.apply`."""
        self._refuse_nesting()
        return self._group.apply(work)

    async def apply_async(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """The same without blocking the event loop; see `omnicore.storage.store.Store.apply_async`."""
        return await self._group.apply_async(work)

    def begin(self, *, durable: bool = False) -> Session:
        """Opens a transaction; the lock is held."""
        session = self._begin(durable)
        self._owner = threading.get_ident()
        return session

    def commit(self) -> None:
        """Keeps what was written."""
        self._commit()
        self._owner = None

    def rollback(self) -> None:
        """Drops what was written."""
        self._owner = None
        self._rollback()

    @abstractmethod
    def _begin(self, durable: bool) -> Session: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None:
        """Raises nothing: it is called after a failure."""

    @abstractmethod
    def failure(self, error: BaseException) -> BaseException:
        """The error to tell."""

    def passing(self, error: BaseException) -> bool:
        """True when the same work may succeed if it is done again at once."""
        return False

    def _refuse_nesting(self) -> None:
        if self._owner == threading.get_ident():
            raise Conflict("a transaction is open in this thread already", remedy="write through its session")
