"""The parts of a host: all of its services as one record, its health, its log of events, and their delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.capabilities.events import may_hear
from omnicore.errors import Unavailable
from omnicore.events.bus import Event, EventBus, EventLog, topic_matches
from omnicore.events.subscriptions import Deliveries, DeliveryFigures, Handling, Order, Subscriptions, as_input
from omnicore.events.typed import OmegaEvent, emit
from omnicore.plugins.callers import APPLICATION
from omnicore.resilience.degradation import Degradation
from omnicore.resilience.health import Alerts, HealthChange, HealthMonitor, HealthStatus, Thresholds, read_rule
from omnicore.resilience.retry import RetryPolicy, Supervised
from omnicore.sandbox.abi import KIB, MIB
from omnicore.sandbox.budget import BUDGET
from omnicore.storage.archive import stored_bytes
from omnicore.storage.change_watch import ChangeWatch
from omnicore.storage.tables.events import EventRow, EventsTable, HandedTable, HeartbeatsTable, SubscriptionsTable

if TYPE_CHECKING:
    from omnicore.access.audit import AuditTrail
    from omnicore.access.service import Access
    from omnicore.clock import Clock
    from omnicore.config.settings import EventSettings, HealthSettings, Settings
    from omnicore.connectors.policy import Reserved
    from omnicore.connectors.service import Connectors
    from omnicore.evolution.service import Evolutions
    from omnicore.fleet.hosts import Fleet
    from omnicore.fleet.part import FleetPart
    from omnicore.intelligences.registry import Intelligences
    from omnicore.jobs.alarms import Alarms
    from omnicore.loops.engine import LoopEngine
    from omnicore.mcp.service import McpService
    from omnicore.memory.service import MemoryService
    from omnicore.packages.service import Packages
    from omnicore.plugins.callers import PluginLimits
    from omnicore.plugins.host import PluginHost
    from omnicore.plugins.rollout import Rollouts
    from omnicore.runtime.tasks import TaskEngine
    from omnicore.storage.store import Store
    from omnicore.telemetry.logs import PluginLogs
    from omnicore.telemetry.metrics import Metrics
    from omnicore.vectors.service import VectorService
    from omnicore.workflows.service import Workflows


class HostParts:
    """Every service of a host, each set once by `omnicore.assembly`, in about this order."""

    settings: Settings
    store: Store
    bus: EventBus
    logs: PluginLogs
    metrics: Metrics
    health_part: HealthPart
    health: HealthMonitor
    degradation: Degradation
    access: Access
    audit: AuditTrail
    events: EventPart
    deliveries: DeliveryPart
    reserved: Reserved
    vectors: VectorService
    connectors: Connectors
    memory: MemoryService
    plugins: PluginHost
    rollouts: Rollouts
    limits: PluginLimits
    packages: Packages
    nats: FleetPart | None
    tasks: TaskEngine
    workflows: Workflows
    intelligences: Intelligences
    evolution: Evolutions
    loops: LoopEngine
    mcp: McpService
    fleet: Fleet
    alarms: Alarms


class Part(Protocol):
    """A part that is started and stopped."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@asynccontextmanager
async def started(part: Part) -> AsyncIterator[None]:
    """A part that runs as long as the block does."""
    await part.start()
    try:
        yield
    finally:
        await part.stop()


CallConnector = Callable[[str, str, Any], Awaitable[Any]]
"""Does an action of a connector with an input."""

_Counts = Mapping[tuple[str, ...], float]


class HealthPart:
    """Watches the host's parts, publishes changes, switches features off and on, and sends alerts.

    `monitor` takes probes of any part; `degradation` holds the features that go when a part is unhealthy.
    Raises: InvalidSetting for an alert that cannot be read.
    """

    def __init__(self, settings: HealthSettings, *, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self.degradation = Degradation()
        self.monitor = HealthMonitor(
            Thresholds(
                degraded=settings.degraded_after,
                unhealthy=settings.unhealthy_after,
                recovery=settings.recovered_after,
                stale_s=settings.stale_s,
            ),
            changed=self._changed,
            interval_s=settings.interval_s,
            probe_s=settings.probe_s,
            clock=clock,
        )
        self._features: dict[str, str] = {}
        self._call: Callable[[str, Any], Awaitable[Any]] | None = None
        self._call_connector: CallConnector | None = None
        acts = {"call": self._call_plugin, "connector": self._do_connector, "event": self._publish}
        self._alerts = Alerts([read_rule(text) for text in settings.alerts], acts)
        self._alerting = Supervised("alerts", self._alerts.run, failed=self.failed)

    def watch_storage(self, store: Store, clock: Clock) -> None:
        """Reads and writes the database in each round; while it is unhealthy the feature `storage` is off.

        Writes that were refused since the last round, because another session held a lock, make it degraded.
        """
        heartbeats = HeartbeatsTable(store, clock)
        seen = store.refused

        def probe() -> str | None:
            nonlocal seen
            heartbeats.beat("host")
            refused, seen = store.refused - seen, store.refused
            return f"{refused} writes waited too long for another session" if refused else None

        self.monitor.register("storage", probe, metadata={"place": store.place})
        self.feature("storage", "storage", "reading and writing the database")

    def watch_bus(self) -> None:
        """A bus on which subscribers lost events since the last round is reduced."""
        seen = self._bus.figures().dropped

        def probe() -> str | None:
            nonlocal seen
            lost, seen = self._bus.figures().dropped - seen, self._bus.figures().dropped
            return f"slow subscribers lost {lost} events" if lost > 0 else None

        self.monitor.register("events", probe, critical=False)

    def watch_plugins(self, plugins: PluginHost) -> None:
        """Plugins in quarantine, and sandboxes that find no memory, make the host degraded, never unhealthy."""
        self._call = plugins.call

        def probe() -> str | None:
            names = plugins.quarantined()
            shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
            return f"in quarantine: {shown}" if names else None

        self.monitor.register("plugins", probe, critical=False)

        refused = BUDGET.use().refused

        def room() -> str | None:
            nonlocal refused
            use, before = BUDGET.use(), refused
            refused = use.refused
            self.monitor.update_metadata("sandboxes", used_bytes=use.used_bytes, most_bytes=use.total_bytes)
            part = f"{use.used_bytes // MIB} of {use.total_bytes // MIB} MiB are in use"
            if use.refused > before:
                return f"{use.refused - before} calls found no memory: {part}"
            return f"calls wait for memory: {part}" if use.waiting else None

        self.monitor.register("sandboxes", room, critical=False)

    def use_connectors(self, call: CallConnector) -> None:
        """Lets alerts reach connectors."""
        self._call_connector = call

    def feature(self, name: str, component: str, description: str, *, needs: tuple[str, ...] = ()) -> None:
        """Adds a feature that is off for as long as a part is unhealthy."""
        self.degradation.register(name, description, needs=needs)
        self._features[component] = name

    def show(self, metrics: Metrics) -> None:
        """Adds each part's health as 100, 50 or 0, the whole as `overall`, and the counts of alerts to the figures."""

        def levels() -> _Counts:
            report = self.monitor.report()
            scores: dict[tuple[str, ...], float] = {("overall",): report.overall.score}
            return scores | {(name,): one.score for name, one in report.subsystems.items()}

        def alerts() -> _Counts:
            return {("sent",): self._alerts.sent, ("failed",): self._alerts.failed}

        metrics.levels("health", "Health of a part: 100 healthy, 50 degraded, 0 unhealthy", ("part",), levels)
        metrics.counts("alerts", "Alerts by what became of them", ("outcome",), alerts)

    def failed(self, part: str, error: str, last: bool) -> None:
        """For supervised parts: publishes that one failed."""
        text = f"given up: {error}" if last else error
        emit(self._bus, OmegaEvent.ErrorOccurred(part, text))

    async def start(self) -> None:
        """Begins the rounds."""
        await self._alerting.start()
        await self.monitor.start()

    async def stop(self) -> None:
        """Ends them."""
        await self.monitor.stop()
        await self._alerting.stop()

    def _changed(self, change: HealthChange) -> None:
        event = OmegaEvent.HealthChanged(change.component, change.old, change.new)
        emit(self._bus, event, reason=change.reason)
        feature = self._features.get(change.component)
        if feature is not None and change.new is HealthStatus.Unhealthy:
            self.degradation.disable(feature, reason=change.reason)
        elif feature is not None and change.old is HealthStatus.Unhealthy:
            self.degradation.enable(feature)
        self._alerts.tell(change)

    async def _call_plugin(self, target: str, given: Any) -> None:
        if self._call is None:
            raise Unavailable("this host has no plugins to call", remedy="correct health.alerts")
        await self._call(target, given)

    async def _do_connector(self, target: str, given: Any) -> None:
        if self._call_connector is None:
            raise Unavailable("this host has no connectors", remedy="correct health.alerts")
        connector, _, action = target.partition(".")
        await self._call_connector(connector, action, given)

    async def _publish(self, target: str, given: Any) -> None:
        self._bus.publish(target, given)


_PAGE = 500
_SHARED_BATCH_S = 0.05  # people on other hosts wait for it
_ALL = 1_000_000
_MOST_KEPT = 8 * KIB
_ENDLESS = RetryPolicy(retries=1_000_000_000)  # what fails is the database, and one day it is back
_MOST_READ = 20  # pages of rows that are looked at for one page of what was asked for


def _row(event: Event) -> EventRow:
    # 10,000 events of 256 KiB would be 2.5 GB: of large data only the size is kept.
    data = event.data if event.size <= _MOST_KEPT else {"omitted_bytes": event.size}
    return EventRow(event.id, event.topic, event.source, event.at, event.hops, data)


class _Keeper:
    """The events table as the log sees it."""

    def __init__(self, table: EventsTable, written: Callable[[], None]) -> None:
        self._table, self._written = table, written

    def append(self, events: Sequence[Event]) -> None:
        self._table.append([_row(one) for one in events])
        self._written()

    def trim(self, *, keep: int, before: float) -> int:
        return self._table.trim(keep=keep, before=before)


class EventPart:
    """The log of events. Started it writes in the background; else when it is stopped.

    Args:
        work: whether it goes on in the background of this process.
    """

    def __init__(
        self, settings: EventSettings, *, bus: EventBus, store: Store, health: HealthPart, clock: Clock, work: bool
    ) -> None:
        self.bus = bus
        self._work, self._health = work, health
        shared = store.dialect == "postgresql" and settings.log
        self._table = EventsTable(store, shared=shared)
        self.log: EventLog | None = None
        self._heard = 0
        self._hearing: ChangeWatch | None = None
        if settings.log:
            keeper = _Keeper(self._table, self._appended)
            self.log = EventLog(bus, keeper, keep=settings.log_events, days=settings.log_days, clock=clock)
            if shared:
                self.log.batch_s = _SHARED_BATCH_S
            self._writing = Supervised("event-log", self.log.run, policy=_ENDLESS, failed=health.failed)
            health.monitor.register("event-log", self._writing.probe, critical=False)
        if shared and work:
            bus.relays = True
            self._hearing = ChangeWatch("event-feed", store, self._hear, pause_s=_SHARED_BATCH_S)
        # Reads fall back on what is in memory while the database is away.
        health.degradation.register("events.history", "events of the past", fallback=self._recent, needs=("storage",))

    def history(
        self, pattern: str = "**", limit: int = 100, before: str | None = None
    ) -> tuple[list[EventRow], str | None]:
        """Events that match, newest first, older than the one with the id `before`; and the next `before`, if any."""
        return self._health.degradation.run("events.history", self._kept, pattern, limit, before)

    async def start(self) -> None:
        """Begins to write, and to hear events of other hosts."""
        if self._hearing is not None:
            self._heard = await asyncio.to_thread(self._table.last_number)
            await self._hearing.start()
        if self.log is not None and self._work:
            await self._writing.start()

    async def stop(self) -> None:
        """Writes what waits."""
        if self._hearing is not None:
            await self._hearing.stop()
        if self.log is not None:
            await self._writing.stop()
            await self.log.close()

    def _appended(self) -> None:
        if self._hearing is not None:
            self._hearing.stir()

    def _hear(self) -> None:
        """Hands on what is new in the order of all hosts; its own events among them, whole while they are at hand."""
        more = True
        while more:
            rows = self._table.after(self._heard, _PAGE)
            large = {row.id for _, row in rows if isinstance(row.data, dict) and "omitted_bytes" in row.data}
            own = {one.id: one for one in self.bus.history("**", _ALL) if one.id in large} if large else {}
            for number, row in rows:
                event = own.get(row.id) or Event(row.id, row.topic, row.data, row.source, row.at, _MOST_KEPT, row.hops)
                self.bus.relay(event)
                self._heard = number
            more = len(rows) == _PAGE

    def _kept(self, pattern: str, limit: int, before: str | None) -> tuple[list[EventRow], str | None]:
        if self.log is None:
            return self._recent(pattern, limit, before)
        last = self.log.last  # before the table is read: what is written meanwhile is in both, and counts once
        found, following = self._written(pattern, limit, before)
        # With those that still wait for their batch: who subscribed first and reads then misses none.
        after = max(last, found[-1].id if found and following is not None else "")
        known = {row.id for row in found}
        waiting = (one for one in self.bus.history(pattern, _ALL) if one.id > after and one.id not in known)
        missing = [_row(one) for one in waiting if before is None or one.id < before]
        rows = sorted([*found, *missing], key=lambda row: row.id, reverse=True)
        return (rows, following) if len(rows) <= limit else (rows[:limit], rows[limit - 1].id)

    def _written(self, pattern: str, limit: int, before: str | None) -> tuple[list[EventRow], str | None]:
        prefix = pattern.partition("*")[0]
        found: list[EventRow] = []
        for _ in range(_MOST_READ):
            rows = self._table.newest(prefix, before, _PAGE)
            found += [row for row in rows if topic_matches(pattern, row.topic)]
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
            if len(rows) < _PAGE:
                return found, None
            before = rows[-1].id
        return found, before

    def _recent(self, pattern: str, limit: int, before: str | None) -> tuple[list[EventRow], str | None]:
        events = [one for one in self.bus.history(pattern, _ALL) if before is None or one.id < before][::-1]
        rows = [_row(one) for one in events[:limit]]
        return rows, rows[-1].id if len(events) > limit else None


class _Relief:
    """The other hosts on the database, as deliveries see them: `omnicore.events.subscriptions.Relief`."""

    def __init__(self, store: Store, plugins: PluginHost, clock: Clock) -> None:
        self._table = HandedTable(store, clock)
        self.loads, self.waiting = plugins.loads, self._table.waiting

    def give(self, order: Order, event: Event) -> None:
        self._table.give(order.id, event.id, {**as_input(event), "size": event.size, "hops": event.hops})

    def take(self, order: Order, limit: int) -> list[Event]:
        return [Event(**one) for one in self._table.take(order.id, limit)]


class DeliveryPart:
    """Durable subscriptions of plugins, and their delivery while it is started."""

    def __init__(
        self, settings: EventSettings, *, bus: EventBus, store: Store, health: HealthPart, clock: Clock
    ) -> None:
        self._table, self._clock = SubscriptionsTable(store, clock), clock
        self._plugins: PluginHost | None = None
        self._health, self._bus, self._store = health, bus, store
        self._deliveries: Deliveries | None = None
        self._delivering: Supervised | None = None
        self.subscriptions = Subscriptions(
            self._table, offers=self._offers, stir=self._stir, most_all=settings.subscriptions
        )

    def serve(self, plugins: PluginHost, *, work: bool) -> None:
        """Takes the plugins whose functions are called."""
        self._plugins = plugins
        plugins.forgetting.append(self.subscriptions.forget)
        if not work:
            return
        shared = self._store.dialect == "postgresql"
        self._deliveries = Deliveries(
            self._bus,
            orders=self._table.all,
            changed=self._store.data_version,
            allowed=self._allowed,
            call=self._call,
            relief=_Relief(self._store, plugins, self._clock) if shared else None,
        )
        self._delivering = Supervised(
            "event-delivery", self._deliveries.run, policy=_ENDLESS, failed=self._health.failed
        )
        self._health.monitor.register("event-delivery", self._delivering.probe, critical=False)

    def figures(self) -> DeliveryFigures:
        """Counts of deliveries since the start."""
        return self._deliveries.figures() if self._deliveries is not None else DeliveryFigures(0, 0, 0, 0)

    async def start(self) -> None:
        """Begins to deliver, where this process works."""
        if self._delivering is not None:
            await self._delivering.start()

    async def stop(self) -> None:
        """Ends it; events that wait are lost, as at-most-once has it."""
        if self._delivering is not None:
            await self._delivering.stop()

    def _stir(self) -> None:
        if self._deliveries is not None:
            self._deliveries.stir()

    def _offers(self, plugin: str, function: str) -> bool:
        return self._plugins is not None and self._plugins.offers(plugin, function)

    def _allowed(self, plugin: str, topic: str) -> bool:
        scope = self._plugins.scope(plugin, "events") if self._plugins is not None else None
        return scope is not None and may_hear(scope, topic)

    async def _call(self, ref: str, data: Any, handling: Handling) -> Any:
        assert self._plugins is not None  # noqa: S101 -- `serve` came before `start`
        source = data["source"]  # the host's own events are those of the program around it
        with self._plugins.callers.named(APPLICATION if source == "host" else f"events of {source}"):
            return await self._plugins.call(ref, data, host_context=handling)


def watch_events(parts: HostParts) -> None:
    """Adds the figures of the bus, of its log, and of deliveries to plugins that subscribed."""
    metrics, bus, deliveries = parts.metrics, parts.bus, parts.deliveries

    def dropped() -> _Counts:
        log = parts.events.log.dropped if parts.events.log is not None else 0
        return {("all",): bus.figures().dropped, ("log",): log, ("plugins",): deliveries.figures().dropped}

    def delivered() -> _Counts:
        figures = deliveries.figures()
        return {("ok",): figures.delivered, ("failed",): figures.failed}

    metrics.counts("events", "Events published", (), lambda: {(): bus.figures().published})
    metrics.gauge("event_subscribers", "Subscribers of the bus now", lambda: bus.figures().subscribers)
    metrics.counts("events_dropped", "Events lost by slow readers", ("reader",), dropped)
    metrics.counts("event_deliveries", "Calls of subscribed functions", ("outcome",), delivered)


def watch_resources(parts: HostParts) -> None:
    """Adds the database's size, sandboxes that are kept warm, and the memory of all sandboxes to the figures."""
    metrics, plugins, store = parts.metrics, parts.plugins, parts.store
    metrics.gauge("database_bytes", "Size of the database", lambda: stored_bytes(store))
    metrics.gauge("calls_running", "Plugin calls under way now", lambda: plugins.in_flight)
    metrics.gauge("sandboxes_warm", "Sandboxes kept for the next call", lambda: plugins.warm().sandboxes)
    metrics.gauge("sandboxes_warm_bytes", "Memory of the sandboxes that are kept", lambda: plugins.warm().memory_bytes)
    metrics.gauge("sandbox_memory_bytes", "Memory that all sandboxes are charged with", lambda: BUDGET.use().used_bytes)
    metrics.gauge("sandbox_memory_most_bytes", "Memory that they may have", lambda: BUDGET.use().total_bytes)
    metrics.gauge("sandbox_memory_waiting", "Calls that wait for it now", lambda: BUDGET.use().waiting)
    metrics.counts(
        "sandbox_memory_refused", "Calls refused for want of it", (), lambda: {(): float(BUDGET.use().refused)}
    )
