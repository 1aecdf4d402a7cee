"""Tasks in motion: hosts claim them, report how they ended, show that they live, and take over from the dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.tasks import COLUMNS, TaskRow, as_row, no_longer_pending

__all__ = ["HEADS_SQL", "PRIORITIES", "READY_SQL", "Claim", "Ending", "Silence", "TakenOver", "TaskClaims"]

PRIORITIES = range(9, -1, -1)
_EXPIRED = "it expired before it could begin"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended. `token` is the claim's; `due_at` is None where the task keeps its place.

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
    """What one turn brought: tasks to run, tasks that had expired, and endings that were refused as too late."""

    tasks: Sequence[TaskRow] = ()
    expired: Sequence[TaskRow] = ()
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Silence:
    """A host that has running tasks, and its beat; None when it never said that it lives."""

    host: str
    beat: int | None


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of a dead host's tasks."""

    waiting: Sequence[TaskRow] = ()
    failed: Sequence[TaskRow] = ()


def _ready(columns: str, *, due: bool) -> str:
    """A query of each priority's first tasks, highest priority first. Each part is one range of an index."""
    parts = (
        f"SELECT {columns} FROM (SELECT id, priority, due_at, expires_at FROM tasks WHERE state = 'waiting'"
        f" AND lane = ? AND priority = {priority}{' AND due_at <= ?' if due else ''} ORDER BY due_at, id LIMIT ?)"
        f" AS p{priority}"
        for priority in PRIORITIES
    )
    return " UNION ALL ".join(parts)


READY_SQL = _ready("id, priority, due_at, expires_at", due=True) + " LIMIT ?"
HEADS_SQL = _ready("due_at", due=False)


class TaskClaims:
    """What hosts do with tasks, each in one transaction.

    Writers of all hosts take turns, in both databases, so no two claim the same task and limits hold exactly.
    Hosts that only look (`next_due`) write nothing and wait for nobody.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def turn(self, host: str, endings: Sequence[Ending], *, free: int, now: float, limits: Mapping[str, int]) -> Claim:
        """Writes how attempts ended and claims up to `free` tasks, all of it or nothing."""

        def work(session: Session) -> Claim:
            refused = self._end(session, endings)
            claim = self._claim(session, host, free, now, limits) if free > 0 else Claim()
            return Claim(claim.tasks, claim.expired, refused)

        return self._store.apply(work)

    def next_due(self, lanes: Sequence[str]) -> float | None:
        """When the first of all waiting tasks may begin."""
        heads = [row[0] for lane in lanes for row in self._store.rows(HEADS_SQL, (lane, 1) * len(PRIORITIES))]
        return min(heads, default=None)

    def beat(self, host: str, now: float) -> dict[str, int] | None:
        """Shows that the host lives; its running tasks with their tokens, or None when it was declared dead."""

        def work(session: Session) -> bool:
            return (
                session.execute(
                    "UPDATE task_hosts SET beat = beat + 1, seen_at = ? WHERE host = ?", (now, host)
                ).rowcount
                == 1
            )

        if not self._store.apply(work):
            return None
        return self.held(host)

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
            if not self._bury(session, silence):
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
            no_longer_pending(session, [row[1] for row in failed])
            return TakenOver([as_row(row) for row in waiting], [as_row(row) for row in failed])

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

    def _claim(self, session: Session, host: str, free: int, now: float, limits: Mapping[str, int]) -> Claim:
        found: list[tuple[str, int, float, float | None]] = []
        for lane, room in self._rooms(session, free, limits).items():
            if room > 0:
                found += session.execute(READY_SQL, ((lane, now, room) * len(PRIORITIES)) + (room,)).fetchall()
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
        session.execute(
            "INSERT INTO task_hosts (host, beat, seen_at) VALUES (?, ?, ?) ON CONFLICT (host)"
            " DO UPDATE SET beat = task_hosts.beat + 1, seen_at = excluded.seen_at",
            (host, int(now * 1000), now),
        )
        order = {task: place for place, task in enumerate(chosen)}
        return Claim(sorted(map(as_row, tasks), key=lambda row: order[row.id]), expired)

    def _rooms(self, session: Session, free: int, limits: Mapping[str, int]) -> dict[str, int]:
        if not limits:
            return {"": free}
        running = dict(
            session.execute(
                "SELECT lane, count(*) FROM tasks WHERE state = 'running' AND lane <> '' GROUP BY lane"
            ).fetchall()
        )
        return {"": free} | {lane: min(free, most - running.get(lane, 0)) for lane, most in limits.items()}

    def _expire(self, session: Session, late: Sequence[str], now: float) -> list[TaskRow]:
        rows = session.execute(
            "UPDATE tasks SET state = 'failed', code = 'expired', error = ?, finished_at = ?"
            f" WHERE state = 'waiting' AND id IN ({', '.join('?' for _ in late)}) RETURNING {COLUMNS}",
            (_EXPIRED, now, *late),
        ).fetchall()
        no_longer_pending(session, [row[1] for row in rows])
        return [as_row(row) for row in rows]

    def _bury(self, session: Session, silence: Silence) -> bool:
        if silence.beat is None:
            return not session.execute("SELECT 1 FROM task_hosts WHERE host = ?", (silence.host,)).fetchall()
        gone = session.execute("DELETE FROM task_hosts WHERE host = ? AND beat = ?", (silence.host, silence.beat))
        return gone.rowcount == 1
