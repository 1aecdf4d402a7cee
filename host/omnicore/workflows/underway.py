"""What live runs have under way: their actions, so many at once, and their timers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from omnicore.clock import Clock
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.errors import OmniError, StorageFailed
from omnicore.workflows.effects.faults import fault_of
from omnicore.workflows.effects.secrets import marked
from omnicore.workflows.entries import Action, Fault, Result
from omnicore.workflows.gate import Gate
from omnicore.workflows.graph import Wait
from omnicore.workflows.lease import Lease
from omnicore.workflows.live import Doing, LiveRun
from omnicore.workflows.performing import Performed, Performer
from omnicore.workflows.reading import shortened
from omnicore.workflows.timers import Timers

__all__ = ["UnderWay"]

_log = logging.getLogger("omnicore.workflows")
_DONE = frozenset({"call", "script", "emit"})
"""Kinds that something is done for here; the others wait for a row or a moment."""
_TRIES = 5
"""Of an action that fails with the host's own database, each after that was there again."""

Events = tuple[Mapping[str, Any], ...]
Came = Callable[[LiveRun, Result, Events], Coroutine[Any, Any, None] | None]
Late = Callable[[str, str, int], None]


class UnderWay:
    """Begins actions in turn and tells what came of them. Belongs to one event loop.

    Args:
        lease: nothing begins while the host cannot be sure that its runs are its own.
        measure: looks whether a value can be kept. Raises: Fault.
        came: is given each result; what it returns, the action's task goes on with.
        late: told the run, place and attempt of what is due.
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
    ) -> None:
        self._performer, self._lease = performer, lease
        self._clock, self._measure, self._came_back = clock, measure, came
        self._longest_s = settings.action_s
        self._gate: Gate[LiveRun, Action] = Gate(settings.actions, settings.run_actions)
        self._timers: Timers[tuple[str, str, int]] = Timers(clock.now, lambda name: late(*name))
        self._limits: Timers[Doing] = Timers(clock.monotonic, _expire)
        self._tasks: set[asyncio.Task[None]] = set()
        self._doing: set[Doing] = set()
        self._held = False

    @property
    def actions(self) -> int:
        """Actions under way now."""
        return self._gate.under_way

    def begin(self, live: LiveRun, action: Action) -> None:
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
        doing = live.tasks.pop(place, None)
        if doing is None:
            self._gate.withdraw(live, lambda action: action.place == place)
        elif doing.cut():
            self._release(doing)

    def leave(self, live: LiveRun) -> None:
        """Cuts everything of a run."""
        self._gate.drop(live)
        for place in [*live.tasks, *live.timed]:
            self.cut(live, place)

    def set_back(self, seconds: float, action_of: Callable[[str, str], Action | None]) -> None:
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

    def close(self) -> None:
        """Cuts the actions; what their runs keep of those that are done goes on."""
        self._timers.close()
        self._limits.close()
        for live in {doing.live for doing in self._doing}:
            self.leave(live)

    # -- inner parts

    def _pump(self) -> None:
        if self._held:
            return
        loop = asyncio.get_running_loop()
        while (turn := self._gate.next()) is not None:
            live, action = turn
            doing = live.hands
            if doing is not None and not live.inbox and self._gate.under_way_of(live) == 1:
                live.hands, doing.following = None, action
            else:
                doing = Doing(live, action)
                doing.task = task = loop.create_task(self._do(doing))
                self._tasks.add(task)
                task.add_done_callback(partial(self._done, doing))
            self._doing.add(doing)
            live.tasks[action.place] = doing

    async def _do(self, doing: Doing) -> None:
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

    async def _once(self, doing: Doing) -> Coroutine[Any, Any, None] | None:
        """Does an action and tells what came of it. Returns: how the run goes on, if it is this task that does it."""
        live, action = doing.live, doing.action
        if not self._lease.sure:
            await self._lease.renewed()
        began_at = self._clock.now()
        try:
            performed = await self._stored(doing)
            self._measure(performed.output)
        except Exception as error:
            fault = _fault_of(error, action)
            now, sent = self._clock.now(), _sent(action, live.context.secrets)
            result = Result("failed", action.place, action.attempt, now, fault=fault, began_at=began_at, meta=sent)
            events: Events = ()
        else:
            output, meta, events = performed.output, performed.meta, performed.events
            now = self._clock.now()
            result = Result("done", action.place, action.attempt, now, output, began_at=began_at, meta=meta)
        if live.tasks.get(action.place) is doing:
            del live.tasks[action.place]  # from here on the task goes on with the run, and is not to be cut
        self._release(doing)
        return self._came_back(live, result, events)

    async def _stored(self, doing: Doing) -> Performed:
        """Does an action again, under its key, that the host's own database let down: it is no failure of the step."""
        for _ in range(_TRIES - 1):
            try:
                return await self._perform(doing)
            except StorageFailed as error:
                _log.warning("a step waits for the database: %s", error)
                await self._lease.renewed()
        return await self._perform(doing)

    async def _perform(self, doing: Doing) -> Performed:
        live, action, left_s = doing.live, doing.action, self._longest_s
        if action.due_at is not None:
            left_s = max(0.0, self._due(live, action, action.due_at) - self._clock.now())
        # One heap for all actions: a timer of the loop for each would cost a tenth of a short step.
        doing.expired = False
        self._limits.set(doing, self._clock.monotonic() + left_s)
        try:
            return await self._performer.perform(action, live.context)
        except asyncio.CancelledError:
            if not doing.expired or (doing.task is not None and doing.task.cancelling() > 1):  # it was cut, too
                raise
            about = f"it was not done within {left_s:.3g} s"
            raise Fault("timeout", 408, "Time is over", about, instance=action.place) from None
        finally:
            self._limits.drop(doing)
            if doing.expired and doing.task is not None:
                doing.task.uncancel()  # whatever came of it: the task goes on, and has one of these for each step

    def _due(self, live: LiveRun, action: Action, due_at: float) -> float:
        """When an action is due by the clock as it is; it may have been set back since the run's last row."""
        ahead_s = live.progress.at - self._clock.now()
        if ahead_s <= 0 or _is_moment(action):
            return due_at
        live.back_s = max(live.back_s, ahead_s)
        return due_at - ahead_s

    def _release(self, doing: Doing) -> None:
        if doing in self._doing:
            self._doing.discard(doing)
            self._gate.done(doing.live)
            self._pump()

    def _done(self, doing: Doing, task: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its code.
        self._tasks.discard(task)
        self._release(doing)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a run's step ended badly", exc_info=task.exception())


def _sent(action: Action, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What a failed action was called with, where that is not the task's input; shortened, for a person to read."""
    node = action.node
    if getattr(node, "given", None) is None and getattr(node, "arguments", None) is None:
        return {}
    return {"given": shortened(marked(action.value, secrets))[0]}


def _expire(doing: Doing) -> None:
    doing.expired = True
    if doing.task is not None:
        doing.task.cancel()


def _is_moment(action: Action) -> bool:
    """Whether it waits for a moment, and not for so long."""
    return isinstance(action.node, Wait) and action.node.until is not None


def _fault_of(error: Exception, action: Action) -> Fault:
    """The fault of whatever an effect raised."""
    if isinstance(error, Fault):
        return error
    if not isinstance(error, OmniError):
        _log.warning("a step failed in an unexpected way", exc_info=error)
    if isinstance(error, StorageFailed):
        return fault_of(error)
    detail = str(error)[:2000] or type(error).__name__
    extra = {"code": error.code} if isinstance(error, OmniError) else {}
    return Fault("runtime", 500, "The step failed", detail, action.place, extra=extra)
