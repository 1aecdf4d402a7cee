"""Tasks at rest: stored once for each key, counted for each owner, read in pages, cancelled, begun again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, takewhile
from operator import attrgetter
from typing import Any

from omnicore.errors import LimitExceeded
from omnicore.storage.store import Session, Store

__all__ = ["COLUMNS", "TaskRow", "TasksTable", "as_row", "insert", "no_longer_pending"]

_PAGE_BYTES = 4 * 1024 * 1024
_STATES = ("waiting", "running", "done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as it is stored. Units: times in seconds since the Unix epoch; `size` in bytes.

    `input`, `output` and `backoff` are JSON.
    """

    id: str
    owner: str
    key: str | None
    function: str
    queue: str
    lane: str
    priority: int
    state: str
    size: int
    input: str
    output: str | None
    error: str | None
    code: str | None
    attempts: int
    most_attempts: int
    lost: int
    timeout_s: float | None
    backoff: str | None
    stamped_at: float
    due_at: float
    expires_at: float | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    token: int
    host: str | None


COLUMNS = ", ".join(field.name for field in fields(TaskRow))
_MARKS = ", ".join("?" for _ in fields(TaskRow))
_VALUES = attrgetter(*(field.name for field in fields(TaskRow)))  # `astuple` copies deeply: a third of an insert


def as_row(values: Sequence[Any]) -> TaskRow:
    """The row that a query for `COLUMNS` returned."""
    return TaskRow(*values)


def insert(session: Session, row: TaskRow, *, most_pending: int | None) -> tuple[str, bool]:
    """Adds a task in a transaction of the caller's; the id, and whether it is new.

    The owner's total comes first: its row is the lock that makes the quota and the key exact.

    Raises: LimitExceeded: the owner has too many tasks that wait or run.
    """
    pending = _one_more_pending(session, row.owner)
    if row.key is not None:
        first = session.execute("SELECT id FROM tasks WHERE owner = ? AND key = ?", (row.owner, row.key)).fetchone()
        if first is not None:
            no_longer_pending(session, [row.owner])
            return str(first[0]), False
    if most_pending is not None and pending > most_pending:
        raise LimitExceeded(
            f"{row.owner.lstrip('@')} may have {most_pending} tasks that wait or run",
            remedy="wait until some are done, or ask for more by max_pending in the scope of its tasks capability",
            limit="max_pending",
            allowed=most_pending,
        )
    session.execute(f"INSERT INTO tasks ({COLUMNS}) VALUES ({_MARKS})", _VALUES(row))
    return row.id, True


def _one_more_pending(session: Session, owner: str) -> int:
    (pending,) = session.execute(
        "INSERT INTO task_totals (owner, pending) VALUES (?, 1) ON CONFLICT (owner)"
        " DO UPDATE SET pending = task_totals.pending + 1 RETURNING pending",
        (owner,),
    ).fetchone()
    return int(pending)


def no_longer_pending(session: Session, owners: Iterable[str]) -> None:
    """Counts tasks out that are over. In the order of names: hosts that do it at once cannot block each other."""
    for owner in sorted(owners):
        session.execute("UPDATE task_totals SET pending = pending - 1 WHERE owner = ?", (owner,))


class TasksTable:
    """Tasks as their owners and operators read and change them; `TaskClaims` has what hosts do with them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: TaskRow, *, most_pending: int | None) -> tuple[str, bool]:
        """See `insert`; kept when it returns."""
        return self._store.apply(lambda session: insert(session, row, most_pending=most_pending))

    def get(self, task: str, owner: str | None = None) -> TaskRow | None:
        """A task, of this owner if one is named."""
        found = self._store.rows(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", (task,))
        row = as_row(found[0]) if found else None
        return row if row is not None and owner in (None, row.owner) else None

    def page(
        self, owner: str | None, state: str | None, limit: int, before: str | None = None
    ) -> tuple[list[TaskRow], str | None]:
        """Tasks, newest first, those older than `before`; and the next page's `before`.

        A page of large tasks is a shorter one: it holds `_PAGE_BYTES` and one more.
        """
        states = _STATES if owner is not None and state is None else (state,)
        found = sorted((one for state in states for one in self._newest(owner, state, limit + 1, before)), reverse=True)
        sizes = accumulate(size for _, size in found)
        fitting = sum(1 for _ in takewhile(lambda size: size <= _PAGE_BYTES, sizes))
        chosen = [task for task, _ in found[: min(limit, fitting + 1)]]
        if not chosen:
            return [], None
        rows = self._store.rows(
            f"SELECT {COLUMNS} FROM tasks WHERE id IN ({', '.join('?' for _ in chosen)}) ORDER BY id DESC", chosen
        )
        return [as_row(values) for values in rows], chosen[-1] if len(found) > len(chosen) else None

    def _newest(self, owner: str | None, state: str | None, limit: int, before: str | None) -> list[tuple[str, int]]:
        # Each of these combinations is a range of one index, so a page costs a page.
        wanted = {"owner": owner, "state": state}
        conditions = [f"{name} = ?" for name, value in wanted.items() if value is not None]
        parameters: list[object] = [value for value in wanted.values() if value is not None]
        if before is not None:
            conditions.append("id < ?")
            parameters.append(before)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        return self._store.rows(f"SELECT id, size FROM tasks {where}ORDER BY id DESC LIMIT ?", (*parameters, limit))

    def cancel(self, task: str, owner: str | None, now: float) -> TaskRow | None:
        """Ends a task that waits or runs, and returns it as it is now; its result will be refused."""

        def work(session: Session) -> TaskRow | None:
            of_owner, more = ("AND owner = ? ", (owner,)) if owner is not None else ("", ())
            found = session.execute(
                "UPDATE tasks SET state = 'cancelled', finished_at = ? WHERE id = ?"
                f" AND state IN ('waiting', 'running') {of_owner}RETURNING {COLUMNS}",
                (now, task, *more),
            ).fetchone()
            if found is None:
                return None
            row = as_row(found)
            no_longer_pending(session, [row.owner])
            return row

        return self._store.apply(work)

    def retry(self, task: str, lane: str, now: float, *, only_failed: bool = False) -> TaskRow | None:
        """Lets a failed or cancelled task begin again with all its attempts, and returns it as it is now."""
        states = "state = 'failed'" if only_failed else "state IN ('failed', 'cancelled')"

        def work(session: Session) -> TaskRow | None:
            found = session.execute(
                "UPDATE tasks SET state = 'waiting', lane = ?, attempts = 0, lost = 0, finished_at = NULL,"
                " expires_at = NULL, due_at = ?, stamped_at = ?, host = NULL"
                f" WHERE id = ? AND {states} RETURNING {COLUMNS}",
                (lane, now, now, task),
            ).fetchone()
            if found is None:
                return None
            row = as_row(found)
            _one_more_pending(session, row.owner)
            return row

        return self._store.apply(work)

    def dead(self, before: float, limit: int) -> list[tuple[str, str]]:
        """Failed tasks that ended until then, the oldest end first: id and queue. Costs what it returns."""
        return [
            (str(task), str(queue))
            for task, queue in self._store.rows(
                "SELECT id, queue FROM tasks WHERE state = 'failed' AND finished_at IS NOT NULL AND finished_at <= ?"
                " ORDER BY finished_at LIMIT ?",
                (before, limit),
            )
        ]

    def forget(self, owner: str, batch: int = 1000) -> list[str]:
        """Deletes all tasks of an owner, `batch` in each transaction; those of them that waited or ran."""

        def work(session: Session) -> tuple[int, list[str]]:
            gone = session.execute(
                "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE owner = ? LIMIT ?) RETURNING id, state",
                (owner, batch),
            ).fetchall()
            open_ones = [str(task) for task, state in gone if state in ("waiting", "running")]
            session.execute("UPDATE task_totals SET pending = pending - ? WHERE owner = ?", (len(open_ones), owner))
            return len(gone), open_ones

        count, found = self._store.apply(work)
        while count == batch:
            count, more = self._store.apply(work)
            found += more
        return found

    def pending(self) -> int:
        """How many tasks wait or run, from one row for each owner."""
        return int(self._store.rows("SELECT coalesce(sum(pending), 0) FROM task_totals")[0][0])

    def queues(self) -> list[tuple[str, str, int]]:
        """Queues with what waits and runs in them: name, state, count. Costs what is pending."""
        return [
            (str(queue), state, int(count))
            for state in ("running", "waiting")
            for queue, count in self._store.rows(
                f"SELECT queue, count(*) FROM tasks WHERE state = '{state}' GROUP BY queue ORDER BY queue"
            )
        ]
