"""The engine: the parts that store, run, claim and watch workflows, created once and started together.

`Starting` begins a run from a name and an input, in this host if it has room.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.errors import Conflict, HostLost, OmniError
from omnicore.jobs.engine import ENDED, Features, RunEnd, RunView
from omnicore.jobs.hosts import SET_BACK_S, Lease, Membership
from omnicore.jobs.loop import Loop
from omnicore.records import replace
from omnicore.storage.tables.workflow_definitions import keep_document
from omnicore.storage.tables.workflow_triggers import WaitRow, WaitsTable, still_waits
from omnicore.workflows.approvals import Approvals
from omnicore.workflows.definitions import Definitions
from omnicore.workflows.entries import Performer, StepAction
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_records import Beginning, ordered
from omnicore.workflows.language.graph import Node, name_of
from omnicore.workflows.runner import Ended, Runner, Tell
from omnicore.workflows.runs import RunReader, RunStarter
from omnicore.workflows.trials import TrialRecord, TrialWishes, prepared
from omnicore.workflows.view import OpenView, RetryPlan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.config.settings import WorkflowSettings
    from omnicore.jobs.engine import NewRun, SignalKind, Started, StepView
    from omnicore.storage.host_locks import HostLocks
    from omnicore.storage.store import Changes, Store
    from omnicore.storage.tables.audit import AuditRow
    from omnicore.storage.tables.hosts import Silence
    from omnicore.storage.tables.workflow_runs import RunRow
    from omnicore.workflows.journal_records import Signal, Verified
    from omnicore.workflows.language.graph import WorkflowGraph
    from omnicore.workflows.live import LiveRun
    from omnicore.workflows.progress import KeptRows


_log = logging.getLogger("omnicore.workflows")
_MOST_AT_ONCE = 100
_LONGEST_REST_S = 1.0
_ENDS_PAGE = 500
_SHARE = 20.0
_QUIET_S, _EASE = 5.0, 5.0
_STATUSES = ("completed", "cancelled", "faulted")


class DatabaseLook(Protocol):
    """Reads of the database that claims need, on threads."""

    def next_due(self) -> float | None:
        """The earliest time at which a run may be claimed."""

    def data_version(self) -> int:
        """Changes whenever another process has written."""

    def data_version_at_hand(self) -> int | None:
        """The same on the loop, where it needs no waiting; else None."""

    def changes(self) -> Changes | None:
        """Notifications that another process has written, if the database has them."""


class RunClaims:
    """Two loops: one claims runs while there is room, one looks whether others have written.

    Args:
        ended: called with the runs that somebody here waits for and that may have ended elsewhere, so many at once.
    """

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        look: DatabaseLook,
        *,
        clock: Clock,
        poll_s: float,
        ended: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._journal, self._runner, self._look = journal, runner, look
        self._clock, self._poll_s, self._ended = clock, poll_s, ended
        self._claiming = Loop("omnicore-workflows-claim", self._turn, self._failed)
        self._watching = Loop("omnicore-workflows-watch", self._looked, self._failed)
        self._changes: Changes | None = None
        self._version: int | None = None
        self._ends_due = 0.0
        self._quiet_since = clock.monotonic()
        self.lag_s = 0.0
        """Delay of the newest claim."""
        self.root: str | None = None
        """The run whose family alone is claimed; None: whatever is due."""
        self.patience_s = 0.0
        """Time in which other hosts may claim it first."""

    def start(self) -> None:
        """Begins both loops."""
        self._claiming.start()
        self._watching.start()

    def wake(self) -> None:
        """Looks for runs at once."""
        self._claiming.wake()

    def end(self) -> None:
        """Says that no more rounds are wanted."""
        self._claiming.end()
        self._watching.end()

    async def stop(self, within_s: float) -> None:
        """Ends both loops; after `within_s` what is under way is cancelled."""
        await asyncio.gather(self._claiming.stop(within_s), self._watching.stop(within_s))
        if self._changes is not None:
            self._changes.close()
            self._changes = None

    def _failed(self, error: Exception) -> float:
        if isinstance(error, HostLost):
            self._runner.lost()
            return self._poll_s
        if isinstance(error, OmniError):
            self._runner.trouble = str(error)
        else:
            _log.error("runs cannot be claimed now", exc_info=error)
        return _LONGEST_REST_S

    def _ease(self) -> float:
        """The factor by which pauses grow while nothing happens: an idle host costs little."""
        if self._runner.live or any(self._runner.waiters.beyond(())):
            self._quiet_since = self._clock.monotonic()
        return 1.0 if self._clock.monotonic() - self._quiet_since < _QUIET_S else _EASE

    async def _listen(self) -> bool:
        """Listens where the database notifies of changes; False: it has to be asked again and again."""
        if self._changes is None or not self._changes.works:
            with suppress(OmniError):
                changes = await asyncio.to_thread(self._look.changes)
                if changes is not None:
                    changes.begin(self._heard)
                    self._changes = changes
        return self._changes is not None and self._changes.works

    def _heard(self) -> None:
        """Something was written: a run may be due, which must not wait until all else was looked at."""
        self._watching.wake()
        self._claiming.wake()

    async def _looked(self) -> float:
        await self.look()
        return _LONGEST_REST_S if await self._listen() else self._poll_s * self._ease()

    async def look(self) -> None:
        """One look: signals for runs here, runs that became due, and ends that somebody here waits for."""
        version = self._look.data_version_at_hand()
        if version is None:
            version = await asyncio.to_thread(self._look.data_version)
        changed = version != self._version
        if changed and self._runner.live:
            for signal in await self._journal.signals(self._runner.known()):
                self._runner.signalled(signal)
        await self._look_at_ends(changed=changed)
        if changed:
            self._version = version
            self._quiet_since = self._clock.monotonic()
            self.wake()

    async def _look_at_ends(self, *, changed: bool) -> None:
        """Tells the ends of runs that ended elsewhere; takes only a small part of the time."""
        began = self._clock.monotonic()
        if began < self._ends_due or not (changed or began >= self._ends_due + _LONGEST_REST_S):
            return
        waited = list(self._runner.waiters.beyond(self._runner.live))
        for start in range(0, len(waited), _ENDS_PAGE):
            await self._ended(waited[start : start + _ENDS_PAGE])
        now = self._clock.monotonic()
        self._ends_due = now + (now - began) * _SHARE

    async def _turn(self) -> float:
        """Claims once. Returns: how long there will be nothing to do."""
        due = await asyncio.to_thread(self._look.next_due)
        due = None if due is None else due + self.patience_s
        now = self._clock.now()
        if due is None or due > now:
            return _LONGEST_REST_S if due is None else min(max(due - now, 0.001), _LONGEST_REST_S)
        if self._runner.paused:
            return _LONGEST_REST_S
        room = self._runner.room
        if room <= 0:
            await self._runner.park(most=_MOST_AT_ONCE)
            return self._poll_s
        claimed = await self._journal.claim(
            min(room, _MOST_AT_ONCE), root=self.root, patience_s=self.patience_s, left=self._runner.left()
        )
        for one in claimed:
            self._runner.take_up(one)
        if not claimed:
            return self._poll_s
        self.lag_s = max(0.0, now - due)
        await asyncio.sleep(0)
        return 0.0


class SharedRuns:
    """The runs of one host among those of others; see `omnicore.jobs.hosts.SharedWork`.

    Args:
        woke: called when a run may be claimed that could not be before.
        retained: workflows after a name, in pages, with how long their ended runs are kept: (name, kept, failed, most).
    """

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        parts: EngineParts,
        *,
        woke: Callable[[], None],
        retained: Callable[[str], Sequence[tuple[str, float, float, int]]],
    ) -> None:
        self._journal, self._runner, self._locks = journal, runner, parts.locks
        self._settings, self._clock = parts.settings, parts.clock
        self._woke, self._retained = woke, retained
        self._swept = ""

    async def beat(self) -> bool:
        """Shows that this host lives; False when it was buried."""
        return await self._journal.beat()

    async def others(self) -> Sequence[Silence]:
        """All other hosts, with their beats."""
        return await self._journal.others()

    def dead(self, host: str) -> bool:
        """True if the host ran on this machine and its process is gone."""
        return self._locks.dead(host)

    def lost(self) -> None:
        """Drops the runs: another host has them."""
        self._runner.lost()

    async def take_over(self, silence: Silence) -> None:
        """Lets the runs of a dead host be claimed."""
        taken = await self._journal.bury(silence)
        self._locks.forget(silence.host)
        if taken:
            _log.warning("took over %d runs of %s, which is gone", taken, silence.host)
            self._woke()

    async def set_back(self, seconds: float) -> None:
        """Moves due times along, in the database and in memory."""
        await self._journal.set_back(SET_BACK_S)
        if seconds:
            self._runner.set_back(seconds)
        self._woke()

    async def looked(self) -> None:
        """Puts runs out of memory that rest for long."""
        await self._runner.park()

    async def sweep(self) -> None:
        """Deletes ended runs of a page of workflows."""
        page = await asyncio.to_thread(self._retained, self._swept)
        self._swept = page[-1][0] if page else ""
        now = self._clock.now()
        for workflow, keep_s, failed_s, most in page:
            for status in _STATUSES:
                age_s = failed_s if status == "faulted" else keep_s
                await self._journal.queries.sweep(workflow, status, before=now - age_s, most=most)
        await self._journal.queries.sweep_rest(now=now, before=now - self._settings.keep_failed_s)


def _open_view(one: WaitRow) -> OpenView:
    name, plugin = one.place.rpartition("/")[2], one.kind == "plugin"
    fact = json.loads(one.data).get("fact", "") if plugin else ""
    return OpenView(one.place, "call" if plugin else one.kind, name, 1, one.due_at, fact)


_LOOK_S = 1.0
_PAGE = 200
_GIVE_UP_S = 5.0
_PATIENCE_S = 1.5
"""Longer than a host rests that is told of nothing."""


@dataclass(frozen=True, slots=True)
class EngineParts:
    """Parts that an engine is made of.

    Args:
        performer: does the steps' calls.
        locks: shows which hosts on this machine live.
        tell: told what happens to runs.
        signed: told of rows of the record of changes; None: runs are not recorded there.
        work: whether runs are run in this process; else it starts them for others.
        serves: whether some host can make a call of a function that none could make before.
        left: plugins that other hosts of the database are to serve, which take up the runs that wait for them.
        waits_for: the reason why a task that this host does has not begun; empty: none.
    """

    store: Store
    settings: WorkflowSettings
    clock: Clock
    performer: Performer
    locks: HostLocks
    tell: Tell
    signed: Callable[[Sequence[AuditRow]], None] | None = None
    drain_s: float = 10.0
    work: bool = True
    serves: Callable[[str], bool] = lambda ref: True
    left: Callable[[], Sequence[str]] = lambda: ()
    waits_for: Callable[[Node], str] = lambda node: ""


class EmbeddedEngine:
    """The engine that keeps runs in the host's own database; see `omnicore.jobs.engine.Engine`.

    A part of the host: `start` and `stop`; used on its event loop.
    """

    features = Features(forks=True, chained=True)

    def __init__(self, parts: EngineParts) -> None:
        self._parts, self._lease = parts, Lease(parts.clock, parts.settings.lease_s)
        settings, clock, store = parts.settings, parts.clock, parts.store
        self.clock, self.settings = clock, settings
        self.definitions = Definitions(store, settings, clock)
        self.reader = RunReader(store, self._secrets)
        self.approvals, self._waits = Approvals(store), WaitsTable(store)
        self.journal = Journal(store, clock, settings, signed=parts.signed, woke=self.wake, signalled=self._signalled)
        self.starting = RunStarter(self.journal, self.definitions, self.reader.runs, settings=settings, clock=clock)
        self.runner = Runner(
            self.journal,
            self.definitions.graphs,
            parts.performer,
            self,
            self._lease,
            settings=settings,
            clock=clock,
            tell=parts.tell,
            drain_s=parts.drain_s,
            serves=parts.serves,
        )
        self.runner.lost, self.runner.left = self._lost, parts.left
        self._claiming = RunClaims(
            self.journal, self.runner, self, clock=clock, poll_s=settings.poll_s, ended=self._look_at_ends
        )
        shared = SharedRuns(self.journal, self.runner, parts, woke=self.wake, retained=self.definitions.retained)
        self.hosts = Membership(
            "omnicore-workflows",
            shared,
            clock=clock,
            lease_s=settings.lease_s,
            sweep_s=settings.sweep_s,
            lease=self._lease,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._anew: asyncio.Task[None] | None = None
        self._version: int | None = None
        self._works, self._open = parts.work and settings.workers > 0, False

    # -- life

    async def start(self) -> None:
        """Begins to run what is due, after taking over from hosts of this machine that are gone."""
        await self._enter()
        self._open = True
        if not self._works:
            return
        self.starting.runner, self.definitions.remembers = self.runner, True
        with suppress(OmniError):
            await self.hosts.look()
        self._begin(sweep=True)

    async def carry(self, run: str) -> None:
        """Runs a run with those that it began, where this process otherwise only asks; nothing else.

        While other hosts are there, they have a moment to take it first; and when they leave it, it is taken here.
        Raises: NotFound.
        """
        if self._works and self._claiming.root is None:
            return
        self._claiming.root = (await asyncio.to_thread(self.reader.row, run)).root
        self.wake()
        if self._works:
            return
        others = await self.journal.others()
        if not all(self._parts.locks.dead(one.host) for one in others):
            self._claiming.patience_s = _PATIENCE_S
        self._works, self.starting.runner = True, self.runner
        with suppress(OmniError):
            await self.hosts.look()
        self._begin(sweep=False)

    def _begin(self, *, sweep: bool) -> None:
        self._claiming.start()
        self.hosts.start(sweep=sweep)

    async def stop(self) -> None:
        """Lets what is under way finish, then gives every run back, so that another host takes them at once."""
        self._claiming.end()
        self.starting.runner, self.definitions.remembers = None, False
        await self.runner.stop()
        await asyncio.gather(self.hosts.stop(_GIVE_UP_S), self._claiming.stop(_GIVE_UP_S))
        for task in [*self._tasks, *([self._anew] if self._anew else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._tasks, self._open = [], False
        try:
            async with asyncio.timeout(_GIVE_UP_S):
                await self.journal.close()
        except (OmniError, TimeoutError):
            _log.warning("the runs of this host could not be given back; others take them once its lease is out")
        self._parts.locks.leave()

    def pause(self) -> None:
        """Takes no further runs until `resume`; those that are here go on."""
        self.runner.paused = True

    def resume(self) -> None:
        """Takes runs again."""
        self.runner.paused = False
        self.wake()

    async def hand_over(self, within_s: float) -> None:
        """Takes no more; what is under way finishes for so long, then other hosts have every run at once."""
        await self.runner.hand_over(within_s)

    @property
    def trouble(self) -> str:
        """The reason why runs cannot be read or written now; empty when they can."""
        return self.runner.trouble

    @property
    def lag_s(self) -> float:
        """The delay of the newest claim."""
        return self._claiming.lag_s

    def wake(self) -> None:
        """Looks for runs that may be claimed."""
        self._claiming.wake()

    def adopt(self, new: NewRun, started: Started) -> None:
        """Takes up a run that the journal has kept, where it is this host's."""
        if not started.owned:
            self.wake()
            return
        graph = self.definitions.graphs.at_hand(new.digest)
        if graph is not None and self.starting.runner is not None:
            self.runner.begin(new, started, graph)
        else:
            self._spawn(self.starting.adopt(new, started))

    # -- what claiming looks at

    def next_due(self) -> float | None:
        """The earliest time at which a run may be claimed; blocking."""
        return self.reader.runs.next_due(self._claiming.root)

    def data_version(self) -> int:
        """Changes whenever another process has written; blocking."""
        return self._seen(self._parts.store.data_version())

    def data_version_at_hand(self) -> int | None:
        """The same where it needs no waiting."""
        version = self._parts.store.data_version_at_hand()
        return None if version is None else self._seen(version)

    def changes(self) -> Changes | None:
        """Notifications that another process has written; blocking."""
        return self._parts.store.changes()

    def _seen(self, version: int) -> int:
        if version != self._version:
            self._version = version
            self.definitions.forget()
        return version

    async def order(self, live: LiveRun, action: StepAction) -> NewRun:
        """The run that a `run` task begins."""
        return await self.starting.child(live, action)

    async def told(self, run: str, place: str) -> bool:
        """True if the end of a run that was begun at a place waits to be taken."""
        return await asyncio.to_thread(self.reader.told, run, place)

    async def begun(self, run: str) -> Mapping[str, str]:
        """The runs that a run began and waits for, by place."""
        found: dict[str, str] = {}
        after = ""
        while rows := await asyncio.to_thread(self.reader.runs.children, run, _PAGE, after):
            found |= {row.parent_place or "": row.id for row in rows if row.status not in ENDED}
            after = rows[-1].id
        return found

    # -- one run

    async def begin(self, new: NewRun) -> Started:
        """Keeps a run, and takes it up here where there is room. Raises: Conflict. LimitExceeded."""
        return await self.starting.begin(new)

    async def signal(
        self, run: str, kind: SignalKind, place: str = "", data: Any = None, *, key: str | None = None
    ) -> bool:
        """Brings something to a run; False where it is over, no longer waits for it, or has one of this `key`."""
        if kind != "approval":
            return await self.journal.signal(run, kind, place, data, key=key)
        wait = await asyncio.to_thread(self._waits.get, run, place)
        if wait is None:
            return False
        still = partial(still_waits, wait=wait)  # somebody else may have been first meanwhile
        return await self.journal.signal(run, kind, place, data, key=key, only=still)

    async def cancel(self, run: str, *, by: str) -> bool:
        """Has a run cancelled; False where it is over, or is being cancelled."""
        return await self.signal(run, "cancel", data={"by": by}, key="cancel")

    async def query(self, run: str) -> RunView:
        """A run as it stands, its values in full. Raises: NotFound."""
        return self.as_it_is(await asyncio.to_thread(self.reader.view, run))

    async def results(self, run: str, *, after: int = 0, limit: int = 100) -> Sequence[StepView]:
        """The results of a run's steps after a number, their values in full. Raises: NotFound."""
        return await asyncio.to_thread(self.reader.results, run, after, limit)

    async def verify(self, run: str) -> Verified:
        """The result of checking the hashes of a run's rows. Raises: NotFound."""
        return await self.journal.queries.verify(run)

    async def ended_at(self, run: str) -> float | None:
        """The time at which a run ended; None: it goes on. Raises: NotFound."""
        return (await asyncio.to_thread(self.reader.row, run)).ended_at

    async def ended(self, run: str) -> RunEnd:
        """The end of a run, once it has come. Raises: NotFound."""
        while True:
            future = self.runner.waiters.watch(run)
            try:
                ended = await (future if run in self.runner.live else self._from_afar(run, future))
            finally:
                future.cancel()
            if ended is not None:
                status, output, fault = ended
                return RunEnd(status, output, None if fault is None else fault.to_json())

    async def _from_afar(self, run: str, future: asyncio.Future[Ended | None]) -> Ended | None:
        """Looks at a run that is not in memory here, then waits until there is reason to look again."""
        status, output, fault = await asyncio.to_thread(self.reader.outcome, run)
        if status in ENDED:
            return status, output, fault
        await asyncio.wait([future], timeout=None if self._works else self.settings.poll_s)
        return future.result() if future.done() else None

    def as_it_is(self, view: RunView) -> RunView:
        """A run's view with what only this host knows: whether it rests, and how far it has come."""
        live = self.runner.live.get(view.id)
        if live is None or view.status != "running":
            return view
        status = live.progress.status
        due = live.next_due if status == "waiting" else view.due_at
        if status == "pending" or status in ENDED:  # an end is one once it is kept, with its output
            status = "running"
        seq, last = self.journal.last_kept(view.id) or (view.steps, view.hash)
        return replace(view, status=status, steps=seq, hash=last, due_at=due)

    async def open_of(self, run: str) -> list[OpenView]:
        """Open actions and waits of a run. Raises: NotFound."""
        live = self.runner.live.get(run)
        if live is not None:
            unserved = {place: one.fact for place, one in self.runner.unserved(live).items()}
            reasons = {
                one.place: unserved.get(one.place) or self._parts.waits_for(one.node) for one in live.open.values()
            }
            return [
                OpenView(one.place, one.kind, one.node.name, one.attempt, one.due_at, reasons[one.place])
                for one in tuple(live.open.values())
            ]
        row = await asyncio.to_thread(self.reader.row, run)
        if row.status in ENDED:
            return []
        waits = await asyncio.to_thread(self._waits.of_run, run)
        return [_open_view(one) for one in waits]

    async def served(self, plugins: Sequence[str]) -> None:
        """Lets runs be claimed at once that waited for a host with one of these plugins."""
        if plugins:
            await self.journal.served(plugins)

    async def again(self, run: str, by: str, *given: Any, version: int | None = None) -> NewRun:
        """A run like another one, of the same definition or another version; with an input of its own if given one."""
        row = await asyncio.to_thread(self.reader.row, run)
        before, trigger = await asyncio.to_thread(self.reader.given, row)
        number, graph = await self._version_of(row, version)
        labels = (await asyncio.to_thread(self.reader.labels, [run])).get(run, ())
        again = {**trigger, "again": run}
        how = Beginning(by=by, trigger=again, priority=row.priority, trial=bool(row.trial), labels=labels)
        new = await asyncio.to_thread(ordered, row.workflow, graph, number, given[0] if given else before, how)
        return replace(new, dedupe=None, rate=None, forked_from=run)

    async def fork(self, run: str, taken: KeptRows, by: str, version: int | None = None) -> Started:
        """Begins a run like another one, with rows of that one. Raises: NotFound. Conflict: it has fewer rows."""
        new = await self.again(run, by, version=version)
        row = await asyncio.to_thread(self.reader.row, run)
        graphs = [await self.definitions.graphs.get(digest) for digest in (row.digest, new.digest)]
        secrets = tuple(dict.fromkeys(name for graph in graphs for name in graph.secrets))
        started = await self.journal.fork(new, of=run, taken=taken, secrets=secrets)
        self.wake()
        return started

    async def taken(self, run: str, place: str | None, version: int | None = None) -> KeptRows:
        """The rows of a run that one takes over which goes on where it failed, or before a place. Raises: NotFound."""
        row = await asyncio.to_thread(self.reader.row, run)
        graph, (_, other) = await self.definitions.graphs.get(row.digest), await self._version_of(row, version)
        # Another version of the same document is no other one for a run.
        is_same = other.digest == graph.digest
        return await asyncio.to_thread(self.reader.failed_at, row, place, graph, None if is_same else other)

    async def plan(self, run: str, taken: KeptRows, version: int | None) -> RetryPlan:
        """The steps that a retry with these rows keeps, and those that it does again."""
        row = await asyncio.to_thread(self.reader.row, run)
        graph, (number, other) = await self.definitions.graphs.get(row.digest), await self._version_of(row, version)
        changed = None if other.digest == graph.digest else other
        return await asyncio.to_thread(self.reader.plan, row, taken, number, graph, changed)

    async def _version_of(self, row: RunRow, version: int | None) -> tuple[int, WorkflowGraph]:
        if version is None or version == row.number:
            return row.number, await self.definitions.graphs.get(row.digest)
        other = await self.definitions.numbered(row.workflow, version)
        return other.number, other.graph

    async def trial(
        self,
        workflow: str,
        text: str | Mapping[str, Any],
        wishes: TrialWishes,
        *given: Any,
        by: str,
    ) -> NewRun:
        """The run of a text that is not applied, or of a part of it; the text is kept.

        Raises: WorkflowInvalid. Conflict: it has another name, or the run of `wishes` is another workflow's. NotFound:
            that run. InvalidInput and LimitExceeded: see `omnicore.workflows.trials.prepared`.
        """
        graph = await self.definitions.compile(text)
        name = name_of(graph.name, graph.namespace)
        if name != workflow:
            raise Conflict(f"the text is that of {name}, not of {workflow}", remedy="keep its name for the trial")
        known = await asyncio.to_thread(self._recorded, workflow, wishes.run)
        part, first, trigger = await asyncio.to_thread(prepared, graph.document, wishes, known, *given)
        if part != graph.document:
            graph = await self.definitions.compile(part)
        document, now = json.dumps(graph.document, ensure_ascii=False, separators=(",", ":")), self.clock.now()
        await self.journal.apply(lambda session: keep_document(session, graph.digest, document, now))
        return ordered(workflow, graph, 0, first, Beginning(by=by, trigger=trigger, trial=True))

    def rests(self, run: str) -> bool:
        """True if a run waits in this host's memory."""
        live = self.runner.live.get(run)
        return live is not None and live.progress.status == "waiting"

    def resting(self, before: str) -> list[str]:
        """Ids of runs that wait in this host's memory, newest first, those before one."""
        found = [run for run in self.runner.live if self.rests(run) and (not before or run < before)]
        return sorted(found, reverse=True)

    # -- inner parts

    def _recorded(self, workflow: str, run: str | None) -> TrialRecord:
        """The values of the run that stands for what a trial leaves out."""
        if run is None:
            return TrialRecord()
        owner = self.reader.row(run).workflow
        if owner != workflow:
            raise Conflict(f"{run[:80]} is a run of {owner}, not of {workflow}", remedy="name a run of this workflow")
        return self.reader.record(run)

    def _secrets(self, digest: str) -> tuple[str, ...]:
        graph = self.definitions.graphs.at_hand(digest)
        if graph is not None:
            return graph.secrets
        text = self.definitions.table.document(digest)
        names = json.loads(text).get("use", {}).get("secrets", []) if text else []
        return tuple(name for name in names if isinstance(name, str))

    def _signalled(self, signal: Signal) -> None:
        self.runner.signalled(signal)

    async def _look_at_ends(self, runs: Sequence[str]) -> None:
        for ended in await asyncio.to_thread(self.reader.runs.ended, runs):
            self.runner.waiters.tell(ended, None)

    async def _enter(self) -> None:
        moment = self._lease.moment()
        # A claim that came back after the first drop is dropped here: the new lease would let its steps begin.
        self._parts.locks.hold(await self.journal.open(self.runner.drop_all))
        self._lease.renew(moment)

    def _lost(self) -> None:
        """This host was buried, it seems: then its runs are others' by now, and it begins anew under another name."""
        self._lease.drop()
        if self._anew is None or self._anew.done():
            self._anew = asyncio.create_task(self._begin_anew(), name="omnicore-workflows-anew")

    async def _begin_anew(self) -> None:
        with suppress(OmniError):
            if await self.journal.beat():
                return  # the news is old: it has begun anew meanwhile
        _log.warning("this host was silent for too long; its runs were taken over")
        self.runner.drop_all()
        while self._open:
            try:
                await self._enter()
            except OmniError as error:
                self.runner.trouble = str(error)
                await asyncio.sleep(_LOOK_S)
            else:
                self.wake()
                return

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(lambda done: self._tasks.remove(done) if done in self._tasks else None)
