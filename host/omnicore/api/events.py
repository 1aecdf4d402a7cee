"""Events: past ones, publishing to workflows, and live ones over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from omnicore.api.parts import parts_of
from omnicore.api.principals import live_protocol
from omnicore.api.requests import Json, read_count
from omnicore.api.schema import COUNT, TEXT, WHOLE, Schemas, object_of
from omnicore.api.workflows import service_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.events.bus import check_pattern
from omnicore.records import asdict
from omnicore.workflows.steps.cloud_events import events_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from omnicore.events.bus import Event, Subscription


_ID = re.compile(r"evt_[0-9a-z]{26}")


async def list_events(request: Request) -> Response:
    """A page of events."""
    read = parts_of(request).rooms.events
    if read is None:
        raise Unavailable("this host keeps no events", remedy="ask a host that does")
    pattern = check_pattern(request.query_params.get("topic", "**"))
    limit = read_count(request, "limit", 100)
    cursor = request.query_params.get("cursor")
    if cursor is not None and not _ID.fullmatch(cursor):
        raise InvalidInput("the cursor is invalid", remedy="pass `next` of the page before", path="cursor")
    rows, more = await asyncio.to_thread(read, pattern, limit, cursor)
    return Json({"items": [asdict(row) for row in rows], "next": more})


async def publish_events(request: Request) -> Response:
    """Accepts CloudEvents. They are stored before the answer is sent; a repeated one has no effect."""
    events = events_of(request.headers.items(), await request.body())
    new = await service_of(request).publish(*events)
    return Json({"accepted": len(events), "new": new}, 202)


SCHEMAS: Schemas = {
    "Event": object_of(
        id=TEXT,
        topic=TEXT,
        source={**TEXT, "description": "A part of the host, or the plugin that published it."},
        at={"type": "number", "description": "Seconds since the Unix epoch."},
        hops={**COUNT, "description": "0 for an event of the host itself."},
        data={},
    ),
    "Events": object_of(
        items={"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        next={"type": ["string", "null"], "description": "Cursor, null at the end."},
    ),
    "CloudEvent": {
        "type": "object",
        "description": "CloudEvents 1.0, with extension attributes of 1 to 40 of a-z 0-9.",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**TEXT, "description": "With `source`: a second one of the same has no effect."},
            "source": {**TEXT, "description": "A URI reference; not one of this host's, `omnicore:...`."},
            "type": TEXT,
            "subject": TEXT,
            "time": {**TEXT, "format": "date-time"},
            "datacontenttype": TEXT,
            "dataschema": TEXT,
            "data": {},
            "data_base64": TEXT,
        },
        "required": ["specversion", "id", "source", "type"],
    },
    "Published": object_of(
        accepted={**WHOLE, "description": "How many came."},
        new={**WHOLE, "description": "How many of them had not come before."},
    ),
}


TOO_SLOW = 4008
"""The close code for a client that reads slower than events come."""

_QUEUE = 256
_QUEUE_BYTES = 4 * 1024 * 1024
_SEND_S = 10.0
_CLOSE_S = 1.0
_SHARE = 400  # of the places on the bus, 1000 unless set otherwise, which the host itself needs some of


async def live(socket: WebSocket) -> None:
    """Sends every matching event of all hosts until one side closes: `/ws?topic=PATTERN&run=ID`.

    A client that follows one run wants its latest state, so the oldest events are dropped if it reads too slowly.
    """
    pattern, run = socket.query_params.get("topic", "**"), socket.query_params.get("run")
    parts_of(socket).traffic.check_share(socket.scope, _SHARE)

    def is_of_run(event: Event) -> bool:
        return isinstance(event.data, Mapping) and event.data.get("run") == run

    only, lossy = (None, False) if run is None else (is_of_run, True)
    bus = parts_of(socket).bus
    with bus.subscribe(
        pattern, queue=_QUEUE, queue_bytes=_QUEUE_BYTES, everywhere=True, only=only, lossy=lossy
    ) as events:
        await socket.accept(subprotocol=live_protocol(socket))
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
    """Sends events until the client closes. False if it read too slowly."""
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
    """Reads and ignores messages until the client closes."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    events.close()


def _frame(event: Event) -> str:
    return json.dumps(
        {"id": event.id, "topic": event.topic, "source": event.source, "at": event.at, "data": event.data}
    )
