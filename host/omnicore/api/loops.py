"""Lanes: how they stand, and cycles on demand."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_object
from omnicore.errors import InvalidInput, Unavailable
from omnicore.loops.cycle import CycleInput
from omnicore.loops.engine import LoopEngine
from omnicore.loops.lane import lane_named

__all__ = ["OPERATIONS"]

_FIELDS = frozenset({"data", "context", "objectives"})


async def list_lanes(request: Request) -> Response:
    """How each lane stands."""
    return Json({"items": [one.to_json() for one in await _engine(request).statuses()]})


async def show_lane(request: Request) -> Response:
    """How one lane stands."""
    status = await _engine(request).status(lane_named(request.path_params["lane"]))
    return Json(status.to_json())


async def run_cycle(request: Request) -> Response:
    """Runs a cycle of a lane now and answers with what it did."""
    lane = lane_named(request.path_params["lane"])
    given = _given(await read_object(request, allowed=_FIELDS))
    output = await _engine(request).execute_cycle(lane, given)
    return Json(output.to_json())


def _engine(request: Request) -> LoopEngine:
    engine = parts_of(request).rooms.loops
    if engine is None:
        raise Unavailable("this host has no lanes", remedy="ask a host that has a database")
    return engine


def _given(values: dict[str, Any]) -> CycleInput:
    data, objectives = values.get("data", {}), values.get("objectives", [])
    if not isinstance(data, dict) or not isinstance(objectives, list):
        raise InvalidInput("data is no object, or objectives no list", remedy="correct the body", path="data")
    return CycleInput(data, values.get("context", ""), objectives)


OPERATIONS = (
    Operation(
        *("GET", "/api/v1/loops", list_lanes, "listLanes", "Shows how the lanes stand", "loops"),
        replies={200: Reply("The seven lanes.", schema=ref("Lanes"))},
    ),
    Operation(
        *("GET", "/api/v1/loops/{lane}", show_lane, "showLane", "Shows how a lane stands", "loops"),
        replies={200: Reply("The lane.", schema=ref("Lane"))},
        problems=(404,),
    ),
    Operation(
        *("POST", "/api/v1/loops/{lane}/cycles", run_cycle, "runCycle", "Runs a cycle of a lane now", "loops"),
        replies={200: Reply("What the cycle did.", schema=ref("Cycle"))},
        body={JSON: ref("CycleOrder")},
        problems=(404, 409, 422),
        idempotent=True,
        needs=Role.operator,
    ),
)
