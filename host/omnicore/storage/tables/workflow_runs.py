"""Runs of workflows at rest: read one by one and in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from omnicore.quick import quick
from omnicore.storage.store import Session, Store

__all__ = ["COLUMNS", "STATUSES", "RunRow", "RunsTable", "add_runs", "as_run", "nonce_of", "set_head", "state_of"]

STATUSES = ("pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled")


@quick
@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is stored; see `omnicore.storage.schema.workflow_runs`. Units: seconds since the Unix epoch.

    `trigger`, `input`, `output` and `fault` are JSON, or name a value that is kept by its hash
    (`omnicore.storage.tables.workflow_values`).
    """

    id: str
    workflow: str
    digest: str
    number: int
    status: str
    priority: int
    host: str | None
    due_at: float | None
    begin_at: float
    stamped_at: float
    held: int
    lane: str | None
    trigger: str
    parent_run: str | None
    parent_place: str | None
    root: str
    depth: int
    forked_from: str | None
    trial: int
    created_by: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    input: str
    output: str | None
    fault: str | None
    nonce: str
    seq: int
    hash: str
    record_seq: int | None


COLUMNS = ", ".join(f'"{field.name}"' for field in fields(RunRow))
_ADD = f"INSERT INTO workflow_runs ({COLUMNS}) VALUES ({', '.join('?' for _ in fields(RunRow))})"
_VALUES = attrgetter(*(field.name for field in fields(RunRow)))


def as_run(values: Sequence[Any]) -> RunRow:
    """The row that a query for `COLUMNS` returned."""
    return RunRow(*values)


def add_runs(session: Session, rows: Sequence[RunRow]) -> None:
    """Adds runs in a transaction of the caller's."""
    session.executemany(_ADD, [_VALUES(row) for row in rows])


def state_of(session: Session, run: str) -> tuple[str, float] | None:
    """A run's status and when it was created, in a transaction of the caller's."""
    found = session.execute("SELECT status, created_at FROM workflow_runs WHERE id = ?", (run,)).fetchone()
    return None if found is None else (str(found[0]), float(found[1]))


def set_head(session: Session, run: str, seq: int, last: str) -> None:
    """Notes where a run's chain ends, in a transaction of the caller's."""
    session.execute("UPDATE workflow_runs SET seq = ?, hash = ? WHERE id = ?", (seq, last, run))


def nonce_of(session: Session, run: str) -> str | None:
    """What the placeholders of a run's secrets are made of; None: there is no such run."""
    found = session.execute("SELECT nonce FROM workflow_runs WHERE id = ?", (run,)).fetchone()
    return None if found is None else str(found[0])


class RunsTable:
    """Runs as their readers see them; what hosts do with them is in `workflow_claims` and `workflow_ends`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, run: str) -> RunRow | None:
        """One run. While it is in memory, `seq` and `hash` are those of the last time it was not; see `head`."""
        found = self._store.rows(f"SELECT {COLUMNS} FROM workflow_runs WHERE id = ?", (run,))
        return as_run(found[0]) if found else None

    def page(
        self, workflow: str | None = None, status: str | None = None, limit: int = 100, before: str | None = None
    ) -> list[RunRow]:
        """Runs, newest first, those with an id before `before`. Costs a page, however many there are."""
        statuses = STATUSES if workflow is not None and status is None else (status,)
        found = sorted((run for one in statuses for run in self._newest(workflow, one, limit, before)), reverse=True)
        chosen = found[:limit]
        if not chosen:
            return []
        marks = ", ".join("?" for _ in chosen)
        sql = f"SELECT {COLUMNS} FROM workflow_runs WHERE id IN ({marks}) ORDER BY id DESC"
        return [as_run(values) for values in self._store.rows(sql, chosen)]

    def children(self, run: str, limit: int = 100, after: str = "") -> list[RunRow]:
        """Runs that this one began, oldest first."""
        sql = f"SELECT {COLUMNS} FROM workflow_runs WHERE parent_run = ? AND id > ? ORDER BY id LIMIT ?"
        return [as_run(values) for values in self._store.rows(sql, (run, after, limit))]

    def ended(self, runs: Sequence[str]) -> list[str]:
        """Those of some runs that are over, or gone."""
        marks = ", ".join("?" for _ in runs)
        sql = f"SELECT id FROM workflow_runs WHERE id IN ({marks}) AND ended_at IS NULL"
        going = {str(row[0]) for row in self._store.rows(sql, tuple(runs))} if runs else set()
        return [run for run in runs if run not in going]

    def live(self, workflow: str, limit: int = 100, after: str = "") -> list[str]:
        """Ids of runs of a workflow that are not over, in pages by id."""
        found = [
            str(row[0])
            for status in STATUSES[:4]
            for row in self._store.rows(
                "SELECT id FROM workflow_runs WHERE workflow = ? AND status = ? AND id > ? ORDER BY id LIMIT ?",
                (workflow, status, after, limit),
            )
        ]
        return sorted(found)[:limit]

    def ended_workflows(self, limit: int = 100, after: str = "") -> list[str]:
        """Workflows that have runs which are over, by name. Costs one look into the index for each."""
        found: list[str] = []
        sql = "SELECT min(workflow) FROM workflow_runs WHERE workflow > ? AND ended_at IS NOT NULL"
        while len(found) < limit and (name := self._store.rows(sql, (found[-1] if found else after,))[0][0]):
            found.append(str(name))
        return found

    def counts(self) -> dict[str, int]:
        """How many runs are not over, by status; counts those only."""
        found = self._store.rows(
            "SELECT status, count(*) FROM workflow_runs WHERE status IN ('pending', 'running', 'waiting', 'suspended')"
            " GROUP BY status"
        )
        return {str(status): int(count) for status, count in found}

    def next_due(self, root: str | None = None) -> float | None:
        """When the first run may be claimed, whatever its priority; of those that began with `root`, if given."""
        if root is not None:
            own = "SELECT min(due_at) FROM workflow_runs WHERE root = ? AND due_at IS NOT NULL"
            due = self._store.rows(own, (root,))[0][0]
            return None if due is None else float(due)
        heads = (
            f"SELECT min(due_at) AS at FROM workflow_runs WHERE due_at IS NOT NULL AND priority = {priority}"
            for priority in range(10)
        )
        found = self._store.rows(f"SELECT min(at) FROM ({' UNION ALL '.join(heads)}) AS heads")
        return None if found[0][0] is None else float(found[0][0])

    def _newest(self, workflow: str | None, status: str | None, limit: int, before: str | None) -> list[str]:
        wanted = {"workflow": workflow, "status": status}
        conditions = [f"{name} = ?" for name, value in wanted.items() if value is not None]
        parameters: list[object] = [value for value in wanted.values() if value is not None]
        if before is not None:
            conditions.append("id < ?")
            parameters.append(before)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        sql = f"SELECT id FROM workflow_runs {where}ORDER BY id DESC LIMIT ?"
        return [str(row[0]) for row in self._store.rows(sql, (*parameters, limit))]
