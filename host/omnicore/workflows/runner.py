"""The runner: owns the runs that are in memory here, from their claim or start until they end, rest or are lost.

A run's results are applied one after the other; what follows from them is kept before anything that follows begins.
Nothing that one run does can stop another: each has its own steps, its own share of the actions, and its own end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from omnicore.clock import Clock
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.errors import HostLost, OmniError, RunLost, StorageFailed
from omnicore.storage.tables.workflow_waits import WaitRow
from omnicore.workflows.descending import only_begun, ordered
from omnicore.workflows.entries import Action, Fault, Outcome, Result, Status
from omnicore.workflows.graph import Graph
from omnicore.workflows.graphs import Graphs
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_words import Claimed, Kept, NewRun, Signal, Started
from omnicore.workflows.keeping import given_up, kept_of, resting, settled
from omnicore.workflows.lease import Lease
from omnicore.workflows.live import Came, Children, LiveRun, Step
from omnicore.workflows.performing import Performer
from omnicore.workflows.registering import REGISTERED, broken, late, waits_of
from omnicore.workflows.taking import live_claimed, live_started, rows_of
from omnicore.workflows.underway import UnderWay
from omnicore.workflows.waiting import Waiters

__all__ = ["Runner", "Tell"]

_log = logging.getLogger("omnicore.workflows")
_T = TypeVar("_T")
_THREADS = 4
_FIRST_AGAIN_S, _LAST_AGAIN_S = 0.05, 2.0
_LAST_WRITES_S = 5.0

Tell = Callable[[str, LiveRun, Mapping[str, Any]], None]
"""Told what happened, after it was kept: `run` or `step`, the run, and what is to be said of it."""


class Runner:
    """Runs what it is handed, on the event loop that starts it.

    Args:
        tell: what others are told of runs and steps.
        drain_s: how long `stop` lets what is under way finish.
    """

    def __init__(
        self,
        journal: Journal,
        graphs: Graphs,
        performer: Performer,
        children: Children,
        lease: Lease,
        *,
        settings: WorkflowSettings,
        clock: Clock,
        tell: Tell,
        drain_s: float,
    ) -> None:
        self.live: dict[str, LiveRun] = {}
        self.trouble = ""
        self.ended = {"completed": 0, "faulted": 0, "cancelled": 0}
        self.steps = self._taking = 0
        self._journal, self._graphs, self._children = journal, graphs, children
        self._settings, self._clock, self._tell, self._drain_s = settings, clock, tell, drain_s
        self._under_way = UnderWay(
            performer, lease, settings, clock, measure=journal.measure, came=self._came, late=self._late
        )
        self.waiters = Waiters()
        self._driving: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="omnicore-workflows")
        self._stopping = False
        self.lost: Callable[[], None] = lambda: None
        """Called when this host turns out to have been buried."""

    @property
    def room(self) -> int:
        """How many more runs there is memory for."""
        return 0 if self._stopping else max(0, self._settings.workers - len(self.live) - self._taking)

    @property
    def actions(self) -> int:
        """Actions under way here now."""
        return self._under_way.actions

    # -- what comes in

    def begin(self, new: NewRun, started: Started, graph: Graph) -> None:
        """Runs a run that was started into this host's hands."""
        if not self._stopping:  # else the journal gives it back when it closes
            live = live_started(new, started, graph)
            self._enter(live, self._first(live, live.first))

    def take_up(self, claimed: Claimed) -> None:
        """Runs a run that was claimed, from where its journal ends."""
        if self._stopping:
            return
        graph = self._graphs.at_hand(claimed.run.digest)
        if graph is not None and claimed.run.seq == 0:  # most are new, and need no task of their own to be read
            self._resume(claimed, live_claimed(claimed, graph))
            return
        self._taking += 1
        self._spawn(self._take_up(claimed), claimed.run.id).add_done_callback(self._taken)

    def _taken(self, _: asyncio.Task[None]) -> None:
        self._taking -= 1

    def signalled(self, signal: Signal) -> None:
        """Brings what reached a run; one that is not here was parked meanwhile, and is claimed again."""
        live = self.live.get(signal.run)
        if live is not None and not live.over and signal.id not in live.known:
            live.known.add(signal.id)
            live.inbox.append(signal)
            self._wake(live)

    def known(self) -> frozenset[str]:
        """The signals that were taken up and are still to be deleted."""
        return frozenset(one for live in self.live.values() for one in live.known)

    # -- rest

    async def park(self, *, most: int | None = None) -> int:
        """Puts runs out of memory that have nothing to do for long: all of them, or the `most` that rest longest."""
        found = resting(self.live.values(), self._clock, self._settings.park_s, most)
        for live in found:
            self._spawn(self._park(live), live.id)
        return len(found)

    async def _park(self, live: LiveRun) -> None:
        if live.busy or live.inbox or live.over:
            return
        live.busy = True
        status: Status = "suspended" if live.progress.status == "suspended" else "waiting"
        kept = Kept(live.id, status=status, due_at=None if status == "suspended" else live.next_due)
        await self._guarded(live, self._keep(live, kept))
        if not live.over:
            self._tell("run", live, {"status": status})
        self._leave(live)

    def set_back(self, seconds: float) -> None:
        """Lets what waits for so long wait no longer than that, after the clock was set back."""
        for live in self.live.values():
            live.back_s += seconds
        self._under_way.set_back(seconds, self._open)

    def _open(self, run: str, place: str) -> Action | None:
        live = self.live.get(run)
        return None if live is None else live.open.get(place)

    # -- stopping

    async def stop(self) -> None:
        """Lets what is under way finish for `drain_s`, and keeps it; what is cut counts as not begun."""
        self._stopping = True
        self._under_way.hold()
        await settled(self._tasks, self._clock, self._drain_s)
        self._under_way.close()
        await settled(self._tasks, self._clock, _LAST_WRITES_S)
        for task in self._tasks():
            task.cancel()
        await settled(self._tasks, self._clock, None)
        self.drop_all()
        self._threads.shutdown(wait=False)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return self._under_way.tasks() | self._driving

    def drop_all(self) -> None:
        """Drops every run: another host has them."""
        for live in tuple(self.live.values()):
            self._leave(live)

    # -- one run

    def _enter(self, live: LiveRun, first: Any) -> None:
        before = self.live.get(live.id)
        if before is not None:  # taken from this host, which was too slow to notice, and claimed by it again
            self._leave(before)
        self.live[live.id] = live
        live.busy = True
        self._spawn(self._driven(live, first), live.id)

    async def _take_up(self, claimed: Claimed) -> None:
        try:
            graph = await self._graphs.get(claimed.run.digest)
            live = live_claimed(claimed, graph)
            if claimed.run.seq > 0 and any(node.kind == "run" for node in graph.nodes.values()):
                live.children.update(await self._children.begun(live.id))
        except StorageFailed as error:
            await self._give_back(claimed.run.id, error)
            return
        except Exception as error:  # no longer to be read or compiled: it would fail again each time
            await self._fail_unread(claimed, error)
            return
        self._resume(claimed, live)

    def _resume(self, claimed: Claimed, live: LiveRun) -> None:
        """Goes on with a claimed run, unless this host was buried meanwhile and another one has it."""
        if claimed.run.host != self._journal.host:
            return
        live.inbox.extend(claimed.signals)
        live.known.update(one.id for one in claimed.signals)
        if claimed.run.seq == 0:
            work: Callable[[], Step] = live.first
        else:
            rows = rows_of(self._journal, live.id, asyncio.get_running_loop())
            work = partial(live.replay, rows, forked=claimed.run.forked_from is not None)
        self._enter(live, self._first(live, work, thread=claimed.run.seq > 0))

    async def _give_back(self, run: str, error: StorageFailed) -> None:
        """Lets a run be claimed again that cannot be read now; where that fails too, the journal notices it later."""
        self.trouble = str(error)
        await asyncio.sleep(_FIRST_AGAIN_S)
        with suppress(OmniError):
            await self._journal.release([run])

    async def _fail_unread(self, claimed: Claimed, error: Exception) -> None:
        _log.warning("%s of %s cannot be taken up: %s", claimed.run.id, claimed.run.workflow, error)
        outcome = broken(error)
        with suppress(OmniError):
            await self._journal.keep(Kept(claimed.run.id, status="faulted", fault=outcome.fault))
        self.ended["faulted"] += 1
        self.waiters.tell(claimed.run.id, outcome)

    async def _first(self, live: LiveRun, work: Callable[[], Step], *, thread: bool = False) -> None:
        step = await self._think(live, work, thread=thread)
        self._tell("run", live, {"status": "running"})
        await self._follow(live, step)

    def _came(self, live: LiveRun, result: Result, events: tuple[Mapping[str, Any], ...]) -> Any:
        """A result of what was done here. Returns: work for the task that did it to go on with, or None."""
        if live.over:
            return None
        live.inbox.append(Came(result, events))
        if live.busy:
            return None
        live.busy = True
        return self._driven(live)

    def _late(self, run: str, place: str, attempt: int) -> None:
        live = self.live.get(run)
        action = self._open(run, place)
        if live is None or action is None or action.attempt != attempt or live.over:
            return
        self._under_way.cut(live, place)
        live.inbox.append(Came(late(action, self._clock.now())))
        self._wake(live)

    def _wake(self, live: LiveRun) -> None:
        if not live.busy:
            live.busy = True
            self._spawn(self._driven(live), live.id)

    async def _driven(self, live: LiveRun, first: Any = None) -> None:
        """Goes on with a run as long as something came; the one at a time that does has set `busy`."""
        live.idle_since = None
        await self._guarded(live, self._drive(live, first))
        if live.over:
            return
        live.busy = False
        if live.inbox:
            self._wake(live)
        elif not live.progress.in_flight:
            live.idle_since = self._clock.monotonic()
            if live.progress.status == "suspended":
                await self._park(live)

    async def _drive(self, live: LiveRun, first: Any) -> None:
        if first is not None:
            await first
        while live.inbox and not live.over:
            step = await self._think(live, partial(live.advance, self._clock.now()))
            await self._follow(live, step)

    async def _guarded(self, live: LiveRun, work: Any) -> None:
        try:
            await work
        except RunLost:
            self._leave(live)
        except HostLost:
            self._leave(live)
            self.lost()
        except StorageFailed as error:
            await self._give_back(live.id, error)
            self._leave(live)
        except Exception as error:
            await self._break(live, error)

    async def _break(self, live: LiveRun, error: Exception) -> None:
        """Ends a run that cannot go on."""
        if not isinstance(error, (Fault, OmniError)):
            _log.warning("%s of %s cannot go on", live.id, live.context.workflow, exc_info=error)
        outcome = broken(error)
        try:
            await self._keep(live, Kept(live.id, status="faulted", fault=outcome.fault, taken=tuple(live.known)))
        except HostLost:
            self._leave(live)
            self.lost()
        except Exception:
            _log.warning("the end of %s cannot be kept", live.id, exc_info=True)
            self._leave(live)
        else:
            self._over(live, outcome)

    async def _think(self, live: LiveRun, work: Callable[[], _T], *, thread: bool = False) -> _T:
        if live.graph.simple and not thread:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _follow(self, live: LiveRun, step: Step) -> None:
        """Keeps what follows, then begins what may begin. Raises: Fault: it has gone on for too long."""
        children, came = await ordered(live, step, self._children, self._clock.now())
        waits = await self._waits(live, step)
        kept = kept_of(live, step, [new for _, new in children], waits, self.room, self._settings.steps)
        begun: tuple[Started, ...] = ()
        if kept is not None:
            begun = await self._keep(live, kept)
            live.known.difference_update(step.taken)
        for place in step.cut:
            self._under_way.cut(live, place)
        if live.timed:
            self._under_way.settle(live)
        if step.entries or waits:
            self.steps += len(step.entries)
            self._tell("step", live, {"entries": step.entries, "waits": waits})
        for (action, new), started in zip(children, begun, strict=True):
            await self._child_begun(live, action, new, started)
        if step.outcome is not None:
            self._over(live, step.outcome)
            return
        live.inbox.extend(came)
        if live.over or not self._journal.holds(live.id):  # lost meanwhile, where nothing had to be kept
            raise given_up(live.id)
        for action in step.begin:
            if live.open.get(action.place) is action:
                self._under_way.begin(live, action)

    async def _waits(self, live: LiveRun, step: Step) -> tuple[WaitRow, ...]:
        if step.registered or all(one.kind not in REGISTERED for one in step.begin):
            return ()
        now, secrets = self._clock.now(), live.context.secrets
        return await self._think(live, partial(waits_of, live.id, live.graph, step.begin, now, secrets))

    async def _keep(self, live: LiveRun, kept: Kept) -> tuple[Started, ...]:
        again_s = _FIRST_AGAIN_S
        while True:
            try:
                begun = await self._journal.keep(kept)
            except StorageFailed as error:  # a full disk, a server that is away: the run waits, and nothing is lost
                self.trouble = str(error)
                if self._stopping or live.over:
                    raise given_up(live.id) from error
                await asyncio.sleep(again_s)
                again_s = min(again_s * 2, _LAST_AGAIN_S)
            else:
                self.trouble = ""
                return begun

    # -- runs that a run begins

    async def _child_begun(self, live: LiveRun, action: Action, new: NewRun, started: Started) -> None:
        if started.owned:
            self.begin(new, started, await self._graphs.get(new.digest))
        if new.parent_run is None:
            live.inbox.append(only_begun(action, started.run, self._clock.now()))
        elif not started.refused:  # then the run is told by a signal
            live.children[action.place] = started.run

    # -- the end

    def _over(self, live: LiveRun, outcome: Outcome) -> None:
        self.ended[outcome.status] += 1
        self._leave(live, tell=False)
        self.waiters.tell(live.id, outcome)
        self._tell("run", live, {"status": outcome.status, "fault": outcome.fault})

    def _leave(self, live: LiveRun, *, tell: bool = True) -> None:
        """Takes a run out of memory, and cuts what it has under way."""
        live.over = True
        if self.live.get(live.id) is live:
            del self.live[live.id]
        self._under_way.leave(live)
        if tell:
            self.waiters.tell(live.id, None)

    def _spawn(self, work: Any, run: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=f"omnicore-{run}")
        self._driving.add(task)
        task.add_done_callback(self._driving.discard)
        return task
