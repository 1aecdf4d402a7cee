"""Events: those of the past, newest first, and those that are published to workflows."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count
from omnicore.api.workflow_requests import service_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.events.topics import check_pattern
from omnicore.workflows.triggering.receiving import BATCH, MOST_EVENTS, STRUCTURED, events_of

__all__ = ["OPERATIONS"]

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
        raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
    rows, more = await asyncio.to_thread(read, pattern, limit, cursor)
    return Json({"items": [asdict(row) for row in rows], "next": more})


async def publish_events(request: Request) -> Response:
    """Takes CloudEvents in. They are on the disk before the answer goes out; one that came before has no effect."""
    events = events_of(request.headers.items(), await request.body())
    new = await service_of(request).publish(*events)
    return Json({"accepted": len(events), "new": new}, 202)


_EVENT = ref("CloudEvent")
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/events", list_events, "listEvents", "Lists events of the past, newest first", "events"),
        replies={200: Reply("A page of them.", schema=ref("Events"))},
        query=(
            Query("topic", {"type": "string", "default": "**"}, "Topics to list: names, `*`, a last `**`"),
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many events"),
            Query("cursor", {"type": "string"}, "Where the page begins"),
        ),
        problems=(422, 503),
    ),
    Operation(
        *("POST", "/api/v1/events", publish_events, "publishEvents", "Publishes events to workflows", "events"),
        replies={202: Reply("They are kept; workflows that want them begin or go on.", schema=ref("Published"))},
        body={
            STRUCTURED: _EVENT,
            BATCH: {"type": "array", "items": _EVENT, "maxItems": MOST_EVENTS},
            "*/*": {"description": "The data of one event in binary mode: its attributes are headers, `ce-id`."},
        },
        problems=(413, 422, 503),
        idempotent=True,
        needs=Role.operator,
    ),
)
