"""Rates of plugins, counted over all their calls and their answers to lanes."""

from __future__ import annotations

import threading

from omnicore.clock import Clock
from omnicore.errors import LimitExceeded

EVENTS_PER_S = 100
_MOST_PLUGINS = 1000


class Rates:
    """At most `EVENTS_PER_S` events a second for each plugin, as many at once after a rest. Usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # what is left, and as of when

    def spend(self, plugin: str, clock: Clock) -> None:
        """Counts an event. Raises: LimitExceeded."""
        with self._lock:
            now = clock.monotonic()
            left, at = self._left.get(plugin, (float(EVENTS_PER_S), now))
            left = min(EVENTS_PER_S, left + (now - at) * EVENTS_PER_S)
            self._left[plugin] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _MOST_PLUGINS:  # who has rested for a second has all of it again
                self._left = {name: one for name, one in self._left.items() if now - one[1] < 1}
        if left < 1:
            raise LimitExceeded(
                f"more than {EVENTS_PER_S} events in a second",
                remedy="publish less often",
                limit="events_per_s",
                allowed=EVENTS_PER_S,
            )
