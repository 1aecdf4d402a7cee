"""A background loop: rounds with rests between them, which end early when there is something to do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


_log = logging.getLogger("omnicore.jobs")


class Pause:
    """One loop's waiting between its rounds. Belongs to one event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.over = False

    def wake(self) -> None:
        """Ends the rest, or has the next one not begin."""
        self._event.set()

    def end(self) -> None:
        """Says that no more rounds are wanted."""
        self.over = True
        self._event.set()

    def clear(self) -> None:
        """Begins a round: what wakes from now on wants another one."""
        self._event.clear()

    async def rest(self, seconds: float) -> None:
        """Waits so long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


class Loop:
    """Runs rounds until `end`. Belongs to one event loop.

    Args:
        turn: one round. Returns the longest rest after it in seconds; 0 begins the next one at once.
        failed: called with the error of a round. Returns the rest after it.
        rests_from_s: the first rest after a round that moved something; each later one is twice as long.
        waits_s: the rest before the first round.
        busy: while this is true, rounds go on after `end`.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], Awaitable[float]],
        failed: Callable[[Exception], float],
        *,
        rests_from_s: float | None = None,
        waits_s: float = 0.0,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self._turn, self._failed, self._busy = turn, failed, busy
        self._rests_from_s, self._waits_s = rests_from_s, waits_s
        self._pause = Pause()
        self._task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """True once no more rounds are wanted."""
        return self._pause.over

    def wake(self) -> None:
        """Begins the next round at once."""
        self._pause.wake()

    def end(self) -> None:
        """Lets the loop end after the round under way."""
        self._pause.end()

    def start(self) -> None:
        """Runs the loop as a task."""
        self._task = asyncio.create_task(self.run(), name=self.name)

    async def ended(self, within_s: float | None) -> None:
        """Waits for the end of the task, or so long at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within_s)

    async def stop(self, within_s: float | None = None) -> None:
        """Ends the loop; after `within_s` the round under way is cancelled."""
        self.end()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=within_s)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Returns after `end`."""
        if self._waits_s:
            await self._pause.rest(self._waits_s)
        growing_s = self._rests_from_s
        while not self._pause.over or self._busy():
            self._pause.clear()
            try:
                rest_s = await self._turn()
            except Exception as error:
                rest_s = self._failed(error)
            if growing_s is not None and self._rests_from_s is not None:
                growing_s = self._rests_from_s if rest_s <= 0 else growing_s * 2
                rest_s = min(rest_s, growing_s)
            if rest_s > 0:
                await self._pause.rest(rest_s)
