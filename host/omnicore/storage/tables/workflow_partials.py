"""Events that a trigger has to have together with others, until these have come."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.storage.store import Session, Store

__all__ = ["PartialRow", "PartialsTable", "add_partial", "drop_partials"]


@dataclass(frozen=True, slots=True)
class PartialRow:
    """An event that fits the filter `slot` of a trigger. Units: `until` seconds since the Unix epoch."""

    workflow: str
    trigger: str
    tie: str
    slot: int
    event: str
    envelope: str
    until: float


_COLUMNS = "workflow, trigger, tie, slot, event, envelope, until"


def add_partial(session: Session, row: PartialRow, *, most: int, now: float) -> bool:
    """Keeps an event, in a transaction of the caller's; False: its place is taken, or the trigger has `most`."""
    where = "workflow = ? AND trigger = ?"
    kept = session.execute(f"SELECT count(*) FROM workflow_partials WHERE {where}", (row.workflow, row.trigger))
    if kept.fetchone()[0] >= most:
        session.execute(f"DELETE FROM workflow_partials WHERE {where} AND until <= ?", (row.workflow, row.trigger, now))
        return False
    added = session.execute(
        f"INSERT INTO workflow_partials ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (workflow, trigger, tie, slot) DO UPDATE SET event = excluded.event,"
        " envelope = excluded.envelope, until = excluded.until WHERE workflow_partials.until <= ?",
        (row.workflow, row.trigger, row.tie, row.slot, row.event, row.envelope, row.until, now),
    )
    return added.rowcount == 1


def drop_partials(session: Session, workflow: str, trigger: str, tie: str) -> None:
    """Forgets the events of a set, in a transaction of the caller's."""
    session.execute(
        "DELETE FROM workflow_partials WHERE workflow = ? AND trigger = ? AND tie = ?", (workflow, trigger, tie)
    )


class PartialsTable:
    """Reads them, and lets go of those whose time is over."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, workflow: str, trigger: str, tie: str, now: float) -> list[PartialRow]:
        """The events of a set, in the order of the trigger's filters."""
        sql = (
            f"SELECT {_COLUMNS} FROM workflow_partials"
            " WHERE workflow = ? AND trigger = ? AND tie = ? AND until > ? ORDER BY slot"
        )
        return [PartialRow(*row) for row in self._store.rows(sql, (workflow, trigger, tie, now))]

    def sets(self, limit: int = 1000) -> list[tuple[str, str, str, int]]:
        """Sets of more than one event as (workflow, trigger, tie, how many); for what a killed host left."""
        sql = (
            "SELECT workflow, trigger, tie, count(*) FROM workflow_partials"
            " GROUP BY workflow, trigger, tie HAVING count(*) > 1 LIMIT ?"
        )
        return [
            (str(one), str(two), str(three), int(count)) for one, two, three, count in self._store.rows(sql, (limit,))
        ]

    def prune(self, now: float, limit: int = 500) -> int:
        """Deletes some whose time is over; how many."""

        def work(session: Session) -> int:
            gone = "SELECT workflow, trigger, tie, slot FROM workflow_partials WHERE until <= ? ORDER BY until LIMIT ?"
            rows = session.execute(gone, (now, limit)).fetchall()
            session.executemany(
                "DELETE FROM workflow_partials WHERE workflow = ? AND trigger = ? AND tie = ? AND slot = ?",
                [tuple(row) for row in rows],
            )
            return len(rows)

        return self._store.apply(work)
