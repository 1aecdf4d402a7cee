"""Logs: what a plugin wrote last."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_count
from omnicore.errors import InvalidInput
from omnicore.telemetry.logs import LEVELS, Level

__all__ = ["OPERATIONS"]

_MOST_LINES = 10_000
_LAST = 999_999_999


async def show_logs(request: Request) -> Response:
    """The last lines, oldest first."""
    parts, plugin = parts_of(request), request.path_params["plugin"]
    limit = read_count(request, "limit", 100, most=_MOST_LINES)
    level = request.query_params.get("level", "trace")
    if level not in LEVELS:
        raise InvalidInput("level is no log level", remedy=f"use one of {', '.join(LEVELS)}", path="level")
    await asyncio.to_thread(parts.host.get, plugin)
    after = read_count(request, "after", 0, least=0, most=_LAST)
    lines, following, dropped = parts.logs.since(plugin, after, limit, cast(Level, level))
    if "after" not in request.query_params:
        dropped = parts.logs.dropped(plugin)
    return Json({"items": [asdict(line) for line in lines], "dropped": dropped, "next": following})


OPERATIONS = (
    Operation(
        *(
            "GET",
            "/api/v1/plugins/{plugin}/logs",
            show_logs,
            "showLogs",
            "Shows a plugin's last log lines",
            "logs",
        ),
        replies={200: Reply("The last lines, oldest first.", schema=ref("LogLines"))},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": _MOST_LINES}, "How many lines"),
            Query("after", {"type": "integer", "minimum": 0, "maximum": _LAST}, "`next` of the answer before"),
            Query("level", {"enum": list(LEVELS)}, "The lowest level shown"),
        ),
        problems=(404, 422),
    ),
)
