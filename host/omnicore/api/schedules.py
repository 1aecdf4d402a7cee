"""Schedules: functions that are called repeatedly or at a set time."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.requests import Json, read_count, read_object
from omnicore.api.schema import TEXT, TIME, Schemas, object_of, page_of
from omnicore.api.tasks import engine_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.jobs.schedules import Scheduler
from omnicore.records import decode, schema
from omnicore.storage.tables.tasks import Schedule, ScheduleOrder

__all__ = [
    "SCHEMAS",
    "add_schedule",
    "list_schedules",
    "preview_ticks",
    "remove_schedule",
    "show_next_ticks",
    "show_schedule",
    "switch_schedule",
]

_FIELDS = frozenset(ScheduleOrder.__struct_fields__)
_MOST_TICKS = 20


async def list_schedules(request: Request) -> Response:
    """One page of schedules, by name."""
    limit = read_count(request, "limit", 100)
    found, following = await asyncio.to_thread(_stored(request).list, limit, request.query_params.get("cursor"))
    return Json({"items": [one.to_json() for one in found], "next": following})


async def add_schedule(request: Request) -> Response:
    """Stores a schedule."""
    order = decode(ScheduleOrder, await read_object(request, allowed=_FIELDS), "schedule")
    view = await asyncio.to_thread(_stored(request).add, order)
    return Json(view.to_json(), 201, {"location": f"/api/v1/schedules/{view.name}"})


async def show_schedule(request: Request) -> Response:
    """One schedule."""
    view = await asyncio.to_thread(_stored(request).get, request.path_params["schedule"])
    return Json(view.to_json())


async def switch_schedule(request: Request) -> Response:
    """Switches a schedule on or off."""
    on = (await read_object(request, allowed=frozenset({"enabled"}))).get("enabled")
    if not isinstance(on, bool):
        raise InvalidInput("enabled is neither true nor false", remedy='send {"enabled": true}', path="enabled")
    view = await asyncio.to_thread(_stored(request).switch, request.path_params["schedule"], on=on)
    return Json(view.to_json())


async def remove_schedule(request: Request) -> Response:
    """Removes a schedule."""
    await asyncio.to_thread(_stored(request).remove, request.path_params["schedule"])
    return Response(status_code=204)


async def show_next_ticks(request: Request) -> Response:
    """The next times of a schedule."""
    most = read_count(request, "limit", 5, most=_MOST_TICKS)
    items, words = await asyncio.to_thread(_stored(request).next_ticks, request.path_params["schedule"], most)
    return Json({"items": items, "words": words})


async def preview_ticks(request: Request) -> Response:
    """The next times of a schedule that is not stored yet."""
    most, asked = read_count(request, "limit", 5, most=_MOST_TICKS), request.query_params
    kind, spec, timezone = asked.get("kind", "cron"), asked.get("spec", ""), asked.get("timezone", "UTC")
    items, words = await asyncio.to_thread(_stored(request).preview, kind, spec, timezone, most)
    return Json({"items": items, "words": words})


def _stored(request: Request) -> Scheduler:
    schedules = engine_of(request).schedules
    if schedules is None:
        raise Unavailable("this host keeps no schedules", remedy="ask a host that has a database")
    return schedules


SCHEMAS: Schemas = {
    "Schedule": schema(Schedule, shown=True),
    "Schedules": page_of("Schedule"),
    "ScheduleOrder": schema(ScheduleOrder),
    "Ticks": object_of(
        items={"type": "array", "items": TIME, "description": "Fewer than asked for where no more come."},
        words={**TEXT, "description": "What a cron expression says; empty for other kinds."},
    ),
    "ScheduleSwitch": object_of(enabled={"type": "boolean"}),
}
