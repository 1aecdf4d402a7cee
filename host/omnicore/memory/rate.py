"""How fast one plugin may store: a bucket each that fills with time."""

from __future__ import annotations

import threading
from collections import OrderedDict

from omnicore.clock import Clock
from omnicore.errors import LimitExceeded

__all__ = ["WriteRate"]

_PLUGINS = 10_000


class WriteRate:
    """Buckets of two seconds' worth. Usable from any thread.

    Args:
        per_s: memories in a second, 0 for any number.
    """

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._per_s = per_s
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, plugin: str, count: int) -> None:
        """Takes the right to store some. Raises: LimitExceeded: too many in too short a time; nothing was taken."""
        if self._per_s <= 0 or plugin.startswith("@"):
            return
        room = 2 * self._per_s
        now = self._clock.monotonic()
        with self._lock:
            left, at = self._buckets.get(plugin, (room, now))
            left = min(room, left + (now - at) * self._per_s)
            if count > left:
                raise LimitExceeded(
                    f"{plugin} stores more than {self._per_s:g} memories a second",
                    remedy="wait a second, or raise the setting memory.writes_per_s",
                    limit="memory.writes_per_s",
                    allowed=self._per_s,
                )
            self._buckets[plugin] = (left - count, now)
            self._buckets.move_to_end(plugin)
            if len(self._buckets) > _PLUGINS:
                self._buckets.popitem(last=False)
