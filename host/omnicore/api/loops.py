"""Lanes and their cycles, and intelligences."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from omnicore.api.parts import parts_of, present
from omnicore.api.requests import Json, read_count, read_object, read_record
from omnicore.api.schema import TEXT, Schemas, list_of, object_of, page_of
from omnicore.errors import InvalidInput
from omnicore.intelligences.intelligence import (
    Budget,
    Intelligence,
    IntelligenceSpec,
    IntelligenceStatus,
    Practice,
    PracticeCase,
)
from omnicore.loops.lane import CycleAction, CycleInput, CycleOutput, LoopStatus, lane_named
from omnicore.plugins.call import from_json, to_json
from omnicore.records import replace, schema

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.intelligences.registry import Intelligences
    from omnicore.loops.engine import LoopEngine


async def list_lanes(request: Request) -> Response:
    """The state of each lane."""
    return Json({"items": [one.to_json() for one in await _engine(request).statuses()]})


async def show_lane(request: Request) -> Response:
    """The state of a lane."""
    status = await _engine(request).status(lane_named(request.path_params["lane"]))
    return Json(status.to_json())


async def run_cycle(request: Request) -> Response:
    """Runs a cycle of a lane and returns its result."""
    lane = lane_named(request.path_params["lane"])
    output = await _engine(request).execute_cycle(lane, await read_record(request, CycleInput, "cycle"))
    return Json(output.to_json())


def _engine(request: Request) -> LoopEngine:
    return present(parts_of(request).rooms.loops, "has no lanes", "ask a host that has a database")


_STATUSES = [status.value for status in IntelligenceStatus]


async def list_intelligences(request: Request) -> Response:
    """A page of intelligences, oldest first."""
    limit, cursor = read_count(request, "limit", 100), request.query_params.get("cursor")
    retired, status = request.query_params.get("retired", "false"), request.query_params.get("status")
    if retired not in ("true", "false"):
        raise InvalidInput("retired is neither true nor false", remedy="send one of them", path="retired")
    if status is not None and status not in _STATUSES:
        raise InvalidInput(
            "status is not a status of an intelligence", remedy=f"use one of {', '.join(_STATUSES)}", path="status"
        )
    people = _people(request)
    found, following = await asyncio.to_thread(lambda: people.page(limit, cursor, retired=retired == "true"))
    # The status follows from the plugins that are there now, so a page may be short and still have a successor.
    items = [one.to_json() for one in found if status in (None, one.status)]
    return Json({"items": items, "next": following})


async def create_intelligence(request: Request) -> Response:
    """Creates an intelligence. An existing name gets another version."""
    spec = await read_record(request, IntelligenceSpec, "spec")
    made = await asyncio.to_thread(_people(request).create, spec)
    return Json(made.to_json(), 201, {"location": f"/api/v1/intelligences/{made.id}"})


async def show_intelligence(request: Request) -> Response:
    """An intelligence in its current state."""
    found = await asyncio.to_thread(_people(request).get, request.path_params["intelligence"])
    return Json(found.to_json())


async def retire_intelligence(request: Request) -> Response:
    """Retires an intelligence."""
    people, id_ = _people(request), request.path_params["intelligence"]
    await asyncio.to_thread(people.retire, id_)
    found = await asyncio.to_thread(people.get, id_)
    return Json(found.to_json())


async def call_intelligence(request: Request) -> Response:
    """Calls one of the capabilities that an intelligence requires, within its budget."""
    values = await read_object(request, allowed=frozenset({"capability", "input"}))
    capability = values.get("capability")
    if not isinstance(capability, str):
        raise InvalidInput("capability is not text", remedy='send {"capability": "research"}', path="capability")
    people = _people(request)
    output = await people.call(request.path_params["intelligence"], capability, from_json(values.get("input", b"")))
    return Json({"output": to_json(output)})


async def practise_intelligence(request: Request) -> Response:
    """Has an intelligence do cases and keeps the part that it gets right as its score."""
    practice = await read_record(request, Practice, "practice")
    cases = [replace(one, input=from_json(one.input)) for one in practice.cases]
    return Json((await _people(request).practise(request.path_params["intelligence"], cases)).to_json())


def _people(request: Request) -> Intelligences:
    return present(parts_of(request).rooms.intelligences, "has no intelligences", "ask a host that has a database")


SCHEMAS: Schemas = {
    "Lane": schema(LoopStatus, shown=True),
    "Lanes": object_of(items=list_of("Lane")),
    "CycleOrder": schema(CycleInput),
    "Cycle": schema(CycleOutput, shown=True),
    "CycleAction": schema(CycleAction, shown=True),
    "IntelligenceSpec": schema(IntelligenceSpec),
    "Budget": schema(Budget),
    "Intelligence": schema(Intelligence, shown=True),
    "Intelligences": page_of("Intelligence"),
    "Practice": schema(Practice),
    "PracticeCase": schema(PracticeCase),
    "IntelligenceCall": object_of("input", capability=TEXT, input={"description": "A JSON value for the function."}),
    "IntelligenceAnswer": object_of(output={"description": 'A JSON value, text, or {"base64": ...} for bytes.'}),
}
