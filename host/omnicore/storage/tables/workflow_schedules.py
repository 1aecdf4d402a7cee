"""Schedules of workflows: when each of their cron and interval triggers ticks next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["ScheduleRow", "WorkflowSchedulesTable", "begin_again", "move_on", "replace_schedules", "settle_schedules"]


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A trigger that ticks: the one at `place` among those of the workflow. Units: seconds since the Unix epoch.

    `kind` is `cron`, `every` or `after`, `input` JSON. `next_at` is None when none will come;
    `stamped_at` is when that was worked out; `begin_at` is where intervals count from.
    """

    workflow: str
    place: int
    kind: str
    spec: str
    timezone: str
    missed: str
    input: str
    begin_at: float
    stamped_at: float
    next_at: float | None
    last_at: float | None = None
    last_run: str | None = None


_COLUMNS = ", ".join(field.name for field in fields(ScheduleRow))
_VALUES = attrgetter(*(field.name for field in fields(ScheduleRow)))
_ADD = f"INSERT INTO workflow_schedules ({_COLUMNS}) VALUES ({', '.join('?' for _ in fields(ScheduleRow))})"


def replace_schedules(session: Session, workflow: str, rows: Sequence[ScheduleRow]) -> None:
    """Puts these in the place of all schedules of a workflow, in a transaction of the caller's."""
    session.execute("DELETE FROM workflow_schedules WHERE workflow = ?", (workflow,))
    session.executemany(_ADD, [_VALUES(row) for row in rows])


def move_on(session: Session, row: ScheduleRow, *, next_at: float | None, now: float, last_run: str | None) -> bool:
    """Sets the next tick, unless another host was first or the schedule has changed since it was read."""
    moved = session.execute(
        "UPDATE workflow_schedules SET next_at = ?, stamped_at = ?, last_at = coalesce(?, last_at),"
        " last_run = coalesce(?, last_run) WHERE workflow = ? AND place = ? AND next_at = ? AND kind = ? AND spec = ?",
        (
            *(next_at, now, None if last_run is None else now, last_run),
            *(row.workflow, row.place, row.next_at, row.kind, row.spec),
        ),
    )
    return moved.rowcount == 1


def settle_schedules(session: Session, workflow: str, rows: Sequence[ScheduleRow]) -> None:
    """The same, but schedules that say what they said before go on as they stood, in a transaction of the caller's."""
    sql = f"SELECT {_COLUMNS} FROM workflow_schedules WHERE workflow = ?"
    before = {_said(row): row for row in (ScheduleRow(*one) for one in session.execute(sql, (workflow,)).fetchall())}
    kept = [replace(before[_said(row)], place=row.place) if _said(row) in before else row for row in rows]
    replace_schedules(session, workflow, kept)


def _said(row: ScheduleRow) -> tuple[str, str, str, str]:
    return row.kind, row.spec, row.timezone, row.missed


def begin_again(session: Session, row: ScheduleRow, *, next_at: float, now: float) -> bool:
    """Sets the next tick of a schedule that waited for the end of its last run, unless that changed meanwhile."""
    moved = session.execute(
        "UPDATE workflow_schedules SET next_at = ?, stamped_at = ? WHERE workflow = ? AND place = ? AND kind = ?"
        " AND spec = ? AND next_at IS NULL AND coalesce(last_run, '') = ?",
        (next_at, now, row.workflow, row.place, row.kind, row.spec, row.last_run or ""),
    )
    return moved.rowcount == 1


class WorkflowSchedulesTable:
    """Reads schedules; when they tick is decided elsewhere, and `Journal.tick` moves them on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def replace(self, workflow: str, rows: Sequence[ScheduleRow]) -> None:
        """See `replace_schedules`; kept when it returns."""
        self._store.apply(lambda session: replace_schedules(session, workflow, rows))

    def of(self, workflow: str) -> list[ScheduleRow]:
        """The schedules of a workflow, in their order."""
        return self._rows("workflow = ? ORDER BY place", (workflow,))

    def next_of(self, workflows: Sequence[str]) -> dict[str, dict[int, float | None]]:
        """When the schedules of some workflows tick next, by workflow and place."""
        found: dict[str, dict[int, float | None]] = {}
        if workflows:
            marks = ", ".join("?" for _ in workflows)
            sql = f"SELECT workflow, place, next_at FROM workflow_schedules WHERE workflow IN ({marks})"
            for workflow, place, at in self._store.rows(sql, tuple(workflows)):
                found.setdefault(str(workflow), {})[int(place)] = at
        return found

    def next_at(self) -> float | None:
        """When the first schedule ticks."""
        found = self._store.rows("SELECT min(next_at) FROM workflow_schedules WHERE next_at IS NOT NULL")
        return None if found[0][0] is None else float(found[0][0])

    def due(self, now: float, limit: int = 100) -> list[ScheduleRow]:
        """Schedules whose tick has come, the longest overdue first."""
        return self._rows("next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?", (now, limit))

    def resting(self, limit: int = 1000) -> list[ScheduleRow]:
        """Schedules that wait for the end of the run they began."""
        return self._rows("kind = 'after' AND next_at IS NULL ORDER BY workflow, place LIMIT ?", (limit,))

    def from_the_future(self, now: float, tolerance_s: float) -> list[ScheduleRow]:
        """Schedules whose next tick was worked out at a time that is still to come: the clock was set back."""
        return self._rows("next_at IS NOT NULL AND stamped_at > ?", (now + tolerance_s,))

    def _rows(self, where: str, parameters: Sequence[Any]) -> list[ScheduleRow]:
        found = self._store.rows(f"SELECT {_COLUMNS} FROM workflow_schedules WHERE {where}", parameters)
        return [ScheduleRow(*row) for row in found]
