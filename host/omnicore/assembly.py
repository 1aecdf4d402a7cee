"""The parts list: every room's part, made once and handed to those who use it."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import AsyncExitStack, ExitStack
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from omnicore.access.keys import owner_key
from omnicore.access.service import Access
from omnicore.adapters.settings import settings_for
from omnicore.api.app import create_app
from omnicore.api.parts import Rooms
from omnicore.blocking import Portal, awaited, real
from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.services import Services
from omnicore.clock import Clock, SystemClock
from omnicore.config.folders import code_folder
from omnicore.config.loader import Loaded
from omnicore.config.settings import Settings
from omnicore.connectors.http import HttpClient
from omnicore.core.extensions import Extensions
from omnicore.errors import Conflict
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.resilience.health import HealthReport
from omnicore.runtime.service import PluginTasks, TaskDesk
from omnicore.sandbox.abi import Doors, HostFunction
from omnicore.storage.database import open_store
from omnicore.storage.tables.kv import KvTable
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.audit import AuditPart, audit_trail
from omnicore.wiring.automation import automation
from omnicore.wiring.connectors import connector_service
from omnicore.wiring.engines import engine_for
from omnicore.wiring.events import DeliveryPart, EventPart
from omnicore.wiring.health import HealthPart
from omnicore.wiring.loops import LoopParts, intelligence_registry, loop_engine
from omnicore.wiring.mcp import mcp_service
from omnicore.wiring.memory import memory_service
from omnicore.wiring.metrics import collector, watch_events, watch_health, watch_resources
from omnicore.wiring.native import native_kernel, native_plugins
from omnicore.wiring.operations import OperationsPart
from omnicore.wiring.reach import reserved_addresses
from omnicore.wiring.restoring import restore_staged
from omnicore.wiring.running import Running, running
from omnicore.wiring.tasks import task_engine
from omnicore.wiring.vectors import vector_service

if TYPE_CHECKING:
    from omnicore.blocking_types import Services as ServicesOfHost
    from omnicore.sandbox.engine import Engine
else:
    ServicesOfHost = object

__all__ = ["BlockingHost", "Host"]

_T = TypeVar("_T")


class Host:
    """The whole product as one object: the plugins of a folder, and calls into them.

    ```python
    async with Host(plugins="plugins/") as host:
        count = await host.call("text.count_vowels", "hello", timeout_s=0.5)
    ```

    `with Host(...) as host` gives the same services to programs without an event loop, see `BlockingHost`.

    Args:
        plugins, data, watch: override the settings of these names.
        work: whether tasks, lanes and other work in the background go on in this process; a command that
            only asks or calls leaves them to the server on the same data.
        wanted: plugins that are called at once: a host that watches its folder starts with them alone and reads the
            others afterwards.
        functions: host functions that this host's plugins may import.
        extensions: native plugins that an application has loaded and runs; None loads and runs them here.
        bus: the bus of that application, instead of one of the host's own.
        settings: instead of those found in `OMNICORE_*` variables.
        overrides: any other setting, by name.

    Raises: InvalidSetting, StorageFailed, EngineFailed when it is entered.
    """

    def __init__(
        self,
        plugins: str | Path | None = None,
        *,
        data: str | Path | None = None,
        watch: bool | None = None,
        work: bool = True,
        wanted: Sequence[str] = (),
        functions: Sequence[HostFunction] = (),
        extensions: Extensions | None = None,
        bus: EventBus | None = None,
        settings: Settings | Loaded | None = None,
        **overrides: Any,
    ) -> None:
        given = {"plugins": plugins, "data": data, "watch": watch, **overrides}
        named = {name: value for name, value in given.items() if value is not None}
        self._found = settings_for(settings, os.environ, named)
        self.settings = self._found.settings
        self._functions = tuple(functions)
        self._extensions, self._bus = extensions, bus
        self._work, self._wanted = work, tuple(wanted)
        self._ready = False
        self._parts: ExitStack | None = None
        self._blocking: BlockingHost | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._assemble)
        try:
            for part in self._running:
                await self._begun.enter_async_context(running(part))
        except BaseException:
            await self._begun.aclose()
            self._take_apart()
            raise
        self._ready = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ready = False
        try:
            await self._begun.aclose()
        finally:
            self._take_apart()

    def __enter__(self) -> BlockingHost:
        if self._blocking is not None:
            raise Conflict("the host is open already", remedy="make another Host")
        # A copy is opened, so that this object can stand for its twin where `with host:` names none.
        self._blocking = BlockingHost(copy(self))
        return self._blocking

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._blocking is not None:
            self._blocking.close()
            self._blocking = None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            blocking = self.__dict__.get("_blocking")
            if blocking is not None and not name.startswith("_"):
                return getattr(blocking, name)
            remedy = "" if name.startswith("_") else ", or not yet: open it with `async with host` or `with host`"
            raise AttributeError(f"a host has no attribute {name!r}{remedy}")

    def call(
        self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None
    ) -> Coroutine[Any, Any, Any]:
        """Calls a function; see `omnicore.plugins.host.PluginHost.call`. Cancelling the task cuts the guest.

        Inside `with host:` it returns the output itself, as `BlockingHost.call` does.
        """
        if self._blocking is not None:
            return cast(
                "Coroutine[Any, Any, Any]",
                self._blocking.call(ref, data, timeout_s=timeout_s, host_context=host_context),
            )
        return self.plugins.calls.call(ref, data, timeout_s=timeout_s, host_context=host_context)

    def ready(self) -> bool:
        """True while the host takes calls."""
        return self._ready if self._blocking is None else self._blocking.ready()

    def asgi(self) -> Any:
        """The REST API as an ASGI application; `reserved.listens(PORT)` keeps plugins from a port it is served at."""
        if self._blocking is not None:
            return self._blocking.asgi()
        return create_app(
            self.plugins,
            settings=self.settings,
            metrics=self.metrics,
            bus=self.bus,
            logs=self.logs,
            ready=self.ready,
            rooms=Rooms(
                health=self.health,
                degradation=self.degradation,
                events=self.events.history,
                tasks=self.tasks,
                workflows=self.workflows,
                connectors=self.connectors,
                vectors=self.vectors,
                loops=self.loops,
                intelligences=self.intelligences,
                memory=self.memory,
                mcp=self.mcp,
                access=self.access,
                audit=self.audit,
                reserved=self.reserved,
                **self.operations.rooms(),
            ),
        )

    def _assemble(self) -> None:
        """Makes every part, those that others stand on first."""
        if self._parts is not None:
            raise Conflict("the host is open already", remedy="make another Host")
        with ExitStack() as stack:
            clock = SystemClock()
            self._make_ground(stack, clock)
            self._make_services(stack, clock)
            services = self._make_plugins(clock)
            self._make_background(services, clock)
            self._running = self._in_order()
            self._begun = AsyncExitStack()
            self._parts = stack.pop_all()

    def _make_ground(self, stack: ExitStack, clock: Clock) -> None:
        """The database, the bus, health, logs and metrics: what every other part tells or asks."""
        settings = self.settings
        if self._work:
            restore_staged(settings, clock=clock)
        self.store = open_store(settings.storage, settings.data, check=self._work)
        stack.callback(self.store.close)
        self.bus = self._bus or EventBus(
            history=settings.events.history,
            history_bytes=settings.events.history_bytes,
            max_subscribers=settings.events.subscribers,
            clock=clock,
        )
        self.logs = PluginLogs(settings.log_lines, forward=True)
        self.metrics = Metrics()
        self.health_part = HealthPart(settings.health, bus=self.bus, clock=clock)
        self.health, self.degradation = self.health_part.monitor, self.health_part.degradation
        self.health_part.watch_storage(self.store, clock)
        self.health_part.watch_bus()
        shared: dict[str, Any] = {
            "bus": self.bus,
            "store": self.store,
            "health": self.health_part,
            "clock": clock,
        }
        owner = owner_key(settings.data, clock, made=self._work)
        self.access = Access(self.store, settings.access, clock, owner=owner)
        stack.callback(self.access.close)
        self.audit = audit_trail(settings, self.store, clock=clock)
        self._audit_part = AuditPart(self.audit, bus=self.bus, health=self.health_part, clock=clock, work=self._work)
        self.events = EventPart(settings.events, **shared, work=self._work)
        self.deliveries = DeliveryPart(settings.events, **shared)

    def _make_services(self, stack: ExitStack, clock: Clock) -> None:
        """What doors lead to, and people through the other faces."""
        shared: dict[str, Any] = {
            "bus": self.bus,
            "metrics": self.metrics,
            "health": self.health_part,
            "clock": clock,
            "work": self._work,
        }
        self.reserved = reserved_addresses(self.settings)
        self._http = HttpClient(reserved=self.reserved)
        stack.callback(self.reserved.close)
        stack.callback(self._http.close)
        self._desk = TaskDesk(self.store, self.settings.tasks, clock=clock, bus=self.bus)
        self.vectors = vector_service(self.settings, self.store, **shared)
        self.connectors = connector_service(self.settings, self.store, **shared, reserved=self.reserved)
        stack.callback(self.connectors.close)
        self.memory = memory_service(self.settings, self.store, **shared, reach=self._reach)

    def _make_plugins(self, clock: Clock) -> Services:
        """The plugins of both kinds, with the doors that lead to the services."""
        services = self._services(
            Services(
                kv=KvTable(self.store, clock),
                http=self._http,
                events=self.bus,
                clock=clock,
                subscriptions=self.deliveries.subscriptions,
                metrics=self.metrics,
                tasks=PluginTasks(self._desk),
                memory=self.memory.plugins,
                vectors=self.vectors,
                connectors=self.connectors,
            )
        )
        self._native = self._native_plugins()
        self.plugins = PluginHost(
            self.settings,
            extensions=self._native.all(),
            engine=self._engine(),
            database=self.store,
            services=services,
            metrics=self.metrics,
            logs=self.logs,
            events=self.bus,
            functions=self._functions,
            wrap_doors=self._wrap_doors,
        )
        self.plugins.wanted = self._wanted
        self.plugins.watching.append(self._audit_part.folder_brought)
        self.plugins.forgetting += [self._desk.forget, self.vectors.clear, self.memory.memories.clear]
        return services

    def _make_background(self, services: Services, clock: Clock) -> None:
        """What works by itself: tasks, lanes, deliveries, and what watches them."""
        self.health_part.watch_plugins(self.plugins)
        watch_health(self.metrics, self.health_part)
        watch_events(self.metrics, self.events, self.deliveries)
        watch_resources(self.metrics, self.plugins, self.store)
        self.deliveries.serve(self.plugins, work=self._work)
        self.tasks = task_engine(self.settings, self._desk, self.plugins, metrics=self.metrics, health=self.health_part)
        self._automation = automation(self, self._http, self._desk, clock=clock, work=self._work)
        self.workflows = self._automation.service
        self.intelligences = intelligence_registry(self.store, self.plugins, self.bus, self.memory, clock)
        parts = LoopParts(
            self.store,
            self.bus,
            self.plugins,
            services,
            metrics=self.metrics,
            health=self.health_part,
            tasks=self.tasks,
            people=self.intelligences,
            memory=self.memory,
            clock=clock,
        )
        self.loops = loop_engine(self.settings, parts, work=self._work)
        self.operations = OperationsPart(
            self._found, parts, connectors=self.connectors, events=self.events, logs=self.logs
        )
        self.mcp = mcp_service(self.settings, self.plugins, bus=self.bus, store=self.store)

    def _in_order(self) -> tuple[Running, ...]:
        """What is started, in this order, and stopped in reverse."""
        telemetry = self.settings.telemetry
        told = (collector(telemetry, self.metrics),) if telemetry.otlp and self._work else ()
        kept = (self._audit_part, self.events)
        services = (*kept, self.vectors, self.memory, self.connectors, self.plugins, self.deliveries, self.mcp)
        workers = (self.tasks, self.health_part, self.operations) if self._work else ()
        native = native_kernel(self, self._native, alone=self._work and self._extensions is None)
        return (*told, *services, *self._automation.parts, *workers, self.loops, *native)

    def _reach(self, kind: str, target: str, given: Any, timeout_s: float) -> Any:
        """Calls a connector or a plugin for memory, on a thread of memory's own."""
        if kind == "connector":
            name, _, action = target.rpartition(".")
            return self.connectors.use_blocking("memory", name, action, given, timeout_s=timeout_s)
        return self.plugins.call_blocking(target, given, timeout_s=timeout_s)

    # What a test's host replaces, see `omnicore.testing`.

    def _native_plugins(self) -> Extensions:
        return native_plugins(self.settings) if self._extensions is None else self._extensions

    def _engine(self) -> Engine:
        return engine_for(self.settings, code_folder(self.settings.data))

    def _services(self, services: Services) -> Services:
        return services

    def _wrap_doors(self, plugin: PluginScope, doors: Doors) -> Doors:
        return doors

    def _take_apart(self) -> None:
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.close()


class BlockingHost(ServicesOfHost):
    """A host for programs without an event loop: every service of `Host`, and nothing to await.

    ```python
    with Host(plugins="plugins/") as host:
        host.memory.store("the customer prefers short answers", MemoryTier.Strategic)
        run = host.workflows.run("report")
    ```

    `call` runs on the caller's thread; all else that takes time runs on the host's loop. Usable from any thread that
    runs no event loop. Ctrl-C ends what the main thread waits for.

    Raises: what entering a `Host` raises.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._portal = Portal()
        self._closing = threading.Lock()
        try:
            asyncio.run_coroutine_threadsafe(host.__aenter__(), self._portal.loop).result()
        except BaseException:
            self._portal.close()
            raise
        self.settings = host.settings
        self._call = host.plugins.calls.call_blocking

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._portal.adapt(getattr(self._host, name))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._host)})

    @property
    def host(self) -> Host:
        """The host itself, for code that runs on its loop."""
        return self._host

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """Calls a function; see `omnicore.plugins.host.PluginHost.call_blocking`."""
        return self._call(ref, data, timeout_s=timeout_s, host_context=host_context)

    def check_health(self) -> HealthReport:
        """Asks every part how it is, and again until each that fails has failed often enough to count."""
        report: HealthReport = self.health.check()
        for _ in range(self.settings.health.unhealthy_after - 1):
            if not any(part.consecutive_failures for part in self.health.subsystems()):
                break
            report = self.health.check()
        return report

    @overload
    def wait(self, work: Awaitable[_T]) -> _T: ...

    @overload
    def wait(self, work: _T) -> _T: ...

    def wait(self, work: Any) -> Any:
        """The result of a coroutine or a handle, run on the host's loop; any other value as it is."""
        work = real(work)
        return self._portal.outcome(awaited(work)) if inspect.isawaitable(work) else work

    def asgi(self) -> Any:
        """The REST API as an ASGI application, for a server on any loop; it runs on the host's own."""
        return _Bridge(self._host.asgi(), self._portal)

    def close(self) -> None:
        """Lets running calls finish and frees everything; a second time does nothing."""
        with self._closing:
            if not self._portal.open:
                return
            try:
                asyncio.run_coroutine_threadsafe(self._host.__aexit__(None, None, None), self._portal.loop).result()
            finally:
                self._portal.close()


class _Bridge:
    """An ASGI application that runs on another loop than its server's."""

    def __init__(self, app: Any, portal: Portal) -> None:
        self._app, self._portal = app, portal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._portal.check()
        theirs = asyncio.get_running_loop()

        async def received() -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(receive(), theirs))

        async def sent(message: Any) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(send(message), theirs))

        work = asyncio.run_coroutine_threadsafe(self._app(scope, received, sent), self._portal.loop)
        await asyncio.wrap_future(work)
