"""The reflexive lane: it sleeps until an event comes that moves a rule, and answers those of a while at once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from omnicore.events.bus import EventBus, Subscription
from omnicore.loops.cycle import CycleInput
from omnicore.loops.reflexes import Reflexes
from omnicore.loops.running import Done

__all__ = ["ReflexLane"]

_MOST_TOLD = 1000


class ReflexLane:
    """Listens for the rules. Nothing runs while no event comes. `cut` counts handlers cut since the last cycle.

    Rules apply at once, whoever looks first; a cycle tells what they did. `look` may be used from any thread.
    """

    def __init__(self, bus: EventBus, patterns: Sequence[str]) -> None:
        self._bus, self._patterns = bus, patterns
        self._subscriptions: list[Subscription] = []
        self._fired: deque[dict[str, Any]] = deque(maxlen=_MOST_TOLD)
        self._events = 0
        self._lock = threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        self.rules = Reflexes()
        self.cut = 0

    def open(self) -> None:
        """Begins to listen."""
        self._subscriptions = [self._bus.subscribe(pattern) for pattern in self._patterns]

    def close(self) -> None:
        """Stops listening."""
        for subscription in self._subscriptions:
            subscription.close()

    async def run(self, cycle: Callable[[], Awaitable[None]], pause_s: Callable[[], float]) -> None:
        """Runs a cycle whenever a rule has fired, and not again before the pause is over."""
        woken, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(woken.set)
        try:
            async with asyncio.TaskGroup() as group:
                for subscription in self._subscriptions:
                    group.create_task(self._listen(subscription))
                while True:
                    await woken.wait()
                    woken.clear()
                    await cycle()
                    await asyncio.sleep(pause_s())
        finally:
            self._wake = lambda: None

    def look(self) -> Reflexes:
        """The rules, with all events applied that have come so far."""
        with self._lock:
            events = [event for subscription in self._subscriptions for event in subscription.drain()]
            fired = self.rules.apply(events)
            self._events += len(events)
            self._fired.extend(fired)
        if fired:
            self._wake()
        return self.rules

    async def duty(self, _given: CycleInput) -> Done:
        """Tells what the rules did since the last cycle."""
        self.look()
        with self._lock:
            fired, self._fired = list(self._fired), deque(maxlen=_MOST_TOLD)
            events, self._events = self._events, 0
            cut, self.cut = self.cut, 0
        return Done({"events": events, "rules_fired": fired, "calls_cut": cut})

    async def _listen(self, subscription: Subscription) -> None:
        while await subscription.wait():
            self.look()
