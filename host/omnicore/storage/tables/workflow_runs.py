"""Workflow runs: rows, claims by hosts, steps in a hash chain, large values, labels, searches, deletion of old runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from omnicore.records import quick
from omnicore.storage.tables.hosts import HostTable, Silence
from omnicore.texts import json_writer

if TYPE_CHECKING:
    from omnicore.storage.store import Session, Store


STATUSES = ("pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled")


@quick
@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is stored; see `storage/migrations/0018_workflow_runs.sql`. Units: seconds since the Unix epoch.

    `trigger`, `input`, `output` and `fault` are JSON, or name a value that is kept by its hash
    (`omnicore.storage.tables.workflow_runs`).
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
    """The nonce of the placeholders of a run's secrets; None: there is no such run."""
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
        """The number of runs by status, of those that are not over."""
        found = self._store.rows(
            "SELECT status, count(*) FROM workflow_runs WHERE status IN ('pending', 'running', 'waiting', 'suspended')"
            " GROUP BY status"
        )
        return {str(status): int(count) for status, count in found}

    def next_due(self, root: str | None = None) -> float | None:
        """The time at which the first run may be claimed; of those that began with `root`, if given."""
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


HOSTS = HostTable("workflow_hosts")
_PRIORITIES = range(9, -1, -1)
_MOST = 500
_GIVE_BACK = "UPDATE workflow_runs SET status = 'pending', host = NULL, due_at = ?, stamped_at = ?"


_WAITS = (
    "EXISTS (SELECT 1 FROM workflow_waits w WHERE w.run = workflow_runs.id AND w.kind = 'plugin' AND w.key {} ({}))"
)


def _but(left: int) -> str:
    """Leaves out runs that wait for such plugins and for no others; each name is given twice."""
    marks = ", ".join("?" for _ in range(left))
    return f" AND (NOT {_WAITS.format('IN', marks)} OR {_WAITS.format('NOT IN', marks)})" if left else ""


@lru_cache(maxsize=8)
def _ready(left: int = 0) -> str:
    """The runs that may be claimed, highest priority first. Each part is one range of an index."""
    but = _but(left)
    parts = (
        "SELECT id, priority, due_at FROM (SELECT id, priority, due_at FROM workflow_runs WHERE due_at IS NOT NULL"
        f" AND priority = {priority} AND due_at <= ?{but} ORDER BY due_at, id LIMIT ?"
        f" /*! FOR UPDATE SKIP LOCKED */) AS p{priority}"
        for priority in _PRIORITIES
    )
    return " UNION ALL ".join(parts)


READY_SQL = _ready()
_READY_OF_ROOT = (
    "SELECT id, priority, due_at FROM workflow_runs WHERE root = ? AND due_at IS NOT NULL AND due_at <= ?"
    " ORDER BY due_at LIMIT ?/*! FOR UPDATE SKIP LOCKED */"
)


def lock_runs(session: Session, runs: Sequence[str]) -> None:
    """Locks runs in PostgreSQL, in the order of their ids: nobody waits in a circle.

    What a statement that comes after reads of them, their signals too, is what there is then.
    """
    if runs:
        marks = ", ".join("?" for _ in runs)
        sql = f"SELECT 1 FROM workflow_runs WHERE id IN ({marks}) ORDER BY id /*! FOR UPDATE */"
        session.execute(sql, sorted(runs)).fetchall()


def others(store: Store, host: str) -> list[Silence]:
    """All hosts but this one."""
    return [Silence(*row) for row in store.rows("SELECT host, beat FROM workflow_hosts WHERE host <> ?", (host,))]


def owned(store: Store, host: str) -> list[str]:
    """Runs in a host's hands."""
    return [str(row[0]) for row in store.rows("SELECT id FROM workflow_runs WHERE host = ?", (host,))]


def claim(
    session: Session,
    host: str,
    limit: int,
    now: float,
    *,
    root: str | None = None,
    until: float | None = None,
    left: Sequence[str] = (),
) -> list[RunRow]:
    """Takes runs that are due for a host that lives, in the order in which they should begin.

    Args:
        root: only those that began with this run.
        until: only those that were due by then; now when left out.
        left: plugins that other hosts are to serve: runs that wait for nothing else are left to those.
    """
    limit, until = min(limit, _MOST), now if until is None else until
    if root is None:
        found = session.execute(_ready(len(left)), (until, *left, *left, limit) * len(_PRIORITIES)).fetchall()
    else:
        found = session.execute(_READY_OF_ROOT, (root, until, limit)).fetchall()
    chosen = [str(row[0]) for row in sorted(found, key=lambda row: (-row[1], row[2], row[0]))[:limit]]
    if not chosen:
        return []
    marks = ", ".join("?" for _ in chosen)
    rows = session.execute(
        "UPDATE workflow_runs SET status = 'running', host = ?, due_at = NULL, started_at = coalesce(started_at, ?)"
        f" WHERE id IN ({marks}) RETURNING {COLUMNS}",
        (host, now, *chosen),
    ).fetchall()
    session.execute(f"UPDATE workflow_signals SET host = ? WHERE run IN ({marks})", (host, *chosen))
    order = {run: place for place, run in enumerate(chosen)}
    return sorted(map(as_run, rows), key=lambda row: order[row.id])


def heads(session: Session, runs: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The number and hash of the last row of each of these runs that has any."""
    last = "(SELECT s.{} FROM workflow_steps s WHERE s.run = r.id ORDER BY s.seq DESC LIMIT 1)"
    marks = ", ".join("?" for _ in runs)
    found = session.execute(
        f"SELECT r.id, {last.format('seq')}, {last.format('hash')} FROM workflow_runs r WHERE r.id IN ({marks})",
        tuple(runs),
    )
    return {str(run): (int(seq), str(digest)) for run, seq, digest in found.fetchall() if seq is not None}


def give_back(session: Session, host: str, runs: Sequence[str], now: float) -> int:
    """Lets others claim these runs of a host at once; how many there were."""
    changed = session.executemany(f"{_GIVE_BACK} WHERE id = ? AND host = ?", [(now, now, run, host) for run in runs])
    return int(changed.rowcount)


def leave(session: Session, host: str, now: float) -> int:
    """Takes a host out of the table, and gives back all of its runs; how many."""
    HOSTS.leave(session, host)
    return session.execute(f"{_GIVE_BACK} WHERE host = ?", (now, now, host)).rowcount


def bury(session: Session, silence: Silence, now: float) -> int | None:
    """As `leave`, for a dead host; None when it has shown meanwhile that it lives, or is buried already."""
    return leave(session, silence.host, now) if HOSTS.bury(session, silence) else None


def set_back(session: Session, now: float, tolerance_s: float) -> int:
    """Moves due times along after the clock was set back; how many runs. A second time finds none."""
    moved = session.execute(
        "UPDATE workflow_runs SET due_at = due_at - (stamped_at - ?), begin_at = begin_at - (stamped_at - ?),"
        " stamped_at = ? WHERE due_at IS NOT NULL AND stamped_at > ?",
        (now, now, now, now + tolerance_s),
    ).rowcount
    session.execute(
        "UPDATE workflow_rates SET tat = tat - (stamped_at - ?), stamped_at = ? WHERE stamped_at > ?",
        (now, now, now + tolerance_s),
    )
    return moved


_PARK = (
    "UPDATE workflow_runs SET status = ?, host = NULL, stamped_at = ?, seq = ?, hash = ?, due_at = CASE WHEN EXISTS"
    " (SELECT 1 FROM workflow_signals s WHERE s.run = workflow_runs.id{}) THEN ? ELSE ? END"
    " WHERE id = ? AND host = ? RETURNING due_at"
)
_PARKS = {"waiting": _PARK.format(""), "suspended": _PARK.format(" AND s.kind IN ('cancel', 'resume')")}
_END = (
    "UPDATE workflow_runs SET status = ?, host = NULL, due_at = NULL, ended_at = ?, output = ?, fault = ?, seq = ?,"
    " hash = ?, record_seq = ? WHERE id = ? AND host = ?"
)


@dataclass(frozen=True, slots=True)
class Park:
    """A run that is out of memory until `due_at`, or until a signal comes."""

    run: str
    status: str
    due_at: float | None
    seq: int
    hash: str


@quick
@dataclass(frozen=True, slots=True)
class End:
    """A run that is over; `output` and `fault` are JSON or name a value."""

    run: str
    status: str
    output: str | None
    fault: str | None
    seq: int
    hash: str


def park(session: Session, host: str, one: Park, now: float) -> tuple[float | None] | None:
    """Parks a run of a host, in a transaction of the caller's; with a signal that came meanwhile it is due at once.

    Returns: when it is due, alone in a tuple; None: the run is not this host's.
    """
    values = (one.status, now, one.seq, one.hash, now, one.due_at, one.run, host)
    found = session.execute(_PARKS[one.status], values).fetchone()
    return None if found is None else (found[0],)


def end_runs(session: Session, host: str, ends: Sequence[End], records: Sequence[int | None], now: float) -> bool:
    """Ends runs of a host, and drops what they waited for; False: one of them is not this host's.

    Args: records: for each run, the row of the host's record that holds its hash.
    """
    changed = session.executemany(
        _END,
        [
            (end.status, now, end.output, end.fault, end.seq, end.hash, record, end.run, host)
            for end, record in zip(ends, records, strict=True)
        ],
    ).rowcount
    runs = tuple(end.run for end in ends)
    of_runs = f"WHERE run IN ({', '.join('?' for _ in runs)})"
    session.execute(f"DELETE FROM workflow_signals {of_runs}", runs)
    session.execute(f"DELETE FROM workflow_waits {of_runs}", runs)
    return bool(changed == len(ends))


@dataclass(frozen=True, slots=True)
class StepRow:
    """A row of a run. Units: times in seconds since the Unix epoch.

    `fed` is the kind of the result that it came from, None where it only followed. `input`, `result` (the result's
    output), `output`, `fault` and `meta` are JSON or name a value; `about` is what of the result differs from the row.
    """

    run: str
    seq: int
    place: str
    path: str
    name: str
    kind: str
    status: str
    attempt: int
    fed: str | None
    at: float
    began_at: float
    input: str | None
    result: str | None
    output: str | None
    fault: str | None
    meta: str | None
    about: str | None
    hash: str


_NAMES = [field.name for field in fields(StepRow)]
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
_ADD_STEP = f"INSERT INTO workflow_steps ({_COLUMNS}) VALUES ({', '.join('?' for _ in _NAMES)})"
_HASHED = attrgetter(*_NAMES[1:-1])
_write = json_writer()


def genesis(run: str, workflow: str, digest: str, input: str, created_at: float) -> str:
    """Stands for the row before the first one: a run's rows belong to its definition and its input."""
    return hashlib.sha256(_write([run, workflow, digest, input, created_at]).encode()).hexdigest()


def step_hash(previous: str, values: Sequence[Any]) -> str:
    """SHA-256 over the hash of the row before, a line end, and the row's columns from `seq` to `about` as JSON."""
    return hashlib.sha256(f"{previous}\n{_write(values)}".encode()).hexdigest()


def add_steps(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows, as tuples of `StepRow`'s fields, in a transaction of the caller's."""
    session.executemany(_ADD_STEP, rows)


def first_rows(session: Session, run: str, after: int, limit: int) -> list[tuple[Any, ...]]:
    """Rows of a run as tuples, as `add_steps` takes them, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
    return session.execute(sql, (run, after, limit)).fetchall()


class StepsTable:
    """Rows as they are read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, run: str, after: int = 0, limit: int = 100) -> list[StepRow]:
        """Rows of a run after one, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        return [StepRow(*row) for row in self._store.rows(sql, (run, after, limit))]

    def decided(self, run: str, until: int) -> list[str]:
        """The paths of the approvals whose decisions are among the first rows of a run."""
        sql = (
            "SELECT DISTINCT path FROM workflow_steps"
            " WHERE run = ? AND seq <= ? AND kind = 'approval' AND fed IS NOT NULL ORDER BY path"
        )
        return [str(path) for (path,) in self._store.rows(sql, (run, until))]

    def decision(self, run: str, place: str) -> str | None:
        """The decision at a place, as JSON, or None. Reads all rows of the run."""
        sql = (
            "SELECT COALESCE(result, output) FROM workflow_steps"
            " WHERE run = ? AND place = ? AND kind = 'approval' AND fed IS NOT NULL ORDER BY seq DESC LIMIT 1"
        )
        return next((str(row[0]) for row in self._store.rows(sql, (run, place)) if row[0] is not None), None)

    def before(self, run: str, seq: int, limit: int = 100) -> list[StepRow]:
        """Rows of a run before one, newest first."""
        sql = f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        return [StepRow(*row) for row in self._store.rows(sql, (run, seq, limit))]

    def get(self, run: str, seq: int) -> StepRow | None:
        """One row."""
        found = self._store.rows(f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq = ?", (run, seq))
        return StepRow(*found[0]) if found else None

    def head(self, run: str) -> tuple[int, str] | None:
        """The number and hash of the last row."""
        found = self._store.rows("SELECT seq, hash FROM workflow_steps WHERE run = ? ORDER BY seq DESC LIMIT 1", (run,))
        return (int(found[0][0]), str(found[0][1])) if found else None


def rehashed(row: StepRow, previous: str) -> str:
    """The hash that a stored row should have after another one."""
    return step_hash(previous, _HASHED(row))


_ADD_VALUE = "INSERT INTO workflow_values (hash, size, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_MARK = "@"  # no JSON begins with it


def reference(data: str) -> tuple[str, str]:
    """The hash of a JSON text, and what stands for the text in a row."""
    digest = hashlib.sha256(data.encode()).hexdigest()
    return digest, f"{_MARK}{digest}:{len(data)}"


def named(text: str) -> tuple[str, int] | None:
    """The hash and size of the value that a column refers to, None when the column holds the JSON itself."""
    if not text.startswith(_MARK):
        return None
    digest, _, size = text[1:].partition(":")
    return digest, int(size)


def add_values(session: Session, values: Sequence[tuple[str, str]], refs: Sequence[tuple[str, str]]) -> None:
    """Keeps values as (hash, JSON), and references as (run, hash), in a transaction of the caller's."""
    if values:
        session.executemany(
            _ADD_VALUE,
            [(digest, len(data), data) for digest, data in values],
        )
        _hold(session, values)
    if refs:
        session.executemany("INSERT INTO workflow_value_refs (run, hash) VALUES (?, ?) ON CONFLICT DO NOTHING", refs)


def _hold(session: Session, values: Sequence[tuple[str, str]]) -> None:
    """Has the values stay until the transaction ends, and with it the references to them that it keeps.

    One that was there and was deleted at this moment is written again.
    """
    marks = ", ".join("?" for _ in values)
    sql = f"SELECT hash FROM workflow_values WHERE hash IN ({marks}) ORDER BY hash /*! FOR KEY SHARE */"
    there = {str(row[0]) for row in session.execute(sql, [digest for digest, _ in values]).fetchall()}
    if gone := [pair for pair in values if pair[0] not in there]:
        session.executemany(_ADD_VALUE, [(digest, len(data), data) for digest, data in gone])
        _hold(session, gone)


def value_of(session: Session, digest: str) -> str | None:
    """The JSON with this hash, in a transaction of the caller's."""
    found = session.execute("SELECT data FROM workflow_values WHERE hash = ?", (digest,)).fetchone()
    return None if found is None else str(found[0])


def share_values(session: Session, of: str, run: str) -> None:
    """Lets a run refer to all the values that another one does, in a transaction of the caller's."""
    session.execute(
        "SELECT 1 FROM workflow_values WHERE hash IN (SELECT hash FROM workflow_value_refs WHERE run = ?)"
        " ORDER BY hash /*! FOR KEY SHARE */",
        (of,),
    ).fetchall()
    session.execute(
        "INSERT INTO workflow_value_refs (run, hash) SELECT ?, hash FROM workflow_value_refs WHERE run = ?"
        " ON CONFLICT DO NOTHING",
        (run, of),
    )


def drop_values(session: Session, run: str, limit: int) -> int:
    """Deletes up to `limit` references of a run, and the values that nothing refers to any more; how many."""
    found = session.execute("SELECT hash FROM workflow_value_refs WHERE run = ? LIMIT ?", (run, limit)).fetchall()
    session.executemany(
        "DELETE FROM workflow_value_refs WHERE run = ? AND hash = ?", [(run, digest) for (digest,) in found]
    )
    # Who refers to one of them at this moment holds it: then the reference is seen.
    for digest in sorted(digest for (digest,) in found):
        session.execute("SELECT 1 FROM workflow_values WHERE hash = ? /*! FOR UPDATE */", (digest,)).fetchone()
    session.executemany(
        "DELETE FROM workflow_values WHERE hash = ?"
        " AND NOT EXISTS (SELECT 1 FROM workflow_value_refs r WHERE r.hash = workflow_values.hash)",
        found,
    )
    return len(found)


class ValuesTable:
    """Reads values."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def size_of(self, run: str) -> int:
        """The total size of the values that a run refers to."""
        found = self._store.rows(
            "SELECT coalesce(sum(v.size), 0) FROM workflow_value_refs r JOIN workflow_values v ON v.hash = r.hash"
            " WHERE r.run = ?",
            (run,),
        )
        return int(found[0][0])

    def get(self, digest: str) -> str | None:
        """The JSON with this hash."""
        found = self._store.rows("SELECT data FROM workflow_values WHERE hash = ?", (digest,))
        return str(found[0][0]) if found else None


_OVER = "FROM workflow_runs WHERE workflow = ? AND status = ? AND ended_at IS NOT NULL"


def sweep_runs(store: Store, workflow: str, status: str, *, before: float, most: int, limit: int = 200) -> int:
    """Drops runs of one final status that ended before a time, or beyond the newest `most`; how many.

    They are gone at once; `sweep_steps` then deletes what belonged to them.
    """
    newest = f"SELECT ended_at, id {_OVER} ORDER BY ended_at DESC, id DESC LIMIT 1 OFFSET ?"
    past = [(float(at), str(run)) for at, run in store.rows(newest, (workflow, status, most))]
    # Runs that were kept in one transaction ended at the same moment.
    until = max([(before, ""), *past])
    sql = f"SELECT id {_OVER} AND (ended_at, id) <= (?, ?) ORDER BY ended_at, id LIMIT ?"

    def work(session: Session) -> int:
        found = session.execute(sql, (workflow, status, *until, limit)).fetchall()
        session.executemany("INSERT INTO workflow_drops (run) VALUES (?) ON CONFLICT DO NOTHING", found)
        session.executemany("DELETE FROM workflow_runs WHERE id = ?", found)
        return len(found)

    return store.apply(work)


def sweep_steps(store: Store, limit: int = 2000) -> int:
    """Deletes up to `limit` steps and values of runs that are gone; how many, 0 when nothing is left."""

    def work(session: Session) -> int:
        gone = 0
        for (run,) in session.execute(
            "SELECT run FROM workflow_drops LIMIT ? /*! FOR UPDATE SKIP LOCKED */", (limit,)
        ).fetchall():
            gone += _drop(session, run, limit - gone)
            if gone >= limit:
                break
        return gone

    return store.apply(work)


def _drop(session: Session, run: str, limit: int) -> int:
    gone: int = session.execute(
        "DELETE FROM workflow_steps WHERE run = ? AND seq IN"
        " (SELECT seq FROM workflow_steps WHERE run = ? ORDER BY seq LIMIT ?)",
        (run, run, limit),
    ).rowcount
    if gone < limit:
        gone += drop_values(session, run, limit - gone)
    if gone < limit:
        session.execute("DELETE FROM workflow_signals WHERE run = ?", (run,))
        session.execute("DELETE FROM workflow_waits WHERE run = ?", (run,))
        session.execute("DELETE FROM workflow_run_labels WHERE run = ?", (run,))
        gone += session.execute("DELETE FROM workflow_drops WHERE run = ?", (run,)).rowcount
    return gone
