"""Reflexes: rules that answer an event at once without I/O, and the reflexive lane that applies them."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.loops.lane import Done

if TYPE_CHECKING:
    from omnicore.events.bus import Event, EventBus, Subscription
    from omnicore.loops.lane import CycleInput

__all__ = ["PATTERNS", "ReflexLane", "Reflexes"]


PATTERNS = ("plugin.*", "health.changed")
"""The events that rules look at; no other event wakes the lane."""

_RESTS = frozenset({"plugin.quarantined", "plugin.disabled"})
_WAKES = frozenset(
    {"plugin.recovered", "plugin.enabled", "plugin.granted", "plugin.added", "plugin.changed", "plugin.removed"}
)


@dataclass(slots=True)
class Reflexes:
    """State that the rules have changed so far.

    `resting` plugins are left out of cycles until they are well again, `essential_only` leaves out all lanes
    but the two fastest.
    """

    resting: set[str] = field(default_factory=set)
    essential_only: bool = False

    def apply(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        """Applies the rules and returns those that fired."""
        return [fired for event in events for fired in (self._one(event),) if fired]

    def _one(self, event: Event) -> dict[str, Any] | None:
        if event.hops:  # a plugin that publishes on the host's topics moves no rule
            return None
        data: Mapping[str, Any] = event.data if isinstance(event.data, Mapping) else {}
        if event.topic == "health.changed":
            return self._health(data)
        name = str(data.get("name", ""))
        if event.topic in _RESTS:
            self.resting.add(name)
            return {"rule": "rest-handlers", "subject": name}
        if event.topic in _WAKES and name in self.resting:
            self.resting.discard(name)
            return {"rule": "wake-handlers", "subject": name}
        return None

    def _health(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        if data.get("component") != "loops":
            return None
        essential = str(data.get("new")) != "Healthy"
        if essential == self.essential_only:
            return None
        self.essential_only = essential
        return {"rule": "essential-lanes-only" if essential else "all-lanes", "subject": "loops"}


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
