"""Work for the guest's thread: from no other one does the library reach its memory."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from omnicore.errors import GuestFailed

__all__ = ["Errands", "over"]

T = TypeVar("T")

_Errand = tuple[Callable[[], Any], concurrent.futures.Future[Any]]


class Errands:
    """Runs errands on the thread that made it, while that thread waits in `serve`."""

    __slots__ = ("_lock", "_open", "_queue", "_thread")

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._open = False
        self._queue: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()

    def run(self, work: Callable[[], T]) -> T:
        """Has `work` done on the guest's thread. Raises: GuestFailed when that does not wait any more."""
        if threading.get_ident() == self._thread:
            return work()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with self._lock:
            if not self._open:
                raise over()
            self._queue.put((work, future))
        return future.result()

    def serve(self, task: Callable[[], T]) -> T:
        """Runs `task` on a thread of its own and errands on this one, until the task has ended."""
        outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._open = True
        threading.Thread(target=self._work, args=(task, outcome), daemon=True).start()
        try:
            while (errand := self._queue.get()) is not None:
                _settle(*errand)
        finally:
            self._close()
        return outcome.result()

    def _work(self, task: Callable[[], T], outcome: concurrent.futures.Future[T]) -> None:
        _settle(task, outcome)
        self._queue.put(None)

    def _close(self) -> None:
        with self._lock:
            self._open = False
            while not self._queue.empty():
                errand = self._queue.get()
                if errand is not None:
                    errand[1].set_exception(over())


def over() -> GuestFailed:
    """A call object that was used after its host function."""
    return GuestFailed("the host function's call is over", remedy="use the call object only within it")


def _settle(work: Callable[[], Any], future: concurrent.futures.Future[Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
