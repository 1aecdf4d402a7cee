"""Tasks and schedules: stored, counted for each owner, claimed by hosts, and deleted when they are old."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from omnicore.errors import LimitExceeded
from omnicore.records import HIDDEN, Json, MaybeJson, Meta, Record, Seconds, Time, asdict, field
from omnicore.storage.table import Table
from omnicore.storage.tables.hosts import HostTable, Silence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omnicore.storage.store import Session, Store


TaskState = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: tuple[TaskState, ...] = get_args(TaskState)
PENDING = frozenset({"waiting", "running"})
HOST = "@host"
"""The owner of what people order by REST, command line or Python; no plugin can have such a name."""
SCHEDULES = "@schedules"
"""The owner of what schedules order."""

_PAGE_BYTES = 4 * 1024 * 1024
_LONGEST_S = 10 * 366 * 86_400.0
_Wait = Annotated[Seconds, Meta(ge=0, le=_LONGEST_S)]
_Limit = Annotated[Seconds, Meta(gt=0, le=_LONGEST_S)]


class TaskFields(Record, frozen=True):
    """The fields that an order and its task share. One that is declared here can be ordered, is stored and is shown."""

    function: Annotated[
        str,
        Meta(min_length=1, max_length=256, description="`plugin.function`, or the plugin when it has one function."),
    ]
    input: Annotated[Json, Meta(description='A JSON value, or {"base64": ...} alone for bytes.')] = None
    queue: Annotated[str, Meta(min_length=1, max_length=64)] = "default"
    priority: Annotated[int, Meta(ge=0, le=9, description="Higher ones first.")] = 5
    timeout_s: Annotated[_Limit | None, Meta(description="For each attempt.")] = None
    key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=256)] | None,
        Meta(description="A second task with this key is the first one."),
    ] = None
    label: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="Free text to find tasks by; many can share it."),
    ] = None


class TaskOrder(TaskFields, frozen=True):
    """A task to be stored. Units: seconds; `timeout_s` for each attempt, `expires_s` from now for all of them.

    `backoff_s` are the waits after the first, second, ... failure, the last one for all that follow; without
    them they double from 0.1 s to 30 s. `attempts` are those that fail: one that was cut short because its host
    stopped or died is begun again.
    """

    delay_s: _Wait = 0.0
    attempts: Annotated[int, Meta(ge=1, le=20, description="Failures until it is a dead letter.")] = 3
    expires_s: Annotated[_Limit | None, Meta(description="From now on, for all attempts.")] = None
    backoff_s: Annotated[
        tuple[_Wait, ...], Meta(max_length=20, description="Waits after each failure; the last one stays.")
    ] = ()


class Task(TaskFields, frozen=True, kw_only=True):
    """A task. A failed one is a dead letter: it stays until it is retried or too old.

    `lane` is the queue where that has a limit, and empty elsewhere. `token` grows with each claim, and a result with an
    older one is refused. `stamped_at` is when `due_at` was worked out. `size` is that of the JSON values, in bytes.
    """

    id: str
    owner: Annotated[str, Meta(description="A plugin, `@host` or `@schedules`.")]
    state: TaskState = "waiting"
    attempts: Annotated[int, Meta(description="Those that ended or run.")] = 0
    most_attempts: int
    lost: Annotated[int, Meta(description="Hosts that died while they ran it.")] = 0
    output: Annotated[MaybeJson, Meta(description="What the function returned, once the task is done.")] = None
    error: Annotated[str | None, Meta(description="Why it failed last.")] = None
    code: str | None = None
    created_at: Time
    due_at: Time
    expires_at: Time | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    host: str | None = None
    lane: Annotated[str, HIDDEN]
    size: Annotated[int, HIDDEN]
    backoff: Annotated[tuple[float, ...] | None, HIDDEN] = None
    stamped_at: Annotated[float, HIDDEN]
    token: Annotated[int, HIDDEN] = 0


class TaskFilter(Record, frozen=True, kw_only=True):
    """A filter for a list of tasks: those that have all of these values."""

    state: Annotated[TaskState | None, Meta(description="Only these; failed ones are the dead letters")] = None
    owner: Annotated[
        Annotated[str, Meta(min_length=1, max_length=256)] | None,
        Meta(description="Only those of a plugin, `@host` or `@schedules`"),
    ] = None
    label: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None, Meta(description="Only those with this label")
    ] = None


TASKS = Table(Task, "tasks", key="id", indexes=(("state", "id"), ("owner", "state", "id")))
COLUMNS = TASKS.columns
HOSTS = HostTable("task_hosts")


@dataclass(frozen=True, slots=True)
class TaskContext:
    """The value that a running task's host functions find in `call.host_context`. `attempt` counts from 1."""

    task: str
    owner: str
    attempt: int
    key: str | None


def insert(session: Session, row: Task, *, most_pending: int | None) -> tuple[str, bool]:
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
    session.execute(f"INSERT INTO tasks ({COLUMNS}) VALUES ({TASKS.marks})", TASKS.values(row))
    return row.id, True


def _one_more_pending(session: Session, owner: str) -> int:
    (pending,) = session.execute(
        "INSERT INTO task_totals (owner, pending) VALUES (?, 1) ON CONFLICT (owner)"
        " DO UPDATE SET pending = task_totals.pending + 1 RETURNING pending",
        (owner,),
    ).fetchone()
    return int(pending)


def owner_lock(owner: str) -> str:
    """The lock of an owner's quota and keys, for `omnicore.storage.store.Store.write`."""
    return f"tasks:{owner}"


def no_longer_pending(session: Session, owners: Iterable[str]) -> None:
    """Counts tasks out that are over. In the order of names: hosts that do it at once cannot block each other."""
    for owner in sorted(owners):
        session.execute("UPDATE task_totals SET pending = pending - 1 WHERE owner = ?", (owner,))


class TasksTable:
    """Tasks as their owners and operators read and change them; `TaskClaims` has what hosts do with them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: Task, *, most_pending: int | None) -> tuple[str, bool]:
        """See `insert`; kept when it returns."""
        return self._store.apply(
            lambda session: insert(session, row, most_pending=most_pending), locks=(owner_lock(row.owner),)
        )

    def get(self, task: str, owner: str | None = None) -> Task | None:
        """A task, of this owner if one is named."""
        found = self._store.rows(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", (task,))
        row = TASKS.row(found[0]) if found else None
        return row if row is not None and owner in (None, row.owner) else None

    def page(self, wanted: TaskFilter, limit: int, before: str | None = None) -> tuple[list[Task], str | None]:
        """Tasks, newest first, those older than `before`; and the next page's `before`.

        A page of large tasks is a shorter one: it holds `_PAGE_BYTES` and one more.
        """
        given = {name: value for name, value in asdict(wanted).items() if value is not None}
        each = [{**given, "state": state} for state in STATES] if given and wanted.state is None else [given]
        found = sorted((one for values in each for one in self._newest(values, limit + 1, before)), reverse=True)
        sizes = accumulate(size for _, size in found)
        fitting = sum(1 for _ in takewhile(lambda size: size <= _PAGE_BYTES, sizes))
        chosen = [task for task, _ in found[: min(limit, fitting + 1)]]
        if not chosen:
            return [], None
        rows = self._store.rows(
            f"SELECT {COLUMNS} FROM tasks WHERE id IN ({', '.join('?' for _ in chosen)}) ORDER BY id DESC", chosen
        )
        return [TASKS.row(values) for values in rows], chosen[-1] if len(found) > len(chosen) else None

    def _newest(self, wanted: Mapping[str, str], limit: int, before: str | None) -> list[tuple[str, int]]:
        # A state, alone or with another value, is a range of one index, so a page costs a page.
        conditions = [f"{name} = ?" for name in wanted]
        parameters: list[object] = list(wanted.values())
        if before is not None:
            conditions.append("id < ?")
            parameters.append(before)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        return self._store.rows(f"SELECT id, size FROM tasks {where}ORDER BY id DESC LIMIT ?", (*parameters, limit))

    def cancel(self, task: str, owner: str | None, now: float) -> Task | None:
        """Ends a task that waits or runs, and returns it as it is now; its result will be refused."""

        def work(session: Session) -> Task | None:
            of_owner, more = ("AND owner = ? ", (owner,)) if owner is not None else ("", ())
            found = session.execute(
                "UPDATE tasks SET state = 'cancelled', finished_at = ? WHERE id = ?"
                f" AND state IN ('waiting', 'running') {of_owner}RETURNING {COLUMNS}",
                (now, task, *more),
            ).fetchone()
            if found is None:
                return None
            row = TASKS.row(found)
            no_longer_pending(session, [row.owner])
            return row

        return self._store.apply(work)

    def retry(self, task: str, lane: str, now: float, *, only_failed: bool = False) -> Task | None:
        """Lets a failed or cancelled task begin again with all its attempts, and returns it as it is now."""
        states = "state = 'failed'" if only_failed else "state IN ('failed', 'cancelled')"

        def work(session: Session) -> Task | None:
            found = session.execute(
                "UPDATE tasks SET state = 'waiting', lane = ?, attempts = 0, lost = 0, finished_at = NULL,"
                " expires_at = NULL, due_at = ?, stamped_at = ?, host = NULL"
                f" WHERE id = ? AND {states} RETURNING {COLUMNS}",
                (lane, now, now, task),
            ).fetchone()
            if found is None:
                return None
            row = TASKS.row(found)
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
        """The number of tasks that wait or run, from one row for each owner."""
        return int(self._store.rows("SELECT coalesce(sum(pending), 0) FROM task_totals")[0][0])

    def serve(self, plugins: Sequence[str], now: float) -> int:
        """Makes tasks due that wait for a host with one of these plugins; the number of them."""
        sql = (
            "UPDATE tasks SET due_at = ? WHERE state = 'waiting' AND code = 'not-served' AND due_at > ?"
            " AND (function = ? OR substr(function, 1, ?) = ?)"
        )
        places = [(now, now, one, len(one) + 1, f"{one}.") for one in plugins]
        return self._store.apply(lambda session: sum(session.execute(sql, place).rowcount for place in places))

    def queues(self) -> list[tuple[str, str, int]]:
        """Queues with what waits and runs in them: name, state, count. Costs what is pending."""
        return [
            (str(queue), state, int(count))
            for state in ("running", "waiting")
            for queue, count in self._store.rows(
                f"SELECT queue, count(*) FROM tasks WHERE state = '{state}' GROUP BY queue ORDER BY queue"
            )
        ]


PRIORITIES = range(9, -1, -1)
_EXPIRED = "it expired before it could begin"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an attempt. `token` is the claim's; `due_at` is None where the task keeps its place.

    `counted` is false for an attempt that was cut short for no fault of the task.
    """

    task: str
    token: int
    state: str
    at: float
    output: str | None = None
    error: str | None = None
    code: str | None = None
    due_at: float | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of one turn: tasks to run, tasks that had expired, and endings that were refused as too late."""

    tasks: Sequence[Task] = ()
    expired: Sequence[Task] = ()
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The tasks of a dead host, after they were taken over."""

    waiting: Sequence[Task] = ()
    failed: Sequence[Task] = ()


def _ready(columns: str, *, due: bool, lock: str = "", left: int = 0) -> str:
    """A query of each priority's first tasks, highest priority first. Each part is one range of an index.

    `left` is for how many plugins tasks are left out, each given as two bounds after the name; see `_bounds`.
    """
    but = " AND NOT (function = ? OR (function > ? AND function < ?))" * left
    parts = (
        f"SELECT {columns} FROM (SELECT id, priority, due_at, expires_at FROM tasks WHERE state = 'waiting'"
        f" AND lane = ? AND priority = {priority}{' AND due_at <= ?' if due else ''}{but}"
        f" ORDER BY due_at, id LIMIT ?{lock}) AS p{priority}"
        for priority in PRIORITIES
    )
    return " UNION ALL ".join(parts)


@lru_cache(maxsize=8)
def _claim_sql(left: int) -> str:
    return (
        _ready("id, priority, due_at, expires_at", due=True, lock="/*! FOR UPDATE SKIP LOCKED */", left=left)
        + " LIMIT ?"
    )


@lru_cache(maxsize=8)
def _heads_sql(left: int) -> str:
    return _ready("due_at", due=False, left=left)


def _bounds(plugins: Sequence[str]) -> tuple[str, ...]:
    """The references of all functions of these plugins: the name, and what is between its dot and the letter after."""
    return tuple(bound for one in plugins for bound in (one, f"{one}.", f"{one}/"))


READY_SQL, HEADS_SQL = _claim_sql(0), _heads_sql(0)


class TaskClaims:
    """Claims, endings and leases of tasks, each in one transaction.

    A task is locked while it is claimed, and hosts pass over those that another one claims just now, so no two have
    the same. Claims for queues with limits take turns, so that limits hold exactly.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def turn(
        self,
        host: str,
        endings: Sequence[Ending],
        *,
        free: int,
        now: float,
        limits: Mapping[str, int],
        left: Sequence[str] = (),
    ) -> Claim:
        """Writes how attempts ended and claims up to `free` tasks, all of it or nothing; none of the plugins `left`."""

        def work(session: Session) -> Claim:
            refused = self._end(session, endings)
            claim = self._claim(session, host, free, now, limits, _bounds(left)) if free > 0 else Claim()
            return Claim(claim.tasks, claim.expired, refused)

        return self._store.apply(work, locks=("task-limits",) if limits and free > 0 else ())

    def next_due(self, lanes: Sequence[str], left: Sequence[str] = ()) -> float | None:
        """The time at which the first waiting task may begin, without those of the plugins `left`."""
        sql, bounds = _heads_sql(len(left)), _bounds(left)
        heads = [row[0] for lane in lanes for row in self._store.rows(sql, (lane, *bounds, 1) * len(PRIORITIES))]
        return min(heads, default=None)

    def beat(self, host: str, now: float) -> dict[str, int] | None:
        """Shows that the host lives; its running tasks with their tokens, or None when it was declared dead."""

        return self.held(host) if self._store.apply(lambda session: HOSTS.beat(session, host, now)) else None

    def held(self, host: str) -> dict[str, int]:
        """A host's running tasks with their tokens."""
        return dict(self._store.rows("SELECT id, token FROM tasks WHERE state = 'running' AND host = ?", (host,)))

    def others(self, host: str) -> list[Silence]:
        """All other hosts that have running tasks."""
        found = self._store.rows(
            "SELECT DISTINCT t.host, h.beat FROM tasks t LEFT JOIN task_hosts h ON h.host = t.host"
            " WHERE t.state = 'running' AND t.host <> ?",
            (host,),
        )
        return [Silence(*row) for row in found]

    def take_over(self, silence: Silence, *, now: float, most_lost: int) -> TakenOver:
        """Lets the tasks of a dead host begin again elsewhere, unless it has shown meanwhile that it lives."""

        def work(session: Session) -> TakenOver:
            if not HOSTS.bury(session, silence):
                return TakenOver()
            of_host = f"WHERE state = 'running' AND host = ? AND lost {{}} ? RETURNING {COLUMNS}"
            waiting = session.execute(
                "UPDATE tasks SET state = 'waiting', host = NULL, attempts = attempts - 1, lost = lost + 1 "
                + of_host.format("<"),
                (silence.host, most_lost),
            ).fetchall()
            failed = session.execute(
                "UPDATE tasks SET state = 'failed', host = NULL, lost = lost + 1, code = 'host-lost',"
                " error = 'the host died while it ran, more often than it may', finished_at = ? "
                + of_host.format(">="),
                (now, silence.host, most_lost),
            ).fetchall()
            over = [TASKS.row(row) for row in failed]
            no_longer_pending(session, [task.owner for task in over])
            return TakenOver([TASKS.row(row) for row in waiting], over)

        return self._store.apply(work)

    def leave(self, host: str) -> None:
        """Forgets a host that has nothing running any more."""
        self._store.apply(
            lambda session: session.execute(
                "DELETE FROM task_hosts WHERE host = ? AND NOT EXISTS"
                " (SELECT 1 FROM tasks WHERE state = 'running' AND tasks.host = task_hosts.host)",
                (host,),
            )
        )

    def lay_lanes(self, limited: Sequence[str]) -> None:
        """Sorts waiting tasks into the lanes of queues with limits. Reads what is pending, so once at a start."""
        marks = ", ".join("?" for _ in limited)

        def work(session: Session) -> None:
            pending = "state IN ('waiting', 'running')"
            if not limited:
                session.execute(f"UPDATE tasks SET lane = '' WHERE {pending} AND lane <> ''")
                return
            session.execute(
                f"UPDATE tasks SET lane = '' WHERE {pending} AND lane <> '' AND lane NOT IN ({marks})", tuple(limited)
            )
            session.execute(
                f"UPDATE tasks SET lane = queue WHERE {pending} AND lane = '' AND queue IN ({marks})", tuple(limited)
            )

        self._store.apply(work)

    def set_back(self, now: float, tolerance_s: float) -> int:
        """Moves due times along after the clock was set back; how many. A second time finds none."""
        return self._store.apply(
            lambda session: (
                session.execute(
                    "UPDATE tasks SET due_at = due_at - (stamped_at - ?), stamped_at = ?"
                    " WHERE state = 'waiting' AND stamped_at > ?",
                    (now, now, now + tolerance_s),
                ).rowcount
            )
        )

    # -- inner parts

    def _end(self, session: Session, endings: Sequence[Ending]) -> frozenset[str]:
        refused, over = set(), []
        for ending in endings:
            finished = None if ending.state == "waiting" else ending.at
            found = session.execute(
                "UPDATE tasks SET state = ?, output = ?, size = length(input) + ?, error = coalesce(?, error),"
                " code = coalesce(?, code), finished_at = ?, due_at = coalesce(?, due_at), stamped_at = ?,"
                " attempts = attempts - ?, host = NULL WHERE id = ? AND token = ? AND state = 'running'"
                " RETURNING owner",
                (
                    *(ending.state, ending.output, len(ending.output or "") + len(ending.error or "")),
                    *(ending.error, ending.code, finished, ending.due_at, ending.at),
                    *(0 if ending.counted else 1, ending.task, ending.token),
                ),
            ).fetchone()
            if found is None:
                refused.add(ending.task)
            elif finished is not None:
                over.append(str(found[0]))
        no_longer_pending(session, over)
        return frozenset(refused)

    def _claim(
        self, session: Session, host: str, free: int, now: float, limits: Mapping[str, int], left: tuple[str, ...]
    ) -> Claim:
        found: list[tuple[str, int, float, float | None]] = []
        sql = _claim_sql(len(left) // 3)
        for lane, room in self._rooms(session, free, limits).items():
            if room > 0:
                found += session.execute(sql, ((lane, now, *left, room) * len(PRIORITIES)) + (room,)).fetchall()
        found.sort(key=lambda row: (-row[1], row[2], row[0]))
        late = [row[0] for row in found if row[3] is not None and row[3] <= now]
        chosen = [row[0] for row in found if row[3] is None or row[3] > now][:free]
        expired = self._expire(session, late, now) if late else []
        if not chosen:
            return Claim((), expired)
        tasks = session.execute(
            "UPDATE tasks SET state = 'running', host = ?, token = token + 1, attempts = attempts + 1, started_at = ?"
            f" WHERE state = 'waiting' AND id IN ({', '.join('?' for _ in chosen)}) RETURNING {COLUMNS}",
            (host, now, *chosen),
        ).fetchall()
        # In the claim's own transaction: whoever sees these tasks sees a beat that is new, and times it from there.
        HOSTS.seen(session, host, now)
        order = {task: place for place, task in enumerate(chosen)}
        return Claim(sorted(map(TASKS.row, tasks), key=lambda row: order[row.id]), expired)

    def _rooms(self, session: Session, free: int, limits: Mapping[str, int]) -> dict[str, int]:
        if not limits:
            return {"": free}
        running = dict(
            session.execute(
                "SELECT lane, count(*) FROM tasks WHERE state = 'running' AND lane <> '' GROUP BY lane"
            ).fetchall()
        )
        return {"": free} | {lane: min(free, most - running.get(lane, 0)) for lane, most in limits.items()}

    def _expire(self, session: Session, late: Sequence[str], now: float) -> list[Task]:
        rows = session.execute(
            "UPDATE tasks SET state = 'failed', code = 'expired', error = ?, finished_at = ?"
            f" WHERE state = 'waiting' AND id IN ({', '.join('?' for _ in late)}) RETURNING {COLUMNS}",
            (_EXPIRED, now, *late),
        ).fetchall()
        expired = [TASKS.row(row) for row in rows]
        no_longer_pending(session, [task.owner for task in expired])
        return expired


BATCH = 1000
_HOST_DAY_S = 86_400.0


class TaskSweep:
    """Deletes what nobody needs any more, the oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sweep(self, state: str, *, before: float, most: int, batch: int = BATCH) -> int:
        """Deletes tasks of one final state that ended `before`, or that are older than the newest `most`.

        Returns: how many; fewer than `batch` when nothing is left to delete.
        """
        past = self._store.rows(
            "SELECT finished_at FROM tasks WHERE state = ? AND finished_at IS NOT NULL"
            " ORDER BY finished_at DESC LIMIT 1 OFFSET ?",
            (state, most),
        )
        limit = max(before, past[0][0]) if past else before
        return self._store.apply(
            lambda session: (
                session.execute(
                    "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE state = ? AND finished_at IS NOT NULL"
                    " AND finished_at <= ? ORDER BY finished_at LIMIT ?)",
                    (state, limit, batch),
                ).rowcount
            )
        )

    def sweep_hosts(self, now: float) -> int:
        """Deletes hosts that were last seen a day ago and have nothing running, and totals of nothing."""
        return self._store.apply(
            lambda session: (
                session.execute("DELETE FROM task_totals WHERE pending = 0").rowcount
                + session.execute(
                    "DELETE FROM task_hosts WHERE seen_at < ? AND NOT EXISTS"
                    " (SELECT 1 FROM tasks WHERE state = 'running' AND tasks.host = task_hosts.host)",
                    (now - _HOST_DAY_S,),
                ).rowcount
            )
        )


class ScheduleFields(Record, frozen=True):
    """The fields that an order for a schedule and the schedule share."""

    name: str
    function: str
    kind: Literal["cron", "interval", "once"]
    spec: Annotated[str, Meta(description="A cron expression, seconds, or a date as 2030-01-31T08:00.")]
    timezone: Annotated[str, Meta(description="Name of the time zone, such as Europe/Berlin.")] = "UTC"
    missed: Annotated[Literal["skip", "one", "all"], Meta(description="What becomes of ticks while no host ran.")] = (
        "one"
    )
    queue: str = "default"
    priority: Annotated[int, Meta(ge=0, le=9, description="Higher ones first.")] = 5
    timeout_s: Seconds | None = None


class ScheduleOrder(ScheduleFields, frozen=True):
    """A schedule to be stored.

    `kind` is cron, interval or once, and `spec` a cron expression, seconds, or a date in `timezone`. `missed` says
    what becomes of ticks while no host ran: `skip` drops them, `one` runs the latest, `all` each of them up to
    the bound `missed_most`.
    """

    input: Annotated[Json, Meta(description='A JSON value, or {"base64": ...} alone for bytes.')] = None
    attempts: Annotated[int, Meta(ge=1, le=20, description="Failures until it is a dead letter.")] = 3


class Schedule(ScheduleFields, frozen=True, kw_only=True):
    """A schedule. Units: times in seconds since the Unix epoch.

    `next_at` is its next tick, None when none will come; `stamped_at` is when that was worked out; `begin_at`
    is where intervals count from.
    """

    input: Annotated[Json, HIDDEN]
    most_attempts: Annotated[int, Meta(ge=1, le=20, description="Failures until it is a dead letter.")] = field(
        name="attempts"
    )
    enabled: bool
    stamped_at: Annotated[float, HIDDEN]
    begin_at: Annotated[float, HIDDEN]
    next_at: Time | None = None
    last_at: Time | None = None
    last_task: str | None = None


SCHEDULE_TABLE = Table(Schedule, "schedules", key="name")
_COLUMNS = SCHEDULE_TABLE.columns


class SchedulesTable:
    """Reads and writes schedules; when they tick is decided elsewhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: Schedule) -> bool:
        """Adds a schedule and returns True if the name was free. On the disk when it returns."""
        with self._store.write(durable=True) as session:
            return (
                session.execute(
                    f"INSERT INTO schedules ({_COLUMNS}) VALUES ({SCHEDULE_TABLE.marks}) ON CONFLICT DO NOTHING",
                    SCHEDULE_TABLE.values(row),
                ).rowcount
                == 1
            )

    def get(self, name: str) -> Schedule | None:
        """One schedule."""
        found = self._store.rows(f"SELECT {_COLUMNS} FROM schedules WHERE name = ?", (name,))
        return SCHEDULE_TABLE.row(found[0]) if found else None

    def page(self, limit: int, after: str = "") -> list[Schedule]:
        """Schedules by name, those after `after`."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM schedules WHERE name > ? ORDER BY name LIMIT ?", (after, limit)
        )
        return [SCHEDULE_TABLE.row(values) for values in found]

    def remove(self, name: str) -> bool:
        """Removes a schedule and returns True if there was one. Its tasks stay."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM schedules WHERE name = ?", (name,)).rowcount == 1

    def switch(self, name: str, *, on: bool, next_at: float | None, now: float) -> bool:
        """Switches a schedule and returns True if there is one. Off, it has no next tick."""
        with self._store.write(durable=True) as session:
            return (
                session.execute(
                    "UPDATE schedules SET enabled = ?, next_at = ?, stamped_at = ? WHERE name = ?",
                    (int(on), next_at, now, name),
                ).rowcount
                == 1
            )

    def next_at(self) -> float | None:
        """The time of the first tick of any schedule."""
        found = self._store.rows("SELECT min(next_at) FROM schedules WHERE next_at IS NOT NULL")
        return None if found[0][0] is None else float(found[0][0])

    def due(self, now: float, limit: int) -> list[Schedule]:
        """Schedules whose tick has come, the longest overdue first."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM schedules WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?",
            (now, limit),
        )
        return [SCHEDULE_TABLE.row(values) for values in found]

    def from_the_future(self, now: float, tolerance_s: float) -> list[Schedule]:
        """Schedules whose next tick was worked out at a time that is still to come: the clock was set back."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM schedules WHERE next_at IS NOT NULL AND stamped_at > ?", (now + tolerance_s,)
        )
        return [SCHEDULE_TABLE.row(values) for values in found]

    def tick(
        self,
        row: Schedule,
        tasks: Sequence[Task],
        *,
        next_at: float | None,
        now: float,
        most_pending: int | None = None,
    ) -> Sequence[Task] | None:
        """Moves a schedule on and stores the tasks of its ticks; those that are new.

        None: another host was first, or the schedule has been changed; nothing was done. A tick is in its
        task's key too, so that one that has run is not run again, whatever the clock says.

        Raises: LimitExceeded: more than `most_pending` tasks of schedules wait or run; nothing was done.
        """

        def work(session: Session) -> Sequence[Task] | None:
            moved = session.execute(
                "UPDATE schedules SET next_at = ?, stamped_at = ?, last_at = coalesce(?, last_at),"
                " last_task = coalesce(?, last_task) WHERE name = ? AND next_at = ? AND enabled = 1",
                (next_at, now, now if tasks else None, tasks[-1].id if tasks else None, row.name, row.next_at),
            )
            if moved.rowcount != 1:
                return None
            return [task for task in tasks if insert(session, task, most_pending=most_pending)[1]]

        return self._store.apply(work, locks=sorted({owner_lock(task.owner) for task in tasks}))
