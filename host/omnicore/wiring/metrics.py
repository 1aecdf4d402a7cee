"""What the host tells of itself beside calls: health, events, memory and disk, as metrics."""

from __future__ import annotations

from collections.abc import Mapping

from omnicore.config.settings import TelemetrySettings
from omnicore.ids import new_id
from omnicore.plugins.host import PluginHost
from omnicore.sandbox.budget import BUDGET
from omnicore.storage.archive import stored_bytes
from omnicore.storage.store import Store
from omnicore.telemetry.metrics import Metrics
from omnicore.telemetry.traces import OpenTelemetry
from omnicore.version import __version__
from omnicore.wiring.events import DeliveryPart, EventPart
from omnicore.wiring.health import HealthPart

__all__ = ["collector", "watch_events", "watch_health", "watch_resources"]

_Counts = Mapping[tuple[str, ...], float]


def collector(settings: TelemetrySettings, metrics: Metrics) -> OpenTelemetry:
    """What sends traces and metrics to a collector. Raises: ToolMissing."""
    return OpenTelemetry(
        metrics,
        settings.otlp or "",
        interval_s=settings.otlp_interval_s,
        traces=settings.traces,
        version=__version__,
        instance=new_id("host"),
    )


def watch_health(metrics: Metrics, health: HealthPart) -> None:
    """Every part's health as 100, 50 or 0, the whole as `overall`; and what alerts came to."""

    def read() -> _Counts:
        report = health.monitor.report()
        return {("overall",): report.overall.score, **{(name,): one.score for name, one in report.subsystems.items()}}

    metrics.levels("health", "Health of a part: 100 healthy, 50 degraded, 0 unhealthy", ("part",), read)
    metrics.counts("alerts", "Alerts by what became of them", ("outcome",), health.alert_counts)


def watch_events(metrics: Metrics, events: EventPart, deliveries: DeliveryPart) -> None:
    """What the bus carried, what was lost where, and what plugins that subscribed were called for."""
    metrics.counts("events", "Events published", (), lambda: {(): events.bus.figures().published})
    metrics.gauge("event_subscribers", "Subscribers of the bus now", lambda: events.bus.figures().subscribers)
    metrics.counts("events_dropped", "Events lost by slow readers", ("reader",), lambda: _dropped(events, deliveries))
    metrics.counts("event_deliveries", "Calls of subscribed functions", ("outcome",), lambda: _delivered(deliveries))


def watch_resources(metrics: Metrics, plugins: PluginHost, store: Store) -> None:
    """What the host holds: the database's size, sandboxes that are kept warm, and the memory of all of them."""
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


def _dropped(events: EventPart, deliveries: DeliveryPart) -> _Counts:
    log = events.log.dropped if events.log is not None else 0
    heard = deliveries.figures().dropped
    return {("all",): events.bus.figures().dropped, ("log",): log, ("plugins",): heard}


def _delivered(deliveries: DeliveryPart) -> _Counts:
    figures = deliveries.figures()
    return {("ok",): figures.delivered, ("failed",): figures.failed}
