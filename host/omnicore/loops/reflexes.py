"""Reflexes: rules that answer an event at once, without reading or writing anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.events.bus import Event

__all__ = ["PATTERNS", "Reflexes"]

PATTERNS = ("plugin.*", "health.changed")
"""The events that rules look at; no other event wakes the lane."""

_RESTS = frozenset({"plugin.quarantined", "plugin.disabled"})
_WAKES = frozenset(
    {"plugin.recovered", "plugin.enabled", "plugin.granted", "plugin.added", "plugin.changed", "plugin.removed"}
)


@dataclass(slots=True)
class Reflexes:
    """What the rules have brought about so far.

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
