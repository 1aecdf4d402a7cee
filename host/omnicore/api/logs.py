"""Logs of plugins: the last lines, and live lines over a WebSocket."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, cast

from omnicore.access.principal import Role
from omnicore.api.events import TOO_SLOW
from omnicore.api.parts import parts_of
from omnicore.api.principals import check_role, live_protocol, principal_of
from omnicore.api.requests import Json, read_count
from omnicore.api.schema import TEXT, Schemas, list_of, object_of
from omnicore.errors import InvalidInput
from omnicore.telemetry.logs import LEVELS, MOST_FOLLOWERS, Follower, Heard, Level, harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from omnicore.api.operation import Operation


_MOST_LINES = 10_000
_LAST = 999_999_999


async def show_logs(request: Request) -> Response:
    """The last lines, oldest first."""
    parts, plugin = parts_of(request), request.path_params["plugin"]
    limit = read_count(request, "limit", 100, most=_MOST_LINES)
    level = request.query_params.get("level", "trace")
    if level not in LEVELS:
        raise InvalidInput("level is not a log level", remedy=f"use one of {', '.join(LEVELS)}", path="level")
    await asyncio.to_thread(parts.host.get, plugin)
    after = read_count(request, "after", 0, least=0, most=_LAST)
    lines, following, dropped = parts.logs.since(plugin, after, limit, cast("Level", level))
    if "after" not in request.query_params:
        dropped = parts.logs.dropped(plugin)
    return Json({"items": [asdict(line) for line in lines], "dropped": dropped, "next": following})


SCHEMAS: Schemas = {
    "LogLine": object_of(
        at={"type": "number", "description": "Seconds since the Unix epoch."}, level=TEXT, message=TEXT
    ),
    "LogLines": object_of(
        items=list_of("LogLine"),
        dropped={"type": "integer", "description": "Lines let go."},
        next={"type": "integer", "description": "Pass it as `after` for what comes later."},
    ),
}


_MOST_BEFORE = 1_000
_QUEUE = 1_000
_BATCH = 200
_PAUSE_S = 0.1  # 2,000 lines a second for each client: no eye reads more, and the loop has other work
_SEND_S = 10.0
_CLOSE_S = 1.0


async def live_logs(socket: WebSocket) -> None:
    """Sends the last lines of a plugin, then new ones until one side closes: `/ws/logs?plugin=NAME&level=LEVEL`."""
    parts, plugin = parts_of(socket), socket.query_params.get("plugin") or None
    lines = read_count(socket, "lines", 100, most=_MOST_BEFORE)
    level = socket.query_params.get("level", "trace")
    if level not in LEVELS:
        raise InvalidInput("level is not a log level", remedy=f"use one of {', '.join(LEVELS)}", path="level")
    _check_reader(socket, plugin)
    parts.traffic.check_share(socket.scope, MOST_FOLLOWERS // 2)
    if plugin is not None:
        await asyncio.to_thread(parts.host.get, plugin)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ready.set)

    following = parts.logs.follow(plugin, lines, cast("Level", level), most=_QUEUE, wake=wake)
    with following as (before, follower):
        await socket.accept(subprotocol=live_protocol(socket))
        sending = asyncio.ensure_future(
            _send_all(socket, [Heard(plugin or "", one, 0) for one in before], follower, ready)
        )
        leaving = asyncio.ensure_future(_until_closed(socket))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
    if not leaving.done() or leaving.cancelled():
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await socket.close(TOO_SLOW, "lines come faster than you read; name a plugin or a higher level")


def _check_reader(socket: WebSocket, plugin: str | None) -> None:
    """Checks the role for the plugin whose lines are read, now and while the connection lasts.

    Raises: RefusalError: 403.
    """
    operation: Operation = socket.scope["operation"]
    check_role(principal_of(socket), Role.viewer, tag=operation.tag, plugin=plugin)
    socket.scope["operation"] = replace(operation, needs=Role.viewer)
    socket.scope["path_params"] = {"plugin": plugin}


async def _send_all(socket: WebSocket, before: Sequence[Heard], follower: Follower, ready: asyncio.Event) -> None:
    """Sends lines in batches. Returns if the client reads too slowly."""
    with suppress(TimeoutError):
        await _send(socket, before)
        while True:
            await ready.wait()
            ready.clear()
            while lines := follower.take(_BATCH):
                await _send(socket, lines)
                await asyncio.sleep(_PAUSE_S)


async def _send(socket: WebSocket, lines: Sequence[Heard]) -> None:
    for one in lines:
        async with asyncio.timeout(_SEND_S):
            await socket.send_text(_frame(one))


async def _until_closed(socket: WebSocket) -> None:
    """Reads and ignores messages until the client closes."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _frame(heard: Heard) -> str:
    line = heard.line
    return json.dumps(
        {
            "plugin": heard.plugin,
            "at": line.at,
            "level": line.level,
            "message": harmless(line.message),
            "dropped": heard.dropped,
        }
    )
