"""Timers: one heap of moments, looked at again each second so that a clock that is set moves them."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Timers"]

Name = TypeVar("Name", bound=Hashable)

_LONGEST_S = 1.0
_STALE = 256


class Timers(Generic[Name]):
    """Calls `fired` with the name of each timer whose moment has come. Belongs to one event loop.

    Args: now: the clock that the moments are of, such as `Clock.now`, or `Clock.monotonic` for what takes so long.
    """

    def __init__(self, now: Callable[[], float], fired: Callable[[Name], None]) -> None:
        self._now, self._fired = now, fired
        self._heap: list[tuple[float, int, Name]] = []
        self._live: dict[Name, int] = {}
        self._count = 0
        self._armed: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def __len__(self) -> int:
        return len(self._live)

    def set(self, name: Name, due_at: float) -> None:
        """Sets a timer, or sets it anew."""
        self._count += 1
        self._live[name] = self._count
        heapq.heappush(self._heap, (due_at, self._count, name))
        if self._armed is None or due_at < self._armed_for:
            self._arm()

    def drop(self, name: Name) -> None:
        """Takes a timer back."""
        if self._live.pop(name, None) is not None and len(self._heap) > _STALE + 2 * len(self._live):
            self._heap = [one for one in self._heap if self._live.get(one[2]) == one[1]]
            heapq.heapify(self._heap)

    def set_back(self, seconds: float, moves: Callable[[Name], bool]) -> None:
        """Moves timers along after the clock was set back: those of a duration, not those of a moment."""
        moved = [(due - seconds if moves(name) else due, count, name) for due, count, name in self._heap]
        heapq.heapify(moved)
        self._heap = moved
        self._arm()

    def look(self) -> None:
        """Fires what is due."""
        now = self._now()
        while self._heap and self._heap[0][0] <= now:
            _, count, name = heapq.heappop(self._heap)
            if self._live.get(name) == count:
                del self._live[name]
                self._fired(name)
        self._arm()

    def close(self) -> None:
        """Fires nothing any more."""
        self._heap.clear()
        self._live.clear()
        self._disarm()

    def _arm(self) -> None:
        self._disarm()
        if self._heap:
            self._armed_for = self._heap[0][0]
            wait_s = min(max(self._armed_for - self._now(), 0.0), _LONGEST_S)
            self._armed = asyncio.get_running_loop().call_later(wait_s, self.look)

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None
