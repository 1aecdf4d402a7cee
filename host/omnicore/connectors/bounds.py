"""How often and how many at once: token buckets and a gate. Used on one event loop; time is an argument."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from omnicore.errors import CapacityReached, LimitExceeded

__all__ = ["Bucket", "Buckets", "Gate"]


@dataclass(slots=True)
class Bucket:
    """A token bucket. Units: `rate` tokens a second; `burst` tokens it holds at most."""

    rate: float
    burst: float
    at: float
    tokens: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> float:
        """Takes a token and returns 0.0, or takes none and returns the seconds until there is one."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) / self.rate


class Buckets:
    """A bucket for each name. Those longest unused go when there are too many; a full one is like a new one."""

    def __init__(self, rate: float, burst: float, *, most: int = 1024) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str, now: float, *, what: str, limit: str) -> None:
        """Takes a token of this name. Raises: LimitExceeded, with `retry_after_s`."""
        bucket = self._of.pop(name, None) or Bucket(self._rate, self._burst, now)
        self._of[name] = bucket
        while len(self._of) > self._most:
            self._of.popitem(last=False)
        wait = bucket.take(now)
        if wait > 0:
            raise LimitExceeded(
                f"{what} is used more than {self._rate:g} times a second",
                remedy="call it less often",
                limit=limit,
                allowed=self._rate,
                retry_after_s=round(wait, 3),
            )


class Gate:
    """Lets so many through at once; others wait in a line of bounded length."""

    def __init__(self, most: int, waiting: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._waiting = waiting
        self._line = 0

    @asynccontextmanager
    async def passed(self, what: str) -> AsyncIterator[None]:
        """While the block runs, one place is taken. Raises: CapacityReached: the line is full."""
        if self._room.locked() and self._line >= self._waiting:
            raise CapacityReached(f"{self._line} calls wait for {what} already", remedy="try again later")
        self._line += 1
        try:
            await self._room.acquire()
        finally:
            self._line -= 1
        try:
            yield
        finally:
            self._room.release()
