"""Actions of live runs in progress: a fair gate, one heap of timers, and the lease of the host.

The gate decides purely which action may begin next. The timers look at the clock every second, so that setting the
clock moves them. Without a valid lease nothing irreversible begins.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from omnicore.errors import NotServed, OmniError, PermissionDenied, StorageFailed
from omnicore.storage.tables.workflow_triggers import WaitRow
from omnicore.workflows.entries import Performed, Performer, StepAction, StepResult
from omnicore.workflows.faults import Fault, fault_of
from omnicore.workflows.language.graph import WaitTask
from omnicore.workflows.live import ActionWork, LiveRun
from omnicore.workflows.steps.step import answer_of, marked
from omnicore.workflows.view import shortened

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import WorkflowSettings
    from omnicore.jobs.hosts import Lease


Run = TypeVar("Run", bound=Hashable)
Wish = TypeVar("Wish")

_LOWEST_EVERY = 8
"""Each so manyth choice goes to the lowest priority that waits, so that none is starved."""


class ActionGate(Generic[Run, Wish]):
    """Lets so many wishes through at once, and so many of one run. Runs of one priority take turns.

    Args:
        most: wishes of all runs under way at once.
        most_of_one: of one run.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self.turns: dict[int, deque[Run]] = {}
        self._waiting: dict[Run, deque[Wish]] = {}
        self._ranks: dict[Run, int] = {}
        self._under_way: dict[Run, int] = {}
        self._total = self._choices = 0

    @property
    def under_way(self) -> int:
        """Wishes that were let through and are not done."""
        return self._total

    def under_way_of(self, run: Run) -> int:
        """Those of one run."""
        return self._under_way.get(run, 0)

    def waiting(self, run: Run) -> int:
        """Wishes of a run that wait."""
        return len(self._waiting.get(run, ()))

    def add(self, run: Run, wish: Wish, priority: int) -> None:
        """Takes a wish in."""
        queue = self._waiting.get(run)
        if queue is None:
            queue = self._waiting[run] = deque()
            self._ranks[run] = priority
            if self._under_way.get(run, 0) < self._most_of_one:
                self._line_up(run)
        queue.append(wish)

    def next(self) -> tuple[Run, Wish] | None:
        """The next wish to begin, counted as under way from now on; None when none may."""
        if self._total >= self._most or not self.turns:
            return None
        self._choices += 1
        rank = (min if self._choices % _LOWEST_EVERY == 0 else max)(self.turns)
        turns = self.turns[rank]
        run = turns.popleft()
        if not turns:
            del self.turns[rank]
        queue = self._waiting[run]
        wish = queue.popleft()
        self._total += 1
        mine = self._under_way[run] = self._under_way.get(run, 0) + 1
        if not queue:
            del self._waiting[run], self._ranks[run]
        elif mine < self._most_of_one:
            self._line_up(run)
        return run, wish

    def done(self, run: Run) -> None:
        """A wish that was let through is done."""
        self._total -= 1
        mine = self._under_way[run] - 1
        if mine:
            self._under_way[run] = mine
        else:
            del self._under_way[run]
        if mine == self._most_of_one - 1 and run in self._waiting:
            self._line_up(run)

    def drop(self, run: Run) -> list[Wish]:
        """Takes out what waits of a run."""
        queue = self._waiting.pop(run, None)
        if queue is None:
            return []
        rank = self._ranks.pop(run)
        self._leave_line(run, rank)
        return list(queue)

    def withdraw(self, run: Run, unwanted: Callable[[Wish], bool]) -> None:
        """Takes out wishes of a run that wait."""
        queue = self._waiting.get(run)
        if queue is None:
            return
        left = deque(wish for wish in queue if not unwanted(wish))
        if left:
            self._waiting[run] = left
        else:
            self.drop(run)

    def _line_up(self, run: Run) -> None:
        self.turns.setdefault(self._ranks[run], deque()).append(run)

    def _leave_line(self, run: Run, rank: int) -> None:
        turns = self.turns.get(rank)
        if turns is not None and run in turns:
            turns.remove(run)
            if not turns:
                del self.turns[rank]


Name = TypeVar("Name", bound=Hashable)

_LONGEST_S = 1.0
_STALE = 256


class Timers(Generic[Name]):
    """Calls `fired` with the name of each timer whose moment has come. Belongs to one event loop.

    Args: now: the clock that the moments are of, such as `Clock.now`, or `Clock.monotonic` for what takes so long.
    """

    def __init__(self, now: Callable[[], float], fired: Callable[[Name], None]) -> None:
        self._now, self._fired = now, fired
        self._heap: list[tuple[float, int, Name]] = []
        self._live: dict[Name, int] = {}
        self._count = 0
        self._armed: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def __len__(self) -> int:
        return len(self._live)

    def set(self, name: Name, due_at: float) -> None:
        """Sets a timer, or sets it anew."""
        self._count += 1
        self._live[name] = self._count
        heapq.heappush(self._heap, (due_at, self._count, name))
        if self._armed is None or due_at < self._armed_for:
            self._arm()

    def drop(self, name: Name) -> None:
        """Takes a timer back."""
        if self._live.pop(name, None) is not None and len(self._heap) > _STALE + 2 * len(self._live):
            self._heap = [one for one in self._heap if self._live.get(one[2]) == one[1]]
            heapq.heapify(self._heap)

    def set_back(self, seconds: float, moves: Callable[[Name], bool]) -> None:
        """Moves timers along after the clock was set back: those of a duration, not those of a moment."""
        moved = [(due - seconds if moves(name) else due, count, name) for due, count, name in self._heap]
        heapq.heapify(moved)
        self._heap = moved
        self._arm()

    def look(self) -> None:
        """Fires what is due."""
        now = self._now()
        while self._heap and self._heap[0][0] <= now:
            _, count, name = heapq.heappop(self._heap)
            if self._live.get(name) == count:
                del self._live[name]
                self._fired(name)
        self._arm()

    def close(self) -> None:
        """Fires nothing any more."""
        self._heap.clear()
        self._live.clear()
        self._disarm()

    def _arm(self) -> None:
        self._disarm()
        if self._heap:
            self._armed_for = self._heap[0][0]
            wait_s = min(max(self._armed_for - self._now(), 0.0), _LONGEST_S)
            self._armed = asyncio.get_running_loop().call_later(wait_s, self.look)

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None


_log = logging.getLogger("omnicore.workflows")
_DONE = frozenset({"call", "script", "emit"})
"""Kinds that something is done for here; the others wait for a row or a moment."""
_TRIES = 5
"""Of an action that fails with the host's own database, each after that was there again."""

_ASK_S = 0.25
"""Pause between two looks whether a host has come that can do what nobody could."""
_UNSERVED_S = 30.0
"""A run that is out of memory for that is claimed again after so long, if nothing tells of a host before."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """An action that no host can do now. Units: `since` seconds of the monotonic clock."""

    action: StepAction
    plugin: str
    fact: str
    since: float


def parked_until(
    live: LiveRun, unserved: Mapping[str, Unserved], now: float
) -> tuple[float | None, tuple[WaitRow, ...]]:
    """The due time of a run that is put out of memory, and the rows by which it is found when a host has its plugin."""
    due = live.next_due
    waits = tuple(
        WaitRow(live.id, place, "plugin", one.plugin, data=json.dumps({"fact": one.fact}), at=now)
        for place, one in unserved.items()
    )
    return (min(now + _UNSERVED_S, due or math.inf) if waits else due), waits


Events = tuple[Mapping[str, Any], ...]
Came = Callable[[LiveRun, StepResult, Events], Coroutine[Any, Any, None] | None]
Late = Callable[[str, str, int], None]


class UnderWay:
    """Begins actions in turn and tells what came of them. Belongs to one event loop.

    Args:
        lease: nothing begins while the host cannot be sure that its runs are its own.
        measure: looks whether a value can be kept. Raises: Fault.
        came: is given each result; what it returns, the action's task goes on with.
        late: told the run, place and attempt of what is due.
        serves: whether a function can be called that nobody served before.
    """

    def __init__(
        self,
        performer: Performer,
        lease: Lease,
        settings: WorkflowSettings,
        clock: Clock,
        *,
        measure: Callable[[Any], None],
        came: Came,
        late: Late,
        serves: Callable[[str], bool],
    ) -> None:
        self._performer, self._lease = performer, lease
        self._clock, self._measure, self._came_back = clock, measure, came
        self._longest_s = settings.action_s
        self._gate: ActionGate[LiveRun, StepAction] = ActionGate(settings.actions, settings.run_actions)
        self._timers: Timers[tuple[str, str, int]] = Timers(clock.now, lambda name: late(*name))
        self._limits: Timers[ActionWork] = Timers(clock.monotonic, _expire)
        self._tasks: set[asyncio.Task[None]] = set()
        self._doing: set[ActionWork] = set()
        self._held = False
        self.serves = serves
        self._unserved: dict[LiveRun, dict[str, Unserved]] = {}
        self._asking: asyncio.TimerHandle | None = None

    @property
    def actions(self) -> int:
        """Actions under way now."""
        return self._gate.under_way

    def begin(self, live: LiveRun, action: StepAction) -> None:
        """Begins an action, as soon as it is its turn."""
        if action.kind in _DONE:
            self._gate.add(live, action, live.priority)
            self._pump()
        elif action.due_at is not None:
            live.timed[action.place] = action.attempt
            self._timers.set((live.id, action.place, action.attempt), self._due(live, action, action.due_at))

    def cut(self, live: LiveRun, place: str) -> None:
        """Cuts what is under way or waits at a place."""
        attempt = live.timed.pop(place, None)
        if attempt is not None:
            self._timers.drop((live.id, place, attempt))
        self._take_back(live, place)
        doing = live.tasks.pop(place, None)
        if doing is None:
            self._gate.withdraw(live, lambda action: action.place == place)
        elif doing.cut():
            self._release(doing)

    def leave(self, live: LiveRun) -> None:
        """Cuts everything of a run."""
        self._gate.drop(live)
        self._unserved.pop(live, None)
        for place in [*live.tasks, *live.timed]:
            self.cut(live, place)

    def set_back(self, seconds: float, action_of: Callable[[str, str], StepAction | None]) -> None:
        """Moves timers along after the clock was set back."""

        def moves(name: tuple[str, str, int]) -> bool:
            action = action_of(*name[:2])
            return action is None or not _is_moment(action)

        self._timers.set_back(seconds, moves)

    def settle(self, live: LiveRun) -> None:
        """Takes back the timers of what is not waited for any more."""
        for place in [place for place in live.timed if place not in live.open]:
            self._timers.drop((live.id, place, live.timed.pop(place)))

    def tasks(self) -> set[asyncio.Task[None]]:
        """All that goes on now, the runs' own going on included."""
        return set(self._tasks)

    def hold(self) -> None:
        """Begins nothing new."""
        self._held = True

    def resume(self) -> None:
        """Begins again what waits."""
        self._held = False
        self._pump()

    def close(self) -> None:
        """Cuts the actions; what their runs keep of those that are done goes on."""
        self._timers.close()
        self._limits.close()
        self._unserved.clear()
        for live in {doing.live for doing in self._doing}:
            self.leave(live)

    # -- what no host can do now

    def unserved(self, live: LiveRun) -> Mapping[str, Unserved]:
        """The actions of a run that wait for a host with their plugin, by place."""
        return self._unserved.get(live, {})

    def stuck(self, live: LiveRun) -> bool:
        """True if a run waits for such hosts and does nothing else."""
        return live in self._unserved and not live.tasks and not self._gate.waiting(live)

    def _put_off(self, doing: ActionWork, error: NotServed) -> None:
        """Keeps an action for later. It holds no place in the gate, and its own timeouts go on."""
        action, now = doing.action, self._clock.monotonic()
        waiting = self._unserved.setdefault(doing.live, {})
        waiting[action.place] = Unserved(action, str(error.details.get("plugin", "")), error.fact, now)
        if self._asking is None:
            self._asking = asyncio.get_running_loop().call_later(_ASK_S, self._ask)

    def _ask(self) -> None:
        """Begins what can be done by now."""
        self._asking = None
        known: dict[str, bool] = {}
        now = self._clock.monotonic()
        for live, waiting in list(self._unserved.items()):
            for place, one in list(waiting.items()) if not live.busy else ():  # one that is busy may be parked now
                ref = getattr(one.action.node, "ref", "")
                if ref not in known:
                    known[ref] = self.serves(ref)
                if known[ref] and now - one.since >= _ASK_S:
                    self._take_back(live, place)
                    self.begin(live, one.action)
        if self._unserved and not self._held:
            self._asking = asyncio.get_running_loop().call_later(_ASK_S, self._ask)

    def _take_back(self, live: LiveRun, place: str) -> None:
        waiting = self._unserved.get(live)
        if waiting is not None and waiting.pop(place, None) is not None and not waiting:
            del self._unserved[live]

    # -- inner parts

    def _pump(self) -> None:
        if self._held or not self._gate.turns:
            return
        loop = asyncio.get_running_loop()
        while (turn := self._gate.next()) is not None:
            live, action = turn
            doing = live.hands
            if doing is not None and not live.inbox and self._gate.under_way_of(live) == 1:
                live.hands, doing.following = None, action
            else:
                doing = ActionWork(live, action)
                doing.task = task = loop.create_task(self._do(doing))
                self._tasks.add(task)
                task.add_done_callback(partial(self._done, doing))
            self._doing.add(doing)
            live.tasks[action.place] = doing

    async def _do(self, doing: ActionWork) -> None:
        """Does an action, then what follows from it, as long as the run does one thing after the other."""
        live = doing.live
        while (goes_on := await self._once(doing)) is not None:
            live.hands = doing
            try:
                await goes_on
            finally:
                live.hands = None
            if doing.following is None:
                return
            doing.action, doing.following = doing.following, None

    async def _once(self, doing: ActionWork) -> Coroutine[Any, Any, None] | None:
        """Does an action and tells what came of it. Returns: how the run goes on, if it is this task that does it."""
        live, action = doing.live, doing.action
        if not self._lease.sure:
            await self._lease.renewed()
        began_at = self._clock.now()
        try:
            performed = await self._stored(doing)
            self._measure(performed.output)
        except NotServed as error:
            if live.tasks.get(action.place) is doing:
                del live.tasks[action.place]
                self._put_off(doing, error)
            self._release(doing)
            return None
        except Exception as error:
            fault = _fault_of(error, action)
            now, sent = self._clock.now(), _sent(action, live.context.secrets)
            result = StepResult("failed", action.place, action.attempt, now, fault=fault, began_at=began_at, meta=sent)
            events: Events = ()
        else:
            output, meta, events = performed.output, performed.meta, performed.events
            now = self._clock.now()
            result = StepResult("done", action.place, action.attempt, now, output, began_at=began_at, meta=meta)
        if live.tasks.get(action.place) is doing:
            del live.tasks[action.place]  # from here on the task goes on with the run, and is not to be cut
        self._release(doing)
        return self._came_back(live, result, events)

    async def _stored(self, doing: ActionWork) -> Performed:
        """Does an action again, under its key, that the host's own database let down: it is no failure of the step."""
        for _ in range(_TRIES - 1):
            try:
                return await self._perform(doing)
            except StorageFailed as error:
                _log.warning("a step waits for the database: %s", error)
                await self._lease.renewed()
        return await self._perform(doing)

    async def _perform(self, doing: ActionWork) -> Performed:
        live, action, left_s = doing.live, doing.action, self._longest_s
        if action.due_at is not None:
            left_s = max(0.0, self._due(live, action, action.due_at) - self._clock.now())
        # One heap for all actions: a timer of the loop for each would cost a tenth of a short step.
        doing.expired = False
        self._limits.set(doing, self._clock.monotonic() + left_s)
        try:
            return answer_of(action, live.context.trigger) or await self._performer.perform(action, live.context)
        except asyncio.CancelledError:
            if not doing.expired or (doing.task is not None and doing.task.cancelling() > 1):  # it was cut, too
                raise
            about = f"it was not done within {left_s:.3g} s"
            raise Fault("timeout", 408, "Time is over", about, instance=action.place) from None
        finally:
            self._limits.drop(doing)
            if doing.expired and doing.task is not None:
                doing.task.uncancel()  # whatever came of it: the task goes on, and has one of these for each step

    def _due(self, live: LiveRun, action: StepAction, due_at: float) -> float:
        """The due time by the current clock; the clock may have been set back since the run's last row."""
        ahead_s = live.progress.at - self._clock.now()
        if ahead_s <= 0 or _is_moment(action):
            return due_at
        live.back_s = max(live.back_s, ahead_s)
        return due_at - ahead_s

    def _release(self, doing: ActionWork) -> None:
        if doing in self._doing:
            self._doing.discard(doing)
            self._gate.done(doing.live)
            self._pump()

    def _done(self, doing: ActionWork, task: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its code.
        self._tasks.discard(task)
        self._release(doing)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a run's step ended badly", exc_info=task.exception())


def _sent(action: StepAction, secrets: Mapping[str, str]) -> dict[str, Any]:
    """The input of a failed action if it differs from the task's input; shortened, for a person to read."""
    node = action.node
    if getattr(node, "given", None) is None and getattr(node, "arguments", None) is None:
        return {}
    return {"given": shortened(marked(action.value, secrets))[0]}


def _expire(doing: ActionWork) -> None:
    doing.expired = True
    if doing.task is not None:
        doing.task.cancel()


def _is_moment(action: StepAction) -> bool:
    """True if it waits for a moment instead of a duration."""
    return isinstance(action.node, WaitTask) and action.node.until is not None


def _fault_of(error: Exception, action: StepAction) -> Fault:
    """The fault of whatever an effect raised."""
    if isinstance(error, Fault):
        return error
    if not isinstance(error, OmniError):
        _log.warning("a step failed in an unexpected way", exc_info=error)
    if isinstance(error, (StorageFailed, PermissionDenied)):
        return fault_of(error)
    detail = str(error)[:2000] or type(error).__name__
    extra = {"code": error.code} if isinstance(error, OmniError) else {}
    return Fault("runtime", 500, "The step failed", detail, action.place, extra=extra)
