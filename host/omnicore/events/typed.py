"""The host's own events as types: what they carry is spelled out, and `match` takes them apart.

```python
match event:
    case OmegaEvent.HealthChanged(component=component, new=HealthStatus.Unhealthy):
        ...
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from omnicore.events.bus import Event, EventBus, Subscription
from omnicore.resilience.status import HealthStatus


class OmegaEvent:
    """A name for the eight events of the runtime; each is a frozen dataclass of its own."""

    @dataclass(frozen=True, slots=True)
    class MemoryStored:
        """Something was remembered."""

        tier: str
        id: str

    @dataclass(frozen=True, slots=True)
    class MemoryConsolidated:
        """`count` memories of one tier led to memories of another."""

        from_tier: str
        to_tier: str
        count: int

    @dataclass(frozen=True, slots=True)
    class LoopCycleStarted:
        """A lane began a cycle."""

        loop_type: str
        cycle_id: str

    @dataclass(frozen=True, slots=True)
    class LoopCycleCompleted:
        """A lane ended a cycle."""

        loop_type: str
        cycle_id: str
        success: bool

    @dataclass(frozen=True, slots=True)
    class IntelligenceCreated:
        """An intelligence was created."""

        id: str
        name: str

    @dataclass(frozen=True, slots=True)
    class ArchitectureEvolved:
        """A better architecture took the place of an older one. Units: `fitness` 0 to 1."""

        id: str
        generation: int
        fitness: float

    @dataclass(frozen=True, slots=True)
    class HealthChanged:
        """A part, or `overall`, is in another state than before."""

        component: str
        old: HealthStatus
        new: HealthStatus

    @dataclass(frozen=True, slots=True)
    class ErrorOccurred:
        """A part met an error that it did not expect."""

        component: str
        error: str


AnyEvent = (
    OmegaEvent.MemoryStored
    | OmegaEvent.MemoryConsolidated
    | OmegaEvent.LoopCycleStarted
    | OmegaEvent.LoopCycleCompleted
    | OmegaEvent.IntelligenceCreated
    | OmegaEvent.ArchitectureEvolved
    | OmegaEvent.HealthChanged
    | OmegaEvent.ErrorOccurred
)

TOPICS: Mapping[type[Any], str] = {
    OmegaEvent.MemoryStored: "memory.stored",
    OmegaEvent.MemoryConsolidated: "memory.consolidated",
    OmegaEvent.LoopCycleStarted: "loop.cycle.started",
    OmegaEvent.LoopCycleCompleted: "loop.cycle.completed",
    OmegaEvent.IntelligenceCreated: "intelligence.created",
    OmegaEvent.ArchitectureEvolved: "architecture.evolved",
    OmegaEvent.HealthChanged: "health.changed",
    OmegaEvent.ErrorOccurred: "error.occurred",
}
"""The topic on which each of them is published."""

_FIELDS = {kind: tuple(spec.name for spec in fields(kind)) for kind in TOPICS}
_KINDS = {topic: kind for kind, topic in TOPICS.items()}


def emit(bus: EventBus, event: AnyEvent, source: str = "host", **more: Any) -> str:
    """Publishes an event on its topic and returns its id. `more` travels beside its fields, such as a reason."""
    data = {name: _plain(getattr(event, name)) for name in _FIELDS[type(event)]}
    return bus.publish(TOPICS[type(event)], data | more, source)


def typed(event: Event) -> AnyEvent | None:
    """The typed form of an event of the host; None for every other, those of plugins on the same topics among them."""
    kind = _KINDS.get(event.topic)
    if kind is None or event.hops or not isinstance(event.data, Mapping):
        return None
    try:
        values = {name: event.data[name] for name in _FIELDS[kind]}
        if kind is OmegaEvent.HealthChanged:
            values |= {"old": HealthStatus(values["old"]), "new": HealthStatus(values["new"])}
    except (KeyError, ValueError):
        return None
    return kind(**values)  # type: ignore[no-any-return]


class Receiver:
    """Typed events, one after the other: `while (event := await receiver.recv()) is not None`.

    Owns: its place on the bus, until `close`.
    """

    def __init__(self, bus: EventBus, *, queue: int = 1000) -> None:
        self._subscription: Subscription = bus.subscribe("**", queue=queue, own=True)

    @property
    def dropped(self) -> int:
        """The number of events that were lost because nobody took them in time."""
        return self._subscription.dropped

    async def recv(self) -> AnyEvent | None:
        """The next event; None once the receiver is closed and empty."""
        async for event in self._subscription:
            found = typed(event)
            if found is not None:
                return found
        return None

    def close(self) -> None:
        """Ends it: `recv` returns what is queued, then None."""
        self._subscription.close()


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
