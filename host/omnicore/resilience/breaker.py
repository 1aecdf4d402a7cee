"""A circuit breaker: after some failures in a row, calls are refused until a trial call succeeds."""

from __future__ import annotations

import threading
from typing import Literal

from omnicore.clock import Clock, SystemClock

__all__ = ["Breaker", "BreakerState"]

BreakerState = Literal["closed", "open", "half-open"]


class Breaker:
    """Counts failures in a row. Usable from any thread.

    closed: calls pass. open: calls are refused for `reset_s`. half-open: one trial passes; its success closes
    the breaker, its failure opens it again. A trial that never reports back is given up after `reset_s`.
    """

    def __init__(self, failures: int = 5, reset_s: float = 60.0, clock: Clock | None = None) -> None:
        if failures < 1 or reset_s < 0:
            raise ValueError(f"a breaker needs failures >= 1 and reset_s >= 0, not {failures} and {reset_s}")
        self._failures = failures
        self._reset_s = reset_s
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._state: BreakerState = "closed"
        self._failed = 0
        self._since = 0.0

    @property
    def state(self) -> BreakerState:
        """What the breaker does now; an open one turns half-open only when a call asks."""
        return self._state

    @property
    def retry_after_s(self) -> float:
        """Seconds until a trial passes, 0.0 when calls pass now."""
        if self._state == "closed":
            return 0.0
        return max(0.0, self._since + self._reset_s - self._clock.monotonic())

    def allow(self) -> bool:
        """True when a call may go ahead; the caller then reports `success` or `failure`."""
        if self._state == "closed":  # one read without the lock: this is the path of every call
            return True
        with self._lock:
            if self.state == "closed":
                return True
            now = self._clock.monotonic()
            if now - self._since < self._reset_s:
                return False
            self._state, self._since = "half-open", now
            return True

    def success(self) -> None:
        """A call went well: the count starts again and a half-open breaker closes."""
        if self._failed == 0:
            return
        with self._lock:
            if self._state != "open":  # a call that began before the breaker opened proves nothing
                self._state, self._failed = "closed", 0

    def failure(self) -> bool:
        """A call failed. Returns True when this failure opened the breaker."""
        with self._lock:
            if self._state == "open":
                return False
            self._failed += 1
            if self._state == "closed" and self._failed < self._failures:
                return False
            self._state, self._since = "open", self._clock.monotonic()
            return True

    def reset(self) -> None:
        """Closes the breaker, as an operator who repaired the cause wants it."""
        with self._lock:
            self._state, self._failed = "closed", 0
