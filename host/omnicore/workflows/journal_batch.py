"""A transaction of the journal: jobs of many runs collected into a few statements, and the queue of group commit.

Everything is encoded before the transaction begins. While one transaction is in progress, the next batch fills up.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.errors import HostLost, InvalidInput, OmniError, RunLost, StorageFailed
from omnicore.ids import new_id
from omnicore.jobs.engine import ENDED, Started
from omnicore.records import Record
from omnicore.storage.tables.audit import AuditEntry, AuditRow, canonical, chain
from omnicore.storage.tables.run_searches import add_labels
from omnicore.storage.tables.workflow_runs import (
    HOSTS,
    End,
    Park,
    RunRow,
    add_runs,
    add_steps,
    add_values,
    end_runs,
    lock_runs,
    park,
)
from omnicore.storage.tables.workflow_triggers import (
    SignalRow,
    WaitRow,
    WorkflowEventRow,
    add_event,
    add_waits,
    drop_signals,
    drop_waits,
    leave_lane,
    send,
)
from omnicore.workflows.journal_records import (
    Large,
    Owned,
    RunRecord,
    Starting,
    Texts,
    begin,
    cancelling,
    clean,
    prepared,
    refused_child,
)

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store


@dataclass(slots=True)
class Told:
    """Messages for the event loop after a batch was committed."""

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


class Eventing(Record, frozen=True):
    """An event for the inbox, with the key and the time that keep it from coming twice."""

    row: WorkflowEventRow
    key: str
    until: float


@dataclass(slots=True)
class KeepJob:
    """Rows of one run to write; everything is encoded already."""

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

    work: Callable[[Session, JournalBatch], Any]
    fenced: bool = False


Job = KeepJob | WorkJob | Starting


class JobAnswer(Record, frozen=True):
    """The result of a job."""

    value: Any = None
    error: BaseException | None = None


class JournalBatch:
    """The work of one transaction. It may be run again: it keeps nothing but what the last turn gave."""

    def __init__(self, host: str, jobs: Sequence[Job], now: float, *, many: bool = False) -> None:
        self._many = many
        self._host, self._jobs, self._now = host, jobs, now
        self.told = Told()
        self._added: list[tuple[RunRow, Starting]] = []
        self.broke = False
        """True if it failed before anything could be kept."""

    def __call__(self, session: Session) -> list[JobAnswer]:
        """The answers in the order of the jobs."""
        self.told, self.broke, self._added = Told(), False, []
        try:
            return self._all(session)
        except BaseException:
            self.broke = True
            raise

    def _all(self, session: Session) -> list[JobAnswer]:
        lives = not any(is_fenced(job) for job in self._jobs) or HOSTS.alive(session, self._host)
        keeps = [job for job in self._jobs if isinstance(job, KeepJob)] if lives else []
        if self._many:  # other hosts write too: a run is not parked while a signal reaches it
            met = {job.run for job in keeps if job.park is not None or job.end is not None}
            lock_runs(session, tuple(met.union(signal.run for job in keeps for signal in job.signals)))
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

    def _answer(self, session: Session, job: Job, lives: bool) -> JobAnswer:
        if not lives and is_fenced(job):
            return JobAnswer(error=_buried(self._host))
        if isinstance(job, KeepJob):
            return JobAnswer(self._more(session, job))
        if isinstance(job, Starting):
            return JobAnswer(self.begun(session, job))
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
        if labels := [(row.id, label) for row, one in self._added for label in one.new.labels]:
            add_labels(session, labels)
        values = [pair for _, one in self._added for pair in one.large.items()]
        add_values(session, values, [(row.id, digest) for row, one in self._added for digest in one.large])
        self._added = []

    def _work(self, session: Session, job: WorkJob) -> JobAnswer:
        self._add(session)
        if len(self._jobs) == 1:
            answer = JobAnswer(job.work(session, self))
            self._add(session)
            return answer
        session.execute("SAVEPOINT item")
        signals, records, woke = len(self.told.signals), len(self.told.records), self.told.woke
        try:
            answer = JobAnswer(job.work(session, self))
            self._add(session)
        except Exception as error:
            session.execute("ROLLBACK TO item")
            del self.told.signals[signals:], self.told.records[records:]
            self.told.woke, self._added = woke, []
            answer = JobAnswer(error=error)
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
    """True if the job is only valid for the host that made it, as long as that host lives."""
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


_MOST = 512
Ended = Callable[[JobAnswer, bool], None]
"""Receiver of an answer, with True if somebody still waits for it."""


class _Waiting:
    """A job, for the host that it was made by."""

    __slots__ = ("ended", "future", "host", "job")

    def __init__(self, host: str, job: Job, future: asyncio.Future[Any], ended: Ended | None) -> None:
        self.host, self.job, self.future, self.ended = host, job, future, ended

    def settle(self, answer: JobAnswer) -> None:
        if self.ended is not None:
            self.ended(answer, not self.future.done())
        if self.future.done():  # cancelled meanwhile
            return
        if answer.error is not None:
            self.future.set_exception(answer.error)
        else:
            self.future.set_result(answer.value)


class Queue:
    """Jobs in their order. Belongs to one event loop; whoever waits may be cancelled, its job is done all the same.

    Args: told: called with what a batch tells, once it is kept and before anybody has an answer.
    """

    def __init__(self, store: Store, clock: Clock, told: Callable[[Told], None]) -> None:
        self._store, self._clock, self._told = store, clock, told
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def put(self, host: str, job: Job, ended: Ended | None = None) -> asyncio.Future[Any]:
        """Queues a job; the future has its answer once it is kept."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(host, job, future, ended))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return future

    async def settled(self) -> None:
        """Returns when nothing is queued or under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._keep(batch)
        finally:
            self._task = None
            left, self._waiting = self._waiting, []
            for one in left:  # cancelled: the loop ends, and nobody keeps these any more
                one.settle(JobAnswer(error=_ended()))

    async def _keep(self, batch: Sequence[_Waiting]) -> JobAnswer | None:
        """Keeps jobs together, or one by one where one of them spoils it for all; the answer to one alone."""
        host = batch[-1].host
        if len(batch) > 1:
            stale = [one for one in batch if one.host != host and is_fenced(one.job)]
            for one in stale:
                one.settle(JobAnswer(error=HostLost("this host goes on as a new one", remedy="nothing")))
            if stale:
                batch = [one for one in batch if one not in stale]
        many = self._store.dialect == "postgresql"
        work = JournalBatch(host, [one.job for one in batch], self._clock.now(), many=many)
        try:
            answers = await self._store.apply_async(work)
        except asyncio.CancelledError:
            for one in batch:
                one.settle(JobAnswer(error=_ended()))
            raise
        except BaseException as error:  # whatever it is, whoever waits has to know
            return await self._spoilt(batch, work, error)
        self._told(work.told)
        for one, answer in zip(batch, answers, strict=True):
            one.settle(answer)
        return answers[0]

    async def _spoilt(self, batch: Sequence[_Waiting], work: JournalBatch, error: BaseException) -> JobAnswer:
        answer = JobAnswer(error=error)
        if len(batch) == 1 or not work.broke:
            for one in batch:
                one.settle(answer)
            return answer
        failed = 0
        for place, one in enumerate(batch):
            found = await self._keep([one])
            failed = failed + 1 if found is not None and isinstance(found.error, StorageFailed) else 0
            if failed > 1 and found is not None:  # it is the disk, not one of them
                for left in batch[place + 1 :]:
                    left.settle(found)
                break
        return answer


def _ended() -> StorageFailed:
    return StorageFailed("the host ends", remedy="look whether the change is there before you repeat it")


_PARKED = ("waiting", "suspended")


def keeping(
    kept: RunRecord, owned: Owned, texts: Texts, *, host: str, now: float, event_s: float, audit: bool
) -> tuple[KeepJob, tuple[int, str]]:
    """The job, and the end of the run's chain once it is kept.

    Raises: LimitExceeded: a value is too large. InvalidInput: it is no JSON, or the rows do not follow.
    """
    _check_order(kept, owned)
    large: Large = {}
    rows, head = texts.rows(kept.run, kept.entries, (owned.seq, owned.hash), large)
    job = KeepJob(
        kept.run,
        rows,
        [],
        [],
        taken=kept.taken,
        waits=kept.waits,
        drops=kept.drops,
        events=[eventing(one, now, event_s) for one in kept.events] if kept.events else (),
        children=[prepared(one, texts, now, room=place < kept.room) for place, one in enumerate(kept.children)]
        if kept.children
        else (),
    )
    if kept.status in _PARKED:
        job.park = Park(kept.run, kept.status, kept.due_at, *head)
    elif kept.status in ENDED:
        _end(job, kept, owned, texts, large, head, host=host, now=now, audit=audit)
    if kept.cancels:
        job.signals = [*job.signals, *(cancelling(one, f"{kept.run} wants it no longer", now) for one in kept.cancels)]
    if large:
        job.values = list(large.items())
        job.refs += [(kept.run, digest) for digest in large]
    return job, head


def eventing(envelope: Mapping[str, Any], now: float, event_s: float) -> Eventing:
    """An event for the inbox. Raises: InvalidInput: it is no CloudEvent."""
    source, event, kind = (envelope.get(name) for name in ("source", "id", "type"))
    if not (isinstance(source, str) and isinstance(event, str) and isinstance(kind, str)):
        raise InvalidInput("an event has no source, id or type", remedy="give it these, as texts")
    key = hashlib.sha256(json.dumps([source, event]).encode()).hexdigest()
    row = WorkflowEventRow(new_id("wfe"), clean(source), clean(event), clean(kind), _plain(envelope), now)
    return Eventing(row, key, now + event_s)


def _end(
    job: KeepJob,
    kept: RunRecord,
    owned: Owned,
    texts: Texts,
    large: Large,
    head: tuple[int, str],
    *,
    host: str,
    now: float,
    audit: bool,
) -> None:
    fault = texts.fault(kept.fault, large)
    try:
        output = texts.text(kept.output, large)
    except OmniError as error:
        error.details.setdefault("place", "/output")
        raise
    job.end = End(kept.run, kept.status, output, fault, *head)
    if audit:
        job.record = record_of(job.end, owned.workflow, owned.by, host, now)
    if owned.lane is not None and not owned.held:
        job.lane = (owned.workflow, owned.lane)
    if owned.parent is not None:
        _tell_parent(job, kept, owned.parent, texts, large, now)


def _tell_parent(
    job: KeepJob, kept: RunRecord, parent: tuple[str, str], texts: Texts, large: Large, now: float
) -> None:
    fault = None if kept.fault is None else kept.fault.to_json()
    told = {"run": kept.run, "status": kept.status, "output": kept.output, "fault": fault}
    mine: Large = {}
    data = texts.text(told, mine) or "null"
    job.signals = [SignalRow(new_id("sig"), parent[0], None, "child", parent[1], kept.run, data, now)]
    job.refs = [(parent[0], digest) for digest in mine]
    large.update(mine)


def _check_order(kept: RunRecord, owned: Owned) -> None:
    for seq, entry in enumerate(kept.entries, owned.seq + 1):
        if entry.seq != seq:
            raise InvalidInput(
                f"rows of {kept.run} do not follow its row {owned.seq}", remedy="take the run up again from its journal"
            )


def _plain(envelope: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(envelope), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"an event is no JSON: {error}", remedy="give it plain JSON values") from error
