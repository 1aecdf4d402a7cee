"""Vectors in a host: the service over its database, its figures, and what its health is judged by."""

from __future__ import annotations

from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.events.bus import EventBus
from omnicore.storage.store import Store
from omnicore.telemetry.metrics import Metrics
from omnicore.vectors.service import VectorService
from omnicore.wiring.health import HealthPart

__all__ = ["vector_service"]

_FIGURES = {
    "vectors": "Vectors in memory",
    "collections": "Vector collections in memory",
    "indexes": "Vector indexes in use",
    "exact_searches": "Vector searches that compared all, since the start",
    "index_searches": "Vector searches that asked an index, since the start",
}


def vector_service(
    settings: Settings,
    store: Store,
    *,
    bus: EventBus,
    metrics: Metrics,
    health: HealthPart,
    clock: Clock,
    work: bool,
) -> VectorService:
    """The service; copies of its indexes lie in the data folder."""
    service = VectorService(
        store, settings.data / "vectors", settings.vectors, clock=clock, publish=bus.publish, work=work
    )
    for name, text in _FIGURES.items():
        key = name if name == "vectors" else f"vector_{name}"
        metrics.gauge(key, text, lambda name=name: service.figures()[name])  # type: ignore[misc]
    health.monitor.register("vectors", lambda: service.health().reason or None, critical=False)
    return service
