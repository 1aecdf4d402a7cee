"""`OmegaRuntime`: a host with a life of six states, its events, and its reactions to what is unwell."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import WeakSet

from omnicore.assembly import Host
from omnicore.clock import Clock, SystemClock
from omnicore.core.lifecycle import Lifecycle, RuntimeState
from omnicore.errors import CapacityReached, Unavailable
from omnicore.events.typed import AnyEvent, OmegaEvent, Receiver, typed
from omnicore.omega.config import OmegaConfig, settings_for
from omnicore.resilience.health import HealthReport as MonitorReport
from omnicore.resilience.status import HealthStatus

__all__ = ["EventHandler", "OmegaRuntime"]

_log = logging.getLogger("omnicore.omega")
_MOST_HANDLERS = 100
_HISTORY = 1000

EventHandler = Callable[[AnyEvent], Awaitable[None] | None]
"""Is told of each event; plain or async."""


class OmegaRuntime:
    """The four subsystems as one: agentdb (vectors), memory, loops and meta_sona (intelligences).

    ```python
    runtime = await OmegaRuntime.new(OmegaConfig.default())
    await runtime.start()
    api = OmegaAPI.new(runtime)
    ...
    await runtime.stop()
    ```

    `host` is the host underneath, with all that it offers. Belongs to the event loop that starts it; `set_health`
    may be used from any thread. Owns: the host, and a data folder of its own where none is configured, from `start`
    until `stop`.
    """

    def __init__(self, config: OmegaConfig, *, clock: Clock | None = None) -> None:
        config.check()
        self.config = config
        self.clock = clock or SystemClock()
        self._life = Lifecycle("the runtime")
        self._host: Host | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._receivers: WeakSet[Receiver] = WeakSet()
        self._handlers: set[asyncio.Task[None]] = set()
        self._waiting: list[EventHandler] = []
        self._reacting: asyncio.Task[None] | None = None
        self._forgotten = ""
        self._began = 0.0

    @classmethod
    async def new(cls, config: OmegaConfig | None = None) -> OmegaRuntime:
        """A runtime that is not started yet, which costs nothing. Raises: InvalidSetting, which is a ValueError."""
        return cls(config or OmegaConfig.default())

    # -- its life

    @property
    def state(self) -> RuntimeState:
        """Where it stands."""
        return self._life.state

    def is_running(self) -> bool:
        """Whether it takes work."""
        return self.state is RuntimeState.Running

    def is_paused(self) -> bool:
        """Whether it is paused."""
        return self.state is RuntimeState.Paused

    async def start(self) -> None:
        """Starts all subsystems. Raises: Conflict: it was started before; what a host raises."""
        self._life.become(RuntimeState.Initializing)
        try:
            host = await self._open_host()
        except BaseException:
            self._life.become(RuntimeState.Stopped)
            await asyncio.to_thread(self._drop_folder)
            raise
        self._host, self._began = host, self.clock.monotonic()
        self._reacting = asyncio.create_task(self._react(Receiver(host.bus)), name="omega-reactions")
        self._life.become(RuntimeState.Running)
        for handler in self._waiting:
            self.on_event(handler)
        self._waiting.clear()
        host.bus.publish("system.started", {"state": str(self.state)})

    async def stop(self) -> None:
        """Ends everything in order, then tells subscribers that no more events come. Raises: Conflict."""
        self._life.become(RuntimeState.ShuttingDown)
        host = self.host
        host.bus.publish("system.shutdown", {"state": str(self.state)})
        try:
            await host.__aexit__(None, None, None)
        finally:
            await self._close_events()
            await asyncio.to_thread(self._drop_folder)
            self._life.become(RuntimeState.Stopped)

    async def pause(self) -> None:
        """Lets lanes rest and refuses work of the API; tasks that run go on. Raises: Conflict: it does not run."""
        self._life.become(RuntimeState.Paused)
        self.host.loops.pause()
        self.host.bus.publish("system.paused", {"state": str(self.state)})

    async def resume(self) -> None:
        """Goes on. Raises: Conflict: it is not paused."""
        self._life.become(RuntimeState.Running)
        self.host.loops.resume()
        self.host.bus.publish("system.resumed", {"state": str(self.state)})

    @property
    def uptime_s(self) -> float:
        """Seconds since it was started, 0.0 before."""
        return self.clock.monotonic() - self._began if self._host is not None else 0.0

    # -- its subsystems

    @property
    def host(self) -> Host:
        """The host underneath. Raises: Unavailable before `start`."""
        if self._host is None:
            raise Unavailable("the runtime is not started", remedy="await runtime.start() first")
        return self._host

    def ready(self) -> Host:
        """The host, when work is taken now. Raises: Unavailable."""
        if self.state is not RuntimeState.Running:
            raise Unavailable(f"the runtime is {self.state}", remedy="it takes work while it is Running")
        return self.host

    def health(self) -> MonitorReport:
        """How every part is. Asks no probe."""
        return self.host.health.report()

    def set_health(self, component: str, status: HealthStatus) -> None:
        """Sets a part's health, as whoever knows better wants it; probes go on from there. Raises: NotFound."""
        self.host.health.set_health(component, HealthStatus(status))
        self._answer(component, HealthStatus(status))

    @property
    def exact_search(self) -> bool:
        """Whether indexes are left alone and recall compares all."""
        return self.host.vectors.exact_only

    @property
    def fixed_architectures(self) -> bool:
        """Whether intelligences keep to the architectures they have: always, as nothing searches for better ones."""
        return True

    # -- its events

    async def subscribe_events(self) -> Receiver:
        """Typed events from now on: `while (event := await receiver.recv()) is not None`."""
        receiver = Receiver(self.host.bus)
        self._receivers.add(receiver)
        return receiver

    def on_event(self, handler: EventHandler) -> None:
        """Calls a handler with each event, in order; what it raises is logged. Raises: CapacityReached."""
        if len(self._handlers) + len(self._waiting) >= _MOST_HANDLERS:
            raise CapacityReached(f"the runtime has its {_MOST_HANDLERS} handlers", remedy="join some of them")
        if self._host is None:
            self._waiting.append(handler)
            return
        receiver = Receiver(self._host.bus)
        self._receivers.add(receiver)
        task = asyncio.create_task(_handle(handler, receiver), name="omega-handler")
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    def event_history(self) -> list[AnyEvent]:
        """The last events, oldest first."""
        events = [event for event in self.host.bus.history("**", _HISTORY) if event.id > self._forgotten]
        return [found for event in events if (found := typed(event)) is not None]

    def clear_event_history(self) -> None:
        """Forgets the events so far; new ones are remembered."""
        last = self.host.bus.history("**", 1)
        self._forgotten = last[-1].id if last else self._forgotten

    # -- inner parts

    async def _open_host(self) -> Host:
        data = await asyncio.to_thread(self._data)
        settings = settings_for(self.config, data)
        await asyncio.to_thread(lambda: settings.plugins.mkdir(parents=True, exist_ok=True))
        host = Host(settings=settings, watch=self.config.plugins is not None)
        await host.__aenter__()
        host.health.register("agentdb", lambda: _index_problem(host), critical=True)
        host.health_part.feature("evolution", "meta_sona", "the search for better architectures")
        host.health.register("meta_sona", lambda: _count_probe(host), critical=False)
        return host

    def _data(self) -> Path:
        if self.config.data is not None:
            return Path(self.config.data)
        self._folder = TemporaryDirectory(prefix="omega-")
        return Path(self._folder.name)

    def _drop_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    async def _react(self, receiver: Receiver) -> None:
        """Follows what probes find; what `set_health` says was answered at once."""
        self._receivers.add(receiver)
        while (event := await receiver.recv()) is not None:
            if isinstance(event, OmegaEvent.HealthChanged):
                with suppress(Unavailable):
                    self._answer(event.component, self.host.health.report().subsystems.get(event.component, event.new))

    def _answer(self, component: str, status: HealthStatus) -> None:
        """What follows from a part's health: the lanes see to themselves, by their reflexes."""
        if component == "agentdb":
            unhealthy = status is HealthStatus.Unhealthy
            self.host.vectors.exact_only = self.host.memory.memories.shelves.exact_only = unhealthy

    async def _close_events(self) -> None:
        for receiver in list(self._receivers):
            receiver.close()
        tasks = [*self._handlers, *([self._reacting] if self._reacting else [])]
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=self.host.settings.drain_s)
            for task in stuck:
                task.cancel()


async def _handle(handler: EventHandler, receiver: Receiver) -> None:
    while (event := await receiver.recv()) is not None:
        try:
            result: Any = handler(event)
            if inspect.isawaitable(result):
                await result
        except Exception:  # a handler's fault is its own
            _log.exception("a handler of events failed")


def _index_problem(host: Host) -> str | None:
    """Why searches are slower than they should be, or None."""
    vectors = host.vectors.health()
    problems = [*([vectors.reason] if vectors.reason else []), *host.memory.memories.problems()]
    return "; ".join(problems) or None


def _count_probe(host: Host) -> None:
    """Whether the registry of intelligences can be read. Raises: StorageFailed."""
    host.intelligences.count()
