"""The journal: every write of a host about its runs, many runs in one transaction."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from omnicore.errors import HostLost, LimitExceeded, RunLost, StorageFailed
from omnicore.ids import OrderedIds, new_id
from omnicore.jobs.engine import NewRun, RunStatus, SignalKind, Started
from omnicore.records import replace as changed
from omnicore.storage.tables import workflow_runs as claims
from omnicore.storage.tables.audit import AuditEntry, AuditRow, canonical, chain
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable, ValuesTable, add_values, named
from omnicore.storage.tables.workflow_triggers import (
    ScheduleRow,
    SignalRow,
    add_event,
    drop_unserved,
    make_served_due,
    move_on,
    signals_of_host,
    signals_of_runs,
    take_event,
)
from omnicore.workflows.journal_batch import Job, JobAnswer, JournalBatch, Queue, Told, WorkJob, eventing, keeping
from omnicore.workflows.journal_queries import JournalQueries, copy_rows
from omnicore.workflows.journal_records import (
    Claimed,
    JournalSettings,
    Large,
    Owned,
    RunRecord,
    Signal,
    Starting,
    Texts,
    owned_of,
    prepared,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store
    from omnicore.storage.tables.hosts import Silence
    from omnicore.workflows.progress import KeptRows


def claimed_row(row: RunRow, head: tuple[int, str]) -> RunRow:
    """A claimed run with the end of its chain as it is now."""
    return replace(row, seq=head[0], hash=head[1])


def _buried(gone: str, runs: int, host: str, now: float) -> AuditEntry:
    """The row of the host's record that the runs of a dead host leave when they are let go of."""
    return AuditEntry(now, host, "host", host, "workflow.takeover", gone, None, canonical({"runs": runs}))


_REMEMBERED = 256


async def check_size(
    owned: Owned, rows: Sequence[tuple[Any, ...]], values: Sequence[tuple[str, str]], table: ValuesTable, most: int
) -> None:
    """Notes what a run is about to write.

    Which values it has written before is remembered for the last ones only; when that seems to be too much, and when
    the run was taken up again, they are counted in the database.

    Raises: LimitExceeded: with it the run would have written more than `most` bytes.
    """
    for row in rows:
        owned.rows_bytes += sum([len(text) for text in row if type(text) is str])
    grown = sum([len(data) for digest, data in values if digest not in owned.seen]) if values else 0
    if grown == 0 and owned.rows_bytes <= most:
        return
    if owned.values_bytes is None or owned.rows_bytes + owned.values_bytes + grown > most:
        owned.values_bytes = await asyncio.to_thread(table.size_of, owned.run)
    owned.values_bytes += grown
    owned.seen.update(dict.fromkeys(digest for digest, _ in values))
    while len(owned.seen) > _REMEMBERED:
        del owned.seen[next(iter(owned.seen))]
    if owned.rows_bytes + owned.values_bytes > most:
        raise LimitExceeded(
            f"the run has written over {most} bytes",
            remedy="hand on less from step to step",
            limit="run_bytes",
            allowed=most,
        )


_T = TypeVar("_T")
_Taken: TypeAlias = tuple[RunRow, list[SignalRow], bool]
"""A claimed run, its signals, and whether its host was lost."""
_SIGNALS = 1000


class _SignOff:
    """Rows of the host's record that are kept and not yet signed off."""

    def __init__(self, signed: Callable[[Sequence[AuditRow]], None] | None) -> None:
        self.wanted = signed is not None
        self.signed = signed or (lambda rows: None)
        self.rows: Sequence[AuditRow] = ()

    def done(self, rows: Sequence[AuditRow]) -> None:
        """Signs rows off, which are on the disk now."""
        if rows:
            self.signed(rows)
            if self.rows is rows:
                self.rows = ()


class Journal:
    """One for each host, used on one event loop.

    While one transaction is under way the next batch gathers. Each batch first looks whether this host is still in the
    table of hosts: a host that was buried writes nothing.

    Args:
        signed: told of rows of the host's record once they are on the disk (`AuditTrail.signed`); None without one.
        woke: called on the loop when a run may be claimed that could not be before.
        signalled: called on the loop with a signal for a run in this host's hands, once it is kept.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: JournalSettings,
        *,
        signed: Callable[[Sequence[AuditRow]], None] | None = None,
        woke: Callable[[], None] = lambda: None,
        signalled: Callable[[Signal], None] = lambda signal: None,
    ) -> None:
        self._store, self._clock, self._settings = store, clock, settings
        self.queries = JournalQueries(store)
        self.woke, self.signalled = woke, signalled
        self.host = ""
        """This host's id; another one after each `open`."""
        self._owned: dict[str, Owned] = {}
        self._queue = Queue(store, clock, self._tell)
        self._sign_off = _SignOff(signed)
        self._asides: set[asyncio.Task[None]] = set()
        self._strays: set[str] | None = None
        self._texts, self._signal_ids, self._run_ids = Texts(settings), OrderedIds("sig"), OrderedIds("run")

    # -- the host itself

    async def open(self, dropped: Callable[[], None] = lambda: None) -> str:
        """Begins under a new id, after a start and after `HostLost`. What was in its hands is no longer.

        Args: dropped: called before the new id can hold a lease, when no claim of the old one counts any more.
        """
        await self._queue.settled()
        before, self.host = self.host, new_id("wfh")
        self._owned = {}
        dropped()
        host, now = self.host, self._clock.now()

        def work(session: Session, batch: JournalBatch) -> None:
            if before and claims.leave(session, before, now):
                batch.told.woke = True
            claims.HOSTS.enter(session, host, now)

        await self._put(WorkJob(work))
        return host

    async def close(self) -> None:
        """Gives back every run and leaves the table of hosts. Work that is queued is kept first."""
        await self._queue.settled()
        host, now, self._owned = self.host, self._clock.now(), {}
        await self._put(WorkJob(lambda session, batch: claims.leave(session, host, now)))
        for task in tuple(self._asides):
            await task
        await asyncio.to_thread(self._beat)

    async def beat(self) -> bool:
        """Shows that this host lives, and has the record's head signed off; False when it was buried.

        Runs that the table says are here and are not, after a connection broke, are given back the second time they
        are seen.
        """
        lives = await asyncio.to_thread(self._beat)
        if lives and self._strays is not None:
            await self._give_back_strays()
        return lives

    async def others(self) -> list[Silence]:
        """All other hosts with their beats; time them with `omnicore.jobs.hosts.SilenceWatch`."""
        return await asyncio.to_thread(claims.others, self._store, self.host)

    async def bury(self, silence: Silence) -> int:
        """Lets the runs of a dead host be claimed, unless it has shown meanwhile that it lives; how many."""
        host, now = self.host, self._clock.now()

        def work(session: Session, batch: JournalBatch) -> int:
            count = claims.bury(session, silence, now) or 0
            if count and self._sign_off.wanted:
                batch.told.records += chain(session, [_buried(silence.host, count, host, now)])
            batch.told.woke = batch.told.woke or count > 0
            return count

        return int(await self._put(WorkJob(work)))

    async def set_back(self, tolerance_s: float) -> None:
        """Moves due times along after the clock was set back."""
        now = self._clock.now()
        await self._put(WorkJob(lambda session, batch: claims.set_back(session, now, tolerance_s)))

    def holds(self, run: str) -> bool:
        """True if a run is in this host's hands, as far as it knows."""
        return run in self._owned

    def last_kept(self, run: str) -> tuple[int, str] | None:
        """The number and the hash of the last row that is kept of a run; None: it is not in this host's hands."""
        owned = self._owned.get(run)
        return None if owned is None else (owned.seq, owned.hash)

    async def release(self, runs: Sequence[str]) -> None:
        """Gives runs back that this host has in memory, to be claimed by any host at once."""
        host, now, gone = self.host, self._clock.now(), tuple(runs)
        for run in gone:
            self._owned.pop(run, None)

        def work(session: Session, batch: JournalBatch) -> None:
            batch.told.woke = bool(claims.give_back(session, host, gone, now)) or batch.told.woke

        await self._put(WorkJob(work))

    # -- runs begin

    async def start(self, new: NewRun, *, room: bool = True) -> Started:
        """Keeps a new run; on the disk, or with `normal` in the system's hands, when it returns.

        Args: room: take it into this host's hands at once where nothing holds it back.
        Raises: LimitExceeded: the input is too large. HostLost.
        """
        one = prepared(self._named(new), self._texts, self._clock.now(), room=room)
        started: Started = await self._queue.put(self.host, one, lambda *ended: self._began([one], *ended))
        return started

    async def fork(self, new: NewRun, *, of: str, taken: KeptRows, secrets: Sequence[str] = ()) -> Started:
        """Keeps a run that has rows of another one already; any host may claim it at once.

        Args: secrets: the names of those that its definition uses.
        Raises: NotFound: there is no such run. Conflict: it has fewer rows.
        """
        one = prepared(self._named(new), self._texts, self._clock.now(), room=False)

        def work(session: Session, batch: JournalBatch) -> Started:
            started = batch.begun_now(session, one)
            if started.new:
                copy_rows(session, of, taken, one, secrets)
            return started

        return await self._work(work)

    async def dispatch(
        self,
        event: str,
        signals: Sequence[tuple[str, str, Any]],
        starts: Sequence[NewRun],
        *,
        also: Callable[[Session], object] = lambda session: None,
    ) -> tuple[Started, ...] | None:
        """Takes an event out of the inbox: signals of kind `event` as (run, place, data), and runs that it begins.

        One transaction, with what `also` keeps; None: another host was first, and nothing was done.
        """
        ones = [prepared(self._named(new), self._texts, self._clock.now(), room=False) for new in starts]
        rows = [self._signal(run, "event", place, data, f"{event}:{place}") for run, place, data in signals]

        def work(session: Session, batch: JournalBatch) -> tuple[Started, ...] | None:
            if not take_event(session, event):
                return None
            for row, large in rows:
                _send(session, batch, row, large)
            also(session)
            return tuple(batch.begun(session, one) for one in ones)

        return await self._work(work)

    async def tick(
        self, row: ScheduleRow, starts: Sequence[NewRun], next_at: float | None
    ) -> tuple[Started, ...] | None:
        """Moves a schedule on and begins the runs of its ticks, in one transaction; None: another host was first."""
        now = self._clock.now()
        ones = [prepared(self._named(new), self._texts, now, room=False) for new in starts]

        def work(session: Session, batch: JournalBatch) -> tuple[Started, ...] | None:
            last = ones[-1].id if ones else None
            if not move_on(session, row, next_at=next_at, now=now, last_run=last):
                return None
            return tuple(batch.begun(session, one) for one in ones)

        return await self._work(work)

    # -- runs go on

    async def claim(
        self, limit: int, *, root: str | None = None, patience_s: float = 0.0, left: Sequence[str] = ()
    ) -> list[Claimed]:
        """Takes runs that are due, the highest priority first, with their signals. Raises: HostLost.

        Args:
            root: only those that began with this run.
            patience_s: only those that have been due for so long.
            left: plugins that other hosts are to serve: runs that wait for them are left to those.
        """
        host, now = self.host, self._clock.now()

        def work(session: Session, batch: JournalBatch) -> list[_Taken]:
            rows = claims.claim(session, host, limit, now, root=root, until=now - patience_s, left=left)
            if not rows:
                return []
            ids = [row.id for row in rows]
            drop_unserved(session, [row.id for row in rows if row.started_at != now])
            heads, found = claims.heads(session, ids), signals_of_runs(session, ids)
            taken = [(row, heads.get(row.id, (row.seq, row.hash))) for row in rows]
            return [
                # Who parks a run writes its head down; who dies does not.
                (claimed_row(row, head), [one for one in found if one.run == row.id], head[0] != row.seq)
                for row, head in taken
            ]

        taken: list[_Taken] = await self._queue.put(host, WorkJob(work, fenced=True), self._took)
        if not taken:
            return []
        return await asyncio.to_thread(lambda: [self._claimed(*one) for one in taken])

    async def served(self, plugins: Sequence[str]) -> None:
        """Makes runs due that wait for a host with one of these plugins. Raises: HostLost."""
        now = self._clock.now()

        def work(session: Session, batch: JournalBatch) -> None:
            batch.told.woke = bool(make_served_due(session, plugins, now)) or batch.told.woke

        await self._put(WorkJob(work))

    async def keep(self, kept: RunRecord) -> tuple[Started, ...]:
        """Keeps what follows from a result; what became of its `children`, in their order.

        After a `StorageFailed` it may be called again with the same: what was kept after all is not written twice.
        Raises: HostLost: this host was buried. RunLost: the run is no longer this host's. LimitExceeded: a value is too
        large. InvalidInput: a value is no JSON. StorageFailed: nothing was kept, unless its remedy says to look.
        """
        owned = self._owned.get(kept.run)
        while owned is not None and owned.busy is not None:
            await asyncio.wait([owned.busy])
        if owned is None or self._owned.get(kept.run) is not owned:
            raise RunLost(f"{kept.run} is no longer this host's", remedy="nothing: whoever has it goes on with it")
        if owned.tried is not None and (found := await self._kept_before(kept, owned)) is not None:
            return found
        settings = self._settings
        if kept.children:
            kept = changed(kept, children=[self._named(child) for child in kept.children])
        job, head = keeping(
            kept,
            owned,
            self._texts,
            host=self.host,
            now=self._clock.now(),
            event_s=settings.event_s,
            audit=settings.audit and self._sign_off.wanted,
        )
        if job.end is None:
            await check_size(owned, job.rows, job.values, self.queries.reader.values, settings.run_bytes)
            if self._owned.get(kept.run) is not owned:
                raise RunLost(f"{kept.run} was given up meanwhile", remedy="nothing: whoever has it goes on with it")
        owned.busy = future = self._queue.put(
            self.host, job, lambda *ended: self._ended(kept, owned, head, job.children, *ended)
        )
        started: tuple[Started, ...] = await future
        return started

    def measure(self, value: Any) -> None:
        """Looks whether a value can be kept, before a run goes on with it; a large one is not encoded again later.

        Raises: Fault: it is too large, or no JSON.
        """
        self._texts.measure(value)

    # -- what reaches runs

    async def signal(
        self,
        run: str,
        kind: SignalKind,
        place: str = "",
        data: Any = None,
        *,
        key: str | None = None,
        only: Callable[[Session], bool] = lambda session: True,
    ) -> bool:
        """Brings something to a run; False when it is over, has an untaken signal of the same key, or `only` says no.

        A parked run becomes due in the same transaction.
        """
        row, large = self._signal(run, kind, place, data, key)
        work = WorkJob(lambda session, batch: only(session) and _send(session, batch, row, large))
        return bool(await self._put(work))

    async def signals(self, known: frozenset[str] = frozenset()) -> list[Signal]:
        """Signals for runs in this host's hands that are not taken, without those known; for what other hosts wrote."""

        def found() -> list[Signal]:
            rows = signals_of_host(self._store, self.host, _SIGNALS + len(known))
            return [self._read(row) for row in rows if row.id not in known]

        return await asyncio.to_thread(found)

    async def emit(self, events: Sequence[Mapping[str, Any]]) -> int:
        """Puts CloudEvents into the inbox; how many are new by source and id."""
        ones = [eventing(one, self._clock.now(), self._settings.event_s) for one in events]

        def work(session: Session, batch: JournalBatch) -> int:
            return sum(add_event(session, one.row, key=one.key, until=one.until) for one in ones)

        return await self._work(work)

    async def apply(self, work: Callable[[Session], _T]) -> _T:
        """Any other work, in the next batch's transaction. What it raises undoes its own writes only."""
        done: _T = await self._put(WorkJob(lambda session, batch: work(session)))
        return done

    # -- inner parts

    async def _put(self, job: Job) -> Any:
        return await self._queue.put(self.host, job)

    async def _work(self, work: Callable[[Session, JournalBatch], _T]) -> _T:
        done: _T = await self._put(WorkJob(work))
        return done

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _doubt(self, answer: JobAnswer) -> None:
        """After a transaction of which nobody knows the end, the table may say more than this host knows."""
        if isinstance(answer.error, StorageFailed) and self._strays is None:
            self._strays = set()

    def _read(self, row: SignalRow) -> Signal:
        kind: Any = row.kind
        return Signal(row.id, row.run, kind, row.place, self.queries.reader.value(row.data), row.at)

    def _tell(self, told: Told) -> None:
        self._sign_off.rows = told.records[-1:] or self._sign_off.rows
        for row in told.signals:
            if row.host != self.host:
                continue
            if named(row.data) is None:
                self.signalled(Signal(row.id, row.run, row.kind, row.place, json.loads(row.data), row.at))  # type: ignore[arg-type]
            else:
                self._aside(self._tell_large(row))
        if told.woke:
            self.woke()

    async def _tell_large(self, row: SignalRow) -> None:
        self.signalled(await asyncio.to_thread(self._read, row))

    def _beat(self) -> bool:
        """In a thread. Rows of the record are signed off once a durable transaction came after them."""
        unsigned, now, host = self._sign_off.rows, self._clock.now(), self.host
        with self._store.write(durable=bool(unsigned)) as session:
            lives = claims.HOSTS.beat(session, host, now)
        self._sign_off.done(unsigned)
        return lives

    async def _give_back_strays(self) -> None:
        found = set(await asyncio.to_thread(claims.owned, self._store, self.host)) - self._owned.keys()
        again = found & (self._strays or set())
        self._strays = found or None
        if again:
            await self.release(sorted(again))

    def _named(self, new: NewRun) -> NewRun:
        """A run with an id: later ones sort behind, and so wait behind."""
        return new if new.id else changed(new, id=self._run_ids.next())

    def _signal(self, run: str, kind: str, place: str, data: Any, key: str | None) -> tuple[SignalRow, Large]:
        large: Large = {}
        text = self._texts.text(data, large) or "null"
        at, named_key = self._clock.now(), None if key is None else short(key)
        return SignalRow(self._signal_ids.next(), run, None, kind, place, named_key, text, at), large

    def _began(self, ones: Sequence[Starting], answer: JobAnswer, heard: bool) -> None:
        self._doubt(answer)
        started = answer.value if isinstance(answer.value, tuple) else (answer.value,)
        mine = [one for one, what in zip(ones, started, strict=False) if what is not None and what.owned]
        self._owned.update({one.id: owned_of(one, (0, one.genesis)) for one in mine})
        if not heard:
            self._unheard([one.id for one in mine])

    def _took(self, answer: JobAnswer, heard: bool) -> None:
        self._doubt(answer)
        rows = [row for row, *_ in answer.value or ()]
        self._owned.update({row.id: owned_of(row, (row.seq, row.hash)) for row in rows})
        if not heard:
            self._unheard([row.id for row in rows])

    def _unheard(self, runs: Sequence[str]) -> None:
        """Gives back what nobody waited for any more: it is in this host's hands, and would never go on."""
        if runs:
            self._aside(self.release(runs))

    def _ended(
        self,
        kept: RunRecord,
        owned: Owned,
        head: tuple[int, str],
        children: Sequence[Starting],
        answer: JobAnswer,
        heard: bool,
    ) -> None:
        """Applies the end of a job to the run, even if nobody waits for it any more."""
        owned.busy = None
        error = answer.error
        if error is None:
            owned.seq, owned.hash = head
            owned.tried = None
            if kept.status != "running":
                self._owned.pop(kept.run, None)
            if children:
                self._began(children, answer, heard)
        elif isinstance(error, StorageFailed):
            owned.tried = head[1]
            self._doubt(answer)
        elif isinstance(error, HostLost | RunLost):
            self._owned.pop(kept.run, None)

    async def _kept_before(self, kept: RunRecord, owned: Owned) -> tuple[Started, ...] | None:
        """The result of an attempt with an unknown end; None: nothing was written."""
        seq, last = await self.queries.head(kept.run)
        if last != owned.tried or last == owned.hash:
            owned.tried = None
            return None
        owned.seq, owned.hash, owned.tried = seq, last, None
        if kept.status != "running":
            self._owned.pop(kept.run, None)
        return await asyncio.to_thread(self._begun_before, kept)

    def _begun_before(self, kept: RunRecord) -> tuple[Started, ...]:
        runs = RunsTable(self._store)
        places = {row.parent_place: row for row in runs.children(kept.run, 1000)}  # begun under a key: of another id
        found = [(runs.get(new.id) if new.id else None) or places.get(new.parent_place or "") for new in kept.children]
        return tuple(
            Started(new.id, "cancelled", new=False, refused=True)
            if row is None
            else Started(row.id, cast("RunStatus", row.status), due_at=row.due_at, nonce=row.nonce)
            for new, row in zip(kept.children, found, strict=True)
        )

    def _claimed(self, row: RunRow, signals: Sequence[SignalRow], moved: bool) -> Claimed:
        trigger, given = self.queries.reader.value(row.trigger), self.queries.reader.value(row.input)
        return Claimed(row, given, trigger, tuple(self._read(one) for one in signals), moved)


def _send(session: Session, batch: JournalBatch, row: SignalRow, large: Large) -> bool:
    kept = batch.told.sent(session, row)
    if kept:
        add_values(session, list(large.items()), [(row.run, digest) for digest in large])
    return kept
