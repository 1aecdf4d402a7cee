"""Live events: what the bus carries, as JSON frames over a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

from starlette.websockets import WebSocket

from omnicore.api.operation import Operation, Query, Reply
from omnicore.api.parts import parts_of
from omnicore.events.bus import Event, Subscription

__all__ = ["OPERATIONS", "TOO_SLOW"]

TOO_SLOW = 4008
"""The close code for a client that reads slower than events come."""

_QUEUE = 256
_QUEUE_BYTES = 4 * 1024 * 1024
_SEND_S = 10.0
_CLOSE_S = 1.0
_SHARE = 400  # of the places on the bus, 1000 unless set otherwise, which the host itself needs some of


async def live(socket: WebSocket) -> None:
    """`/ws?topic=PATTERN&run=ID`: every event that matches, from now on, until one side closes.

    Who follows one run wants to know how far it is: there the oldest events go when they come too fast.
    """
    pattern, run = socket.query_params.get("topic", "**"), socket.query_params.get("run")
    parts_of(socket).traffic.check_share(socket.scope, _SHARE)

    def is_of_run(event: Event) -> bool:
        return isinstance(event.data, Mapping) and event.data.get("run") == run

    only, lossy = (None, False) if run is None else (is_of_run, True)
    bus = parts_of(socket).bus
    with bus.subscribe(pattern, queue=_QUEUE, queue_bytes=_QUEUE_BYTES, only=only, lossy=lossy) as events:
        await socket.accept()
        listening = asyncio.ensure_future(_until_closed(socket, events))
        try:
            in_time = await _hand_on(socket, events)
        finally:
            listening.cancel()
    if not in_time:
        # The client may not read this either; the server's own timeout then ends the connection.
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await socket.close(TOO_SLOW, "events come faster than you read; narrow the topic")


async def _hand_on(socket: WebSocket, events: Subscription) -> bool:
    """Sends events until the client closes; False when it did not keep up."""
    async for event in events:
        if events.dropped and not events.lossy:
            return False
        try:
            async with asyncio.timeout(_SEND_S):
                await socket.send_text(_frame(event))
        except TimeoutError:
            return False
    return True


async def _until_closed(socket: WebSocket, events: Subscription) -> None:
    """Drops what the client sends; its close ends the events."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    events.close()


def _frame(event: Event) -> str:
    return json.dumps(
        {"id": event.id, "topic": event.topic, "source": event.source, "at": event.at, "data": event.data}
    )


OPERATIONS = (
    Operation(
        *("GET", "/ws", live, "live", "Events as JSON text frames over a WebSocket", "events"),
        replies={101: Reply("Frames follow; close code 4008 says that the client read too slowly.", None)},
        query=(
            Query("topic", {"type": "string", "default": "**"}, "Topics to send: names, `*`, a last `**`"),
            Query("run", {"type": "string"}, "Only events of this run; the newest, when they come too fast"),
        ),
        problems=(422, 503),
        websocket=True,
    ),
)
