"""The keeper: shows that this host lives, takes over from hosts that do not, and clears away what is old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.pause import Pause
from omnicore.runtime.runner import Runner
from omnicore.runtime.watch import Watch
from omnicore.storage.tables.tasks_claim import Ending, Silence
from omnicore.storage.tables.tasks_sweep import BATCH, TaskSweep

__all__ = ["SET_BACK_S", "Keeper"]

_log = logging.getLogger("omnicore.tasks")
_LONGEST_BEAT_S = 2.0
_BEATS = 3
_BATCHES = 20
SET_BACK_S = 60.0
"""Hosts may disagree so much about the time; a date further ahead tells of a clock that was set back."""


class Keeper:
    """Looks after the leases of one runner, `_BEATS` times in a lease or more often."""

    def __init__(self, desk: TaskDesk, runner: Runner, *, set_back: Callable[[], None]) -> None:
        self._desk, self._runner, self._set_back = desk, runner, set_back
        self._clock, settings = desk.clock, desk.settings
        self._sweep = TaskSweep(desk.store)
        self._settings = settings
        self._watch: Watch[Silence] = Watch(settings.lease_s)
        self.beat_s = min(settings.lease_s / _BEATS, _LONGEST_BEAT_S)
        self._watch_due = self._sweep_due = 0.0
        self._beaten_at = self._clock.monotonic()
        self._offset: float | None = None
        self._strays: set[tuple[str, int]] = set()
        self.pending = 0
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        while not self.pause.over:
            try:
                await self.look()
            except Exception:  # whatever it is: without the next beat, others take what runs here
                _log.warning("the leases of tasks cannot be looked after now", exc_info=True)
            self._cut_overdue()
            await self.pause.rest(self.beat_s)

    async def look(self) -> None:
        """One round."""
        now = self._clock.monotonic()
        await self._beat()
        if now >= self._watch_due:
            self._watch_due = now + self._settings.lease_s / _BEATS
            await self._look_at_others()
        await self._look_at_clock()
        if now >= self._sweep_due:
            self._sweep_due = now + self._settings.sweep_s
            await asyncio.to_thread(self.clear)
        self.pending = await asyncio.to_thread(self._desk.pending)

    async def _beat(self) -> None:
        held = self._runner.held()
        began = self._clock.monotonic()
        claims, host = self._runner.claims, self._runner.host
        if held:
            owned = await asyncio.to_thread(claims.beat, host, self._clock.now()) or {}
        else:
            owned = await asyncio.to_thread(claims.held, host)
        self._beaten_at = began
        self._cut(held, owned)
        await self._give_back_strays(owned)

    async def _give_back_strays(self, owned: dict[str, int]) -> None:
        """Gives back what the database says is run here, and is not.

        A connection that breaks while a claim commits leaves such tasks. Those seen for the first time may be
        just about to begin.
        """
        held, before = self._runner.held(), self._strays
        self._strays = {(task, token) for task, token in owned.items() if held.get(task) != token}
        now = self._clock.now()
        endings = [Ending(task, token, "waiting", now, counted=False) for task, token in self._strays & before]
        if endings:
            await asyncio.to_thread(self._runner.claims.turn, self._runner.host, endings, free=0, now=now, limits={})
            self._runner.wake()

    def _cut(self, held: dict[str, int], owned: dict[str, int]) -> None:
        """Cuts what is no longer this host's: cancelled elsewhere, or taken over."""
        current = self._runner.held()
        for task, token in held.items():
            if owned.get(task) != token and current.get(task) == token:
                self._runner.cut(task, "lost")

    def _cut_overdue(self) -> None:
        # Without a beat for a whole lease, others have what runs here; to go on would only do it twice.
        if self._clock.monotonic() - self._beaten_at > self._settings.lease_s:
            self._cut(self._runner.held(), {})

    async def _look_at_others(self) -> None:
        others = await asyncio.to_thread(self._runner.claims.others, self._runner.host)
        for silence in self._watch.silent(others, self._clock.monotonic()):
            taken = await asyncio.to_thread(
                self._runner.claims.take_over, silence, now=self._clock.now(), most_lost=self._settings.most_lost
            )
            for row in taken.failed:
                self._desk.tell("dead", row, code=row.code)
            if taken.waiting:
                _log.warning("took over %d tasks of %s, which is silent", len(taken.waiting), silence.host)
                self._runner.wake()

    async def _look_at_clock(self) -> None:
        offset = self._clock.now() - self._clock.monotonic()
        before, self._offset = self._offset, offset
        if before is None or offset < before - SET_BACK_S / 2:
            await asyncio.to_thread(self._runner.claims.set_back, self._clock.now(), SET_BACK_S)
            await asyncio.to_thread(self._set_back)
            self._runner.wake()

    def clear(self) -> None:
        """Deletes what is over and too old or too much, some batches at most."""
        now, settings = self._clock.now(), self._settings
        ages = {"done": settings.keep_s, "cancelled": settings.keep_s, "failed": settings.keep_failed_s}
        for state, age_s in ages.items():
            for _ in range(_BATCHES):
                if self._sweep.sweep(state, before=now - age_s, most=settings.keep_most) < BATCH:
                    break
        self._sweep.sweep_hosts(now)
