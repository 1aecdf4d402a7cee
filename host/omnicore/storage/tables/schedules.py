"""Schedules: what is ordered again and again, and the one transaction that turns a tick into a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.tasks import TaskRow, insert

__all__ = ["ScheduleRow", "SchedulesTable"]


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as it is stored. Units: times in seconds since the Unix epoch.

    `next_at` is its next tick, None when none will come; `stamped_at` is when that was worked out; `begin_at`
    is where intervals count from.
    """

    name: str
    function: str
    input: str
    queue: str
    priority: int
    most_attempts: int
    timeout_s: float | None
    kind: str
    spec: str
    timezone: str
    missed: str
    enabled: bool
    stamped_at: float
    begin_at: float
    next_at: float | None
    last_at: float | None
    last_task: str | None


_COLUMNS = ", ".join(field.name for field in fields(ScheduleRow))
_MARKS = ", ".join("?" for _ in fields(ScheduleRow))


class SchedulesTable:
    """Reads and writes schedules; when they tick is decided elsewhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: ScheduleRow) -> bool:
        """Whether the name was free. On the disk when it returns."""
        with self._store.write(durable=True) as session:
            return (
                session.execute(
                    f"INSERT INTO schedules ({_COLUMNS}) VALUES ({_MARKS}) ON CONFLICT DO NOTHING", _values(row)
                ).rowcount
                == 1
            )

    def get(self, name: str) -> ScheduleRow | None:
        """One schedule."""
        found = self._store.rows(f"SELECT {_COLUMNS} FROM schedules WHERE name = ?", (name,))
        return _row(found[0]) if found else None

    def page(self, limit: int, after: str = "") -> list[ScheduleRow]:
        """Schedules by name, those after `after`."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM schedules WHERE name > ? ORDER BY name LIMIT ?", (after, limit)
        )
        return [_row(values) for values in found]

    def remove(self, name: str) -> bool:
        """Whether there was one. Tasks that it ordered stay."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM schedules WHERE name = ?", (name,)).rowcount == 1

    def switch(self, name: str, *, on: bool, next_at: float | None, now: float) -> bool:
        """Whether there was one. Off, it has no next tick."""
        with self._store.write(durable=True) as session:
            return (
                session.execute(
                    "UPDATE schedules SET enabled = ?, next_at = ?, stamped_at = ? WHERE name = ?",
                    (int(on), next_at, now, name),
                ).rowcount
                == 1
            )

    def next_at(self) -> float | None:
        """When the first schedule ticks."""
        found = self._store.rows("SELECT min(next_at) FROM schedules WHERE next_at IS NOT NULL")
        return None if found[0][0] is None else float(found[0][0])

    def due(self, now: float, limit: int) -> list[ScheduleRow]:
        """Schedules whose tick has come, the longest overdue first."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM schedules WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?",
            (now, limit),
        )
        return [_row(values) for values in found]

    def from_the_future(self, now: float, tolerance_s: float) -> list[ScheduleRow]:
        """Schedules whose next tick was worked out at a time that is still to come: the clock was set back."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM schedules WHERE next_at IS NOT NULL AND stamped_at > ?", (now + tolerance_s,)
        )
        return [_row(values) for values in found]

    def tick(
        self,
        row: ScheduleRow,
        tasks: Sequence[TaskRow],
        *,
        next_at: float | None,
        now: float,
        most_pending: int | None = None,
    ) -> Sequence[TaskRow] | None:
        """Moves a schedule on and stores the tasks of its ticks; those that are new.

        None: another host was first, or the schedule has been changed; nothing was done. A tick is in its
        task's key too, so that one that has run is not run again, whatever the clock says.

        Raises: LimitExceeded: more than `most_pending` tasks of schedules wait or run; nothing was done.
        """

        def work(session: Session) -> Sequence[TaskRow] | None:
            moved = session.execute(
                "UPDATE schedules SET next_at = ?, stamped_at = ?, last_at = coalesce(?, last_at),"
                " last_task = coalesce(?, last_task) WHERE name = ? AND next_at = ? AND enabled = 1",
                (next_at, now, now if tasks else None, tasks[-1].id if tasks else None, row.name, row.next_at),
            )
            if moved.rowcount != 1:
                return None
            return [task for task in tasks if insert(session, task, most_pending=most_pending)[1]]

        return self._store.apply(work)


def _values(row: ScheduleRow) -> tuple[object, ...]:
    return tuple(int(value) if isinstance(value, bool) else value for value in astuple(row))


def _row(values: Sequence[object]) -> ScheduleRow:
    row = dict(zip(ScheduleRow.__dataclass_fields__, values, strict=True))
    return ScheduleRow(**{**row, "enabled": bool(row["enabled"])})  # type: ignore[arg-type]
