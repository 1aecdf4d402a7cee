"""The health of a host: its parts' probes, what changes lead to, and the rounds that go on while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from omnicore.clock import Clock
from omnicore.config.settings import HealthSettings
from omnicore.errors import Unavailable
from omnicore.events.bus import EventBus
from omnicore.events.typed import OmegaEvent, emit
from omnicore.plugins.host import PluginHost
from omnicore.resilience.degradation import Degradation
from omnicore.resilience.health import Alerts, Change, HealthMonitor, HealthStatus, Thresholds, read_rule
from omnicore.resilience.retry import Supervised
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.budget import BUDGET
from omnicore.storage.store import Store
from omnicore.storage.tables.events import HeartbeatsTable

__all__ = ["HealthPart"]

CallConnector = Callable[[str, str, Any], Awaitable[Any]]
"""Does an action of a connector with an input."""


class HealthPart:
    """Watches the host's parts, tells the bus of changes, switches features off and on, and sends alerts.

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

    def alert_counts(self) -> dict[tuple[str, ...], float]:
        """How many alerts were sent, and how many reached nobody."""
        return {("sent",): self._alerts.sent, ("failed",): self._alerts.failed}

    def failed(self, part: str, error: str, last: bool) -> None:
        """For supervised parts: tells the bus that one failed."""
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

    def _changed(self, change: Change) -> None:
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
