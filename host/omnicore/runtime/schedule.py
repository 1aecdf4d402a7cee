"""Schedules: functions that are called again and again, or once at a date."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from omnicore.ids import new_id
from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.orders import new_row
from omnicore.runtime.task import SCHEDULES, TaskOrder
from omnicore.runtime.ticks import choose, said, some_after, ticks_of
from omnicore.storage.tables.schedules import ScheduleRow, SchedulesTable
from omnicore.storage.tables.tasks import TaskRow

__all__ = ["ScheduleDesk", "ScheduleOrder", "ScheduleView"]

_log = logging.getLogger("omnicore.tasks")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MISSED = ("skip", "one", "all")
_BATCH = 100


@dataclass(frozen=True, slots=True)
class ScheduleOrder:
    """A schedule to be kept.

    `kind` is cron, interval or once, and `spec` a cron expression, seconds, or a date; `timezone` is what both
    are read in. `missed` says what becomes of ticks while no host ran: `skip` drops them, `one` runs the
    latest, `all` each of them up to `tasks.missed_most`.
    """

    name: str
    function: str
    kind: str
    spec: str
    input: Any = None
    timezone: str = "UTC"
    missed: str = "one"
    queue: str = "default"
    priority: int = 5
    attempts: int = 3
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule as it stands. Units: times in seconds since the Unix epoch; `next_at` is None when it never ticks."""

    name: str
    function: str
    kind: str
    spec: str
    timezone: str
    missed: str
    queue: str
    priority: int
    attempts: int
    timeout_s: float | None
    enabled: bool
    next_at: float | None
    last_at: float | None
    last_task: str | None

    def to_json(self) -> Mapping[str, Any]:
        """The schedule as REST and `-o json` show it."""
        return asdict(self)


class ScheduleDesk:
    """The schedules of one database. Usable from any thread; whoever runs tasks calls `tick`."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk
        self._table = SchedulesTable(desk.store)

    def add(self, order: ScheduleOrder) -> ScheduleView:
        """Keeps a new schedule. Raises: InvalidInput; Conflict: the name is taken."""
        now = self._desk.clock.now()
        if not isinstance(order.name, str) or not _NAME.fullmatch(order.name):
            raise InvalidInput("name of the schedule cannot be used", remedy="use up to 100 letters, digits, . _ -")
        for field in ("kind", "spec", "timezone", "missed"):
            if not isinstance(getattr(order, field), str):
                raise InvalidInput(f"{field} of the schedule is no text", remedy="write it as text", path=field)
        if order.missed not in _MISSED:
            raise InvalidInput(f"{order.missed[:80]!r} is no rule for missed runs", remedy="use skip, one or all")
        ticks = ticks_of(order.kind, order.spec, order.timezone, now)
        task = self._task(order, now, None)
        row = ScheduleRow(
            **{name: getattr(order, name) for name in ("name", "function", "queue", "priority", "timeout_s")},
            **{name: getattr(order, name) for name in ("kind", "spec", "timezone", "missed")},
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
        self._desk.schedules_changed(order.name)
        return _view(row)

    def get(self, name: str) -> ScheduleView:
        """One schedule. Raises: NotFound."""
        return _view(self._row(name))

    def list(self, limit: int = 100, cursor: str | None = None) -> tuple[Sequence[ScheduleView], str | None]:
        """A page of schedules by name, and the next page's cursor."""
        if cursor is not None and not _NAME.fullmatch(cursor):
            raise InvalidInput("the cursor is not one of ours", remedy="pass that of the page before", path="cursor")
        rows = self._table.page(limit + 1, cursor or "")
        views = [_view(row) for row in rows[:limit]]
        return views, views[-1].name if len(rows) > limit else None

    def remove(self, name: str) -> None:
        """Forgets a schedule; its tasks stay. Raises: NotFound."""
        if not _NAME.fullmatch(name) or not self._table.remove(name):
            raise _missing(name)

    def switch(self, name: str, *, on: bool) -> ScheduleView:
        """Switches a schedule on, from its next tick, or off. Raises: NotFound."""
        row, now = self._row(name), self._desk.clock.now()
        self._table.switch(name, on=on, next_at=_ticks(row).after(now) if on else None, now=now)
        self._desk.schedules_changed(name)
        return self.get(name)

    def preview(self, kind: str, spec: str, timezone: str, most: int) -> tuple[Sequence[float], str]:
        """When a schedule that begins now would tick next, and what a cron expression says. Raises: InvalidInput."""
        now = self._desk.clock.now()
        ticks = ticks_of(kind, spec, timezone, now)
        return tuple(some_after(ticks, now, most)), said(ticks)

    def next_ticks(self, name: str, most: int) -> tuple[Sequence[float], str]:
        """When a schedule ticks next, and what its cron expression says; one that is off never. Raises: NotFound."""
        row = self._row(name)
        ticks = _ticks(row)
        # Its next tick may be overdue: it is the first one all the same.
        first = () if row.next_at is None else (row.next_at,)
        later = some_after(ticks, row.next_at, most - 1) if row.next_at is not None else ()
        return (*first, *later), said(ticks)

    # -- for those who run tasks

    def next_at(self) -> float | None:
        """When the first schedule ticks."""
        return self._table.next_at()

    def tick(self) -> int:
        """Turns all ticks that have come into tasks; how many schedules moved on."""
        now, moved = self._desk.clock.now(), 0
        for row in self._table.due(now, _BATCH):
            try:
                moved += self._tick(row, now)
            except InvalidInput as error:  # settings or time zones changed under it; others must not wait for it
                _log.warning("schedule %s is switched off: %s", row.name, error)
                moved += self._table.switch(row.name, on=False, next_at=None, now=now)
        return moved

    def set_back(self, tolerance_s: float) -> None:
        """Works out next ticks again that lie ahead only because the clock was set back since."""
        now = self._desk.clock.now()
        for row in self._table.from_the_future(now, tolerance_s):
            self._table.tick(row, (), next_at=_ticks(row).after(now), now=now)

    def _tick(self, row: ScheduleRow, now: float) -> bool:
        settings = self._desk.settings
        due = row.next_at if row.next_at is not None else now
        chosen = choose(_ticks(row), due, now, row.missed, grace_s=settings.missed_s, most=settings.missed_most)
        order = _order(row)
        tasks = [self._task(order, now, tick, stored=row.input) for tick in chosen.runs]
        most = None if chosen.next_at is None else settings.max_pending  # a last tick would never come again
        try:
            new = self._table.tick(row, tasks, next_at=chosen.next_at, now=now, most_pending=most)
        except LimitExceeded as error:  # its functions take longer than it leaves them: this tick is missed
            _log.warning("a tick of schedule %s is left out: %s", row.name, error)
            new = self._table.tick(row, (), next_at=chosen.next_at, now=now)
        for task in new or ():
            self._desk.tell_submitted(task)
        return new is not None

    def _task(self, order: ScheduleOrder, now: float, tick: float | None, stored: str | None = None) -> TaskRow:
        wanted = TaskOrder(
            order.function,
            order.input,
            order.queue,
            priority=order.priority,
            attempts=order.attempts,
            timeout_s=order.timeout_s,
            key=None if tick is None else f"{order.name}@{tick:.3f}",
        )
        row = new_row(
            new_id("task"), SCHEDULES, wanted, now=now, settings=self._desk.settings, limits=self._desk.limits
        )
        return row if stored is None else replace(row, input=stored, size=len(stored))

    def _row(self, name: str) -> ScheduleRow:
        row = self._table.get(name) if _NAME.fullmatch(name) else None
        if row is None:
            raise _missing(name)
        return row


def _ticks(row: ScheduleRow) -> Any:
    return ticks_of(row.kind, row.spec, row.timezone, row.begin_at)


def _order(row: ScheduleRow) -> ScheduleOrder:
    return ScheduleOrder(
        name=row.name,
        function=row.function,
        kind=row.kind,
        spec=row.spec,
        timezone=row.timezone,
        missed=row.missed,
        queue=row.queue,
        priority=row.priority,
        attempts=row.most_attempts,
        timeout_s=row.timeout_s,
    )


def _view(row: ScheduleRow) -> ScheduleView:
    names = ScheduleView.__dataclass_fields__.keys() - {"attempts"}
    return ScheduleView(**{name: getattr(row, name) for name in names}, attempts=row.most_attempts)


def _missing(name: str) -> NotFound:
    return NotFound(f"there is no schedule {name[:80]}", remedy="see `omnicore tasks schedules ls`")
