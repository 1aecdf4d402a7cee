"""Connectors in a host: the service, what its health is judged by, its figures, and the alerts that go through it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.connectors.policy import Reserved
from omnicore.connectors.service import Connectors, open_connectors
from omnicore.events.bus import EventBus
from omnicore.storage.store import Store
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.health import HealthPart

__all__ = ["connector_service"]

_SHOWN = 10


def connector_service(
    settings: Settings,
    store: Store,
    *,
    bus: EventBus,
    metrics: Metrics,
    health: HealthPart,
    clock: Clock,
    work: bool,
    reserved: Reserved,
) -> Connectors:
    """The connectors of a host. One that does not answer makes the host degraded, never unhealthy."""
    service = open_connectors(
        store,
        settings.connectors,
        data=settings.data,
        environ=os.environ,
        publish=bus.publish,
        clock=clock,
        work=work,
        reserved=reserved,
    )

    def probe() -> str | None:
        names = service.ailing()
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        return f"left alone after failures: {shown}" if names else None

    async def alert(connector: str, action: str, given: Any) -> Any:
        return await service.use("alerts", connector, action, given)

    health.monitor.register("connectors", probe, critical=False)
    health.use_connectors(alert)
    metrics.gauge("connector_calls_running", "Calls of connectors under way now", lambda: _total(service, "running"))
    metrics.counts(
        "connector_calls", "Calls of connectors", ("connector", "outcome"), lambda: _by_outcome(service.states())
    )
    return service


def _total(service: Connectors, figure: str) -> float:
    return float(sum(one[figure] for one in service.states().values()))


def _by_outcome(states: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for name, figures in states.items():
        failed = figures["failures"]
        found[(name, "ok")] = figures["calls"] - figures["running"] - sum(failed.values())
        found |= {(name, outcome): count for outcome, count in failed.items()}
    return found
