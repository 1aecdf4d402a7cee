"""The runner: owns the runs in this host's memory, from claim or start until they end or are given back.

Runs proceed in slices of time, so that none blocks the event loop. Each change is written to the journal before
anything that follows from it begins; child runs begin in the same transaction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from omnicore.errors import HostLost, OmniError, RunLost, StorageFailed
from omnicore.jobs.engine import NewRun, RunStatus, Started
from omnicore.records import replace
from omnicore.workflows.actions import UnderWay, Unserved, parked_until
from omnicore.workflows.entries import JournalEntry, Performer, RunContext, RunOutcome, Start, StepAction, StepResult
from omnicore.workflows.expressions.expression import (
    Answer,
    JqQuestion,
    Pause,
    Rest,
    Unanswered,
    answer_at_once,
    answer_in_turn,
)
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal_records import Claimed, RunRecord, Signal
from omnicore.workflows.live import (
    REGISTERED,
    Came,
    Children,
    LiveRun,
    Step,
    Stretch,
    broken,
    correlates,
    drops_of,
    failed,
    late,
    resting,
    waits_of,
)
from omnicore.workflows.progress import Progress
from omnicore.workflows.steps.step import answer_of, placeholders

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import WorkflowSettings
    from omnicore.jobs.hosts import Lease
    from omnicore.storage.tables.workflow_triggers import WaitRow
    from omnicore.workflows.definitions import Graphs
    from omnicore.workflows.journal import Journal
    from omnicore.workflows.language.graph import RunTask, WorkflowGraph


_FIRST_AGAIN_S, _LAST_AGAIN_S = 0.05, 2.0


def given_up(run: str) -> RunLost:
    """A run that is another host's by now, or is to be."""
    return RunLost(f"{run} was given up here", run=run)


def kept_of(
    live: LiveRun, step: Step, children: Sequence[NewRun], waits: tuple[WaitRow, ...], room: int, most: int
) -> RunRecord | None:
    """The rows to write in one transaction; None: nothing. Unwanted children leave `live.children`.

    Raises: Fault: the run goes on for longer than `most` steps.
    """
    outcome = step.outcome
    if live.progress.seq > most and outcome is None:
        about = f"it has over {most} steps; end its loops"
        place = step.entries[-1].place if step.entries else ""
        raise Fault("runtime", 500, "Too many steps", about, place)
    drops = drops_of(step.entries, step.cut, waits)
    if not (step.entries or step.taken or step.events or waits or drops or children or outcome):
        return None
    unwanted = list(live.children) if outcome is not None else step.cut
    return RunRecord(
        live.id,
        step.entries,
        status="running" if outcome is None else outcome.status,
        output=None if outcome is None else outcome.output,
        fault=None if outcome is None else outcome.fault,
        taken=step.taken,
        events=step.events,
        waits=waits,
        drops=drops,
        children=children,
        room=min(len(children), room),
        cancels=[live.children.pop(place) for place in unwanted if place in live.children] if live.children else (),
    )


async def kept_once_it_can(journal: Journal, kept: RunRecord, told: Callable[[str], None]) -> tuple[Started, ...]:
    """Keeps it, again and again while the database cannot: a full disk, a server that is away. Nothing is lost.

    Args: told: called with what is wrong, and with an empty text once nothing is; what it raises ends the waiting.
    """
    again_s = _FIRST_AGAIN_S
    while True:
        try:
            begun = await journal.keep(kept)
        except StorageFailed as error:
            told(str(error))
            await asyncio.sleep(again_s)
            again_s = min(again_s * 2, _LAST_AGAIN_S)
        else:
            told("")
            return begun


async def settled(tasks: Callable[[], Collection[asyncio.Task[Any]]], clock: Clock, seconds: float | None) -> None:
    """Waits until none of these tasks goes on any more; so long at most."""
    end = None if seconds is None else clock.monotonic() + seconds
    while under_way := tasks():
        left = None if end is None else end - clock.monotonic()
        if left is not None and left <= 0:
            return
        await asyncio.wait(under_way, timeout=left)


_THREADS = 4
_SLICE_S = 0.01
"""Of tasks in a row, on a thread or on the loop; then others go first."""
_KEPT_EVERY_S = 0.25
"""Interval at which rows are kept while a stretch continues."""


class Stretches:
    """Belongs to one event loop.

    Args: follow: keeps what a stretch has come to, and begins what may begin.
    """

    def __init__(self, clock: Clock, follow: Callable[[LiveRun, Step], Awaitable[None]]) -> None:
        self._clock, self._follow = clock, follow
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="omnicore-workflows")
        self._slow = ThreadPoolExecutor(1, thread_name_prefix="omnicore-workflows-slow")
        self._halting = False

    def halt(self, runs: Iterable[LiveRun]) -> None:
        """Has stretches under way given up, wherever they are: their runs are taken up from their journals again."""
        self._halting = True
        for live in runs:
            halt(live)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False)
        self._slow.shutdown(wait=False)

    async def whole(self, live: LiveRun, stretch: Stretch, *, thread: bool = False) -> Step:
        """The result of a whole stretch; if it takes long, its rows so far are written meanwhile."""
        answers: Mapping[int, Answer] | None = None
        kept_at, tired = self._clock.monotonic(), False
        while True:
            paused, step = await self._sliced(live, stretch, answers, thread=thread)
            tired = tired or isinstance(paused, Rest)
            live.heavy = live.heavy or tired
            if step is not None:
                live.heavy = tired
                return step
            answers = await self._answers(live, paused.questions) if isinstance(paused, Unanswered) else None
            if live.over or self._halting:
                raise given_up(live.id)
            cancelled = live.cancel(self._clock.now())
            if cancelled is not None:
                stretch.close()
                return await self.whole(live, cancelled)
            if self._clock.monotonic() - kept_at >= _KEPT_EVERY_S:
                await self._keep_so_far(live)
                kept_at = self._clock.monotonic()

    async def _keep_so_far(self, live: LiveRun) -> None:
        made = live.so_far()
        if made is not None:
            live.hands = None  # who goes on with the stretch does not begin what follows from it
            await self._follow(live, made)

    async def _sliced(
        self, live: LiveRun, stretch: Stretch, answers: Mapping[int, Answer] | None, *, thread: bool
    ) -> tuple[Pause | None, Step | None]:
        """Goes on with a stretch for a moment. Returns: why it stands still, or what it has come to.

        Runs whose stretches take long share a thread: they go on one slice after the other, and others before them.
        """
        if live.graph.simple and not thread and not live.heavy:
            return self._slice(live, stretch, answers, _later)
        at_once = partial(answer_at_once, owner=live.id)
        work = partial(self._slice, live, stretch, answers, at_once)
        return await asyncio.get_running_loop().run_in_executor(self._slow if live.heavy else self._threads, work)

    def _slice(
        self,
        live: LiveRun,
        stretch: Stretch,
        answers: Mapping[int, Answer] | None,
        at_once: Callable[[JqQuestion], tuple[Answer] | None],
    ) -> tuple[Pause | None, Step | None]:
        end = self._clock.monotonic() + _SLICE_S
        live.progress.stands_still(at_once, lambda: self._clock.monotonic() >= end)
        try:
            return stretch.send(answers), None
        except StopIteration as stop:
            return None, stop.value

    async def _answers(self, live: LiveRun, questions: Mapping[int, JqQuestion]) -> Mapping[int, Answer] | None:
        """Answers of jq to the questions of a run; None: it was halted while it waited."""
        loop = asyncio.get_running_loop()
        halted = live.halted = loop.create_future()
        asking = loop.create_task(_all_answers(questions, live.id))
        try:
            if not (self._halting or live.over or live.cancelled):
                await asyncio.wait((asking, halted), return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            live.halted = None
            asking.cancel()
            halted.cancel()


async def _all_answers(questions: Mapping[int, JqQuestion], owner: str) -> dict[int, Answer]:
    return {number: await answer_in_turn(question, owner) for number, question in questions.items()}


def _later(_question: JqQuestion) -> None:
    """On the event loop nobody waits for jq."""


def halt(live: LiveRun) -> None:
    """Has a run that waits for answers wait no longer."""
    if live.halted is not None and not live.halted.done():
        live.halted.set_result(None)


async def ordered(
    live: LiveRun, step: Step, children: Children, now: float
) -> tuple[list[tuple[StepAction, NewRun]], list[Came]]:
    """The runs to begin with a step, with their actions, and what is known at once of others.

    A run that was taken up again began them before its host died, but for those that could not be begun.
    Raises: StorageFailed.
    """
    found: list[tuple[StepAction, NewRun]] = []
    came: list[Came] = []
    for action in step.begin:
        if action.kind != "run":
            continue
        if (answer := _answered(live, action, now)) is not None:
            came.append(answer)
            continue
        known = action.place in step.known
        if known and not cast("RunTask", action.node).wait:
            came.append(only_begun(action, "", now))
        elif not (known and await _known(live, action, children)):
            try:
                new = await children.order(live, action)
            except StorageFailed:
                raise
            except OmniError as error:
                about = Fault("configuration", 400, "The run cannot be begun", str(error), instance=action.place)
                came.append(Came(failed(action, about, now)))
            else:
                found.append((action, _keyed(action, new) if step.again or known else new))
    return found, came


def _answered(live: LiveRun, action: StepAction, now: float) -> Came | None:
    """The result of a task that begins a run, where a trial has one instead."""
    try:
        answer = answer_of(action, live.context.trigger)
    except Fault as fault:
        return Came(failed(action, fault, now))
    if answer is None:
        return None
    return Came(StepResult("done", action.place, action.attempt, now, answer.output, meta=answer.meta))


def only_begun(action: StepAction, run: str, now: float) -> Came:
    """The result of a task that begins a run and does not wait for it."""
    return Came(StepResult("done", action.place, action.attempt, now, meta={"run": run} if run else {}))


async def _known(live: LiveRun, action: StepAction, children: Children) -> bool:
    """True if the run of an action goes on, or has ended and the end waits to be taken."""
    return action.place in live.children or await children.told(live.id, action.place)


def _keyed(action: StepAction, new: NewRun) -> NewRun:
    """A run that may have been begun already, and begins once."""
    return new if new.dedupe is not None else replace(new, dedupe=f"child:{action.key}")


_PAGE = 200


def live_started(new: NewRun, started: Started, graph: WorkflowGraph) -> LiveRun:
    """The run that was just started into this host's hands."""
    secrets = placeholders(started.nonce, graph.secrets) if graph.secrets else {}
    root = new.root or started.run
    context = RunContext(started.run, new.workflow, root, new.depth, new.trigger, secrets, new.by)
    start = Start(started.run, new.input, started.created_at, new.trigger, secrets)
    return LiveRun(context, graph, Progress(graph, start), new.priority, started.created_at)


def live_claimed(claimed: Claimed, graph: WorkflowGraph) -> LiveRun:
    """The run that was claimed."""
    run = claimed.run
    secrets = placeholders(run.nonce, graph.secrets) if graph.secrets else {}
    context = RunContext(run.id, run.workflow, run.root, run.depth, claimed.trigger, secrets, run.created_by)
    start = Start(run.id, claimed.input, run.created_at, claimed.trigger, secrets)
    live = LiveRun(context, graph, Progress(graph, start), run.priority, run.created_at)
    live.moved = run.host or "" if claimed.moved else ""
    return live


def rows_of(journal: Journal, run: str, loop: asyncio.AbstractEventLoop) -> Iterator[JournalEntry]:
    """The rows of a run, for a thread beside the loop: page by page, so that no long journal is whole in memory."""
    rows = journal.queries.rows(run)
    while True:
        page = asyncio.run_coroutine_threadsafe(_page(rows), loop).result()
        yield from page
        if len(page) < _PAGE:
            return


async def _page(rows: AsyncIterator[JournalEntry]) -> list[JournalEntry]:
    found: list[JournalEntry] = []
    async for entry in rows:
        found.append(entry)
        if len(found) == _PAGE:
            break
    return found


Ended = tuple[str, Any, Fault | None]
"""RunStatus, output and fault of a run that is over."""


class Waiters:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[Ended | None]]] = {}

    def watch(self, run: str) -> asyncio.Future[Ended | None]:
        """Has how the run ended, once it ends here; None: it left this host, or may have ended elsewhere."""
        future: asyncio.Future[Ended | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run, set()).add(future)
        future.add_done_callback(partial(self._forget, run))
        return future

    def tell(self, run: str, outcome: RunOutcome | None) -> None:
        """Ends the waits for a run."""
        for future in tuple(self._waiting.get(run, ())):
            if not future.done():
                future.set_result(None if outcome is None else (outcome.status, outcome.output, outcome.fault))

    def beyond(self, here: Collection[str]) -> Iterator[str]:
        """Runs that somebody waits for and that are not here."""
        return (run for run in tuple(self._waiting) if run not in here)

    def _forget(self, run: str, future: asyncio.Future[Ended | None]) -> None:
        waiting = self._waiting.get(run)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[run]


_PERFORMED = frozenset({"call", "script", "emit", "timer"})
"""Kinds of actions that begin no run and that nobody else has to find."""
_log = logging.getLogger("omnicore.workflows")
_T = TypeVar("_T")
_MANY = 100
_BESIDE = 2
"""Threads for expressions of what waits for events: they wait for jq."""
_AGAIN_S = 0.05
_LAST_WRITES_S = 5.0

Tell = Callable[[str, LiveRun, Mapping[str, Any]], None]
"""Told what happened, after it was kept: `run` or `step`, the run, and what is to be said of it."""


class Runner:
    """Runs what it is handed, on the event loop that starts it.

    Args:
        tell: what others are told of runs and steps.
        drain_s: how long `stop` lets what is under way finish.
        serves: whether some host has a function that none had before.
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
        serves: Callable[[str], bool] = lambda ref: True,
    ) -> None:
        self.live: dict[str, LiveRun] = {}
        self.trouble, self.ended = "", {"completed": 0, "faulted": 0, "cancelled": 0}
        self.steps = self._taking = 0
        self._journal, self._graphs, self._children = journal, graphs, children
        self._settings, self._clock, self._tell, self._drain_s = settings, clock, tell, drain_s
        self._under_way = UnderWay(
            *(performer, lease, settings, clock),
            measure=journal.measure,
            came=self._came,
            late=self._late,
            serves=serves,
        )
        self.waiters = Waiters()
        self._driving: set[asyncio.Task[None]] = set()
        self._stretches = Stretches(clock, self._follow)
        self._beside = ThreadPoolExecutor(_BESIDE, thread_name_prefix="omnicore-workflows-beside")
        self._many = asyncio.Lock()  # of who keeps many rows at once: others have theirs kept in between
        self._stopping = False
        self.paused = False
        """True while no further runs are taken; those that are here go on."""
        self.lost: Callable[[], None] = lambda: None
        """Called when this host turns out to have been buried."""
        self.left: Callable[[], Sequence[str]] = lambda: ()
        """Plugins that other hosts are to serve: runs that wait for them are left to those."""

    @property
    def room(self) -> int:
        """The number of further runs that fit in memory."""
        return 0 if self._stopping or self.paused else max(0, self._settings.workers - len(self.live) - self._taking)

    @property
    def actions(self) -> int:
        """Actions under way here now."""
        return self._under_way.actions

    # -- what comes in

    def begin(self, new: NewRun, started: Started, graph: WorkflowGraph) -> None:
        """Runs a run that was started into this host's hands."""
        if self.paused:
            self._spawn(self._journal.release((started.run,)), started.run)
        elif not self._stopping:  # else the journal gives it back when it closes
            live = live_started(new, started, graph)
            self._enter(live, self._first(live, live.first()))

    def take_up(self, claimed: Claimed) -> None:
        """Runs a run that was claimed, from where its journal ends."""
        if self._stopping:
            return
        if self.paused:
            self._spawn(self._journal.release((claimed.run.id,)), claimed.run.id)
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
            if live.cancelled is not None:
                halt(live)
            self._wake(live)

    def known(self) -> frozenset[str]:
        """The signals that were taken up and are still to be deleted."""
        return frozenset(one for live in self.live.values() for one in live.known)

    # -- rest

    async def park(self, *, most: int | None = None) -> int:
        """Puts runs out of memory that have nothing to do for long: all of them, or the `most` that rest longest."""
        found = resting(self.live.values(), self._clock, self._settings.park_s, most)
        found += [live for live in self.live.values() if self._under_way.stuck(live) and not live.busy]
        for live in found:
            self._spawn(self._park(live), live.id)
        return len(found)

    def unserved(self, live: LiveRun) -> Mapping[str, Unserved]:
        """The actions of a run that no host can do now, by place."""
        return self._under_way.unserved(live)

    async def _park(self, live: LiveRun) -> None:
        if live.busy or live.inbox or live.over:
            return
        live.busy = True
        status: RunStatus = "suspended" if live.progress.status == "suspended" else "waiting"
        due, waits = parked_until(live, self.unserved(live), self._clock.now())
        kept = RunRecord(live.id, status=status, due_at=None if status == "suspended" else due, waits=waits)
        try:
            await self._keep(live, kept)
            left = self.left()
            if served := [one.key for one in waits if one.key in left or self._under_way.serves(one.key)]:
                await self._journal.served(served)  # a host that has it takes it up, or came while this was written
        except Exception as error:
            await self._failed(live, error)
        if not live.over:
            self._tell("run", live, {"status": status})
        self._leave(live)

    def set_back(self, seconds: float) -> None:
        """Lets what waits for so long wait no longer than that, after the clock was set back."""
        for live in self.live.values():
            live.back_s += seconds
        self._under_way.set_back(seconds, self._open)

    def _open(self, run: str, place: str) -> StepAction | None:
        live = self.live.get(run)
        return None if live is None else live.open.get(place)

    # -- stopping

    async def hand_over(self, within_s: float) -> None:
        """Takes no more; what is under way finishes for so long, then every run is given back.

        What is cut counts as not begun, and other hosts go on with the runs at once.
        """
        self.paused = True
        self._under_way.hold()
        try:
            await settled(self._tasks, self._clock, within_s)
            runs = tuple(self.live)
            self.drop_all()
            await settled(self._tasks, self._clock, _LAST_WRITES_S)
            if runs:
                await self._journal.release(runs)
        finally:
            self._under_way.resume()

    async def stop(self) -> None:
        """Lets what is under way finish for `drain_s`, and keeps it; what is cut counts as not begun."""
        self._stopping = True
        self._under_way.hold()
        await settled(self._tasks, self._clock, self._drain_s)
        self._under_way.close()
        self._stretches.halt(self.live.values())
        await settled(self._tasks, self._clock, _LAST_WRITES_S)
        for task in self._tasks():
            task.cancel()
        await settled(self._tasks, self._clock, None)
        self.drop_all()
        self._stretches.close()
        self._beside.shutdown(wait=False)

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
            stretch = live.first()
        else:
            rows = rows_of(self._journal, live.id, asyncio.get_running_loop())
            stretch = live.replay(rows, forked=claimed.run.forked_from is not None)
        self._enter(live, self._first(live, stretch, thread=claimed.run.seq > 0))

    async def _give_back(self, run: str, error: StorageFailed) -> None:
        """Lets a run be claimed again that cannot be read now; where that fails too, the journal notices it later."""
        self.trouble = str(error)
        await asyncio.sleep(_AGAIN_S)
        with suppress(OmniError):
            await self._journal.release([run])

    async def _fail_unread(self, claimed: Claimed, error: Exception) -> None:
        _log.warning("%s of %s cannot be taken up: %s", claimed.run.id, claimed.run.workflow, error)
        outcome = broken(error)
        with suppress(OmniError):
            await self._journal.keep(RunRecord(claimed.run.id, status="faulted", fault=outcome.fault))
        self.ended["faulted"] += 1
        self.waiters.tell(claimed.run.id, outcome)

    async def _first(self, live: LiveRun, stretch: Stretch, *, thread: bool = False) -> None:
        self._tell("run", live, {"status": "running"})
        await self._follow(live, await self._stretches.whole(live, stretch, thread=thread))

    def _came(self, live: LiveRun, result: StepResult, events: tuple[Mapping[str, Any], ...]) -> Any:
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
        try:
            if first is not None:
                await first
            while live.inbox and not live.over:
                await self._follow(live, await self._stretches.whole(live, live.advance(self._clock.now())))
        except Exception as error:
            await self._failed(live, error)
        if live.over:
            return
        live.busy = False
        if live.inbox:
            self._wake(live)
        elif not live.progress.in_flight:
            live.idle_since = self._clock.monotonic()
            if live.progress.status == "suspended":
                await self._park(live)

    async def _failed(self, live: LiveRun, error: Exception) -> None:
        """Handles an error of a run that is being driven: it is left to another host, or it ends."""
        if isinstance(error, RunLost):
            self._leave(live)
        elif isinstance(error, HostLost):
            self._leave(live)
            self.lost()
        elif isinstance(error, StorageFailed):
            await self._give_back(live.id, error)
            self._leave(live)
        else:
            await self._break(live, error)

    async def _break(self, live: LiveRun, error: Exception) -> None:
        """Ends a run that cannot go on."""
        if not isinstance(error, (Fault, OmniError)):
            _log.warning("%s of %s cannot go on", live.id, live.context.workflow, exc_info=error)
        outcome = broken(error, live.place)
        try:
            await self._keep(live, RunRecord(live.id, status="faulted", fault=outcome.fault, taken=tuple(live.known)))
        except HostLost:
            self._leave(live)
            self.lost()
        except Exception:
            _log.warning("the end of %s cannot be kept", live.id, exc_info=True)
            self._leave(live)
        else:
            self._over(live, outcome)

    async def _follow(self, live: LiveRun, step: Step) -> None:
        """Keeps what follows, then begins what may begin. Raises: Fault: it has gone on for too long."""
        children: list[tuple[StepAction, NewRun]] = []
        came: list[Came] = []
        waits: tuple[WaitRow, ...] = ()
        if not _PERFORMED.issuperset({one.kind for one in step.begin}):
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
        new = [one for one in step.begin if one.kind in REGISTERED and one.place not in step.known]
        if not new:
            return ()
        work = partial(waits_of, live.id, live.graph, new, self._clock.now(), live.context.secrets)
        if live.graph.simple and not any(correlates(one) for one in new):
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._beside, work)

    async def _keep(self, live: LiveRun, kept: RunRecord) -> tuple[Started, ...]:
        def told(trouble: str) -> None:
            self.trouble = trouble
            if trouble and (self._stopping or live.over):
                raise given_up(live.id)

        if len(kept.entries) < _MANY:
            return await kept_once_it_can(self._journal, kept, told)
        async with self._many:
            return await kept_once_it_can(self._journal, kept, told)

    # -- runs that a run begins

    async def _child_begun(self, live: LiveRun, action: StepAction, new: NewRun, started: Started) -> None:
        if started.owned:
            self.begin(new, started, await self._graphs.get(new.digest))
        if new.parent_run is None:
            live.inbox.append(only_begun(action, started.run, self._clock.now()))
        elif not started.refused:  # then the run is told by a signal
            live.children[action.place] = started.run

    # -- the end

    def _over(self, live: LiveRun, outcome: RunOutcome) -> None:
        self.ended[outcome.status] += 1
        self._leave(live, tell=False)
        self.waiters.tell(live.id, outcome)
        self._tell("run", live, {"status": outcome.status, "fault": outcome.fault})

    def _leave(self, live: LiveRun, *, tell: bool = True) -> None:
        """Takes a run out of memory, and cuts what it has under way."""
        live.over = True
        halt(live)
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
