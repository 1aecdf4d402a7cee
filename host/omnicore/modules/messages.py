"""`MessagingModule`: handlers for the events of the application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from omnicore.core.bounded import Side
from omnicore.core.extensions import explained
from omnicore.errors import Conflict
from omnicore.events.bus import Event, Subscription, check_pattern

_log = logging.getLogger("omnicore.messaging")
Handler = Callable[[Event], Any]


@dataclass(slots=True)
class MessagingStats:
    """Counts of events for handlers; `dropped` ones were lost because a handler was too slow."""

    handled: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Line:
    pattern: str
    handler: Handler
    queue: int
    subscription: Subscription | None = None
    task: asyncio.Task[None] | None = None


class MessagingModule:
    """Lets parts of an application talk by topic, over the same bus that plugins and REST clients see.

    ```python
    messages = app.add_module(MessagingModule())
    messages.subscribe("orders.*", handle_order)  # plain or async
    messages.publish("orders.new", {"id": 7})
    ```

    Each handler gets its events one after the other, in order. When it is slow the oldest of its queue go, and when
    it fails the others do not notice. `stop` lets handlers finish what is queued.

    Args:
        handler_s: how long a handler may take for one event.
    """

    name = "messaging"

    def __init__(self, *, handler_s: float = 30.0) -> None:
        self._handler_s = handler_s
        self._app: Any = None
        self._lines: list[_Line] = []
        self._running = False
        self._stats = MessagingStats()

    def bind(self, app: Any) -> None:
        """Sets the application."""
        self._app = app

    async def start(self) -> None:
        """Begins to hand events to the handlers."""
        self._running = True
        for line in self._lines:
            self._open(line)

    async def stop(self) -> None:
        """Takes no more events, and lets the handlers finish those that are queued."""
        self._running = False
        for line in self._lines:
            if line.subscription is not None:
                line.subscription.close()
        await asyncio.gather(*(line.task for line in self._lines if line.task is not None))

    def health(self) -> dict[str, Any]:
        """Degraded once events were dropped."""
        stats = self.stats()
        return {"status": "degraded" if stats.dropped else "healthy", **asdict(stats)}

    def publish(self, topic: str, data: Any = None) -> str:
        """Hands an event to all who listen, from any thread, and returns its id. Raises: see `EventBus.publish`."""
        identifier: str = self._bus().publish(topic, data, self._app.name)
        return identifier

    def subscribe(self, pattern: str, handler: Handler, *, queue: int = 256) -> None:
        """Has a handler called for each event of a pattern such as `orders.*`, `**` for all.

        Raises: InvalidInput: no such pattern can be; Conflict: the module runs already.
        """
        if self._running:
            raise Conflict("the messaging module runs already", remedy="subscribe before the application starts")
        self._lines.append(_Line(check_pattern(pattern), handler, queue))

    def stats(self) -> MessagingStats:
        """Its figures at this moment."""
        dropped = sum(line.subscription.dropped for line in self._lines if line.subscription is not None)
        return MessagingStats(self._stats.handled, self._stats.failed, dropped)

    def _open(self, line: _Line) -> None:
        line.subscription = self._bus().subscribe(line.pattern, queue=line.queue)
        line.task = asyncio.create_task(self._serve(line, line.subscription))

    async def _serve(self, line: _Line, events: Subscription) -> None:
        side = Side(f"messaging-{line.pattern}")
        try:
            async for event in events:
                outcome = await side.run(partial(line.handler, event), self._handler_s)
                if outcome.ended_well:
                    self._stats.handled += 1
                else:
                    self._stats.failed += 1
                    how = explained(outcome, self._handler_s)
                    _log.error("the handler of %s for %s %s", line.pattern, event.topic, how)
        finally:
            events.close()
            side.close()

    def _bus(self) -> Any:
        if self._app is None:
            raise Conflict("the messaging module has no application", remedy="add it to one with app.add_module")
        return self._app.bus
