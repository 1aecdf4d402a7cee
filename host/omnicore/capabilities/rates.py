"""Rates of plugins, counted over all their calls and their answers to lanes."""

from __future__ import annotations

import threading

from omnicore.clock import Clock
from omnicore.errors import LimitExceeded

EVENTS_PER_S = 100
_MOST_PLUGINS = 1000


class Rates:
    """At most so many events a second for each plugin, as many at once after a rest. Usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # what is left, and as of when

    def spend(self, plugin: str, clock: Clock, *, most: int = EVENTS_PER_S, what: str = "events") -> None:
        """Counts one of `what`, of which `most` are allowed in a second. Raises: LimitExceeded."""
        key = plugin if what == "events" else f"{plugin} {what}"
        with self._lock:
            now = clock.monotonic()
            left, at = self._left.get(key, (float(most), now))
            left = min(most, left + (now - at) * most)
            self._left[key] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _MOST_PLUGINS:  # who has rested for a second has all of it again
                self._left = {name: one for name, one in self._left.items() if now - one[1] < 1}
        if left < 1:
            raise LimitExceeded(
                f"more than {most} {what} in a second",
                remedy="publish less often" if what == "events" else "use it less often",
                limit="events_per_s" if what == "events" else f"{what} per second",
                allowed=most,
            )
