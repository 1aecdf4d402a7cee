"""The requests that run now, so that a stop can let them finish."""

from __future__ import annotations

import asyncio

from omnicore.api.exchange import Exchange
from omnicore.errors import CapacityReached

__all__ = ["Traffic"]

_ANSWER_S = 1.0


class Traffic:
    """Belongs to one event loop.

    Args:
        most: requests and WebSockets at the same time; more are turned away.
    """

    def __init__(self, most: int = 2000) -> None:
        self._most = most
        self._running: set[Exchange] = set()
        self._changed: asyncio.Event | None = None
        self.stopping = False

    def __len__(self) -> int:
        return len(self._running)

    def enter(self, exchange: Exchange) -> None:
        """Counts a request in."""
        self._running.add(exchange)

    def leave(self, exchange: Exchange) -> None:
        """Counts a request out."""
        exchange.over = True
        self._running.discard(exchange)
        if self._changed is not None:
            self._changed.set()

    def check_room(self) -> None:
        """Raises: CapacityReached: too many requests run."""
        if len(self._running) > self._most:
            raise CapacityReached(f"{self._most} requests run already", remedy="try again later")

    async def drain(self, timeout_s: float) -> None:
        """Ends live connections, waits for requests to finish, then cuts those that did not."""
        self.stopping = True
        for exchange in tuple(self._running):
            if exchange.live:
                exchange.cut("stopping")
        await self._none_left(timeout_s)
        for exchange in tuple(self._running):
            exchange.cut("stopping")
        await self._none_left(_ANSWER_S)

    async def _none_left(self, timeout_s: float) -> None:
        changed = self._changed = asyncio.Event()
        try:
            async with asyncio.timeout(timeout_s):
                while self._running:
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass
        finally:
            self._changed = None
