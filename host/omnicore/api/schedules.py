"""Schedules: functions that are called again and again."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.api.tasks import engine_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.runtime.schedule import ScheduleDesk, ScheduleOrder

__all__ = ["OPERATIONS"]

_FIELDS = frozenset(ScheduleOrder.__dataclass_fields__)
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
    ),
    Operation(
        *("DELETE", _AT, remove_schedule, "removeSchedule", "Removes a schedule", "schedules"),
        replies={204: Reply("It is gone.", None)},
        problems=(404,),
        idempotent=True,
    ),
)
