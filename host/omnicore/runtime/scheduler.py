"""The scheduler: waits for the next tick of all schedules and has it turned into tasks."""

from __future__ import annotations

import asyncio
import logging

from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.pause import Pause
from omnicore.runtime.schedule import ScheduleDesk

__all__ = ["Scheduler"]

_log = logging.getLogger("omnicore.tasks")
_POLLS = 5


class Scheduler:
    """Ticks the schedules of a desk. Hosts that tick at once agree in the database who does."""

    def __init__(self, desk: TaskDesk, schedules: ScheduleDesk) -> None:
        self._clock, self._schedules = desk.clock, schedules
        self._poll_s = desk.settings.poll_s * _POLLS  # for schedules that another process has added
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        while not self.pause.over:
            self.pause.clear()
            try:
                wait_s = await asyncio.to_thread(self._look)
            except Exception:  # whatever it is: schedules that are well go on
                _log.warning("the schedules cannot be read or moved on now", exc_info=True)
                wait_s = self._poll_s
            await self.pause.rest(wait_s)

    def _look(self) -> float:
        next_at = self._schedules.next_at()
        while next_at is not None and next_at <= self._clock.now():
            if not self._schedules.tick():
                break  # another host was first
            next_at = self._schedules.next_at()
        ahead_s = self._poll_s if next_at is None else next_at - self._clock.now()
        return min(self._poll_s, max(0.01, ahead_s))
