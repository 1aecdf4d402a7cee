"""A circuit breaker: after some failures in a row, calls are refused until trial calls succeed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.errors import CallerError, Unavailable

BreakerState = Literal["closed", "open", "half-open"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The usual numbers for services that many calls share. Units: seconds.

    Args:
        failures: in a row, that open it.
        successes: of trials in a row, that close it.
        reset_s: how long an open one refuses before trials pass.
        trials: how many may be under way at the same time.
        lease_s: after which a trial that never reports is given up; None for `reset_s`.
    """

    failures: int = 5
    successes: int = 2
    reset_s: float = 60.0
    trials: int = 3
    lease_s: float | None = None


@dataclass(frozen=True, slots=True)
class BreakerFigures:
    """Counts of a breaker since it was made. Units: seconds; None where it did not happen yet."""

    state: BreakerState
    failures_in_a_row: int
    passed: int
    failed: int
    refused: int
    opened: int
    state_s: float
    last_failure_s: float | None


def counts_as_failure(error: BaseException) -> bool:
    """True if an error says something against the service: a wrong request and a cancelled call do not."""
    return isinstance(error, Exception) and not isinstance(error, CallerError)


class Breaker:
    """Counts failures in a row. Usable from any thread.

    closed: calls pass. open: calls are refused for `reset_s`. half-open: up to `trials` calls are under way at a
    time, each on a lease; `successes` of them close the breaker, one failure opens it again. A trial that never
    reports back is given up after `lease_s`, so nothing can leave the breaker stuck.
    """

    def __init__(
        self,
        failures: int = 5,
        reset_s: float = 60.0,
        clock: Clock | None = None,
        *,
        successes: int = 1,
        trials: int = 1,
        lease_s: float | None = None,
        changed: Callable[[BreakerState, BreakerState], None] | None = None,
    ) -> None:
        if failures < 1 or reset_s < 0:
            raise ValueError(f"a breaker needs failures >= 1 and reset_s >= 0, not {failures} and {reset_s}")
        if successes < 1 or trials < 1:
            raise ValueError(f"a breaker needs successes >= 1 and trials >= 1, not {successes} and {trials}")
        self._policy = BreakerPolicy(failures, successes, reset_s, trials, reset_s if lease_s is None else lease_s)
        self._clock = clock or SystemClock()
        self._changed = changed
        self._lock = threading.Lock()
        self._state: BreakerState = "closed"
        self._turn = 0  # grows with each change of state: what began before one proves nothing after it
        self._failed = 0
        self._succeeded = 0
        self._leases: deque[float] = deque()
        self._since = self._clock.monotonic()
        self._last_failure: float | None = None
        self._totals = {"passed": 0, "failed": 0, "refused": 0, "opened": 0}

    @classmethod
    def under(
        cls,
        policy: BreakerPolicy,
        clock: Clock | None = None,
        changed: Callable[[BreakerState, BreakerState], None] | None = None,
    ) -> Breaker:
        """A breaker with the numbers of a policy."""
        return cls(
            policy.failures,
            policy.reset_s,
            clock,
            successes=policy.successes,
            trials=policy.trials,
            lease_s=policy.lease_s,
            changed=changed,
        )

    @property
    def state(self) -> BreakerState:
        """The present state; an open breaker turns half-open only when a call asks."""
        return self._state

    @property
    def retry_after_s(self) -> float:
        """Seconds until a trial passes, 0.0 when calls pass now."""
        if self._state == "closed":
            return 0.0
        return max(0.0, self._since + self._policy.reset_s - self._clock.monotonic())

    def figures(self) -> BreakerFigures:
        """The counts so far."""
        with self._lock:
            now = self._clock.monotonic()
            last = None if self._last_failure is None else now - self._last_failure
            return BreakerFigures(
                self._state, self._failed, **self._totals, state_s=now - self._since, last_failure_s=last
            )

    # -- for callers that report by themselves

    def allow(self) -> bool:
        """True when a call may go ahead; the caller then reports `success` or `failure`."""
        return self.acquire() is not None

    def acquire(self) -> int | None:
        """A lease for one call, to be handed to `success`, `failure` or `release`; None when it is refused."""
        if self._state == "closed":  # one read without the lock: this is the path of every call
            return self._turn
        old = self._state
        with self._lock:
            lease = self._trial()
            new = self._state
        self._tell(old, new)
        return lease

    def success(self, lease: int | None = None) -> None:
        """A call went well: the count starts again; enough trials that did close the breaker."""
        if self._failed == 0 and self._state == "closed":
            return
        old = self._state
        with self._lock:
            # A call that began before the breaker opened proves nothing.
            if self._state == "open" or (lease is not None and lease != self._turn):
                return
            self._totals["passed"] += 1
            if self._state == "closed":
                self._failed = 0
            else:
                self._trial_over()
                self._succeeded += 1
                if self._succeeded >= self._policy.successes:
                    self._turn_to("closed")
            new = self._state
        self._tell(old, new)

    def failure(self, lease: int | None = None) -> bool:
        """A call failed. Returns True when this failure opened the breaker."""
        old = self._state
        with self._lock:
            if self._state == "open" or (lease is not None and lease != self._turn):
                return False
            self._failed += 1
            self._totals["failed"] += 1
            self._last_failure = self._clock.monotonic()
            if self._state == "closed" and self._failed < self._policy.failures:
                return False
            self._totals["opened"] += 1
            self._turn_to("open")
        self._tell(old, "open")
        return True

    def trip(self) -> bool:
        """Opens the breaker, as somebody wants it who counts by himself. Returns True when it was not open."""
        old = self._state
        with self._lock:
            if self._state == "open":
                return False
            self._totals["opened"] += 1
            self._turn_to("open")
        self._tell(old, "open")
        return True

    def doubt(self) -> None:
        """Lets trials alone pass from now on: others found the service failing, or well again, and this may differ."""
        old = self._state
        with self._lock:
            if self._state != "half-open":
                self._turn_to("half-open")
        self._tell(old, "half-open")

    def release(self, lease: int | None = None) -> None:
        """A call ended without saying anything about the service, such as a cancelled one."""
        with self._lock:
            if self._state == "half-open" and (lease is None or lease == self._turn):
                self._trial_over()

    def reset(self) -> None:
        """Closes the breaker, as an operator who repaired the cause wants it."""
        old = self._state
        with self._lock:
            self._turn_to("closed")
        self._tell(old, "closed")

    # -- for callers that hand over the call

    def call(
        self, work: Callable[..., _T], *arguments: Any, counts: Callable[[BaseException], bool] = counts_as_failure
    ) -> _T:
        """The result of `work`. Raises: Unavailable, when it is refused; what `work` raises."""
        lease = self._leased()
        try:
            result = work(*arguments)
        except BaseException as error:
            self._note(lease, error, counts)
            raise
        self.success(lease)
        return result

    async def call_async(
        self,
        work: Callable[..., Awaitable[_T]],
        *arguments: Any,
        counts: Callable[[BaseException], bool] = counts_as_failure,
    ) -> _T:
        """`call` for coroutine functions. Cancelling it gives a trial's lease back."""
        lease = self._leased()
        try:
            result = await work(*arguments)
        except BaseException as error:
            self._note(lease, error, counts)
            raise
        self.success(lease)
        return result

    # -- inner parts

    def _leased(self) -> int:
        lease = self.acquire()
        if lease is None:
            wait_s = self.retry_after_s
            raise Unavailable(
                "it failed too often in a row and is left alone for a while",
                remedy=f"it is tried again in {wait_s:.0f} s",
                retry_after_s=round(wait_s, 3),
            )
        return lease

    def _note(self, lease: int, error: BaseException, counts: Callable[[BaseException], bool]) -> None:
        if counts(error):
            self.failure(lease)
        elif isinstance(error, Exception):
            self.success(lease)  # it answered, if only to say that the request is wrong
        else:
            self.release(lease)

    def _trial(self) -> int | None:
        now = self._clock.monotonic()
        if self._state == "closed":
            return self._turn
        if self._state == "open" and now - self._since >= self._policy.reset_s:
            self._turn_to("half-open")
        if self._state == "half-open":
            while self._leases and self._leases[0] <= now:
                self._leases.popleft()
            if len(self._leases) < self._policy.trials:
                self._leases.append(now + (self._policy.lease_s or 0.0))
                return self._turn
        self._totals["refused"] += 1
        return None

    def _trial_over(self) -> None:
        if self._leases:
            self._leases.popleft()

    def _turn_to(self, state: BreakerState) -> None:
        self._state, self._since = state, self._clock.monotonic()
        self._turn += 1
        self._succeeded = 0
        self._leases.clear()
        if state == "closed":
            self._failed = 0

    def _tell(self, old: BreakerState, new: BreakerState) -> None:
        if self._changed is not None and old != new:
            self._changed(old, new)
