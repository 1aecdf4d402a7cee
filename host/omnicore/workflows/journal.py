"""The journal: everything a host writes about its runs goes through it, many runs in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar, cast

from omnicore.clock import Clock
from omnicore.errors import HostLost, RunLost, StorageFailed
from omnicore.ids import OrderedIds
from omnicore.storage.store import Session, Store
from omnicore.storage.tables import workflow_claims as claims
from omnicore.storage.tables.audit_chain import AuditRow
from omnicore.storage.tables.workflow_events import add_event, take_event
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable
from omnicore.storage.tables.workflow_schedules import ScheduleRow, move_on
from omnicore.storage.tables.workflow_signals import SignalRow, signals_of_host, signals_of_runs
from omnicore.storage.tables.workflow_values import add_values
from omnicore.workflows.entries import Status
from omnicore.workflows.journal_batch import Answer, Batch, WorkJob
from omnicore.workflows.journal_forks import copy_rows
from omnicore.workflows.journal_hosting import Hosting
from omnicore.workflows.journal_owned import Owned, claimed_row, owned_of
from omnicore.workflows.journal_preparing import eventing, keeping
from omnicore.workflows.journal_sizes import check_size
from omnicore.workflows.journal_starts import Starting, prepared, short
from omnicore.workflows.journal_texts import Large, Texts
from omnicore.workflows.journal_words import (
    Claimed,
    JournalSettings,
    Kept,
    NewRun,
    Signal,
    SignalKind,
    Started,
)
from omnicore.workflows.retaking import Taken

__all__ = ["Journal"]

_T = TypeVar("_T")
_Taken: TypeAlias = tuple[RunRow, list[SignalRow], bool]
"""A claimed run, its signals, and whether its host was lost."""
_SIGNALS = 1000


class Journal(Hosting):
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
        super().__init__(store, clock, signed=signed, woke=woke, signalled=signalled)
        self._settings = settings
        self._texts, self._ids, self._runs = Texts(settings), OrderedIds("sig"), OrderedIds("run")

    # -- runs begin

    async def start(self, new: NewRun, *, room: bool = True) -> Started:
        """Keeps a new run; on the disk, or with `normal` in the system's hands, when it returns.

        Args: room: take it into this host's hands at once where nothing holds it back.
        Raises: LimitExceeded: the input is too large. HostLost.
        """
        one = prepared(self._named(new), self._texts, self._clock.now(), room=room)
        started: Started = await self._queue.put(self.host, one, lambda *ended: self._began([one], *ended))
        return started

    async def fork(self, new: NewRun, *, of: str, taken: Taken, secrets: Sequence[str] = ()) -> Started:
        """Keeps a run that has rows of another one already; any host may claim it at once.

        Args: secrets: the names of those that its definition uses.
        Raises: NotFound: there is no such run. Conflict: it has fewer rows.
        """
        one = prepared(self._named(new), self._texts, self._clock.now(), room=False)

        def work(session: Session, batch: Batch) -> Started:
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

        def work(session: Session, batch: Batch) -> tuple[Started, ...] | None:
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

        def work(session: Session, batch: Batch) -> tuple[Started, ...] | None:
            last = ones[-1].id if ones else None
            if not move_on(session, row, next_at=next_at, now=now, last_run=last):
                return None
            return tuple(batch.begun(session, one) for one in ones)

        return await self._work(work)

    # -- runs go on

    async def claim(self, limit: int, *, root: str | None = None, patience_s: float = 0.0) -> list[Claimed]:
        """Takes runs that are due, the highest priority first, with their signals. Raises: HostLost.

        Args:
            root: only those that began with this run.
            patience_s: only those that have been due for so long.
        """
        host, now = self.host, self._clock.now()

        def work(session: Session, batch: Batch) -> list[_Taken]:
            rows = claims.claim(session, host, limit, now, root=root, until=now - patience_s)
            if not rows:
                return []
            ids = [row.id for row in rows]
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

    async def keep(self, kept: Kept) -> tuple[Started, ...]:
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
            kept = replace(kept, children=[self._named(child) for child in kept.children])
        job, head = keeping(
            kept,
            owned,
            self._texts,
            host=self.host,
            now=self._clock.now(),
            event_s=settings.event_s,
            audit=settings.audit and self._signed is not None,
        )
        if job.end is None:
            await check_size(owned, job.rows, job.values, self._reading.values, settings.run_bytes)
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

        def work(session: Session, batch: Batch) -> int:
            return sum(add_event(session, one.row, key=one.key, until=one.until) for one in ones)

        return await self._work(work)

    async def apply(self, work: Callable[[Session], _T]) -> _T:
        """Any other work, in the next batch's transaction. What it raises undoes its own writes only."""
        done: _T = await self._put(WorkJob(lambda session, batch: work(session)))
        return done

    # -- inner parts

    def _named(self, new: NewRun) -> NewRun:
        """A run with an id: later ones sort behind, and so wait behind."""
        return new if new.id else replace(new, id=self._runs.next())

    def _signal(self, run: str, kind: str, place: str, data: Any, key: str | None) -> tuple[SignalRow, Large]:
        large: Large = {}
        text = self._texts.text(data, large) or "null"
        at, named_key = self._clock.now(), None if key is None else short(key)
        return SignalRow(self._ids.next(), run, None, kind, place, named_key, text, at), large

    def _began(self, ones: Sequence[Starting], answer: Answer, heard: bool) -> None:
        self._doubt(answer)
        started = answer.value if isinstance(answer.value, tuple) else (answer.value,)
        mine = [one for one, what in zip(ones, started, strict=False) if what is not None and what.owned]
        self._owned.update({one.id: owned_of(one, (0, one.genesis)) for one in mine})
        if not heard:
            self._unheard([one.id for one in mine])

    def _took(self, answer: Answer, heard: bool) -> None:
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
        kept: Kept,
        owned: Owned,
        head: tuple[int, str],
        children: Sequence[Starting],
        answer: Answer,
        heard: bool,
    ) -> None:
        """What a job's end says about the run, whether or not somebody still waits for it."""
        owned.busy = None
        error = answer.error
        if error is None:
            owned.seq, owned.hash = head
            owned.tried = None
            if kept.status != "running":
                self._owned.pop(kept.run, None)
            self._began(children, answer, heard)
        elif isinstance(error, StorageFailed):
            owned.tried = head[1]
            self._doubt(answer)
        elif isinstance(error, HostLost | RunLost):
            self._owned.pop(kept.run, None)

    async def _kept_before(self, kept: Kept, owned: Owned) -> tuple[Started, ...] | None:
        """What came of an attempt whose end nobody saw; None: nothing was kept."""
        seq, last = await self.head(kept.run)
        if last != owned.tried or last == owned.hash:
            owned.tried = None
            return None
        owned.seq, owned.hash, owned.tried = seq, last, None
        if kept.status != "running":
            self._owned.pop(kept.run, None)
        return await asyncio.to_thread(self._begun_before, kept)

    def _begun_before(self, kept: Kept) -> tuple[Started, ...]:
        runs = RunsTable(self._store)
        places = {row.parent_place: row for row in runs.children(kept.run, 1000)}  # begun under a key: of another id
        found = [(runs.get(new.id) if new.id else None) or places.get(new.parent_place or "") for new in kept.children]
        return tuple(
            Started(new.id, "cancelled", new=False, refused=True)
            if row is None
            else Started(row.id, cast(Status, row.status), due_at=row.due_at, nonce=row.nonce)
            for new, row in zip(kept.children, found, strict=True)
        )

    def _claimed(self, row: RunRow, signals: Sequence[SignalRow], moved: bool) -> Claimed:
        trigger, given = self._reading.value(row.trigger), self._reading.value(row.input)
        return Claimed(row, given, trigger, tuple(self._read(one) for one in signals), moved)


def _send(session: Session, batch: Batch, row: SignalRow, large: Large) -> bool:
    kept = batch.told.sent(session, row)
    if kept:
        add_values(session, list(large.items()), [(row.run, digest) for digest in large])
    return kept
