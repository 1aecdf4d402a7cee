"""Turns: work that takes long, done on a few threads, in turn for each of those who have some."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from omnicore.errors import CapacityReached

_WAITING = 256
_T = TypeVar("_T")
_Item = tuple["Future[Any]", Callable[[], Any]]


class Turns:
    """Does `threads` things at a time, `each` at most for one who asks. Usable from any thread.

    Who asks for much waits behind its own work, never in front of somebody else's.

    Owns: its threads, started when they are needed first; they end with the process or the last reference.
    """

    def __init__(self, threads: int, each: int = 1, *, name: str) -> None:
        self._threads, self._each, self._name = threads, each, name
        self._start_over()
        _ALL.add(self)

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        self._waiting: dict[str, deque[_Item]] = {}  # in the order of their turns
        self._served: Counter[str] = Counter()
        self._free = self._threads

    def submit(self, who: str, work: Callable[[], _T]) -> Future[_T]:
        """The outcome of `work`, later. Raises: CapacityReached: too much waits for this one already."""
        future: Future[_T] = Future()
        with self._lock:
            queue = self._waiting.setdefault(who, deque())
            if len(queue) >= _WAITING:
                raise CapacityReached(
                    f"{len(queue)} requests of {who} wait for their turn",
                    remedy="send fewer at once, or smaller ones",
                    limit="waiting_requests",
                    allowed=_WAITING,
                    retry_after_s=1.0,
                )
            queue.append((future, work))
            begin = self._free > 0 and self._served[who] < self._each
            if begin:
                self._free -= 1
        if begin:
            self._executor.submit(self._serve)
        return future

    async def take(self, who: str, work: Callable[[], _T]) -> _T:
        """The result of `work`, done in a turn. Cancelled before its turn, it is not done at all."""
        return await asyncio.wrap_future(self.submit(who, work))

    def _serve(self) -> None:
        while (taken := self._next()) is not None:
            who, (future, work) = taken
            try:
                if future.set_running_or_notify_cancel():
                    _settle(future, work)
            finally:
                del future, work, taken  # what is large goes before the next turn
                with self._lock:
                    self._served[who] -= 1

    def _next(self) -> tuple[str, _Item] | None:
        with self._lock:
            self._served = +self._served  # only those who are served now
            who = next((one for one in self._waiting if self._served[one] < self._each), None)
            if who is None:
                self._free += 1
                return None
            queue = self._waiting.pop(who)
            item = queue.popleft()
            if queue:
                self._waiting[who] = queue  # behind the others
            self._served[who] += 1
            return who, item


def _settle(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        found = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(found)


_ALL: weakref.WeakSet[Turns] = weakref.WeakSet()


def _forked() -> None:
    """The threads do not come along into a child."""
    for turns in _ALL:
        turns._start_over()


os.register_at_fork(after_in_child=_forked)
