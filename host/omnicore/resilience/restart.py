"""Parts that run for as long as the host does: restarted with growing pauses when they fail, given up loudly."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from omnicore.clock import Clock, SystemClock
from omnicore.resilience.retry import RetryPolicy

__all__ = ["RESTARTS", "Supervised", "SupervisedState"]

_log = logging.getLogger("omnicore.restart")

RESTARTS = RetryPolicy(retries=10, first_s=0.1, most_s=30.0)
"""How parts of the host are restarted unless they say otherwise."""

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
