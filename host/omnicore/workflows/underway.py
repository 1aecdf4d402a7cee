"""What live runs have under way: their actions, so many at once, and their timers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from omnicore.clock import Clock
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.errors import OmniError
from omnicore.workflows.entries import Action, Fault, Result
from omnicore.workflows.gate import Gate
from omnicore.workflows.live import LiveRun
from omnicore.workflows.performing import Performed, Performer
from omnicore.workflows.timers import Timers

__all__ = ["UnderWay"]

_log = logging.getLogger("omnicore.workflows")
_DONE = frozenset({"call", "script", "emit"})
"""Kinds that something is done for here; the others wait for a row or a moment."""

Events = tuple[Mapping[str, Any], ...]
Came = Callable[[LiveRun, Result, Events], Coroutine[Any, Any, None] | None]
Late = Callable[[str, str, int], None]


class UnderWay:
    """Begins actions in turn and tells what came of them. Belongs to one event loop.

    Args:
        measure: looks whether a value can be kept. Raises: Fault.
        came: is given each result; what it returns, the action's task goes on with.
        late: told the run, place and attempt of what is due.
    """

    def __init__(
        self,
        performer: Performer,
        settings: WorkflowSettings,
        clock: Clock,
        *,
        measure: Callable[[Any], None],
        came: Came,
        late: Late,
    ) -> None:
        self._performer, self._clock, self._measure, self._came_back = performer, clock, measure, came
        self._longest_s = settings.action_s
        self._gate: Gate[LiveRun, Action] = Gate(settings.actions, settings.run_actions)
        self._timers: Timers[tuple[str, str, int]] = Timers(clock, lambda name: late(*name))
        self._tasks: set[asyncio.Task[None]] = set()
        self._doing: set[_Doing] = set()
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
            self._timers.set((live.id, action.place, action.attempt), action.due_at)

    def cut(self, live: LiveRun, place: str) -> None:
        """Cuts what is under way or waits at a place."""
        attempt = live.timed.pop(place, None)
        if attempt is not None:
            self._timers.drop((live.id, place, attempt))
        task = live.tasks.pop(place, None)
        if task is not None:
            task.cancel()
        else:
            self._gate.withdraw(live, lambda action: action.place == place)

    def leave(self, live: LiveRun) -> None:
        """Cuts everything of a run."""
        self._gate.drop(live)
        for place in [*live.tasks, *live.timed]:
            self.cut(live, place)

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
        for live in {doing.live for doing in self._doing}:
            self.leave(live)

    # -- inner parts

    def _pump(self) -> None:
        if self._held:
            return
        loop = asyncio.get_running_loop()
        while (turn := self._gate.next()) is not None:
            live, action = turn
            doing = _Doing(live, action)
            self._doing.add(doing)
            task = loop.create_task(self._do(doing))
            live.tasks[action.place] = task
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, doing))

    async def _do(self, doing: _Doing) -> None:
        live, action = doing.live, doing.action
        began_at = self._clock.now()
        try:
            performed = await self._perform(live, action)
            self._measure(performed.output)
        except Exception as error:
            fault = _fault_of(error, action)
            result = Result("failed", action.place, action.attempt, self._clock.now(), fault=fault, began_at=began_at)
            events: Events = ()
        else:
            output, meta, events = performed.output, performed.meta, performed.events
            now = self._clock.now()
            result = Result("done", action.place, action.attempt, now, output, began_at=began_at, meta=meta)
        if live.tasks.get(action.place) is asyncio.current_task():
            del live.tasks[action.place]  # from here on the task goes on with the run, and is not to be cut
        self._release(doing)
        goes_on = self._came_back(live, result, events)
        if goes_on is not None:
            await goes_on

    async def _perform(self, live: LiveRun, action: Action) -> Performed:
        left_s = self._longest_s if action.due_at is None else max(0.0, action.due_at - self._clock.now())
        try:
            async with asyncio.timeout(left_s) as limit:
                return await self._performer.perform(action, live.context)
        except TimeoutError:
            if not limit.expired():
                raise
            about = f"it was not done within {left_s:.3g} s"
            raise Fault("timeout", 408, "Time is over", about, instance=action.place) from None

    def _release(self, doing: _Doing) -> None:
        if doing in self._doing:
            self._doing.discard(doing)
            self._gate.done(doing.live)
            self._pump()

    def _done(self, doing: _Doing, task: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its code.
        self._tasks.discard(task)
        self._release(doing)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a run's step ended badly", exc_info=task.exception())


class _Doing:
    """One action that was begun."""

    __slots__ = ("action", "live")

    def __init__(self, live: LiveRun, action: Action) -> None:
        self.live, self.action = live, action


def _fault_of(error: Exception, action: Action) -> Fault:
    """The fault of whatever an effect raised."""
    if isinstance(error, Fault):
        return error
    if not isinstance(error, OmniError):
        _log.warning("a step failed in an unexpected way", exc_info=error)
    detail = str(error)[:2000] or type(error).__name__
    extra = {"code": error.code} if isinstance(error, OmniError) else {}
    return Fault("runtime", 500, "The step failed", detail, action.place, extra=extra)
