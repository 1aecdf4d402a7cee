"""Coroutine host functions: they run on a loop, while the guest's thread waits and does their errands.

The library reaches its memory from the guest's thread and from no other, so what a coroutine reads and writes
is done there.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from omnicore.errors import GuestFailed
from omnicore.sandbox.background import background_loop
from omnicore.sandbox.reasons import cancelled, overtime

__all__ = ["Errands", "over"]

T = TypeVar("T")

_LOOK_S: Final = 0.02  # how often a waiting call looks whether it was cancelled

_Errand = tuple[Callable[[], Any], concurrent.futures.Future[Any]]


class Errands:
    """Does errands on the thread that made it, while that thread waits for a coroutine."""

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

    def wait(
        self,
        coroutine: Coroutine[Any, Any, T],
        loop: asyncio.AbstractEventLoop | None,
        *,
        deadline: float,
        interrupted: Callable[[], bool],
    ) -> T:
        """The outcome of a coroutine. Raises: DeadlineExceeded, CallCancelled, what the coroutine raises."""
        self._open = True
        future = asyncio.run_coroutine_threadsafe(coroutine, loop or background_loop())
        future.add_done_callback(lambda _: self._queue.put(None))
        try:
            while not future.done():
                self._serve(min(_LOOK_S, deadline - time.monotonic()))
                if interrupted():
                    raise cancelled()
                if time.monotonic() >= deadline:
                    raise overtime()
            return future.result()
        finally:
            future.cancel()
            self._close()

    def _serve(self, timeout_s: float) -> None:
        try:
            errand = self._queue.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return
        if errand is not None:
            _settle(*errand)

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
