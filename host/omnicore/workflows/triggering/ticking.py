"""The clock: turns ticks of schedules into runs, each once however many hosts tick."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from omnicore.clock import Clock
from omnicore.errors import HostError, LimitExceeded, OmniError
from omnicore.ids import OrderedIds
from omnicore.runtime.pause import Pause
from omnicore.runtime.ticks import Tick, choose
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_schedules import ScheduleRow, WorkflowSchedulesTable, begin_again
from omnicore.workflows.entries import Fault
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_words import NewRun
from omnicore.workflows.triggering.beginning import Beginnings
from omnicore.workflows.triggering.definitions import ticks_of_row

__all__ = ["Ticker"]

_log = logging.getLogger("omnicore.workflows")
_BATCH = 100
_TOLERANCE_S = 1.0


class Ticker:
    """Ticks for as long as `run` does. Hosts that tick at once agree in the database who does.

    Args:
        poll_s: longest time until it sees what another process has changed.
        grace_s: for how long a tick counts as on time.
        most: ticks that are run at once after a break, with `missed: all`.
    """

    def __init__(
        self,
        beginnings: Beginnings,
        journal: Journal,
        schedules: WorkflowSchedulesTable,
        runs: RunsTable,
        clock: Clock,
        *,
        poll_s: float = 1.0,
        grace_s: float = 60.0,
        most: int = 100,
    ) -> None:
        self._beginnings, self._journal = beginnings, journal
        self._schedules, self._runs, self._clock = schedules, runs, clock
        self._poll_s, self._grace_s, self._most = poll_s, grace_s, most
        self._ids = OrderedIds("run")
        self.resting: frozenset[str] = frozenset()
        """Workflows with a schedule that waits for the end of a run."""
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        while not self.pause.over:
            self.pause.clear()
            try:
                wait_s = await self.round()
            except Exception:  # whatever it is: schedules that are well go on
                _log.warning("the schedules of workflows cannot be read or moved on now", exc_info=True)
                wait_s = self._poll_s
            await self.pause.rest(wait_s)

    async def round(self) -> float:
        """Begins what is due; how long to rest then."""
        await self._settle()
        now = self._clock.now()
        due = await asyncio.to_thread(self._schedules.due, now, _BATCH)
        # Side by side, so that many of them are kept in one transaction.
        done = await asyncio.gather(*(self._tick(row, now) for row in due), return_exceptions=True)
        for error in done:
            if isinstance(error, BaseException):
                raise error
        next_at = await asyncio.to_thread(self._schedules.next_at)
        ahead_s = self._poll_s if next_at is None else next_at - self._clock.now()
        return min(self._poll_s, max(0.001, ahead_s))

    async def _settle(self) -> None:
        """What is not a tick: the clock was set back, or a run ended whose schedule waited for that."""
        now = self._clock.now()
        for row in await asyncio.to_thread(self._schedules.from_the_future, now, _TOLERANCE_S):
            next_at = now + float(row.spec) if row.kind == "after" else ticks_of_row(row).after(now)
            await self._journal.tick(row, (), next_at)
        resting = await asyncio.to_thread(self._schedules.resting)
        self.resting = frozenset(row.workflow for row in resting)
        for row in resting:
            ended_at = await asyncio.to_thread(self._ended, row)
            if ended_at is not None:
                await self._begin_again(row, ended_at + float(row.spec))

    async def _begin_again(self, row: ScheduleRow, next_at: float) -> None:
        now = self._clock.now()
        await self._journal.apply(lambda session: begin_again(session, row, next_at=next_at, now=now))

    def _ended(self, row: ScheduleRow) -> float | None:
        """When the last run of a schedule ended; None: it goes on."""
        run = None if row.last_run is None else self._runs.get(row.last_run)
        return self._clock.now() if run is None else run.ended_at

    async def _tick(self, row: ScheduleRow, now: float) -> None:
        chosen = self._chosen(row, now)
        try:
            orders = [await self._order(row, tick) for tick in chosen.runs]
            # Ids that sort as the ticks do: what is due at the same time begins in their order.
            news = [replace(one, id=self._ids.next()) for one in orders if one is not None]
            # Nothing began: `after` would wait for the end of a run that never was.
            next_at = now + float(row.spec) if row.kind == "after" and not news else chosen.next_at
            await self._begin(row, news, next_at)
        except LimitExceeded as error:  # no room for the run: this tick is missed
            _log.warning("a tick of workflow %s is left out: %s", row.workflow, error)
            await self._journal.tick(row, (), now + float(row.spec) if row.kind == "after" else chosen.next_at)

    def _chosen(self, row: ScheduleRow, now: float) -> Tick:
        due = row.next_at if row.next_at is not None else now
        if row.kind == "after":
            return Tick((due,), None)
        try:
            return choose(ticks_of_row(row), due, now, row.missed, grace_s=self._grace_s, most=self._most)
        except OmniError as error:  # time zones changed under it; others must not wait for it
            _log.warning("a schedule of workflow %s never ticks again: %s", row.workflow, error)
            return Tick((), None)

    async def _order(self, row: ScheduleRow, tick: float) -> NewRun | None:
        about: dict[str, Any] = {"kind": row.kind, "at": tick, "spec": row.spec}
        try:
            return await self._beginnings.order(
                row.workflow, row.place, {"at": tick}, about, key=f"tick:{row.place}:{row.kind}:{row.spec}@{tick:.3f}"
            )
        except (OmniError, Fault) as error:
            if isinstance(error, HostError):  # the database: the tick is still due
                raise
            _log.warning("a tick of workflow %s begins nothing: %s", row.workflow, error)
            return None

    async def _begin(self, row: ScheduleRow, news: Sequence[NewRun], next_at: float | None) -> None:
        started = await self._journal.tick(row, news, next_at)
        for new, one in zip(news, started or (), strict=False):
            if not one.refused:
                self._beginnings.adopt(new, one)
