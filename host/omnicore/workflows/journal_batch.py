"""One transaction of the journal: what many runs want kept, gathered into a few statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnicore.errors import HostLost, RunLost
from omnicore.quick import quick
from omnicore.storage.store import Session
from omnicore.storage.tables.audit import chain
from omnicore.storage.tables.audit_chain import AuditEntry, AuditRow, canonical
from omnicore.storage.tables.workflow_claims import alive
from omnicore.storage.tables.workflow_ends import End, Park, end_runs, park
from omnicore.storage.tables.workflow_events import EventRow, add_event
from omnicore.storage.tables.workflow_limits import leave_lane
from omnicore.storage.tables.workflow_runs import RunRow, add_runs
from omnicore.storage.tables.workflow_signals import SignalRow, drop_signals, send
from omnicore.storage.tables.workflow_steps import add_steps
from omnicore.storage.tables.workflow_values import add_values
from omnicore.storage.tables.workflow_waits import WaitRow, add_waits, drop_waits
from omnicore.workflows.journal_starts import Starting, begin, refused_child
from omnicore.workflows.journal_words import Started

__all__ = ["Answer", "Batch", "Eventing", "Job", "KeepJob", "Told", "WorkJob", "is_fenced", "record_of"]


@dataclass(slots=True)
class Told:
    """What the loop is told once a batch is kept."""

    woke: bool = False
    signals: list[SignalRow] = field(default_factory=list)
    """With the host that has each run in memory."""
    records: list[AuditRow] = field(default_factory=list)

    def sent(self, session: Session, row: SignalRow) -> bool:
        """Sends a signal and notes whom that concerns; whether it was kept."""
        came = send(session, row)
        if came.kept and came.host is not None:
            self.signals.append(SignalRow(row.id, row.run, came.host, row.kind, row.place, row.key, row.data, row.at))
        self.woke = self.woke or came.woke
        return came.kept


@dataclass(frozen=True, slots=True)
class Eventing:
    """An event for the inbox, with the key and the time that keep it from coming twice."""

    row: EventRow
    key: str
    until: float


@dataclass(slots=True)
class KeepJob:
    """What one run wants kept; everything is encoded already."""

    run: str
    rows: list[tuple[Any, ...]]
    values: list[tuple[str, str]]
    refs: list[tuple[str, str]]
    taken: Sequence[str] = ()
    waits: Sequence[WaitRow] = ()
    drops: Sequence[str] = ()
    events: Sequence[Eventing] = ()
    children: Sequence[Starting] = ()
    signals: Sequence[SignalRow] = ()
    park: Park | None = None
    end: End | None = None
    record: AuditEntry | None = None
    lane: tuple[str, str] | None = None
    """Workflow and concurrency key that the run gives back with its end."""


@dataclass(slots=True)
class WorkJob:
    """Anything else, in a savepoint of its own. `fenced`: only for a host that lives."""

    work: Callable[[Session, Batch], Any]
    fenced: bool = False


Job = KeepJob | WorkJob | Starting


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a job."""

    value: Any = None
    error: BaseException | None = None


class Batch:
    """The work of one transaction. It may be run again: it keeps nothing but what the last turn gave."""

    def __init__(self, host: str, jobs: Sequence[Job], now: float) -> None:
        self._host, self._jobs, self._now = host, jobs, now
        self.told = Told()
        self._added: list[tuple[RunRow, Starting]] = []
        self.broke = False
        """Whether it failed before anything could be kept."""

    def __call__(self, session: Session) -> list[Answer]:
        """The answers in the order of the jobs."""
        self.told, self.broke, self._added = Told(), False, []
        try:
            return self._all(session)
        except BaseException:
            self.broke = True
            raise

    def _all(self, session: Session) -> list[Answer]:
        lives = not any(is_fenced(job) for job in self._jobs) or alive(session, self._host)
        keeps = [job for job in self._jobs if isinstance(job, KeepJob)] if lives else []
        self._rows(session, keeps)
        answers = [self._answer(session, job, lives) for job in self._jobs]
        self._add(session)
        self._leave(session, keeps)
        return answers

    def _rows(self, session: Session, keeps: Sequence[KeepJob]) -> None:
        if rows := [row for job in keeps for row in job.rows]:
            add_steps(session, rows)
        add_values(session, _all(job.values for job in keeps), _all(job.refs for job in keeps))
        if taken := _all(job.taken for job in keeps):
            drop_signals(session, taken)
        if drops := [(job.run, place) for job in keeps for place in job.drops]:
            drop_waits(session, drops)
        if waits := _all(job.waits for job in keeps):
            add_waits(session, waits)

    def _answer(self, session: Session, job: Job, lives: bool) -> Answer:
        if not lives and is_fenced(job):
            return Answer(error=_buried(self._host))
        if isinstance(job, KeepJob):
            return Answer(self._more(session, job))
        if isinstance(job, Starting):
            return Answer(self.begun(session, job))
        return self._work(session, job)

    def _more(self, session: Session, job: KeepJob) -> tuple[Started, ...]:
        for one in job.events:
            add_event(session, one.row, key=one.key, until=one.until)
        for signal in job.signals:
            self.told.sent(session, signal)
        return tuple(self.begun(session, child) for child in job.children)

    def begun(self, session: Session, starting: Starting) -> Started:
        """Begins a run; the parent of one that is refused is told."""
        if not starting.plain:
            self._add(session)
        started, row = begin(session, starting, self._host, self._now, self.told.sent)
        if row is not None:
            self._added.append((row, starting))
            self.told.woke = self.told.woke or (started.due_at is not None and started.due_at <= self._now)
        elif started.refused and starting.new.parent_run is not None:
            self.told.sent(session, refused_child(starting, self._now))
        return started

    def begun_now(self, session: Session, starting: Starting) -> Started:
        """The same, and its row is there when this returns."""
        started = self.begun(session, starting)
        self._add(session)
        return started

    def _add(self, session: Session) -> None:
        """Adds the runs that were begun since the last time."""
        if not self._added:
            return
        add_runs(session, [row for row, _ in self._added])
        values = [pair for _, one in self._added for pair in one.large.items()]
        add_values(session, values, [(row.id, digest) for row, one in self._added for digest in one.large])
        self._added = []

    def _work(self, session: Session, job: WorkJob) -> Answer:
        self._add(session)
        if len(self._jobs) == 1:
            answer = Answer(job.work(session, self))
            self._add(session)
            return answer
        session.execute("SAVEPOINT item")
        signals, records, woke = len(self.told.signals), len(self.told.records), self.told.woke
        try:
            answer = Answer(job.work(session, self))
            self._add(session)
        except Exception as error:
            session.execute("ROLLBACK TO item")
            del self.told.signals[signals:], self.told.records[records:]
            self.told.woke, self._added = woke, []
            answer = Answer(error=error)
        session.execute("RELEASE item")
        return answer

    def _leave(self, session: Session, keeps: Sequence[KeepJob]) -> None:
        for job in keeps:
            if job.park is not None:
                due = park(session, self._host, job.park, self._now)
                if due is None:
                    raise _lost(job.run)
                self.told.woke = self.told.woke or (due[0] is not None and due[0] <= self._now)
        ended = [job for job in keeps if job.end is not None]
        if not ended:
            return
        records = self._records(session, ended)
        if not end_runs(session, self._host, [job.end for job in ended if job.end], records, self._now):
            raise _lost(ended[0].run)
        for job in ended:
            if job.lane is not None:
                self.told.woke = bool(leave_lane(session, *job.lane, self._now)) or self.told.woke

    def _records(self, session: Session, ended: Sequence[KeepJob]) -> list[int | None]:
        entries = [job.record for job in ended if job.record is not None]
        if not entries:
            return [None] * len(ended)
        rows = chain(session, entries)
        self.told.records += rows
        left = iter(rows)
        return [next(left).seq if job.record is not None else None for job in ended]


def record_of(end: End, workflow: str, by: str, host: str, now: float) -> AuditEntry:
    """The row of the host's record that a run's end leaves."""
    after = canonical({"hash": end.hash, "rows": end.seq, "run": end.run, "status": end.status})
    outcome = "failed" if end.status == "faulted" else "done"
    return AuditEntry(now, by, "host", host, "workflow.run", workflow, None, after, outcome)


def is_fenced(job: Job) -> bool:
    """Whether it is only for the host that it was made by, as long as that lives."""
    return (
        isinstance(job, KeepJob)
        or (isinstance(job, Starting) and job.room)
        or (isinstance(job, WorkJob) and job.fenced)
    )


def _all(lists: Iterable[Sequence[Any]]) -> list[Any]:
    return [one for found in lists for one in found]


def _buried(host: str) -> HostLost:
    return HostLost(
        f"{host} was silent for so long that others took over its runs",
        remedy="nothing: it goes on as a new host; look why it was slow if that happens again",
    )


def _lost(run: str) -> RunLost:
    return RunLost(f"{run} is no longer this host's", remedy="nothing: whoever has it goes on with it")
