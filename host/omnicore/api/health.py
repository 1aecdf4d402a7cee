"""Health: whether the process lives, whether plugins can be called, and the metrics."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json
from omnicore.errors import Unavailable

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
    return Json({"status": "ok"})


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
        *("GET", "/metrics", metrics, "metrics", "Metrics in Prometheus' text format", "health"),
        replies={200: Reply("The metrics.", "text/plain", {"type": "string"})},
    ),
)
