"""Live logs: what plugins write, as JSON frames over a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import cast

from starlette.websockets import WebSocket

from omnicore.access.principal import Role
from omnicore.api.live import TOO_SLOW
from omnicore.api.operation import Operation, Query, Reply
from omnicore.api.parts import parts_of
from omnicore.api.principals import check_role, principal_of
from omnicore.api.requests import read_count
from omnicore.errors import InvalidInput
from omnicore.telemetry.followers import Follower, Heard
from omnicore.telemetry.logs import LEVELS, MOST_FOLLOWERS, Level, harmless

__all__ = ["OPERATIONS"]

_MOST_BEFORE = 1_000
_QUEUE = 1_000
_BATCH = 200
_PAUSE_S = 0.1  # 2,000 lines a second for each client: no eye reads more, and the loop has other work
_SEND_S = 10.0
_CLOSE_S = 1.0


async def live_logs(socket: WebSocket) -> None:
    """`/ws/logs?plugin=NAME&level=LEVEL`: the last lines of a plugin, then those that come, until one side closes."""
    parts, plugin = parts_of(socket), socket.query_params.get("plugin") or None
    lines = read_count(socket, "lines", 100, most=_MOST_BEFORE)
    level = socket.query_params.get("level", "trace")
    if level not in LEVELS:
        raise InvalidInput("level is no log level", remedy=f"use one of {', '.join(LEVELS)}", path="level")
    _check_reader(socket, plugin)
    parts.traffic.check_share(socket.scope, MOST_FOLLOWERS // 2)
    if plugin is not None:
        await asyncio.to_thread(parts.host.get, plugin)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ready.set)

    following = parts.logs.follow(plugin, lines, cast(Level, level), most=_QUEUE, wake=wake)
    with following as (before, follower):
        await socket.accept()
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
    """Whoever reads the lines of one plugin needs a role for that one only, now and as long as the connection lasts.

    Raises: RefusalError: 403.
    """
    operation: Operation = socket.scope["operation"]
    check_role(principal_of(socket), Role.viewer, tag=operation.tag, plugin=plugin)
    socket.scope["operation"] = replace(operation, needs=Role.viewer)
    socket.scope["path_params"] = {"plugin": plugin}


async def _send_all(socket: WebSocket, before: Sequence[Heard], follower: Follower, ready: asyncio.Event) -> None:
    """Sends lines, no more at a time than others have patience for; ends when the client does not keep up."""
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
    """Drops what the client sends."""
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


OPERATIONS = (
    Operation(
        *("GET", "/ws/logs", live_logs, "liveLogs", "Log lines as JSON text frames over a WebSocket", "logs"),
        replies={
            101: Reply("Frames as in LogFrame follow; close code 4008 says that the client read too slowly.", None)
        },
        query=(
            Query("plugin", {"type": "string"}, "Whose lines, the last ones first; without it all, from now"),
            Query("level", {"enum": list(LEVELS)}, "The lowest level sent"),
            Query("lines", {"type": "integer", "minimum": 1, "maximum": _MOST_BEFORE}, "How many of the last lines"),
        ),
        problems=(404, 422, 503),
        websocket=True,
        needs=Role.nobody,  # the role for the plugin that is asked for decides
    ),
)
