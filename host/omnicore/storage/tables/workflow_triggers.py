"""Whatever begins a workflow run or reaches one: events, schedules, limits, signals, waits and the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omnicore.records import Record, replace
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.storage.store import Session, Store


class WantRow(Record, frozen=True):
    """A want; see `storage/migrations/0020_workflow_wants.sql`. `place` is that of the trigger, -1 for tasks."""

    workflow: str
    number: int
    place: int
    kind: str
    name: str


WANTS = Table(WantRow, "workflow_wants", key=("workflow", "number"), indexes=(("kind", "name"),))


def replace_wants(session: Session, workflow: str, rows: Sequence[WantRow]) -> None:
    """Puts these in the place of all wants of a workflow, in a transaction of the caller's."""
    session.execute("DELETE FROM workflow_wants WHERE workflow = ?", (workflow,))
    session.executemany(
        f"INSERT INTO workflow_wants ({WANTS.columns}) VALUES ({WANTS.marks})",
        [WANTS.values(row) for row in rows],
    )


class WantsTable:
    """Reads wants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, kind: str, name: str, limit: int = 1000) -> list[WantRow]:
        """The wants of this kind and name."""
        sql = (
            f"SELECT {WANTS.columns} FROM workflow_wants WHERE kind = ? AND name = ? ORDER BY workflow, number LIMIT ?"
        )
        return [WANTS.row(row) for row in self._store.rows(sql, (kind, name, limit))]

    def names(self, kind: str) -> list[str]:
        """All that is wanted of a kind."""
        sql = "SELECT DISTINCT name FROM workflow_wants WHERE kind = ?"
        return [str(row[0]) for row in self._store.rows(sql, (kind,))]


class ScheduleRow(Record, frozen=True):
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


SCHEDULES = Table(ScheduleRow, "workflow_schedules", key=("workflow", "place"))


def replace_schedules(session: Session, workflow: str, rows: Sequence[ScheduleRow]) -> None:
    """Puts these in the place of all schedules of a workflow, in a transaction of the caller's."""
    session.execute("DELETE FROM workflow_schedules WHERE workflow = ?", (workflow,))
    session.executemany(
        f"INSERT INTO workflow_schedules ({SCHEDULES.columns}) VALUES ({SCHEDULES.marks})",
        [SCHEDULES.values(row) for row in rows],
    )


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
    sql = f"SELECT {SCHEDULES.columns} FROM workflow_schedules WHERE workflow = ?"
    before = {_said(row): row for row in (SCHEDULES.row(one) for one in session.execute(sql, (workflow,)).fetchall())}
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
        self._store.apply(lambda session: replace_schedules(session, workflow, rows), locks=(f"workflow:{workflow}",))

    def of(self, workflow: str) -> list[ScheduleRow]:
        """The schedules of a workflow, in their order."""
        return self._rows("workflow = ? ORDER BY place", (workflow,))

    def next_of(self, workflows: Sequence[str]) -> dict[str, dict[int, float | None]]:
        """The next ticks of the schedules of some workflows, by workflow and place."""
        found: dict[str, dict[int, float | None]] = {}
        if workflows:
            marks = ", ".join("?" for _ in workflows)
            sql = f"SELECT workflow, place, next_at FROM workflow_schedules WHERE workflow IN ({marks})"
            for workflow, place, at in self._store.rows(sql, tuple(workflows)):
                found.setdefault(str(workflow), {})[int(place)] = at
        return found

    def next_at(self) -> float | None:
        """The time of the first tick of any schedule."""
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
        found = self._store.rows(f"SELECT {SCHEDULES.columns} FROM workflow_schedules WHERE {where}", parameters)
        return [SCHEDULES.row(row) for row in found]


class PartialRow(Record, frozen=True):
    """An event that fits the filter `slot` of a trigger. Units: `until` seconds since the Unix epoch."""

    workflow: str
    trigger: str
    tie: str
    slot: int
    event: str
    envelope: str
    until: float


PARTIALS = Table(PartialRow, "workflow_partials", key=("workflow", "trigger", "tie", "slot"), indexes=(("until",),))


def add_partial(session: Session, row: PartialRow, *, most: int, now: float) -> bool:
    """Keeps an event, in a transaction of the caller's; False: its place is taken, or the trigger has `most`."""
    where = "workflow = ? AND trigger = ?"
    kept = session.execute(f"SELECT count(*) FROM workflow_partials WHERE {where}", (row.workflow, row.trigger))
    if kept.fetchone()[0] >= most:
        session.execute(f"DELETE FROM workflow_partials WHERE {where} AND until <= ?", (row.workflow, row.trigger, now))
        return False
    added = session.execute(
        f"INSERT INTO workflow_partials ({PARTIALS.columns}) VALUES ({PARTIALS.marks})"
        " ON CONFLICT (workflow, trigger, tie, slot) DO UPDATE SET event = excluded.event,"
        " envelope = excluded.envelope, until = excluded.until WHERE workflow_partials.until <= ?",
        (*PARTIALS.values(row), now),
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
            f"SELECT {PARTIALS.columns} FROM workflow_partials"
            " WHERE workflow = ? AND trigger = ? AND tie = ? AND until > ? ORDER BY slot"
        )
        return [PARTIALS.row(row) for row in self._store.rows(sql, (workflow, trigger, tie, now))]

    def sets(self, limit: int = 1000) -> list[tuple[str, str, str, int]]:
        """Sets of more than one event as (workflow, trigger, tie, count); for what a killed host left."""
        sql = (
            "SELECT workflow, trigger, tie, count(*) FROM workflow_partials"
            " GROUP BY workflow, trigger, tie HAVING count(*) > 1 LIMIT ?"
        )
        return [
            (str(one), str(two), str(three), int(count)) for one, two, three, count in self._store.rows(sql, (limit,))
        ]

    def prune(self, now: float, limit: int = 500) -> int:
        """Deletes some whose time is over and returns their number."""

        def work(session: Session) -> int:
            gone = "SELECT workflow, trigger, tie, slot FROM workflow_partials WHERE until <= ? ORDER BY until LIMIT ?"
            rows = session.execute(gone, (now, limit)).fetchall()
            session.executemany(
                "DELETE FROM workflow_partials WHERE workflow = ? AND trigger = ? AND tie = ? AND slot = ?",
                [tuple(row) for row in rows],
            )
            return len(rows)

        return self._store.apply(work)


_HOLDERS = 1000
_NEXT = (
    "SELECT id FROM workflow_runs WHERE workflow = ? AND lane = ? AND held = 1 AND ended_at IS NULL AND host IS NULL"
    " ORDER BY id LIMIT 1"
)


def first_seen(session: Session, scope: str, key: str, run: str, *, now: float, until: float) -> str | None:
    """Takes a key for a run, in a transaction of the caller's.

    Returns: None: it was free, or its time is over; else the run that has it.
    """
    taken = session.execute(
        "INSERT INTO workflow_dedupe (scope, key, run, until) VALUES (?, ?, ?, ?) ON CONFLICT (scope, key)"
        " DO UPDATE SET run = excluded.run, until = excluded.until WHERE workflow_dedupe.until <= ? RETURNING run",
        (scope, key, run, until, now),
    ).fetchone()
    if taken is not None:
        return None
    found = session.execute("SELECT run FROM workflow_dedupe WHERE scope = ? AND key = ?", (scope, key)).fetchone()
    return str(found[0])


def forget_seen(session: Session, scope: str, key: str) -> None:
    """Frees a key that was taken for nothing."""
    session.execute("DELETE FROM workflow_dedupe WHERE scope = ? AND key = ?", (scope, key))


def sweep_seen(store: Store, now: float, limit: int = 1000) -> int:
    """Forgets keys whose time is over; fewer than `limit` when none are left."""
    where = "(scope, key) IN (SELECT scope, key FROM workflow_dedupe WHERE until <= ? ORDER BY until LIMIT ?)"
    sql = f"DELETE FROM workflow_dedupe WHERE {where}"
    return store.apply(lambda session: session.execute(sql, (now, limit)).rowcount)


def take_lane(session: Session, workflow: str, lane: str, most: int) -> bool:
    """Counts a run in at a concurrency key, where fewer than `most` have it.

    The key's row is the lock that makes it exact.
    """
    taken = session.execute(
        "INSERT INTO workflow_keys (workflow, lane, active, most) VALUES (?, ?, 1, ?) ON CONFLICT (workflow, lane)"
        " DO UPDATE SET active = workflow_keys.active + 1, most = excluded.most"
        " WHERE workflow_keys.active < excluded.most",
        (workflow, lane, most),
    )
    if taken.rowcount == 1:
        return True
    session.execute("UPDATE workflow_keys SET most = ? WHERE workflow = ? AND lane = ?", (most, workflow, lane))
    return False


def leave_lane(session: Session, workflow: str, lane: str, now: float) -> list[str]:
    """Counts a run out, and lets those that were held longest go on; which."""
    where = (workflow, lane)
    found = session.execute(
        "UPDATE workflow_keys SET active = active - 1 WHERE workflow = ? AND lane = ? RETURNING active, most", where
    ).fetchone()
    active, most = (int(found[0]), int(found[1])) if found else (0, 1)
    gone_on: list[str] = []
    while active < most and (held := session.execute(_NEXT, where).fetchone()) is not None:
        let_go = session.execute(
            "UPDATE workflow_runs SET held = 0, stamped_at = ?,"
            " due_at = CASE WHEN begin_at > ? THEN begin_at ELSE ? END WHERE id = ? AND held = 1 AND ended_at IS NULL",
            (now, now, now, held[0]),
        )
        if let_go.rowcount:  # else another host was first
            gone_on.append(str(held[0]))
            active += 1
    if active > 0 and gone_on:
        session.execute("UPDATE workflow_keys SET active = ? WHERE workflow = ? AND lane = ?", (active, *where))
    elif active <= 0:
        session.execute("DELETE FROM workflow_keys WHERE workflow = ? AND lane = ?", where)
    return gone_on


def holders(session: Session, workflow: str, lane: str) -> list[str]:
    """Runs that have a concurrency key or are held back by it."""
    found = session.execute(
        "SELECT id FROM workflow_runs WHERE workflow = ? AND lane = ? AND held IN (0, 1) AND ended_at IS NULL LIMIT ?",
        (workflow, lane, _HOLDERS),
    )
    return [str(row[0]) for row in found.fetchall()]


def take_turn(session: Session, workflow: str, rate: tuple[int, float], now: float) -> float:
    """The time at which a run may begin within the rate."""
    (before,) = session.execute(  # locked until the transaction ends
        "INSERT INTO workflow_rates (workflow, tat, stamped_at) VALUES (?, ?, ?) ON CONFLICT (workflow)"
        " DO UPDATE SET stamped_at = excluded.stamped_at RETURNING tat",
        (workflow, now, now),
    ).fetchone()
    at, tat = gcra(float(before), now, rate)
    session.execute("UPDATE workflow_rates SET tat = ? WHERE workflow = ?", (tat, workflow))
    return at


def gcra(tat: float, now: float, rate: tuple[int, float]) -> tuple[float, float]:
    """The time of the next start, and the theoretical arrival time after it.

    Source: the generic cell rate algorithm, virtual scheduling (ITU-T I.371), with a burst of all of a time's starts.
    """
    starts, seconds = rate
    step = seconds / starts
    after = max(tat, now) + step
    return max(now, after - seconds), after


_SCOPE = "@event"


class WorkflowEventRow(Record, frozen=True):
    """An event to dispatch. `envelope` is the CloudEvent as JSON. Units: seconds since the Unix epoch."""

    id: str
    source: str
    event: str
    type: str
    envelope: str
    at: float


EVENTS = Table(WorkflowEventRow, "workflow_events", key="id")


def add_event(session: Session, row: WorkflowEventRow, *, key: str, until: float) -> bool:
    """Puts an event into the inbox, in a transaction of the caller's; False: it was taken in before.

    Args: key: made of source and id. until: how long that is remembered.
    """
    if first_seen(session, _SCOPE, key, row.id, now=row.at, until=until) is not None:
        return False
    session.execute(f"INSERT INTO workflow_events ({EVENTS.columns}) VALUES ({EVENTS.marks})", EVENTS.values(row))
    return True


def take_event(session: Session, event: str) -> bool:
    """Takes an event out of the inbox, in a transaction of the caller's; False: somebody else has."""
    return session.execute("DELETE FROM workflow_events WHERE id = ?", (event,)).rowcount == 1


class WorkflowEventsTable:
    """Reads the inbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def next(self, limit: int = 100, after: str = "") -> list[WorkflowEventRow]:
        """The oldest events that wait to be dispatched; `Journal.dispatch` takes them out."""
        return self._rows("id > ? ORDER BY id LIMIT ?", (after, limit))

    def _rows(self, where: str, parameters: Sequence[Any]) -> list[WorkflowEventRow]:
        found = self._store.rows(f"SELECT {EVENTS.columns} FROM workflow_events WHERE {where}", parameters)
        return [EVENTS.row(row) for row in found]


class SignalRow(Record, frozen=True):
    """A signal as it is stored. `host` has the run in memory; `data` is JSON. Units: seconds since the Unix epoch.

    `key`: a run has one untaken signal of it at most.
    """

    id: str
    run: str
    host: str | None
    kind: str
    place: str
    key: str | None
    data: str
    at: float


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a signal: stored or not, the host that has the run in memory, and whether the run became due."""

    kept: bool
    host: str | None = None
    woke: bool = False


SIGNALS = Table(SignalRow, "workflow_signals", key="id", indexes=(("run", "id"),))
_WAKING = {"waiting": None, "suspended": ("cancel", "resume"), "pending": ("cancel",)}


def send(session: Session, row: SignalRow) -> Sent:
    """Keeps a signal in a transaction of the caller's, and makes a parked run due. A run that is over gets none.

    A suspended run goes on with `cancel` and `resume` only, and one that has not begun with `cancel`: others wait. It
    is suspended again only behind an untaken one of those.
    """
    found = session.execute(
        "SELECT status, host FROM workflow_runs WHERE id = ? AND ended_at IS NULL /*! FOR UPDATE */", (row.run,)
    ).fetchone()
    if found is None:
        return Sent(False)
    status, host = found
    if (status, row.kind) == ("suspended", "suspend") and not _is_waking(session, row.run):
        return Sent(False)
    add = f"INSERT INTO workflow_signals ({SIGNALS.columns}) VALUES ({SIGNALS.marks}) ON CONFLICT DO NOTHING"
    if session.execute(add, SIGNALS.values(replace(row, host=host))).rowcount != 1:
        return Sent(False)
    kinds = _WAKING.get(status, ())
    woke = host is None and (kinds is None or row.kind in kinds)
    if woke:
        session.execute(
            "UPDATE workflow_runs SET due_at = ?, stamped_at = ? WHERE id = ? AND (due_at IS NULL OR due_at > ?)",
            (row.at, row.at, row.run, row.at),
        )
    return Sent(True, host, woke)


def _is_waking(session: Session, run: str) -> bool:
    sql = "SELECT 1 FROM workflow_signals WHERE run = ? AND kind IN ('cancel', 'resume') LIMIT 1"
    return session.execute(sql, (run,)).fetchone() is not None


def drop_signals(session: Session, signals: Sequence[str]) -> None:
    """Deletes signals that were taken."""
    session.executemany("DELETE FROM workflow_signals WHERE id = ?", [(one,) for one in signals])


def signals_of_runs(session: Session, runs: Sequence[str]) -> list[SignalRow]:
    """The untaken signals of these runs, oldest first."""
    marks = ", ".join("?" for _ in runs)
    sql = f"SELECT {SIGNALS.columns} FROM workflow_signals WHERE run IN ({marks}) ORDER BY id"
    return [SIGNALS.row(row) for row in session.execute(sql, tuple(runs)).fetchall()]


def is_told(store: Store, run: str, kind: str, place: str) -> bool:
    """True if a run has an untaken signal of a kind for a place."""
    sql = "SELECT 1 FROM workflow_signals WHERE run = ? AND kind = ? AND place = ? LIMIT 1"
    return bool(store.rows(sql, (run, kind, place)))


def signals_of_host(store: Store, host: str, limit: int = 1000) -> list[SignalRow]:
    """The untaken signals of the runs that a host has in memory, oldest first."""
    return _rows(
        store.rows(
            f"SELECT {SIGNALS.columns} FROM workflow_signals WHERE host = ? ORDER BY id LIMIT ?",
            (host, limit),
        )
    )


def _rows(found: Sequence[Any]) -> list[SignalRow]:
    return [SIGNALS.row(row) for row in found]


class WaitRow(Record, frozen=True):
    """One place of a run that waits. `kind` is `event`, `approval`, or `plugin`: for a host that has that of its `key`.

    `key` names the task, of whatever run: `<digest of the document>#<path>`; `correlation` is what of an event must be
    this text (empty: nothing); `data` is JSON: variables for filters, or what an approval shows.
    Units: times in seconds since the Unix epoch; `due_at` is shown only.
    """

    run: str
    place: str
    kind: str
    key: str = ""
    correlation: str = ""
    data: str = "{}"
    due_at: float | None = None
    at: float = 0.0


WAITS = Table(
    WaitRow,
    "workflow_waits",
    key=("run", "place"),
    indexes=(("kind", "key", "correlation", "run"), ("kind", "run")),
)


def add_waits(session: Session, waits: Sequence[WaitRow]) -> None:
    """Registers waits in a transaction of the caller's; one at the same place is replaced."""
    session.executemany(
        f"INSERT INTO workflow_waits ({WAITS.columns}) VALUES ({WAITS.marks})"
        " ON CONFLICT (run, place) DO UPDATE SET kind = excluded.kind, key = excluded.key,"
        " correlation = excluded.correlation, data = excluded.data, due_at = excluded.due_at, at = excluded.at",
        [WAITS.values(wait) for wait in waits],
    )


def drop_waits(session: Session, places: Sequence[tuple[str, str]]) -> None:
    """Forgets waits by run and place."""
    session.executemany("DELETE FROM workflow_waits WHERE run = ? AND place = ?", places)


def drop_unserved(session: Session, runs: Sequence[str]) -> None:
    """Forgets that these runs wait for a host with a plugin: they were claimed, and try."""
    session.executemany("DELETE FROM workflow_waits WHERE kind = 'plugin' AND run = ?", [(run,) for run in runs])


def make_served_due(session: Session, plugins: Sequence[str], now: float) -> int:
    """Makes runs due now that wait for a host with one of these plugins; how many there were."""
    marks = ", ".join("?" for _ in plugins)
    sql = (
        "UPDATE workflow_runs SET due_at = ?, stamped_at = ? WHERE status = 'waiting' AND due_at > ? AND id IN"
        f" (SELECT run FROM workflow_waits WHERE kind = 'plugin' AND key IN ({marks}))"
    )
    return session.execute(sql, (now, now, now, *plugins)).rowcount


def still_waits(session: Session, wait: WaitRow) -> bool:
    """True if the run still waits for this, in a transaction of the caller's."""
    sql = "SELECT 1 FROM workflow_waits WHERE run = ? AND place = ? AND kind = ? AND at = ?"
    return session.execute(sql, (wait.run, wait.place, wait.kind, wait.at)).fetchone() is not None


class WaitsTable:
    """Waits as dispatchers and people look for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, run: str, place: str) -> WaitRow | None:
        """One wait."""
        found = self._rows("run = ? AND place = ?", (run, place))
        return found[0] if found else None

    def of_run(self, run: str, limit: int = 1000) -> list[WaitRow]:
        """The waits of a run."""
        return self._rows("run = ? ORDER BY place LIMIT ?", (run, limit))

    def keys(self, limit: int = 10_000) -> list[str]:
        """The listening tasks that any run waits at. Costs one look into the index for each, not for each run."""
        found: list[str] = []
        sql = "SELECT key FROM workflow_waits WHERE kind = 'event' AND key > ? ORDER BY key LIMIT 1"
        while len(found) < limit and (row := self._store.rows(sql, (found[-1] if found else "",))):
            found.append(str(row[0][0]))
        return found

    def listening(self, key: str, correlation: str, limit: int = 500, after: str = "") -> list[WaitRow]:
        """Runs that wait at a task for events with this correlation, in pages by run."""
        return self._rows(
            "kind = 'event' AND key = ? AND correlation = ? AND run > ? ORDER BY run LIMIT ?",
            (key, correlation, after, limit),
        )

    def approvals(
        self, limit: int = 100, before: tuple[str, str] | None = None, run: str | None = None
    ) -> list[WaitRow]:
        """The approvals that wait, of the newest runs first, or of one run; those after a run and a place of it."""
        where, parameters = "kind = 'approval'", list[Any]()
        if run is not None:
            where, parameters = f"{where} AND run = ?", [run]
        if before is not None:
            where = f"{where} AND run <= ? AND (run < ? OR place > ?)"
            parameters += [before[0], before[0], before[1]]
        return self._rows(f"{where} ORDER BY run DESC, place LIMIT ?", (*parameters, limit))

    def _rows(self, where: str, parameters: Sequence[Any]) -> list[WaitRow]:
        found = self._store.rows(f"SELECT {WAITS.columns} FROM workflow_waits WHERE {where}", parameters)
        return [WAITS.row(row) for row in found]


class OutboxRow(Record, frozen=True):
    """An event for one place of one broker. `envelope` is JSON. Units: seconds since the Unix epoch."""

    id: str
    broker: str
    target: str
    type: str
    envelope: str
    at: float


OUTBOX = Table(OutboxRow, "workflow_outbox", key="id", indexes=(("broker", "id"),))


def add_outbox(session: Session, rows: Sequence[OutboxRow]) -> None:
    """Puts events into the outbox, in a transaction of the caller's; those that are there already stay."""
    session.executemany(
        f"INSERT INTO workflow_outbox ({OUTBOX.columns}) VALUES ({OUTBOX.marks}) ON CONFLICT (id) DO NOTHING",
        [OUTBOX.values(row) for row in rows],
    )


class OutboxTable:
    """Reads the outbox and takes out what has arrived."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def next(self, broker: str, limit: int = 100) -> list[OutboxRow]:
        """The oldest events for a broker."""
        sql = f"SELECT {OUTBOX.columns} FROM workflow_outbox WHERE broker = ? ORDER BY id LIMIT ?"
        return [OUTBOX.row(row) for row in self._store.rows(sql, (broker, limit))]

    def sent(self, ids: Sequence[str]) -> None:
        """Takes out events that their broker has confirmed."""
        self._store.apply(
            lambda session: session.executemany("DELETE FROM workflow_outbox WHERE id = ?", [(one,) for one in ids])
        )
