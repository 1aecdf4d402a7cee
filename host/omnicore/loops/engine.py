"""`LoopEngine` runs seven lanes: when they are due, when an event wakes them, or on request.

A cycle runs the duty and the handlers side by side within the deadline of the lane.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.clock import Clock, SystemClock
from omnicore.errors import CapacityReached, Conflict, DeadlineExceeded, FuelExhausted, OmniError, Unavailable
from omnicore.events.typed import OmegaEvent, emit
from omnicore.ids import new_id
from omnicore.jobs.hosts import SET_BACK_S
from omnicore.loops.handlers import Fuel, Handler, HandlerAnswer, Handlers, OwnHandler, Wish, read_answer
from omnicore.loops.lane import (
    ESSENTIAL,
    LOCAL,
    CycleAction,
    CycleInput,
    CycleOutput,
    Done,
    Duty,
    LaneTempo,
    LoopStatus,
    LoopType,
    checked_input,
    lanes_of,
    next_due,
)
from omnicore.resilience.retry import Supervised

if TYPE_CHECKING:
    from omnicore.config.settings import LoopSettings
    from omnicore.events.bus import Event, EventBus, Subscription
    from omnicore.loops.lane import CycleInput
    from omnicore.storage.tables.loops import LaneRow, LoopsTable


_log = logging.getLogger("omnicore.loops")
_GRACE_S = 1.0


Act = Callable[[str, Wish], Awaitable[Mapping[str, Any]]]


@dataclass(slots=True)
class _Given:
    """The answer of one handler."""

    report: Mapping[str, Any]
    answer: HandlerAnswer = field(default_factory=HandlerAnswer)
    actions: tuple[CycleAction, ...] = ()
    cut: bool = False


async def run_cycle(
    lane: LaneTempo,
    cycle_id: str,
    given: CycleInput,
    *,
    duty: Duty,
    handlers: Sequence[Handler],
    fuel: Fuel,
    act: Act,
) -> tuple[CycleOutput, int]:
    """Runs a cycle to its end, or to its deadline; what then still runs is cut. It fails only where its duty does.

    Returns: what came of it, and how many were cut.
    """
    began = time.monotonic()
    end = began + lane.deadline_s
    document = _document(lane, cycle_id, given)
    turns = asyncio.Semaphore(lane.concurrency)
    tasks: dict[str, asyncio.Task[Any]] = {"": asyncio.ensure_future(duty(given))}
    for one in handlers:
        tasks[one.name] = asyncio.ensure_future(_handle(one, document, end, turns=turns, fuel=fuel, act=act))
    pending = await _all(tasks.values(), lane.deadline_s)
    done, success = _duty_result(tasks.pop(""), lane, pending)
    gave = {name: _handler_result(task, lane, pending) for name, task in tasks.items()}
    results = dict(done.results)
    if gave:
        results["handlers"] = {name: one.report for name, one in gave.items()}
    if done.problem:
        results["problem"] = done.problem
    output = CycleOutput(
        cycle_id,
        lane.type,
        success,
        results,
        (*done.insights, *({**insight, "by": name} for name, one in gave.items() for insight in one.answer.insights)),
        tuple(action for one in gave.values() for action in one.actions),
        (*done.next_objectives, *(text for one in gave.values() for text in one.answer.next_objectives)),
        time.monotonic() - began,
    )
    return output, sum(one.cut for one in gave.values())


async def _all(tasks: Iterable[asyncio.Task[Any]], timeout_s: float) -> set[asyncio.Task[Any]]:
    """Waits for all, then cuts; one that does not let itself be cut is left behind, to hurt nobody."""
    waited = list(tasks)
    try:
        _, pending = await asyncio.wait(waited, timeout=timeout_s)
    except asyncio.CancelledError:
        for task in waited:
            task.cancel()
        await asyncio.wait(waited, timeout=_GRACE_S)
        raise
    for task in pending:
        task.cancel()
    if pending:
        _, stuck = await asyncio.wait(pending, timeout=_GRACE_S)
        for task in stuck:
            task.add_done_callback(_forget)
    return pending


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.warning("a handler that was cut ended later with: %s", task.exception())


def _document(lane: LaneTempo, cycle_id: str, given: CycleInput) -> dict[str, Any]:
    return {
        "cycle_id": cycle_id,
        "lane": lane.type.value,
        "data": dict(given.data),
        "context": given.context,
        "objectives": list(given.objectives),
    }


async def _handle(
    handler: Handler, document: Mapping[str, Any], end: float, *, turns: asyncio.Semaphore, fuel: Fuel, act: Act
) -> _Given:
    async with turns:
        left_s = end - time.monotonic()
        if fuel.gone:
            raise FuelExhausted("the cycle's fuel was used up", remedy="raise the lane's fuel", limit="fuel")
        if left_s <= 0:
            raise DeadlineExceeded("no time was left in the cycle", limit="deadline_s")
        began = time.monotonic()
        answer = read_answer(await handler.run(document, left_s))
        actions = [await _acted(handler, wish, act) for wish in answer.wishes]
        report = {"ok": True, "seconds": round(time.monotonic() - began, 6), "result": answer.result}
        return _Given({**report, **({"problem": answer.problem} if answer.problem else {})}, answer, tuple(actions))


async def _acted(handler: Handler, wish: Wish, act: Act) -> CycleAction:
    try:
        done = await act(handler.plugin, wish)
    except OmniError as error:
        status = "refused" if error.code == "permission-denied" else "failed"
        return CycleAction(handler.name, wish.verb, wish.input, status, error.to_json())
    except Exception as error:  # a door's fault is the host's, but a cycle goes on
        _log.exception("the action %s of %s failed", wish.verb, handler.name)
        return CycleAction(handler.name, wish.verb, wish.input, "failed", {"message": str(error)})
    return CycleAction(handler.name, wish.verb, wish.input, "done", dict(done))


def _duty_result(task: asyncio.Task[Any], lane: LaneTempo, pending: set[asyncio.Task[Any]]) -> tuple[Done, bool]:
    if task in pending:
        return Done(problem=f"the duty was cut after {lane.deadline_s:g} s"), False
    error = task.exception()
    if error is not None:
        _log.error("the duty of the %s lane failed", lane.type.value, exc_info=error)
        return Done(problem=str(error) or type(error).__name__), False
    done: Done = task.result()
    return done, not done.problem


def _handler_result(task: asyncio.Task[Any], lane: LaneTempo, pending: set[asyncio.Task[Any]]) -> _Given:
    if task in pending:
        return _Given(
            {"ok": False, "error": "deadline-exceeded", "message": f"cut after {lane.deadline_s:g} s"}, cut=True
        )
    if task.cancelled():
        return _Given({"ok": False, "error": "cancelled", "message": "it ended itself"})
    error = task.exception()
    if error is None:
        given: _Given = task.result()
        return given
    code = error.code if isinstance(error, OmniError) else type(error).__name__
    report = {"ok": False, "error": code, "message": str(error)[:500]}
    return _Given(report, cut=isinstance(error, DeadlineExceeded))


@dataclass(slots=True)
class Standing:
    """One lane: its counters, its lock and the handlers of the application. Units: seconds.

    Counters that begin with `new_` are not on the disk yet.
    """

    lane: LaneTempo
    since: float = 0.0
    last_run_at: float | None = None
    cycles: int = 0
    failures: int = 0
    seconds: float = 0.0
    new_cycles: int = 0
    new_failures: int = 0
    new_seconds: float = 0.0
    not_before: float = 0.0
    running: bool = False
    waiting: int = 0
    own: list[Handler] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def read(self, row: LaneRow) -> None:
        """Takes over what the disk knows; what is not written yet comes on top."""
        self.since, self.last_run_at = row.since, row.last_run_at
        self.cycles = row.cycles + self.new_cycles
        self.failures = row.failures + self.new_failures
        self.seconds = row.seconds + self.new_seconds

    def count(self, *, at: float, failed: bool, seconds: float, written: bool) -> None:
        """Counts a cycle."""
        self.last_run_at = at
        self.cycles += 1
        self.failures += failed
        self.seconds += seconds
        if not written:
            self.new_cycles += 1
            self.new_failures += failed
            self.new_seconds += seconds

    def set_back(self, now: float) -> bool:
        """Counts from now on where the lane ran in the future: the clock was set back. Whether it was."""
        if (self.since if self.last_run_at is None else self.last_run_at) <= now + SET_BACK_S:
            return False
        self.since = min(self.since, now)
        self.last_run_at = None if self.last_run_at is None else now
        self.not_before = 0.0
        return True

    def due(self, now: float) -> float:
        """The time of the next cycle."""
        due = next_due(self.lane.interval_s, since=self.since, last_run_at=self.last_run_at, now=now)
        return max(due, self.not_before)

    def status(self, now: float, *, scheduled: bool, handlers: tuple[str, ...]) -> LoopStatus:
        """The lane as people are shown it. One that waits for events has no next run."""
        timed = scheduled and self.lane.type is not LoopType.Reflexive
        return LoopStatus(
            self.lane.type,
            scheduled,
            self.running,
            self.cycles,
            self.failures,
            self.last_run_at,
            self.due(now) if timed else None,
            self.seconds / self.cycles if self.cycles else 0.0,
            handlers,
        )


def overall(lanes: list[LoopStatus]) -> LoopStatus:
    """All lanes as one."""
    cycles = sum(one.cycles_completed for one in lanes)
    spent = sum(one.avg_duration_s * one.cycles_completed for one in lanes)
    due = [one.next_run_at for one in lanes if one.next_run_at is not None]
    ran = [one.last_run_at for one in lanes if one.last_run_at is not None]
    return LoopStatus(
        None,
        any(one.scheduled for one in lanes),
        any(one.running for one in lanes),
        cycles,
        sum(one.failures for one in lanes),
        max(ran, default=None),
        min(due, default=None),
        spent / cycles if cycles else 0.0,
        tuple(sorted({name for one in lanes for name in one.handlers})),
    )


_MOST_WAITING = 16
_LONGEST_SLEEP_S = 60.0
_AGAIN_S = 5.0
_LEASE_MARGIN_S = 30.0
_MOST_OWN = 100


class LoopEngine:
    """The lanes of one host. Belongs to one event loop; `totals` and `degrade` may be used from any thread.

    A lane's cycles never overlap: one that comes due while the last still runs waits for the next tick, one
    that is asked for waits its turn. Slow lanes run on one host at a time, by a lease in the database.

    Args:
        duties: what each lane does by itself.
        handlers: finds the handlers of plugins.
        work: whether lanes run by themselves in this process.
        failed: told when what keeps the lanes' time failed and is begun again; see `Supervised`.
    """

    def __init__(
        self,
        settings: LoopSettings,
        *,
        table: LoopsTable,
        bus: EventBus,
        duties: Mapping[LoopType, Duty],
        handlers: Handlers,
        clock: Clock | None = None,
        work: bool = True,
        failed: Callable[[str, str, bool], None] | None = None,
    ) -> None:
        self._table, self._bus, self._handlers = table, bus, handlers
        self._clock = clock or SystemClock()
        self._duties = duties
        self._work = work
        self._owner = new_id("host")
        self._lanes = {kind: Standing(lane) for kind, lane in lanes_of(settings).items()}
        self._reflexes = ReflexLane(bus, PATTERNS)
        self._running: set[asyncio.Task[Any]] = set()
        self._timer = Supervised("lanes", self._keep_time, failed=failed)
        self._reflexing = Supervised("reflexes", self._reflexed, failed=failed)
        self._wake = asyncio.Event()
        self._open = False
        self._paused = False

    # -- its life

    async def start(self) -> None:
        """Reads how the lanes stand; lanes that are overdue then run once, and all go on by themselves."""
        self._take(await asyncio.to_thread(self._table.enter, [kind.value for kind in LoopType], self._clock.now()))
        self._open = True
        self._reflexes.open()
        if self._work:
            await self._timer.start()
            await self._reflexing.start()

    async def stop(self) -> None:
        """Breaks off the cycles that run, gives their leases back and writes down what was counted."""
        self._open = False
        await self._reflexing.stop()
        await self._timer.stop()
        self._reflexes.close()
        self._handlers.close()
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OmniError):  # the counters are not worth an error at the end
            await asyncio.to_thread(self._write_local)

    def add_handler(self, lane: LoopType, name: str, run: OwnHandler) -> None:
        """Adds a handler of the application itself. Raises: Conflict, CapacityReached."""
        known = self._lanes[lane].own
        if any(one.name == name for one in known):
            raise Conflict(f"the {lane.value} lane has a handler {name} already", remedy="choose another name")
        if len(known) >= _MOST_OWN:
            raise CapacityReached(f"the {lane.value} lane has its {_MOST_OWN} handlers", remedy="join some of them")
        known.append(Handler(name, lambda document, _left_s: run(document)))

    # -- cycles

    async def execute_cycle(self, lane: LoopType, given: CycleInput | None = None) -> CycleOutput:
        """Runs a cycle now and returns what it did.

        Raises:
            InvalidInput: the input is too big or not plain.
            Conflict: another host runs this lane now.
            CapacityReached: too many wait for it already.
            Unavailable: the lanes are stopped, or degraded and this one is not essential.
        """
        given = checked_input(given or CycleInput())
        standing = self._lanes[lane]
        self._check_open(lane)
        if standing.waiting >= _MOST_WAITING:
            raise CapacityReached(f"{standing.waiting} cycles of the {lane.value} lane wait", remedy="try again later")
        standing.waiting += 1
        try:
            async with standing.lock:
                self._check_open(lane)
                output = await self._cycle(standing, given, due_before=None)
        finally:
            standing.waiting -= 1
        if output is None:
            raise Conflict(f"another host runs the {lane.value} lane now", remedy="try again when it is done")
        return output

    def tick(self) -> list[LoopType]:
        """Begins a cycle of each lane that is due; which ones."""
        now = self._clock.now()
        set_back = [standing.set_back(now) for standing in self._lanes.values()]
        if any(set_back):
            self._spawn(self._set_back(now), "omnicore-lanes-clock")
        begun = []
        for kind, standing in self._lanes.items():
            if self._timed(kind) and not standing.lock.locked() and standing.due(now) <= now:
                standing.not_before = now + _AGAIN_S  # where it fails before it begins, not at once again
                self._spawn(self._run_due(standing), f"omnicore-lane-{kind.value}")
                begun.append(kind)
        return begun

    async def idle(self) -> None:
        """Returns when no cycle runs that began by itself."""
        while self._running:
            await asyncio.wait(set(self._running))

    def pause(self) -> None:
        """Begins no more cycles until `resume`; those that run go on."""
        self._paused = True

    def resume(self) -> None:
        """Takes the lanes up again; what came due meanwhile runs once."""
        self._paused = False
        self._wake.set()

    def degrade(self, essential_only: bool) -> None:
        """Leaves out all lanes but the reflexive and the reactive one, or takes them up again."""
        self._reflexes.look().essential_only = essential_only

    @property
    def essential_only(self) -> bool:
        """True while only the reflexive and the reactive lane run."""
        return self._reflexes.look().essential_only

    def probe(self) -> str | None:
        """For the health monitor: whether something keeps the lanes' time. Raises: RuntimeError: nothing does."""
        return self._timer.probe() or self._reflexing.probe()

    # -- how they stand

    async def status(self, lane: LoopType | None = None) -> LoopStatus:
        """The status of one lane, or of all of them as one."""
        found = {one.loop_type: one for one in await self.statuses()}
        return overall(list(found.values())) if lane is None else found[lane]

    async def statuses(self) -> list[LoopStatus]:
        """The status of each lane, including cycles of other hosts on the same database."""
        self._take(await asyncio.to_thread(self._table.all))
        now = self._clock.now()
        names = await asyncio.to_thread(lambda: {kind: self._names(kind) for kind in LoopType})
        return [
            standing.status(now, scheduled=self._scheduled(kind), handlers=names[kind])
            for kind, standing in self._lanes.items()
        ]

    def totals(self) -> dict[LoopType, int]:
        """Cycles of each lane, as far as this process knows; asks nobody."""
        return {kind: standing.cycles for kind, standing in self._lanes.items()}

    # -- inner parts

    def _check_open(self, lane: LoopType) -> None:
        if not self._open:
            raise Unavailable("the lanes do not run", remedy="start the host")
        if self._paused:
            raise Unavailable("the lanes are paused", remedy="resume them first")
        if self.essential_only and lane not in ESSENTIAL:
            raise Unavailable(
                "the lanes are degraded: only the reflexive and the reactive one run",
                remedy="see `omnicore health`, and try again when `loops` is Healthy",
            )

    def _scheduled(self, kind: LoopType) -> bool:
        """True if the lane runs by itself, here or on the host that works on this data."""
        return self._lanes[kind].lane.scheduled and (kind in ESSENTIAL or not self.essential_only)

    def _timed(self, kind: LoopType) -> bool:
        """True if this engine has to run the lane when it is due."""
        return (
            self._work and self._open and not self._paused and kind is not LoopType.Reflexive and self._scheduled(kind)
        )

    async def _keep_time(self) -> None:
        while True:
            self.tick()
            now = self._clock.now()
            due = [one.due(now) for kind, one in self._lanes.items() if self._timed(kind)]
            wait_s = min([_LONGEST_SLEEP_S, *(max(0.01, one - now) for one in due)])
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("a lane's cycle could not be run", exc_info=task.exception())

    async def _set_back(self, now: float) -> None:
        """Without it the lanes would wait until the clock is where it was."""
        leases = {kind.value: one.lane.deadline_s + _LEASE_MARGIN_S for kind, one in self._lanes.items()}
        await asyncio.to_thread(self._table.set_back, leases, now, SET_BACK_S)

    async def _run_due(self, standing: Standing) -> None:
        lane = standing.lane
        async with standing.lock:
            now = self._clock.now()
            output = await self._cycle(standing, CycleInput(context="scheduled"), due_before=now - lane.interval_s)
            standing.not_before = 0.0
            if output is None:
                await self._look_again(standing, now)

    async def _look_again(self, standing: Standing, now: float) -> None:
        """Another host has the lane, or had it: when is it due again?"""
        row = (await asyncio.to_thread(self._table.all))[standing.lane.type.value]
        standing.read(row)
        standing.not_before = max(row.lease_until, now + _AGAIN_S)

    async def _reflex(self) -> None:
        """The result of the reflexive lane after an event."""
        if self._paused:
            return
        async with self._lanes[LoopType.Reflexive].lock:
            await self._cycle(self._lanes[LoopType.Reflexive], CycleInput(context="events"), due_before=None)
        self._wake.set()

    async def _reflexed(self) -> None:
        await self._reflexes.run(self._reflex, lambda: self._lanes[LoopType.Reflexive].lane.interval_s)

    async def _cycle(self, standing: Standing, given: CycleInput, *, due_before: float | None) -> CycleOutput | None:
        """One cycle, with its lease, events and counters; None when another host has the lane."""
        kind = standing.lane.type
        fence = await self._claimed(standing, due_before)
        if fence is None:
            return None
        standing.running = True
        cycle_id = new_id("cyc")
        emit(self._bus, OmegaEvent.LoopCycleStarted(kind, cycle_id), "loops")
        try:
            output = await self._run(standing, cycle_id, given)
        except BaseException:
            if fence:
                await asyncio.shield(asyncio.to_thread(self._table.give_back, kind.value, fence))
            raise
        finally:
            standing.running = False
        await self._record(standing, output, fence)
        emit(self._bus, OmegaEvent.LoopCycleCompleted(kind, cycle_id, output.success), "loops")
        if not output.success:
            problem = str(output.results.get("problem", ""))[:500]
            emit(self._bus, OmegaEvent.ErrorOccurred(f"loops.{kind.value}", problem), "loops")
        return output

    async def _run(self, standing: Standing, cycle_id: str, given: CycleInput) -> CycleOutput:
        kind = standing.lane.type
        duty = self._reflexes.duty if kind is LoopType.Reflexive else self._duties[kind]
        fuel = Fuel(standing.lane.fuel)
        handlers = await self._found(kind, fuel)
        act = self._handlers.act
        output, cut = await run_cycle(standing.lane, cycle_id, given, duty=duty, handlers=handlers, fuel=fuel, act=act)
        self._reflexes.cut += cut
        return output

    async def _found(self, kind: LoopType, fuel: Fuel) -> Sequence[Handler]:
        resting = self._reflexes.look().resting
        found = await asyncio.to_thread(self._handlers.of, kind, fuel)
        return [*self._lanes[kind].own, *(one for one in found if one.plugin not in resting)]

    def _names(self, kind: LoopType) -> tuple[str, ...]:
        return tuple(one.name for one in (*self._lanes[kind].own, *self._handlers.of(kind, Fuel(None))))

    async def _claimed(self, standing: Standing, due_before: float | None) -> int | None:
        """See `_claim`; who is cancelled meanwhile gives back what it got, or nobody could run the lane for long."""
        claiming = asyncio.ensure_future(self._claim(standing, due_before))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(OmniError):
                if fence := await claiming:
                    await asyncio.to_thread(self._table.give_back, standing.lane.type.value, fence)
            raise

    async def _claim(self, standing: Standing, due_before: float | None) -> int | None:
        """The fence of a lease; 0 for a lane that every host runs for itself."""
        lane = standing.lane
        if lane.type in LOCAL:
            return 0
        now = self._clock.now()
        return await asyncio.to_thread(
            lambda: self._table.claim(
                lane.type.value,
                self._owner,
                now=now,
                until=now + lane.deadline_s + _LEASE_MARGIN_S,
                due_before=due_before,
            )
        )

    async def _record(self, standing: Standing, output: CycleOutput, fence: int) -> None:
        kind, now, seconds = standing.lane.type, self._clock.now(), output.duration_s
        failed = not output.success
        standing.count(at=now, failed=failed, seconds=seconds, written=bool(fence))
        if fence:
            await asyncio.to_thread(
                lambda: self._table.finish(kind.value, fence, at=now, failed=failed, seconds=seconds)
            )
        elif kind is LoopType.Reactive:
            await asyncio.to_thread(self._write_local)

    def _write_local(self) -> None:
        """Writes down what the lanes of this host counted since the last time."""
        for kind in LOCAL:
            one = self._lanes[kind]
            if one.new_cycles and one.last_run_at is not None:
                cycles, failures, seconds = one.new_cycles, one.new_failures, one.new_seconds
                self._table.add(kind.value, at=one.last_run_at, cycles=cycles, failures=failures, seconds=seconds)
                one.new_cycles -= cycles
                one.new_failures -= failures
                one.new_seconds -= seconds

    def _take(self, rows: Mapping[str, Any]) -> None:
        for kind, standing in self._lanes.items():
            row = rows.get(kind.value)
            if row is not None and not standing.running:
                last = standing.last_run_at
                standing.read(row)
                if kind in LOCAL and last is not None:  # another host's reflexes are not this one's
                    standing.last_run_at = last


PATTERNS = ("plugin.*", "health.changed")
"""The events that rules look at; no other event wakes the lane."""

_RESTS = frozenset({"plugin.quarantined", "plugin.disabled"})
_WAKES = frozenset(
    {"plugin.recovered", "plugin.enabled", "plugin.granted", "plugin.added", "plugin.changed", "plugin.removed"}
)


@dataclass(slots=True)
class Reflexes:
    """State that the rules have changed so far.

    `resting` plugins are left out of cycles until they are well again, `essential_only` leaves out all lanes
    but the two fastest.
    """

    resting: set[str] = field(default_factory=set)
    essential_only: bool = False

    def apply(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        """Applies the rules and returns those that fired."""
        return [fired for event in events for fired in (self._one(event),) if fired]

    def _one(self, event: Event) -> dict[str, Any] | None:
        if event.hops:  # a plugin that publishes on the host's topics moves no rule
            return None
        data: Mapping[str, Any] = event.data if isinstance(event.data, Mapping) else {}
        if event.topic == "health.changed":
            return self._health(data)
        name = str(data.get("name", ""))
        if event.topic in _RESTS:
            self.resting.add(name)
            return {"rule": "rest-handlers", "subject": name}
        if event.topic in _WAKES and name in self.resting:
            self.resting.discard(name)
            return {"rule": "wake-handlers", "subject": name}
        return None

    def _health(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        if data.get("component") != "loops":
            return None
        essential = str(data.get("new")) != "Healthy"
        if essential == self.essential_only:
            return None
        self.essential_only = essential
        return {"rule": "essential-lanes-only" if essential else "all-lanes", "subject": "loops"}


_MOST_TOLD = 1000


class ReflexLane:
    """Listens for the rules. Nothing runs while no event comes. `cut` counts handlers cut since the last cycle.

    Rules apply at once, whoever looks first; a cycle tells what they did. `look` may be used from any thread.
    """

    def __init__(self, bus: EventBus, patterns: Sequence[str]) -> None:
        self._bus, self._patterns = bus, patterns
        self._subscriptions: list[Subscription] = []
        self._fired: deque[dict[str, Any]] = deque(maxlen=_MOST_TOLD)
        self._events = 0
        self._lock = threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        self.rules = Reflexes()
        self.cut = 0

    def open(self) -> None:
        """Begins to listen."""
        self._subscriptions = [self._bus.subscribe(pattern) for pattern in self._patterns]

    def close(self) -> None:
        """Stops listening."""
        for subscription in self._subscriptions:
            subscription.close()

    async def run(self, cycle: Callable[[], Awaitable[None]], pause_s: Callable[[], float]) -> None:
        """Runs a cycle whenever a rule has fired, and not again before the pause is over."""
        woken, loop = asyncio.Event(), asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(woken.set)
        try:
            async with asyncio.TaskGroup() as group:
                for subscription in self._subscriptions:
                    group.create_task(self._listen(subscription))
                while True:
                    await woken.wait()
                    woken.clear()
                    await cycle()
                    await asyncio.sleep(pause_s())
        finally:
            self._wake = lambda: None

    def look(self) -> Reflexes:
        """The rules, with all events applied that have come so far."""
        with self._lock:
            events = [event for subscription in self._subscriptions for event in subscription.drain()]
            fired = self.rules.apply(events)
            self._events += len(events)
            self._fired.extend(fired)
        if fired:
            self._wake()
        return self.rules

    async def duty(self, _given: CycleInput) -> Done:
        """Tells what the rules did since the last cycle."""
        self.look()
        with self._lock:
            fired, self._fired = list(self._fired), deque(maxlen=_MOST_TOLD)
            events, self._events = self._events, 0
            cut, self.cut = self.cut, 0
        return Done({"events": events, "rules_fired": fired, "calls_cut": cut})

    async def _listen(self, subscription: Subscription) -> None:
        while await subscription.wait():
            self.look()
