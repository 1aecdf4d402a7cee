"""Tries again after failures that may pass: growing pauses with jitter, a deadline, `Retry-After` respected.

Parts that run for as long as the host does: restarted with growing pauses when they fail, given up loudly.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.errors import CapacityReached, OmniError, StorageFailed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits and waits of repeated tries. Units: seconds.

    Args:
        retries: tries after the first one.
        first_s, most_s, factor: the first pause, the longest, and how each grows from the one before.
        jitter: the part by which a pause may be longer or shorter, so that many callers do not come at once.
        deadline_s: over all tries and pauses; a pause that would end after it is not begun.
    """

    retries: int = 3
    first_s: float = 0.1
    most_s: float = 30.0
    factor: float = 2.0
    jitter: float = 0.3
    deadline_s: float | None = None

    def __post_init__(self) -> None:
        if self.retries < 0 or self.first_s < 0 or self.most_s < 0 or self.factor < 1 or not 0 <= self.jitter < 1:
            raise ValueError(f"a retry policy cannot be {self}")

    def delay_s(self, tried: int, chance: float) -> float:
        """The pause after `tried` tries; `chance` from 0 to 1 says where in the jitter."""
        # The exponent is bounded: a float has no room for factor ** 2000.
        plain = min(self.most_s, self.first_s * self.factor ** min(tried - 1, 64))
        return min(self.most_s, plain * (1 + self.jitter * (2 * chance - 1)))


def may_pass(error: BaseException) -> bool:
    """True if a failure is of the kind that passes: busy, away, or a connection that broke."""
    return isinstance(error, Unavailable | CapacityReached | StorageFailed | ConnectionError | TimeoutError)


def wanted_pause_s(error: BaseException) -> float:
    """The wait that the other side asked for, from the error's `retry_after_s`; 0.0 when it asked for nothing."""
    wanted = error.details.get("retry_after_s") if isinstance(error, OmniError) else None
    return max(0.0, float(wanted)) if isinstance(wanted, int | float) else 0.0


def read_retry_after(text: str, now: float) -> float | None:
    """The seconds of a `Retry-After` header, a number or a date; None when it is neither.

    Source: RFC 9110, section 10.2.3.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def pause_s(policy: RetryPolicy, tried: int, *, elapsed_s: float, wanted_s: float, chance: float) -> float | None:
    """The wait before the next try; None to give up.

    To come back earlier than asked would be rude and useless, so a wish beyond the policy's own bounds ends the tries.
    """
    if tried > policy.retries or wanted_s > policy.most_s:
        return None
    pause = max(policy.delay_s(tried, chance), wanted_s)
    if policy.deadline_s is not None and elapsed_s + pause >= policy.deadline_s:
        return None
    return pause


class Retry:
    """Runs work under a policy. What it raises in the end is the last failure itself.

    Args:
        when: which failures are worth another try; `may_pass` by default.
        sleep, sleep_blocking, chance: stand-ins for tests.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        *,
        when: Callable[[BaseException], bool] = may_pass,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        sleep_blocking: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self._when = when
        self._clock = clock or SystemClock()
        self._sleep, self._sleep_blocking, self._chance = sleep, sleep_blocking, chance

    async def run(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """The result of `work` from the first try that succeeds. A cancelled try is not repeated."""
        begun, tried = self._clock.monotonic(), 0
        while True:
            tried += 1
            try:
                return await work()
            except Exception as error:
                pause = self._pause(error, tried, begun)
                if pause is None:
                    raise
            await self._sleep(pause)

    def run_blocking(self, work: Callable[[], _T]) -> _T:
        """`run` on this thread."""
        begun, tried = self._clock.monotonic(), 0
        while True:
            tried += 1
            try:
                return work()
            except Exception as error:
                pause = self._pause(error, tried, begun)
                if pause is None:
                    raise
            self._sleep_blocking(pause)

    def _pause(self, error: Exception, tried: int, begun: float) -> float | None:
        if not self._when(error):
            return None
        return pause_s(
            self.policy,
            tried,
            elapsed_s=self._clock.monotonic() - begun,
            wanted_s=wanted_pause_s(error),
            chance=self._chance(),
        )


_log = logging.getLogger("omnicore.restart")

RESTARTS = RetryPolicy(retries=10, first_s=0.1, most_s=30.0)
"""The restart policy of parts of the host that name no other."""

SupervisedState = Literal["stopped", "running", "waiting", "given-up"]


class Supervised:
    """A coroutine that is to run without end.

    When it raises, or returns without being asked to, it is begun again after a pause that grows. A run that
    lasted `steady_s` makes the count start again; after `policy.retries` restarts in a row it is given up, which
    is logged and told, and stays so until `start`.

    Args:
        run: begins the part anew each time.
        failed: told of each failure: the error's text, and whether it was the last.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        *,
        policy: RetryPolicy = RESTARTS,
        steady_s: float = 60.0,
        failed: Callable[[str, str, bool], None] | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.state: SupervisedState = "stopped"
        self.restarts = 0
        self.last_error = ""
        self._run, self._policy, self._steady_s = run, policy, steady_s
        self._failed = failed
        self._clock = clock or SystemClock()
        self._sleep, self._chance = sleep, chance
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins the part, also one that was given up; one that runs already goes on."""
        if self._task is None or self._task.done():
            self.last_error = ""
            self.state = "running"
            self._task = asyncio.create_task(self._keep_running(), name=f"omnicore-{self.name}")

    async def stop(self) -> None:
        """Ends the part and waits for its end."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.state = "stopped"

    def probe(self) -> str | None:
        """For the health monitor: a part that waits is reduced, one that was given up failed."""
        if self.state == "given-up":
            raise RuntimeError(f"{self.name} was given up after {self.restarts} restarts: {self.last_error}")
        if self.state == "waiting":
            return f"{self.name} failed and is restarted: {self.last_error}"
        return None

    async def _keep_running(self) -> None:
        in_a_row = 0
        while True:
            begun = self._clock.monotonic()
            self.state = "running"
            try:
                await self._run()
                self.last_error = "it ended by itself"
            except Exception as error:
                self.last_error = f"{type(error).__name__}: {error}"[:500]
            in_a_row = 1 if self._clock.monotonic() - begun >= self._steady_s else in_a_row + 1
            last = in_a_row > self._policy.retries
            self._report(last)
            if last:
                return
            self.state = "waiting"
            await self._sleep(self._policy.delay_s(in_a_row, self._chance()))
            self.restarts += 1

    def _report(self, last: bool) -> None:
        if last:
            self.state = "given-up"
            _log.error("%s was given up after %d restarts: %s", self.name, self.restarts, self.last_error)
        else:
            _log.warning("%s failed and is restarted: %s", self.name, self.last_error)
        if self._failed is not None:
            self._failed(self.name, self.last_error, last)
