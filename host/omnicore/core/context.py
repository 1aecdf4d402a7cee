"""The identity of a running application, and the time of its start."""

from __future__ import annotations

from omnicore.clock import Clock, SystemClock
from omnicore.ids import new_id


class RuntimeContext:
    """Identity and uptime of one application. Units: `started_at` and `stopped_at` seconds since the Unix epoch."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.instance_id = new_id("app")
        self.started_at: float | None = None
        self.stopped_at: float | None = None
        self._from: float | None = None
        self._until: float | None = None

    def mark_start(self) -> None:
        """Notes that the application starts now."""
        self.started_at, self._from = self._clock.now(), self._clock.monotonic()
        self.stopped_at = self._until = None

    def mark_stop(self) -> None:
        """Notes that the application has stopped; it never started, or stopped before, changes nothing."""
        if self._from is not None and self._until is None:
            self.stopped_at, self._until = self._clock.now(), self._clock.monotonic()

    def uptime(self) -> float:
        """Seconds it has run, 0.0 before the start; the clock on the wall may jump meanwhile."""
        if self._from is None:
            return 0.0
        return (self._clock.monotonic() if self._until is None else self._until) - self._from
