"""Schedules: functions that are called again and again."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.api.tasks import engine_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.runtime.schedule import ScheduleDesk, ScheduleOrder

__all__ = ["OPERATIONS"]

_FIELDS = frozenset(ScheduleOrder.__dataclass_fields__)
_MOST_TICKS = 20
_NEEDED = ("name", "function", "kind", "spec")


async def list_schedules(request: Request) -> Response:
    """One page of schedules, by name."""
    limit = read_count(request, "limit", 100)
    found, following = await asyncio.to_thread(_desk(request).list, limit, request.query_params.get("cursor"))
    return Json({"items": [one.to_json() for one in found], "next": following})


async def add_schedule(request: Request) -> Response:
    """Keeps a schedule."""
    order = ScheduleOrder(**_whole(await read_object(request, allowed=_FIELDS)))
    view = await asyncio.to_thread(_desk(request).add, order)
    return Json(view.to_json(), 201, {"location": f"/api/v1/schedules/{view.name}"})


async def show_schedule(request: Request) -> Response:
    """One schedule."""
    view = await asyncio.to_thread(_desk(request).get, request.path_params["schedule"])
    return Json(view.to_json())


async def switch_schedule(request: Request) -> Response:
    """Switches a schedule on or off."""
    on = (await read_object(request, allowed=frozenset({"enabled"}))).get("enabled")
    if not isinstance(on, bool):
        raise InvalidInput("enabled is neither true nor false", remedy='send {"enabled": true}', path="enabled")
    view = await asyncio.to_thread(_desk(request).switch, request.path_params["schedule"], on=on)
    return Json(view.to_json())


async def remove_schedule(request: Request) -> Response:
    """Forgets a schedule."""
    await asyncio.to_thread(_desk(request).remove, request.path_params["schedule"])
    return Response(status_code=204)


async def show_next_ticks(request: Request) -> Response:
    """When a schedule runs next."""
    most = read_count(request, "limit", 5, most=_MOST_TICKS)
    items, words = await asyncio.to_thread(_desk(request).next_ticks, request.path_params["schedule"], most)
    return Json({"items": items, "words": words})


async def preview_ticks(request: Request) -> Response:
    """When a schedule would run that is not kept yet."""
    most, asked = read_count(request, "limit", 5, most=_MOST_TICKS), request.query_params
    kind, spec, timezone = asked.get("kind", "cron"), asked.get("spec", ""), asked.get("timezone", "UTC")
    items, words = await asyncio.to_thread(_desk(request).preview, kind, spec, timezone, most)
    return Json({"items": items, "words": words})


def _whole(values: dict[str, Any]) -> dict[str, Any]:
    """What an order is made of; null stands for what is left out. Raises: InvalidInput: something is missing."""
    for name in _NEEDED:
        if values.get(name) is None:
            raise InvalidInput(f"{name} of the schedule is missing", remedy=f"send {', '.join(_NEEDED)}", path=name)
    return {name: value for name, value in values.items() if value is not None}


def _desk(request: Request) -> ScheduleDesk:
    schedules = engine_of(request).schedules
    if schedules is None:
        raise Unavailable("this host keeps no schedules", remedy="ask a host that has a database")
    return schedules


_AT = "/api/v1/schedules/{schedule}"
_ONE = {200: Reply("The schedule.", schema=ref("Schedule"))}
_TICKS = {200: Reply("The moments, the first one first.", schema=ref("Ticks"))}
_HOW_MANY = Query("limit", {"type": "integer", "minimum": 1, "maximum": _MOST_TICKS}, "How many; default 5")
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/schedules", list_schedules, "listSchedules", "Lists schedules", "schedules"),
        replies={200: Reply("A page of schedules.", schema=ref("Schedules"))},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
        ),
        problems=(422,),
    ),
    Operation(
        *("POST", "/api/v1/schedules", add_schedule, "addSchedule", "Adds a schedule", "schedules"),
        replies={201: Reply("The schedule, kept.", schema=ref("Schedule"))},
        body={JSON: ref("ScheduleOrder")},
        problems=(409, 413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("GET", _AT, show_schedule, "showSchedule", "Shows a schedule", "schedules"), replies=_ONE, problems=(404,)
    ),
    Operation(
        *("PUT", _AT, switch_schedule, "switchSchedule", "Switches a schedule on or off", "schedules"),
        replies=_ONE,
        body={JSON: ref("ScheduleSwitch")},
        problems=(404, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("DELETE", _AT, remove_schedule, "removeSchedule", "Removes a schedule", "schedules"),
        replies={204: Reply("It is gone.", None)},
        problems=(404,),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("GET", f"{_AT}/ticks", show_next_ticks, "showNextTicks", "Shows when a schedule runs next", "schedules"),
        replies=_TICKS,
        query=(_HOW_MANY,),
        problems=(404, 422),
    ),
    Operation(
        *("GET", "/api/v1/ticks", preview_ticks, "previewTicks", "Shows when a schedule would run", "schedules"),
        replies=_TICKS,
        query=(
            Query("kind", {"enum": ["cron", "interval", "once"]}, "Kind of schedule; default cron"),
            Query("spec", {"type": "string"}, "A cron expression, seconds, or a date"),
            Query("timezone", {"type": "string"}, "What it is read in; default UTC"),
            _HOW_MANY,
        ),
        problems=(422,),
    ),
)
