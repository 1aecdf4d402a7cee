"""The parts list: every part of a host, made once and handed to those that use it."""

from __future__ import annotations

import asyncio
import json
import os
import warnings
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from omnicore.access.keys import owner_key
from omnicore.access.service import Access
from omnicore.adapters.settings import settings_for
from omnicore.api.app import create_app
from omnicore.api.exchange import SharedAnswers
from omnicore.api.parts import Rooms
from omnicore.audit import AuditPart, audit_trail
from omnicore.automation import (
    alarm_part,
    evolutions,
    fleet_identity,
    fleet_part,
    intelligence_registry,
    loop_engine,
    module_store,
    placed_work,
    trigger_part,
    workflow_part,
)
from omnicore.capabilities.application import (
    ApplicationDoor,
    ApplicationParts,
    declared,
    keep_record,
    known_record,
)
from omnicore.capabilities.capability import Capability, PluginScope
from omnicore.capabilities.services import Services
from omnicore.clock import Clock, SystemClock
from omnicore.config.brokers import read_brokers
from omnicore.config.folders import code_folder, downloads_folder
from omnicore.config.loader import Loaded
from omnicore.config.overrides import shared_overrides
from omnicore.config.settings import Settings
from omnicore.connectors.addresses import host_matches
from omnicore.connectors.http import HttpClient
from omnicore.connectors.policy import Reserved
from omnicore.connectors.service import Connectors, open_connectors
from omnicore.core.extensions import Extensions
from omnicore.core.kernel import Kernel
from omnicore.diagnostics import OperationsPart
from omnicore.errors import Conflict, InvalidSetting, PermissionDenied, Unavailable
from omnicore.events.bus import EventBus
from omnicore.ids import new_id
from omnicore.jobs.tasks import PluginTasks, StoredTasks
from omnicore.mcp.service import McpService
from omnicore.memory.consolidation import Summarise
from omnicore.memory.embedder import Embed, Sense, embedder_named
from omnicore.memory.memories import Memories
from omnicore.memory.service import MemoryService
from omnicore.optional import optional
from omnicore.packages.service import Packages
from omnicore.packages.source import PackageSources
from omnicore.parts import DeliveryPart, EventPart, HealthPart, HostParts, Part, started, watch_events, watch_resources
from omnicore.plugins.call import from_json, to_json
from omnicore.plugins.callers import PluginLimits
from omnicore.plugins.host import PluginHost
from omnicore.plugins.rollout import Rollouts
from omnicore.portal import NEVER_CLOSED, BlockingHost
from omnicore.resilience.breaker import Breaker
from omnicore.restore import restore_staged
from omnicore.runtime.tasks import TaskEngine
from omnicore.sandbox.abi import Doors, HostFunction
from omnicore.sandbox.engines import engine_for
from omnicore.storage.database import open_store
from omnicore.storage.host_locks import host_identity
from omnicore.storage.tables.answers import AnswersTable
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.settings import OverridesTable
from omnicore.storage.tables.tasks import TaskContext
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics
from omnicore.telemetry.traces import OpenTelemetry
from omnicore.vectors.service import VectorService
from omnicore.version import __version__

if TYPE_CHECKING:
    from omnicore.fleet.part import FleetPart
    from omnicore.sandbox.engine import SandboxEngine

    ServicesOfHost = HostParts
else:
    ServicesOfHost = object

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Host(ServicesOfHost):
    """The whole product as one object: the plugins of a folder, and calls into them.

    ```python
    async with Host(plugins="plugins/") as host:
        count = await host.call("text.count_vowels", "hello", timeout_s=0.5)
    ```

    `with Host(...) as host` gives the same services to programs without an event loop, see `BlockingHost`. While it is
    open, each attribute of `omnicore.parts.HostParts` is one of the host.

    Args:
        plugins, data, watch: override the settings of these names.
        work: True when tasks, lanes and other work in the background run in this process; a command that only asks
            or calls leaves them to the server on the same data.
        wanted: plugins that are called at once: a host that watches its folder loads only them when it starts, and
            reads the others afterwards.
        functions: what plugins may call of this application: those declared with `omnicore.door`, a `HostFunction`
            in numbers and blocks, or those that were declared for the `extism` package with `@host_fn`.
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
        functions: Sequence[HostFunction | Callable[..., Any]] = (),
        extensions: Extensions | None = None,
        bus: EventBus | None = None,
        settings: Settings | Loaded | None = None,
        **overrides: Any,
    ) -> None:
        given = {"plugins": plugins, "data": data, "watch": watch, **overrides}
        named = {name: value for name, value in given.items() if value is not None}
        self._found = settings_for(settings, os.environ, named)
        self.settings = self._found.settings
        self._application = ApplicationParts.of(functions)
        self._extensions, self._bus = extensions, bus
        self._work, self._wanted = work, tuple(wanted)
        self._ready = False
        self._parts: HostParts | None = None
        self._stack: ExitStack | None = None
        self._begun = AsyncExitStack()
        self._blocking: BlockingHost | None = None

    async def __aenter__(self) -> Self:
        if self._stack is not None:
            raise Conflict("the host is open already", remedy="make another Host")
        order = await asyncio.to_thread(self._assemble)
        try:
            for part in order:
                await self._begun.enter_async_context(started(part))
        except BaseException:
            await self._close()
            raise
        self._ready = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ready = False
        await self._close()

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

    def __del__(self) -> None:
        if self.__dict__.get("_stack") is not None:
            warnings.warn(NEVER_CLOSED, ResourceWarning, stacklevel=2, source=self)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_"):
                found = self.__dict__.get("_blocking") or self.__dict__.get("_parts")
                if found is not None and (found is self._blocking or hasattr(found, name)):
                    return getattr(found, name)
            remedy = "" if name.startswith("_") else ", or not yet: open it with `async with host` or `with host`"
            raise AttributeError(f"a host has no attribute {name!r}{remedy}")

        def __dir__(self) -> Iterable[str]:
            return sorted({*super().__dir__(), *dir(self._blocking or self._parts)})

    def door(self, capability: str, reason: str, **options: Any) -> Callable[[_Function], _Function]:
        """Declares a function that plugins may call once they were granted the capability; see `omnicore.door`.

        ```python
        @host.door(capability="orders", reason="reads an order", scope="id")
        async def get_order(id: int) -> Order: ...
        ```

        Raises: Conflict: the host is open already; InvalidSetting: see `omnicore.capabilities.application.declared`.
        """
        if self._stack is not None or self._blocking is not None:
            raise Conflict("the host is open already", remedy="declare its doors before it is opened")

        def declare(function: _Function) -> _Function:
            self._application = self._application.with_verb(declared(function, capability, reason, **options))
            return function

        return declare

    @property
    def doors(self) -> tuple[ApplicationDoor, ...]:
        """The doors of the application, by capability."""
        return self._application.doors

    def call(
        self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None
    ) -> Coroutine[Any, Any, Any]:
        """Calls a function; see `omnicore.plugins.host.PluginHost.call`. Cancelling the task stops the guest.

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

    def asgi(self, *, whole: bool = True) -> Any:
        """The REST API as an ASGI application; `reserved.listens(PORT)` keeps plugins from a port it is served at.

        Args:
            whole: import every endpoint now. A process that ends after a request or two imports only theirs.
        """
        if self._blocking is not None:
            return self._blocking.asgi(whole=whole)
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
                fleet=self.fleet,
                rollouts=self.rollouts,
                limits=self.limits,
                packages=self.packages,
                intelligences=self.intelligences,
                evolution=self.evolution,
                memory=self.memory,
                mcp=self.mcp,
                access=self.access,
                audit=self.audit,
                reserved=self.reserved,
                answers=self._shared_answers(),
                **self.operations.rooms(),
            ),
            whole=whole,
        )

    def _shared_answers(self) -> SharedAnswers | None:
        """Answers to requests with an Idempotency-Key, where any host may get its repetition."""
        if self.store.dialect != "postgresql":
            return None
        return SharedAnswers(AnswersTable(self.store, SystemClock()), self.connectors.vault)

    async def _close(self) -> None:
        try:
            await self._begun.aclose()
        finally:
            stack, self._stack = self._stack, None
            if stack is not None:
                stack.close()

    def _assemble(self) -> tuple[Part, ...]:
        """Makes every part, those that others use first. Returns those to be started, in this order."""
        with ExitStack() as stack:
            clock, parts = SystemClock(), HostParts()
            self._open_store(parts, stack, clock)
            audit = self._make_ground(parts, stack, clock)
            http, stored = self._make_services(parts, stack, clock)
            services, native = self._make_plugins(parts, stack, http, stored, clock)
            parts.plugins.watching.append(audit.folder_brought)
            parts.nats = _nats(parts, self._identity.id, clock, work=self._work)
            automation = self._make_automation(parts, http, stored, services, clock)
            placed = placed_work(parts, stored, self._identity.id)
            self._parts, self._begun = parts, AsyncExitStack()
            order = (
                *_collector(parts, work=self._work),
                *(audit, parts.events, parts.vectors, parts.memory, parts.connectors, parts.plugins),
                *(parts.limits, parts.rollouts, parts.deliveries, parts.mcp),
                *((parts.nats,) if parts.nats is not None else ()),
                *automation,
                *((parts.tasks, parts.health_part, self.operations) if self._work else ()),
                parts.loops,
                parts.fleet,
                *((placed,) if self._work else ()),
                *self._native_kernel(native),
            )
            self._stack = stack.pop_all()
        return order

    def _open_store(self, parts: HostParts, stack: ExitStack, clock: Clock) -> None:
        """The database, and the settings that hosts on it have in common."""
        if self._work:
            restore_staged(self.settings, clock=clock)
        parts.store = open_store(self.settings.storage, self.settings.data, check=self._work)
        stack.callback(parts.store.close)
        if parts.store.dialect == "postgresql":
            base = self._found.base or self._found
            self._found = shared_overrides(base, OverridesTable(parts.store, clock), self.settings.data)
            self.settings = self._found.settings
        parts.settings = self.settings

    def _make_ground(self, parts: HostParts, stack: ExitStack, clock: Clock) -> AuditPart:
        """The bus, health, logs, metrics and the record of changes, which every other part uses."""
        settings = self.settings
        self._identity = fleet_identity(settings.data, parts.store, clock, stack, work=self._work)
        parts.bus = self._bus or EventBus(
            history=settings.events.history,
            history_bytes=settings.events.history_bytes,
            max_subscribers=settings.events.subscribers,
            clock=clock,
        )
        parts.logs = PluginLogs(settings.log_lines, forward=True)
        parts.metrics = Metrics(info={"version": __version__, "engine": settings.engine})
        health = parts.health_part = HealthPart(settings.health, bus=parts.bus, clock=clock)
        parts.health, parts.degradation = health.monitor, health.degradation
        health.watch_storage(parts.store, clock)
        health.watch_bus()
        owner = owner_key(settings.data, clock, made=self._work)
        parts.access = Access(parts.store, settings.access, clock, owner=owner)
        stack.callback(parts.access.close)
        parts.audit = audit_trail(settings, parts.store, clock=clock)
        parts.events = EventPart(
            settings.events, bus=parts.bus, store=parts.store, health=health, clock=clock, work=self._work
        )
        parts.deliveries = DeliveryPart(settings.events, bus=parts.bus, store=parts.store, health=health, clock=clock)
        return AuditPart(parts.audit, bus=parts.bus, health=health, clock=clock, work=self._work)

    def _make_services(self, parts: HostParts, stack: ExitStack, clock: Clock) -> tuple[HttpClient, StoredTasks]:
        """The services that capabilities of plugins lead to, and that people reach through the other faces."""
        parts.reserved = _reserved_addresses(self.settings)
        http = HttpClient(reserved=parts.reserved)
        stack.callback(parts.reserved.close)
        stack.callback(http.close)
        stored = StoredTasks(parts.store, self.settings.tasks, clock=clock, bus=parts.bus)
        parts.vectors = _vector_service(parts, clock, work=self._work)
        parts.connectors = _connector_service(parts, clock, work=self._work)
        stack.callback(parts.connectors.close)
        parts.memory = _memory_service(parts, clock, work=self._work)
        return http, stored

    def _make_plugins(
        self, parts: HostParts, stack: ExitStack, http: HttpClient, stored: StoredTasks, clock: Clock
    ) -> tuple[Services, Extensions]:
        """The plugins of both kinds, with the services that their capabilities lead to."""
        services = self._services(
            Services(
                kv=KvTable(parts.store, clock),
                http=http,
                events=parts.bus,
                clock=clock,
                subscriptions=parts.deliveries.subscriptions,
                metrics=parts.metrics,
                tasks=PluginTasks(stored),
                memory=parts.memory.plugins,
                vectors=parts.vectors,
                connectors=parts.connectors,
                used=_recorded(parts),
            )
        )
        native = self._native_plugins()
        doors, functions = self._provided(parts)
        parts.plugins = PluginHost(
            self.settings,
            extensions=native.all(),
            engine=self._engine(),
            database=parts.store,
            services=services,
            metrics=parts.metrics,
            logs=parts.logs,
            events=parts.bus,
            functions=functions,
            doors=doors,
            wrap_doors=self._wrap_doors,
            modules=module_store(parts, stack, work=self._work),
        )
        parts.plugins.wanted = self._wanted
        self._make_decisions(parts, stored, clock)
        return services, native

    def _make_decisions(self, parts: HostParts, stored: StoredTasks, clock: Clock) -> None:
        """Makes the rollouts, limits and packages of plugins, and lists who forgets a plugin."""
        host = self._host_name(parts)
        parts.rollouts = Rollouts(parts.plugins, parts.store, parts.bus, clock, host=host, work=self._work)
        parts.limits = PluginLimits(
            parts.store,
            clock,
            host=host,
            gates=parts.plugins.routes.gates,
            renew=parts.plugins.routes.renew,
            known=parts.plugins.get,
        )
        most = max(self.settings.limits.module_bytes or 0, self.settings.limits.component_bytes or 0)
        where = PackageSources(
            self.settings.packages,
            os.environ,
            most_bytes=most,
            reserved=parts.reserved,
            indexes=self.settings.trust.indexes,
            state=self.settings.data / "indexes",
            downloads=downloads_folder(self.settings.data),
            clock=clock,
        )
        parts.packages = Packages(parts.plugins, parts.store, clock, sources=where, settings=self.settings)
        parts.plugins.forgetting += [
            parts.limits.forget,
            stored.forget,
            parts.vectors.clear,
            parts.memory.memories.clear,
        ]

    def _provided(self, parts: HostParts) -> tuple[Sequence[Capability], Sequence[HostFunction]]:
        """The doors and functions of the application; in a process without it, those that are known of it."""
        data, mine = self.settings.data, self._application
        if mine.empty:
            return known_record(data)
        for one in mine.doors:
            parts.health.register(f"door {one.capability.name}", one.health.probe, critical=False)
        capabilities = [one.capability for one in mine.doors]
        if self._work:
            keep_record(data, capabilities, mine.functions)
        return capabilities, mine.functions

    def _host_name(self, parts: HostParts) -> str:
        """The name by which this host holds leases; empty where it has its database for itself."""
        return host_identity(self.settings.data) if parts.store.dialect == "postgresql" else ""

    def _make_automation(
        self, parts: HostParts, http: HttpClient, stored: StoredTasks, services: Services, clock: Clock
    ) -> tuple[Part, ...]:
        """Everything that works by itself: deliveries, tasks, workflows, lanes, and what watches them."""
        work = self._work
        parts.health_part.watch_plugins(parts.plugins)
        parts.health_part.show(parts.metrics)
        watch_events(parts)
        watch_resources(parts)
        parts.deliveries.serve(parts.plugins, work=work)
        parts.tasks = _task_engine(parts, stored)
        runs = workflow_part(parts, http, stored, clock=clock, work=work)
        parts.workflows = runs.service
        if parts.nats is not None:
            parts.nats.work(stored, runs.service.engine.served, shared=parts.store.dialect == "postgresql")
        triggers = trigger_part(parts, runs.telling, clock=clock, work=work)
        parts.intelligences = intelligence_registry(parts, clock)
        parts.evolution = evolutions(parts, clock=clock, host=self._host_name(parts), work=work)
        parts.alarms = alarm_part(parts, clock, host=self._host_name(parts), work=work)
        parts.loops = loop_engine(parts, services, clock=clock, work=work)
        parts.fleet = fleet_part(parts, self._identity, http, clock=clock, work=work)
        self.operations = OperationsPart(self._found, parts, clock)
        parts.mcp = McpService(
            parts.plugins,
            parts.bus,
            self.settings.mcp,
            version=parts.store.data_version,
            call_s=self.settings.request_timeout_s,
            body_bytes=self.settings.body_bytes,
            shared=parts.store.dialect == "postgresql",
        )
        return runs, triggers, parts.evolution, parts.alarms

    def _native_kernel(self, extensions: Extensions) -> tuple[Kernel, ...]:
        """The kernel that starts and stops native plugins, where no application does that."""
        if not self._work or self._extensions is not None or not extensions.all():
            return ()
        kernel = Kernel("omnicore", stop_s=self.settings.drain_s, extensions=extensions, bus=self.bus)
        kernel.host = self
        return (kernel,)

    # Replaced by the hosts of tests, see `omnicore.testing`.

    def _native_plugins(self) -> Extensions:
        if self._extensions is not None:
            return self._extensions
        runtime = self.settings.runtime
        return Extensions.discover(deadline_s=runtime.native_plugin_s) if runtime.native_plugins else Extensions()

    def _engine(self) -> SandboxEngine:
        return engine_for(self.settings, code_folder(self.settings.data))

    def _services(self, services: Services) -> Services:
        return services

    def _wrap_doors(self, plugin: PluginScope, doors: Doors) -> Doors:
        return doors


def _recorded(parts: HostParts) -> Callable[[str, str, str], None]:
    """Records uses of the application's doors that are to be recorded."""

    def used(plugin: str, verb: str, outcome: str) -> None:
        actor, origin = f"plugin:{plugin}"[:200], parts.audit.process.rpartition(":")[0]
        parts.audit.aside(actor=actor, via="door", origin=origin, action=f"door {verb}", target=actor, outcome=outcome)

    return used


_BROKER_PORTS = {
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "amqps": 5671,
    "nats": 4222,
    "tls": 4222,
    "kafka": 9092,
}


def _reserved_addresses(settings: Settings) -> Reserved:
    """The host's own listener, its database and its brokers, as the settings name them, and metadata addresses.

    Owns: the caller closes it. Raises: InvalidSetting: `brokers`.
    """
    reserved = Reserved(data=settings.data)
    reserved.listens(settings.port)
    for url in (settings.storage.url, settings.storage.direct_url):
        if url is not None:
            reserved.stands_on("the host's own database", url, port=5432)
    for server in (settings.fleet.url or "").partition("?")[0].split(","):
        if "://" in server:
            reserved.stands_on("a NATS server of the host's fleet", server.strip(), port=4222)
    for broker in read_brokers(settings.brokers):
        scheme = broker.url.partition(":")[0]
        reserved.stands_on(f"the host's broker {broker.name}", broker.url, port=_BROKER_PORTS[scheme])
    return reserved


def _collector(parts: HostParts, *, work: bool) -> tuple[OpenTelemetry, ...]:
    """The sender of traces, logs and metrics to a collector, where the settings name one. Raises: ToolMissing."""
    chosen = parts.settings.telemetry
    if not chosen.otlp or not work:
        return ()
    sender = OpenTelemetry(
        parts.metrics,
        chosen.otlp,
        interval_s=chosen.otlp_interval_s,
        traces=chosen.traces,
        logs=chosen.logs,
        version=__version__,
        instance=new_id("host"),
    )
    return (sender,)


def _nats(parts: HostParts, host: str, clock: Clock, *, work: bool) -> FleetPart | None:
    """The host's part in a fleet, where the settings name its NATS servers. Raises: InvalidSetting, ToolMissing."""
    if not parts.settings.fleet.url or not work:
        return None
    room = optional("omnicore.fleet.part", extra="fleet")
    used = (parts.settings, parts.plugins, parts.access, parts.audit, parts.bus, parts.metrics, parts.health)
    feed = not parts.bus.relays  # else events of all hosts come from the database
    made: FleetPart = room.FleetPart(room.FleetServices(*used, feed), clock, host=host)
    return made


_VECTOR_FIGURES = {
    "vectors": "Vectors in memory",
    "collections": "Vector collections in memory",
    "indexes": "Vector indexes in use",
    "exact_searches": "Vector searches that compared all, since the start",
    "index_searches": "Vector searches that asked an index, since the start",
}


def _vector_service(parts: HostParts, clock: Clock, *, work: bool) -> VectorService:
    """The vectors of a host; copies of their indexes lie in the data folder."""
    folder, settings = parts.settings.data / "vectors", parts.settings.vectors
    service = VectorService(parts.store, folder, settings, clock=clock, publish=parts.bus.publish, work=work)
    for name, text in _VECTOR_FIGURES.items():
        key = name if name == "vectors" else f"vector_{name}"
        parts.metrics.gauge(key, text, lambda name=name: service.figures()[name])  # type: ignore[misc]
    parts.health.register("vectors", lambda: service.health().reason or None, critical=False)
    return service


_AILING_SHOWN = 10


def _connector_service(parts: HostParts, clock: Clock, *, work: bool) -> Connectors:
    """The connectors of a host. One that does not answer makes the host degraded, never unhealthy."""
    service = open_connectors(
        parts.store,
        parts.settings.connectors,
        data=parts.settings.data,
        environ=os.environ,
        publish=parts.bus.publish,
        clock=clock,
        work=work,
        reserved=parts.reserved,
    )

    def probe() -> str | None:
        names = service.ailing()
        shown = ", ".join(names[:_AILING_SHOWN]) + (", ..." if len(names) > _AILING_SHOWN else "")
        return f"left alone after failures: {shown}" if names else None

    async def alert(connector: str, action: str, given: Any) -> Any:
        return await service.use("alerts", connector, action, given)

    def running() -> float:
        return float(sum(one["running"] for one in service.states().values()))

    parts.health.register("connectors", probe, critical=False)
    parts.health_part.use_connectors(alert)
    parts.metrics.gauge("connector_calls_running", "Calls of connectors under way now", running)
    labels = ("connector", "outcome")
    parts.metrics.counts("connector_calls", "Calls of connectors", labels, lambda: _by_outcome(service.states()))
    return service


def _by_outcome(states: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for name, figures in states.items():
        failed = figures["failures"]
        found[(name, "ok")] = figures["calls"] - figures["running"] - sum(failed.values())
        found |= {(name, outcome): count for outcome, count in failed.items()}
    return found


_MEMORY_FIGURES = {
    "memories_stored": "Memories stored, since the start",
    "memories_recalled": "Memories recalled, since the start",
    "memory_recalls": "Questions to memory, since the start",
}

_SUMMARY_S = 30.0

_Reach = Callable[[str, str, Any, float], Any]
"""Calls `connector` and NAME.ACTION, or `plugin` and PLUGIN.FUNCTION, with an input, in so many seconds."""


def _memory_service(parts: HostParts, clock: Clock, *, work: bool) -> MemoryService:
    """The memory of a host. While its embedder or an index fails, it is degraded and recall goes by words.

    Raises: InvalidSetting; ToolMissing.
    """
    chosen = parts.settings.memory

    def reach(kind: str, target: str, given: Any, timeout_s: float) -> Any:
        # On a thread of memory's own, once the host has connectors and plugins.
        if kind == "connector":
            name, _, action = target.rpartition(".")
            return parts.connectors.use_blocking("memory", name, action, given, timeout_s=timeout_s)
        return parts.plugins.call_blocking(target, given, timeout_s=timeout_s)

    def embed(kind: str, name: str) -> Embed:
        return lambda texts: _vectors(reach, kind, name, texts, chosen.embed_s)

    memories = Memories(
        parts.store,
        settings=chosen,
        clock=clock,
        sense=Sense(embedder_named(chosen.embedder, embed), Breaker(clock=clock)),
        tell=parts.bus.publish,
        folder=parts.settings.data / "memory",
    )
    service = MemoryService(memories, work=work, summarise=_summariser(chosen.summariser, reach))
    for name, text in _MEMORY_FIGURES.items():
        parts.metrics.gauge(name, text, lambda name=name: memories.figures[name])  # type: ignore[misc]
    parts.health.register("memory", service.health, critical=False)
    return service


def _vectors(reach: _Reach, kind: str, name: str, texts: Sequence[str], timeout_s: float) -> Sequence[Sequence[float]]:
    if kind == "connector":
        found = reach("connector", f"{name}.embeddings", {"input": list(texts)}, timeout_s)
    else:
        found = _json_value(reach("plugin", name, {"texts": list(texts)}, timeout_s))
    if not isinstance(found, dict) or not isinstance(found.get("vectors"), list):
        raise Unavailable(f"{kind} {name} answers without `vectors`", remedy="correct memory.embedder")
    vectors: Sequence[Sequence[float]] = found["vectors"]
    return vectors


def _json_value(found: Any) -> Any:
    """The JSON value of a plugin's answer; a function without a media type answers with bytes. Raises: Unavailable."""
    if not isinstance(found, bytes):
        return found
    try:
        return json.loads(found)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the plugin's answer is not JSON", remedy="let the plugin answer with JSON") from error


def _summariser(setting: str, reach: _Reach) -> Summarise | None:
    if setting == "none":
        return None
    kind, _, name = setting.partition(":")
    if kind not in ("connector", "plugin") or not name:
        raise InvalidSetting(
            f"memory.summariser cannot be {setting[:80]!r}",
            remedy="use none, connector:NAME or plugin:PLUGIN.FUNCTION",
        )

    def summarise(texts: Sequence[str]) -> str | None:
        if kind == "plugin":
            found = _json_value(reach("plugin", name, {"texts": list(texts)}, _SUMMARY_S))
            return found.get("text") if isinstance(found, dict) else found
        words = "Say in one sentence what these notes have in common:\n" + "\n".join(f"- {text}" for text in texts)
        said = {"messages": [{"role": "user", "content": words}]}
        found = reach("connector", f"{name}.chat", said, _SUMMARY_S)
        return found.get("content") if isinstance(found, dict) else None

    return summarise


class _GrantedCalls:
    """Calls for stored tasks, with JSON values. A task that a plugin submitted runs only while its grant stands."""

    def __init__(self, plugins: PluginHost) -> None:
        self._plugins = plugins

    async def __call__(self, ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """The output as a JSON value.

        Raises: PermissionDenied: the grant was taken back, or the plugin is disabled; what a call raises.
        """
        owner = host_context.owner if isinstance(host_context, TaskContext) else "@"
        if not owner.startswith("@"):
            self._check(owner, ref)
        with self._plugins.callers.named(f"tasks of {owner}"):
            given = from_json(value)
            return to_json(await self._plugins.call(ref, given, timeout_s=timeout_s, host_context=host_context))

    def _check(self, owner: str, function: str) -> None:
        scope = self._plugins.scope(owner, "tasks") or {}
        if not any(host_matches(pattern, function) for pattern in scope.get("functions", ())):
            raise PermissionDenied(
                f"{owner} may not have {function} done any more",
                remedy=f"run `omnicore plugins grant {owner} tasks`",
                capability="tasks",
                resource=function,
            )


def _task_engine(parts: HostParts, stored: StoredTasks) -> TaskEngine:
    """The engine that runs stored tasks by calling plugins."""
    settings, gauge = parts.settings, parts.metrics.gauge
    call = _GrantedCalls(parts.plugins)
    engine = TaskEngine(settings.tasks.workers, call=call, stored=stored, drain_s=settings.drain_s)
    gauge("tasks_pending", "Stored tasks that wait or run, on all hosts", lambda: engine.pending)
    gauge("tasks_running", "Tasks that run on this host", lambda: engine.running)
    gauge("tasks_finished", "Tasks that ended well on this host since its start", lambda: engine.finished)
    gauge("tasks_failed", "Tasks that failed for good on this host since its start", lambda: engine.failed)
    parts.health.register("tasks", lambda: engine.trouble or None, critical=False)
    return engine
