"""What begins runs, in a host: triggers and brokers, their figures, and what their health is judged by."""

from __future__ import annotations

import hashlib
import socket

from omnicore.clock import Clock
from omnicore.config.brokers import read_brokers
from omnicore.config.settings import Settings
from omnicore.connectors.webhooks import Hooks
from omnicore.events.bus import EventBus
from omnicore.storage.store import Store
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.health import HealthPart
from omnicore.workflows.live import Telling
from omnicore.workflows.service import Workflows
from omnicore.workflows.triggers.brokers import Brokers
from omnicore.workflows.triggers.triggers import Triggers

__all__ = ["TriggerPart", "trigger_part"]


class TriggerPart:
    """Triggers, then brokers; they go on while the workflows do."""

    def __init__(self, triggers: Triggers, brokers: Brokers) -> None:
        self.triggers, self.brokers = triggers, brokers

    async def start(self) -> None:
        """Begins to tick, to take deliveries, to dispatch events and to connect."""
        await self.triggers.start()
        await self.brokers.start()

    async def stop(self) -> None:
        """Ends that; what was not kept yet stays with its sender."""
        await self.brokers.stop()
        await self.triggers.stop()


def trigger_part(
    settings: Settings,
    store: Store,
    workflows: Workflows,
    telling: Telling,
    *,
    bus: EventBus,
    hooks: Hooks,
    metrics: Metrics,
    health: HealthPart,
    clock: Clock,
    work: bool,
) -> TriggerPart:
    """What begins runs of a host's workflows. Raises: InvalidSetting: `brokers`."""
    most = settings.workflows.value_bytes
    works = work and settings.workflows.workers > 0
    triggers = Triggers(
        store,
        workflows.engine.journal,
        workflows,
        bus,
        clock,
        hooks=hooks,
        work=works,
        event_bytes=min(most, 1024 * 1024),
    )
    workflows.definitions.triggers = triggers
    telling.ended, telling.emitted = triggers.ended, triggers.poke
    chosen = read_brokers(settings.brokers)
    brokers = Brokers(chosen, triggers, store, clock, consumer=_consumer(settings), work=works)
    _show(triggers, brokers, metrics, health)
    return TriggerPart(triggers, brokers)


def _consumer(settings: Settings) -> str:
    """The same after each start, so that a broker's lists of consumers do not grow."""
    place = hashlib.sha256(str(settings.data.absolute()).encode()).hexdigest()[:8]
    return f"omnicore-{socket.gethostname()[:40]}-{place}"


def _show(triggers: Triggers, brokers: Brokers, metrics: Metrics, health: HealthPart) -> None:
    figures = triggers.figures
    metrics.counts(
        "workflow_events",
        "Events of the inbox by what became of them on this host since its start",
        ("outcome",),
        lambda: {
            ("delivered",): float(figures.delivered),
            ("began",): float(figures.began),
            ("dropped",): float(figures.dropped),
            ("refused",): float(figures.refused),
        },
    )
    metrics.counts(
        "broker_messages",
        "Messages from and to brokers since the start",
        ("broker", "way"),
        lambda: {
            (name, way): float(getattr(one, way))
            for name, one in brokers.figures().items()
            for way in ("received", "again", "dropped", "sent")
        },
    )
    health.monitor.register("brokers", lambda: brokers.trouble, critical=False)
