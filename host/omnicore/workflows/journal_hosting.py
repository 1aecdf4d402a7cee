"""A host among others: its row in the table of hosts, the runs in its hands, and what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from omnicore.clock import Clock
from omnicore.errors import StorageFailed
from omnicore.ids import new_id
from omnicore.storage.store import Session, Store
from omnicore.storage.tables import workflow_claims as claims
from omnicore.storage.tables.audit import chain
from omnicore.storage.tables.audit_chain import AuditEntry, AuditRow, canonical
from omnicore.storage.tables.workflow_claims import Silence
from omnicore.storage.tables.workflow_signals import SignalRow
from omnicore.storage.tables.workflow_values import named
from omnicore.workflows.journal_batch import Answer, Batch, Job, Told, WorkJob
from omnicore.workflows.journal_owned import Owned
from omnicore.workflows.journal_queue import Queue
from omnicore.workflows.journal_reads import Reads
from omnicore.workflows.journal_words import Signal

__all__ = ["Hosting"]

_T = TypeVar("_T")


class Hosting(Reads):
    """The part of a journal that says who this host is; see `Journal`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        signed: Callable[[Sequence[AuditRow]], None] | None,
        woke: Callable[[], None],
        signalled: Callable[[Signal], None],
    ) -> None:
        super().__init__(store)
        self._clock, self._signed = clock, signed
        self.woke, self.signalled = woke, signalled
        self.host = ""
        """This host's id; another one after each `open`."""
        self._owned: dict[str, Owned] = {}
        self._queue = Queue(store, clock, self._tell)
        self._unsigned: list[AuditRow] = []
        self._asides: set[asyncio.Task[None]] = set()
        self._strays: set[str] | None = None

    async def open(self) -> str:
        """Begins under a new id, after a start and after `HostLost`. What was in its hands is no longer."""
        await self._queue.settled()
        before, self.host = self.host, new_id("wfh")
        self._owned = {}
        host, now = self.host, self._clock.now()

        def work(session: Session, batch: Batch) -> None:
            if before and claims.leave(session, before, now):
                batch.told.woke = True
            claims.enter(session, host, now)

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
        """All other hosts with their beats; time them with `omnicore.runtime.watch.Watch`."""
        return await asyncio.to_thread(claims.others, self._store, self.host)

    async def bury(self, silence: Silence) -> int:
        """Lets the runs of a dead host be claimed, unless it has shown meanwhile that it lives; how many."""
        host, now = self.host, self._clock.now()

        def work(session: Session, batch: Batch) -> int:
            count = claims.bury(session, silence, now) or 0
            if count and self._signed is not None:
                batch.told.records += chain(session, [_buried(silence.host, count, host, now)])
            batch.told.woke = batch.told.woke or count > 0
            return count

        return int(await self._put(WorkJob(work)))

    async def set_back(self, tolerance_s: float) -> None:
        """Moves due times along after the clock was set back."""
        now = self._clock.now()
        await self._put(WorkJob(lambda session, batch: claims.set_back(session, now, tolerance_s)))

    def holds(self, run: str) -> bool:
        """Whether a run is in this host's hands, as far as it knows."""
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

        def work(session: Session, batch: Batch) -> None:
            batch.told.woke = bool(claims.give_back(session, host, gone, now)) or batch.told.woke

        await self._put(WorkJob(work))

    async def _put(self, job: Job) -> Any:
        return await self._queue.put(self.host, job)

    async def _work(self, work: Callable[[Session, Batch], _T]) -> _T:
        done: _T = await self._put(WorkJob(work))
        return done

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _doubt(self, answer: Answer) -> None:
        """After a transaction of which nobody knows the end, the table may say more than this host knows."""
        if isinstance(answer.error, StorageFailed) and self._strays is None:
            self._strays = set()

    def _read(self, row: SignalRow) -> Signal:
        kind: Any = row.kind
        return Signal(row.id, row.run, kind, row.place, self._reading.value(row.data), row.at)

    def _tell(self, told: Told) -> None:
        self._unsigned = told.records[-1:] or self._unsigned
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
        unsigned, now, host = self._unsigned, self._clock.now(), self.host
        with self._store.write(durable=bool(unsigned)) as session:
            lives = claims.beat(session, host, now)
        if unsigned and self._signed is not None:
            self._signed(unsigned)
            if self._unsigned is unsigned:
                self._unsigned = []
        return lives

    async def _give_back_strays(self) -> None:
        found = set(await asyncio.to_thread(claims.owned, self._store, self.host)) - self._owned.keys()
        again = found & (self._strays or set())
        self._strays = found or None
        if again:
            await self.release(sorted(again))


def _buried(gone: str, runs: int, host: str, now: float) -> AuditEntry:
    """The row of the host's record that the runs of a dead host leave when they are let go of."""
    return AuditEntry(now, host, "host", host, "workflow.takeover", gone, None, canonical({"runs": runs}))
