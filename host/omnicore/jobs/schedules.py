"""Schedules: functions that are called repeatedly, or once at a date."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from omnicore.ids import new_id
from omnicore.jobs.loop import Loop
from omnicore.jobs.tasks import StoredTasks, new_task
from omnicore.jobs.ticks import choose, said, some_after, ticks_of
from omnicore.records import checked
from omnicore.storage.tables.tasks import (
    SCHEDULES,
    Schedule,
    ScheduleFields,
    ScheduleOrder,
    SchedulesTable,
    Task,
    TaskOrder,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


_log = logging.getLogger("omnicore.tasks")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BATCH = 100
_POLLS = 5


class Scheduler:
    """The schedules of one database. Usable from any thread; whoever runs tasks calls `tick`."""

    def __init__(self, stored: StoredTasks) -> None:
        self._stored = stored
        self._table = SchedulesTable(stored.store)

    def add(self, order: ScheduleOrder) -> Schedule:
        """Keeps a new schedule. Raises: InvalidInput; Conflict: the name is taken."""
        now = self._stored.clock.now()
        order = checked(order, "schedule")
        if not _NAME.fullmatch(order.name):
            raise InvalidInput("name of the schedule cannot be used", remedy="use up to 100 letters, digits, . _ -")
        ticks = ticks_of(order.kind, order.spec, order.timezone, now)
        task = self._task(order, now, None)
        row = Schedule(
            **_common(order),
            input=task.input,
            most_attempts=order.attempts,
            enabled=True,
            stamped_at=now,
            begin_at=now,
            # A single moment that has passed is run at once, unless it may be missed.
            next_at=ticks.after(now) or next(ticks.back_from(now), None),
            last_at=None,
            last_task=None,
        )
        if not self._table.add(row):
            raise Conflict(f"there is a schedule {order.name}", remedy="remove it first, or use another name")
        self._stored.schedules_changed(order.name)
        return row

    def get(self, name: str) -> Schedule:
        """One schedule. Raises: NotFound."""
        return self._row(name)

    def list(self, limit: int = 100, cursor: str | None = None) -> tuple[Sequence[Schedule], str | None]:
        """A page of schedules by name, and the next page's cursor."""
        if cursor is not None and not _NAME.fullmatch(cursor):
            raise InvalidInput("the cursor is not one of ours", remedy="pass that of the page before", path="cursor")
        rows = self._table.page(limit + 1, cursor or "")
        views = [*rows[:limit]]
        return views, views[-1].name if len(rows) > limit else None

    def remove(self, name: str) -> None:
        """Forgets a schedule; its tasks stay. Raises: NotFound."""
        if not _NAME.fullmatch(name) or not self._table.remove(name):
            raise _missing(name)

    def switch(self, name: str, *, on: bool) -> Schedule:
        """Switches a schedule on, from its next tick, or off. Raises: NotFound."""
        row, now = self._row(name), self._stored.clock.now()
        self._table.switch(name, on=on, next_at=_ticks(row).after(now) if on else None, now=now)
        self._stored.schedules_changed(name)
        return self.get(name)

    def preview(self, kind: str, spec: str, timezone: str, most: int) -> tuple[Sequence[float], str]:
        """The next ticks of a schedule that begins now, and its cron expression in words. Raises: InvalidInput."""
        now = self._stored.clock.now()
        ticks = ticks_of(kind, spec, timezone, now)
        return tuple(some_after(ticks, now, most)), said(ticks)

    def next_ticks(self, name: str, most: int) -> tuple[Sequence[float], str]:
        """The next ticks of a schedule, none if it is off, and its cron expression in words. Raises: NotFound."""
        row = self._row(name)
        ticks = _ticks(row)
        # Its next tick may be overdue: it is the first one all the same.
        first = () if row.next_at is None else (row.next_at,)
        later = some_after(ticks, row.next_at, most - 1) if row.next_at is not None else ()
        return (*first, *later), said(ticks)

    # -- for those who run tasks

    def next_at(self) -> float | None:
        """The time of the first tick of any schedule."""
        return self._table.next_at()

    def loop(self) -> Loop:
        """A loop that ticks the schedules. Hosts that tick at once agree in the database who does."""
        poll_s = self._stored.settings.poll_s * _POLLS  # for schedules that another process has added

        def failed(error: Exception) -> float:  # whatever it is: schedules that are well go on
            _log.warning("the schedules cannot be read or moved on now", exc_info=error)
            return poll_s

        async def turn() -> float:
            next_at = await asyncio.to_thread(self._ticked)
            ahead_s = poll_s if next_at is None else next_at - self._stored.clock.now()
            return min(poll_s, max(0.01, ahead_s))

        return Loop("omnicore-schedules", turn, failed)

    def _ticked(self) -> float | None:
        """Ticks all that is due; the next tick."""
        next_at = self.next_at()
        while next_at is not None and next_at <= self._stored.clock.now():
            if not self.tick():
                break  # another host was first
            next_at = self.next_at()
        return next_at

    def tick(self) -> int:
        """Turns all ticks that have come into tasks; how many schedules moved on."""
        now, moved = self._stored.clock.now(), 0
        for row in self._table.due(now, _BATCH):
            try:
                moved += self._tick(row, now)
            except InvalidInput as error:  # settings or time zones changed under it; others must not wait for it
                _log.warning("schedule %s is switched off: %s", row.name, error)
                moved += self._table.switch(row.name, on=False, next_at=None, now=now)
        return moved

    def set_back(self, tolerance_s: float) -> None:
        """Works out next ticks again that lie ahead only because the clock was set back since."""
        now = self._stored.clock.now()
        for row in self._table.from_the_future(now, tolerance_s):
            self._table.tick(row, (), next_at=_ticks(row).after(now), now=now)

    def _tick(self, row: Schedule, now: float) -> bool:
        settings = self._stored.settings
        due = row.next_at if row.next_at is not None else now
        chosen = choose(_ticks(row), due, now, row.missed, grace_s=settings.missed_s, most=settings.missed_most)
        order = _order(row)
        most = None if chosen.next_at is None else settings.max_pending  # a last tick would never come again
        try:
            tasks = [self._task(order, now, tick) for tick in chosen.runs]
            new = self._table.tick(row, tasks, next_at=chosen.next_at, now=now, most_pending=most)
        except LimitExceeded as error:  # its functions take longer than it leaves them: this tick is missed
            _log.warning("a tick of schedule %s is left out: %s", row.name, error)
            new = self._table.tick(row, (), next_at=chosen.next_at, now=now)
        for task in new or ():
            self._stored.tell_submitted(task)
        return new is not None

    def _task(self, order: ScheduleOrder, now: float, tick: float | None) -> Task:
        wanted = TaskOrder(
            order.function,
            order.input,
            order.queue,
            priority=order.priority,
            attempts=order.attempts,
            timeout_s=order.timeout_s,
            key=None if tick is None else f"{order.name}@{tick:.3f}",
        )
        row = new_task(
            new_id("task"), SCHEDULES, wanted, now=now, settings=self._stored.settings, limits=self._stored.limits
        )
        return row

    def _row(self, name: str) -> Schedule:
        row = self._table.get(name) if _NAME.fullmatch(name) else None
        if row is None:
            raise _missing(name)
        return row


def _ticks(row: Schedule) -> Any:
    return ticks_of(row.kind, row.spec, row.timezone, row.begin_at)


def _order(row: Schedule) -> ScheduleOrder:
    return ScheduleOrder(**_common(row), input=row.input, attempts=row.most_attempts)


def _common(record: ScheduleFields) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ScheduleFields.__struct_fields__}


def _missing(name: str) -> NotFound:
    return NotFound(f"there is no schedule {name[:80]}", remedy="see `omnicore tasks schedules ls`")
