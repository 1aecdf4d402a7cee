"""Health: whether the process lives, whether plugins can be called, and the metrics."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json
from omnicore.errors import Unavailable
from omnicore.resilience.status import HealthStatus

__all__ = ["OPERATIONS"]

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def alive(_request: Request) -> Response:
    """The process answers."""
    return Json({"status": "ok"})


async def ready(request: Request) -> Response:
    """Plugins can be called."""
    parts = parts_of(request)
    if parts.traffic.stopping or not parts.ready():
        raise Unavailable("the host is starting or stopping", remedy="try again later")
    health = parts.rooms.health
    # A degraded host serves on; one that is unhealthy should get no new work until it has recovered.
    if health is not None and health.overall() is HealthStatus.Unhealthy:
        ill = ", ".join(health.named(HealthStatus.Unhealthy))
        raise Unavailable(f"the host is unhealthy: {ill}", remedy="see /api/v1/health")
    return Json({"status": "ok"})


async def show_health(request: Request) -> Response:
    """Every part's state and why, as of the last round of checks."""
    rooms = parts_of(request).rooms
    if rooms.health is None:
        raise Unavailable("this host does not watch its parts", remedy="ask a host that does")
    report = rooms.health.report()
    seen = {one.name: asdict(one) for one in rooms.health.subsystems()}
    features = [asdict(one) for one in rooms.degradation.features()] if rooms.degradation is not None else []
    for one in seen.values():
        del one["name"]
    return Json({"overall": report.overall, "at": report.at, "subsystems": seen, "features": features})


async def metrics(request: Request) -> Response:
    """All metrics, for Prometheus."""
    text = await asyncio.to_thread(parts_of(request).metrics.render)
    return Response(text, media_type=_PROMETHEUS)


OPERATIONS = (
    Operation(
        *("GET", "/healthz", alive, "alive", "Tells that the process lives", "health"),
        replies={200: Reply("It does.", schema=ref("Status"))},
        open=True,
    ),
    Operation(
        *("GET", "/readyz", ready, "ready", "Tells whether plugins can be called", "health"),
        replies={200: Reply("They can.", schema=ref("Status"))},
        problems=(503,),
        open=True,
    ),
    Operation(
        *("GET", "/api/v1/health", show_health, "showHealth", "Shows the health of every part", "health"),
        replies={200: Reply("How they are, and why.", schema=ref("Health"))},
        problems=(503,),
    ),
    Operation(
        *("GET", "/metrics", metrics, "metrics", "Metrics in Prometheus' text format", "health"),
        replies={200: Reply("The metrics.", "text/plain", {"type": "string"})},
    ),
)
