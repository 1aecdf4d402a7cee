"""Figures over time, for charts."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_count
from omnicore.errors import Unavailable

__all__ = ["OPERATIONS"]

_MOST_MINUTES = 1440


async def show_series(request: Request) -> Response:
    """The last minutes: up to an hour in fine steps, up to a day in coarse ones."""
    minutes = read_count(request, "minutes", 60, most=_MOST_MINUTES)
    series = parts_of(request).rooms.series
    if series is None:
        raise Unavailable("this host keeps no figures over time", remedy="ask a host of `omnicore run`")
    return Json(asdict(series.show(minutes * 60)))


OPERATIONS = (
    Operation(
        *("GET", "/api/v1/metrics/series", show_series, "showSeries", "Calls and errors over time", "health"),
        replies={200: Reply("Figures by step, null where nothing was measured.", schema=ref("Series"))},
        query=(
            Query("minutes", {"type": "integer", "minimum": 1, "maximum": _MOST_MINUTES}, "How far back; default 60"),
        ),
        problems=(422, 503),
        needs=Role.viewer,
    ),
)
