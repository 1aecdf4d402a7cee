"""The requests that run now, so that a stop can let them finish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

from starlette.types import Scope

from omnicore.access.principal import Principal
from omnicore.api.exchange import Exchange
from omnicore.errors import CapacityReached, Unavailable

__all__ = ["Traffic"]

_ANSWER_S = 1.0
_SWEEP_S = 0.05
_WATCH_S = 2.0


class Traffic:
    """Belongs to one event loop.

    Args:
        most: requests and WebSockets at the same time; more are turned away.
        most_bytes: bodies of all requests together; who brings more is turned away.
    """

    def __init__(self, most: int = 2000, most_bytes: int = 256 * 1024 * 1024) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._held = 0
        self._running: set[Exchange] = set()
        self._changed: asyncio.Event | None = None
        self._sweeping = False
        self.stopping = False
        self.watch: Callable[[Sequence[Exchange]], None] | None = None
        """Shown the connections that have no end of their own: every two seconds, and when `turn` tells another."""
        self.turn: Callable[[], int] = int
        self._turn = 0
        self._watch_due = 0.0
        self.taken = 0

    def __len__(self) -> int:
        return len(self._running)

    def enter(self, exchange: Exchange) -> None:
        """Counts a request in."""
        self._running.add(exchange)
        self.taken += 1
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def leave(self, exchange: Exchange) -> None:
        """Counts a request out."""
        exchange.end()
        self._held -= exchange.held
        self._running.discard(exchange)
        if self._changed is not None:
            self._changed.set()

    def check_room(self) -> None:
        """Raises: Unavailable: the host stops; CapacityReached: too many requests run."""
        if self.stopping:
            raise Unavailable("the host stops", remedy="try again later", retry_after_s=5)
        if len(self._running) > self._most:
            raise CapacityReached(f"{self._most} requests run already", remedy="try again later")

    def check_share(self, scope: Scope, most: int) -> None:
        """Raises: CapacityReached: whoever asks for a connection without end has so many of that kind already."""
        own: Principal | None = scope.get("principal")
        if own is None or own.via in ("local", "setting"):
            return
        held = sum(one.scope["path"] == scope["path"] and _person(one) == own.person for one in self._running)
        if held > most:
            raise CapacityReached(f"{own.name} holds {most} such connections open", remedy="close one of them")

    def hold(self, size: int) -> None:
        """Counts bytes of a body in, until its request leaves. Raises: CapacityReached: they are too many."""
        self._held += size
        if self._held > self._most_bytes:
            raise CapacityReached("the requests that run hold too many bytes", remedy="try again later")

    async def drain(self, timeout_s: float) -> None:
        """Ends live connections, waits for requests to finish, then cuts those that did not."""
        self.stopping = True
        for exchange in tuple(self._running):
            if exchange.live or exchange.streams:
                exchange.cut("stopping")
        await self._none_left(timeout_s)
        for exchange in tuple(self._running):
            exchange.cut("stopping")
        await self._none_left(_ANSWER_S)

    def _sweep(self) -> None:
        # One timer for all: two of its own would cost each request 10 us, and most end long before.
        now = monotonic()
        for exchange in tuple(self._running):
            if exchange.due <= now:
                exchange.cut("deadline")
            elif exchange.waiting_since <= now:
                exchange.look()
        turn = self.turn()
        if self.watch is not None and (now >= self._watch_due or turn != self._turn):
            self._watch_due, self._turn = now + _WATCH_S, turn
            self.watch([exchange for exchange in self._running if exchange.live or exchange.streams])
        self._sweeping = bool(self._running)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

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


def _person(exchange: Exchange) -> str:
    principal: Principal | None = exchange.scope.get("principal")
    return "" if principal is None else principal.person
