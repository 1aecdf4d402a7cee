"""The kernel of an application: modules and native plugins, started in order, stopped in reverse, on one loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from omnicore.clock import Clock
from omnicore.core.bounded import Outcome, Side
from omnicore.core.extensions import Extension, Extensions, explained
from omnicore.core.lifecycle import Lifecycle, RuntimeContext, RuntimeState
from omnicore.errors import Conflict, InvalidInput, ModuleFailed, OmniError
from omnicore.events.bus import EventBus, Subscription

_M = TypeVar("_M")
_log = logging.getLogger("omnicore.app")
_EVENT_FAILURES = 5


@dataclass(slots=True)
class _Part:
    module: Any
    name: str
    owner: Extension | None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Doing:
    """The work that the kernel waits for. Units: `due` on the monotonic clock."""

    name: str
    phase: str
    due: float
    owner: Extension | None = None
    """The native plugin that registers its modules now."""


class Kernel:
    """An application for programs that have an event loop; `omnicore.core.app.OmniApp` is it for all others.

    ```python
    async with Kernel("example") as app:
        ...
    ```

    Args:
        start_s: how long each module may take to start.
        stop_s: how long all modules together may take to stop; each may take what the others do not need.
        extensions: native plugins that were loaded already; None loads them by their entry points.
        face: what modules and plugins are handed as their application; the kernel itself by default.

    Raises: InvalidInput: `name` is empty.
    """

    def __init__(
        self,
        name: str,
        *,
        start_s: float = 30.0,
        stop_s: float = 10.0,
        extensions: Extensions | None = None,
        bus: EventBus | None = None,
        clock: Clock | None = None,
        face: Any = None,
    ) -> None:
        if not name or not isinstance(name, str):
            raise InvalidInput("an application needs a name", remedy='for example OmniApp("example-app")')
        self.name = name
        self.runtime = RuntimeContext(clock)
        self.bus = bus or EventBus(clock=clock)
        self.extensions = extensions
        self.host: Any = None  # the Host that a module serves plugins with, while it runs
        self.loop: asyncio.AbstractEventLoop | None = None
        self.doing: Doing | None = None
        self.start_s, self.stop_s = start_s, stop_s
        self._face = face if face is not None else self
        self._life = Lifecycle(name)
        self._parts: list[_Part] = []
        self._sides = {work: Side(f"{name}-{work}") for work in ("modules", "hooks")}
        self._listeners: list[asyncio.Task[None]] = []
        self._stopped = asyncio.Event()

    @property
    def state(self) -> RuntimeState:
        """The state of the application."""
        return self._life.state

    @property
    def modules(self) -> tuple[Any, ...]:
        """The modules, in the order in which they start."""
        return tuple(part.module for part in self._parts)

    def running(self, module: Any) -> bool:
        """True when a module has started and not stopped."""
        return any(part.running for part in self._parts if part.module is module)

    def add_module(self, module: _M) -> _M:
        """Adds a module, which starts after those before it, and returns it.

        Raises:
            Conflict: the application has started, or has a module of that name.
            InvalidInput: it is not a module.
        """
        name = _checked(module)
        owner = self.doing.owner if self.doing is not None else None
        if self.state is not RuntimeState.Uninitialized and owner is None:
            raise Conflict(f"{self.name} is {self.state}: {name} comes too late", remedy="add modules before the start")
        if any(part.name == name for part in self._parts):
            raise Conflict(f"{self.name} has a module {name} already", remedy="give one of the two another name")
        bind = getattr(module, "bind", None)
        if callable(bind):
            bind(self._face)
        self._parts.append(_Part(module, name, owner))
        return module

    async def start(self) -> None:
        """Loads the native plugins and starts the modules; when one fails, those already started are stopped.

        Raises:
            ModuleFailed: a module failed, or took longer than `start_s`; details: `modules`, `phase`.
            Conflict: it started before.
        """
        self.begin()
        await self.bring_up()

    def begin(self) -> None:
        """The first half of `start`: notes that the application starts. Raises: Conflict."""
        self._life.become(RuntimeState.Initializing)
        self.runtime.mark_start()

    async def bring_up(self) -> None:
        """The second half of `start`."""
        self.loop = asyncio.get_running_loop()
        try:
            await self._load_plugins()
            for part in tuple(self._parts):
                await self._start(part)
            for plugin in self._having("startup"):
                await self._hook(plugin, "startup")
        except BaseException as reason:
            problems = await self._halt()
            self._life.become(RuntimeState.Stopped)
            if problems and isinstance(reason, asyncio.CancelledError):
                raise _not_stopped(self.name, problems) from None
            raise
        self._life.become(RuntimeState.Running)
        for plugin in self._having("on_event"):
            self._listen(plugin)
        self._tell("started")

    async def stop(self) -> None:
        """Stops the modules in reverse order within `stop_s`; a second time, or before the start, does nothing.

        Raises: ModuleFailed: some failed or were cut, after all others have stopped; details: `modules`, `phase`.
        """
        if self.state is RuntimeState.ShuttingDown:
            await self._stopped.wait()
        if self.state in (RuntimeState.Uninitialized, RuntimeState.Stopped):
            return
        self._life.become(RuntimeState.ShuttingDown)
        self._tell("shutdown")
        try:
            problems = await self._halt()
        finally:
            self._life.become(RuntimeState.Stopped)
            self._stopped.set()
        if problems:
            raise _not_stopped(self.name, problems)

    async def pause(self) -> None:
        """Asks every module that has `pause` to hold its work. Raises: Conflict: it does not run; ModuleFailed."""
        self._life.become(RuntimeState.Paused)
        await self._each("pause", reversed(self._parts))
        self._tell("paused")

    async def resume(self) -> None:
        """Asks every module that has `resume` to continue. Raises: Conflict: it is not paused; ModuleFailed."""
        self._life.become(RuntimeState.Running)
        await self._each("resume", self._parts)
        self._tell("resumed")

    def give_up(self) -> None:
        """Ends the application without its modules, whose loop no longer answers."""
        if self.state in (RuntimeState.Running, RuntimeState.Paused):
            self._life.become(RuntimeState.ShuttingDown)
        self._life.become(RuntimeState.Stopped)
        self.runtime.mark_stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- modules

    async def _start(self, part: _Part) -> None:
        starting = asyncio.ensure_future(self._run(part.name, "start", _noted(part), self.start_s))
        try:
            outcome = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Waited for, so that the module's stop frees what it took; only a coroutine can be cancelled.
            if inspect.iscoroutinefunction(part.module.start):
                starting.cancel()
            await asyncio.wait((starting,), timeout=self.stop_s / 3)
            raise
        if outcome.ended_well:
            return
        if isinstance(outcome.error, KeyboardInterrupt | SystemExit):
            raise outcome.error
        if part.owner is not None:  # a plugin's module fails alone
            part.owner.fail(f"starting its module {part.name}", outcome, self.start_s)
            return
        raise _not_started(self.name, part.name, outcome, self.start_s) from outcome.error

    async def _run(self, name: str, phase: str, work: Callable[[], Any], timeout_s: float) -> Outcome:
        self.doing = Doing(name, phase, monotonic() + timeout_s)
        try:
            return await self._sides["modules"].run(work, timeout_s)
        finally:
            self.doing = None

    async def _halt(self) -> list[tuple[str, str]]:
        """Stops what runs, the last first; returns the modules that did not stop well, and why."""
        due, problems = monotonic() + self.stop_s, []
        for task in self._listeners:
            task.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        for plugin in self._having("shutdown"):
            await self._hook(plugin, "shutdown", most_s=max(0.0, due - monotonic()) / 4)
        running = [part for part in reversed(self._parts) if part.running]
        kept = min(1.0, self.stop_s / (2 * max(1, len(running))))
        for place, part in enumerate(running):
            # All that is left but for what the modules after it need at least: draining takes longest and comes first.
            share = max(0.0, due - monotonic() - kept * (len(running) - place - 1))
            outcome = await self._run(part.name, "stop", part.module.stop, share)
            part.running = False
            if not outcome.ended_well and part.owner is not None:
                part.owner.fail(f"stopping its module {part.name}", outcome, share)
            elif not outcome.ended_well:
                problems.append((part.name, explained(outcome, share)))
                _log.error("the module %s of %s: stop %s", part.name, self.name, problems[-1][1])
        for side in self._sides.values():
            side.close()
        self.runtime.mark_stop()
        return problems

    async def _each(self, method: str, parts: Any) -> None:
        for part in list(parts):
            if part.running and callable(getattr(part.module, method, None)):
                outcome = await self._run(part.name, method, getattr(part.module, method), self.start_s)
                if not outcome.ended_well:
                    raise _not_done(self.name, part.name, method, outcome, self.start_s) from outcome.error

    # -- native plugins

    async def _load_plugins(self) -> None:
        if self.extensions is None:
            self.extensions = await asyncio.to_thread(Extensions.discover)
        for plugin in self._having("register"):
            await self._hook(plugin, "register", app=self._face)

    def _having(self, hook: str) -> list[Extension]:
        return self.extensions.having(hook) if self.extensions is not None else []

    async def _hook(self, plugin: Extension, hook: str, *, most_s: float = math.inf, **arguments: Any) -> None:
        """Runs one hook of one plugin; what goes wrong is that plugin's problem alone."""
        seconds = min(self._hook_s(), most_s)
        owner = plugin if hook == "register" else None
        self.doing = Doing(plugin.name, hook, monotonic() + seconds, owner)
        try:
            outcome = await self._sides["hooks"].run(lambda: plugin.call(hook, **arguments), seconds)
        finally:
            self.doing = None
        if isinstance(outcome.error, KeyboardInterrupt | SystemExit):
            raise outcome.error
        if not outcome.ended_well:
            plugin.fail(hook, outcome, seconds)

    def _hook_s(self) -> float:
        return self.extensions.deadline_s if self.extensions is not None else 0.0

    def _listen(self, plugin: Extension) -> None:
        try:
            events = self.bus.subscribe()
        except OmniError as error:
            _log.error("%s gets no events: %s", plugin.name, error)
        else:
            self._listeners.append(asyncio.create_task(self._hand(plugin, events)))

    async def _hand(self, plugin: Extension, events: Subscription) -> None:
        """Hands a plugin the events, until it failed some times in a row."""
        side, failed, seconds = Side(f"{plugin.name}-events"), 0, self._hook_s()
        try:
            async for event in events:
                outcome = await side.run(partial(plugin.call, "on_event", event=event), seconds)
                failed = 0 if outcome.ended_well else failed + 1
                if failed:
                    _log.warning("on_event of %s %s", plugin.name, explained(outcome, seconds))
                if failed >= _EVENT_FAILURES:
                    _log.error("%s gets no more events: it failed %s times in a row", plugin.name, failed)
                    return
        finally:
            events.close()
            side.close()

    def _tell(self, what: str) -> None:
        self.bus.publish(f"system.{what}", {"name": self.name, "instance_id": self.runtime.instance_id}, "app")


def _noted(part: _Part) -> Callable[[], Any]:
    """The start of a module, which notes that it has ended well in the same moment: its caller may be gone by then."""
    start = part.module.start

    async def awaited(work: Awaitable[Any]) -> None:
        await work
        part.running = True

    async def begin() -> None:
        await awaited(start())

    def call() -> Any:
        result = start()
        if inspect.isawaitable(result):
            return awaited(result)
        part.running = True
        return None

    return begin if inspect.iscoroutinefunction(start) else call


def _checked(module: Any) -> str:
    """The name of a module. Raises: InvalidInput."""
    name = getattr(module, "name", None)
    missing = [what for what in ("start", "stop") if not callable(getattr(module, what, None))]
    if not isinstance(name, str) or not name or missing or isinstance(module, type):
        lacks = " and ".join(missing) or ("an instance" if isinstance(module, type) else "a name")
        raise InvalidInput(
            f"{module!r:.80} is not a module: it lacks {lacks}", remedy="a module has name, start() and stop()"
        )
    return name


def _not_started(app: str, module: str, outcome: Outcome, seconds: float) -> ModuleFailed:
    return ModuleFailed(
        f"the module {module} of {app} did not start: it {explained(outcome, seconds)}",
        remedy="correct it; the modules before it were stopped again",
        modules=[module],
        phase="start",
    )


def _not_stopped(app: str, problems: list[tuple[str, str]]) -> ModuleFailed:
    shown = "; ".join(f"{name} {why}" for name, why in problems)
    return ModuleFailed(
        f"{app} stopped, but not all of its modules: {shown}",
        remedy="correct them, or give them more time with stop_s",
        modules=[name for name, _ in problems],
        phase="stop",
    )


def _not_done(app: str, module: str, phase: str, outcome: Outcome, seconds: float) -> ModuleFailed:
    return ModuleFailed(
        f"the module {module} of {app} did not {phase}: it {explained(outcome, seconds)}",
        remedy="stop the application if it cannot continue like this",
        modules=[module],
        phase=phase,
    )
