"""Lanes and their cycles, and intelligences."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from omnicore.api.operation import ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_count, read_object
from omnicore.api.schema import NUMBER, TABLE, TEXT, TEXTS, WHOLE, Schemas, list_of, object_of
from omnicore.errors import InvalidInput, Unavailable
from omnicore.intelligences.intelligence import BUILT_IN, IntelligenceSpec, IntelligenceStatus, spec_from_json
from omnicore.loops.lane import CycleInput, LoopType, lane_named
from omnicore.memory.tiers import TIERS
from omnicore.plugins.call import from_json, to_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.intelligences.registry import Intelligences
    from omnicore.loops.engine import LoopEngine

__all__ = [
    "LANES",
    "SCHEMAS",
    "call_intelligence",
    "create_intelligence",
    "list_intelligences",
    "list_lanes",
    "retire_intelligence",
    "run_cycle",
    "show_intelligence",
    "show_lane",
]


_FIELDS = frozenset({"data", "context", "objectives"})


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


_STATUSES = [status.value for status in IntelligenceStatus]
_SPEC_FIELDS = frozenset(IntelligenceSpec.__dataclass_fields__)


async def list_intelligences(request: Request) -> Response:
    """A page of intelligences, oldest first."""
    limit, cursor = read_count(request, "limit", 100), request.query_params.get("cursor")
    retired, status = request.query_params.get("retired", "false"), request.query_params.get("status")
    if retired not in ("true", "false"):
        raise InvalidInput("retired is neither true nor false", remedy="send one of them", path="retired")
    if status is not None and status not in _STATUSES:
        raise InvalidInput("status is not one", remedy=f"use one of {', '.join(_STATUSES)}", path="status")
    people = _people(request)
    found, following = await asyncio.to_thread(lambda: people.page(limit, cursor, retired=retired == "true"))
    # The status follows from the plugins that are there now, so a page may be short and still have a successor.
    items = [one.to_json() for one in found if status in (None, one.status)]
    return Json({"items": items, "next": following})


async def create_intelligence(request: Request) -> Response:
    """Creates an intelligence. An existing name gets another version."""
    spec = spec_from_json(await read_object(request, allowed=_SPEC_FIELDS))
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
        raise InvalidInput("capability is no text", remedy='send {"capability": "research"}', path="capability")
    people = _people(request)
    output = await people.call(request.path_params["intelligence"], capability, from_json(values.get("input", b"")))
    return Json({"output": to_json(output)})


def _people(request: Request) -> Intelligences:
    people = parts_of(request).rooms.intelligences
    if people is None:
        raise Unavailable("this host has no intelligences", remedy="ask a host that has a database")
    return people


LANES = [kind.value for kind in LoopType]
_MAYBE_TIME = {"type": ["number", "null"], "description": "Seconds since the epoch."}


_BUDGET = {
    "calls": {"type": ["integer", "null"], "minimum": 1},
    "seconds": {"type": ["number", "null"]},
    "fuel": {"type": ["integer", "null"], "description": "Wasm instructions, of plugins whose limits count them."},
    "period_s": {"type": "number", "minimum": 1},
}
_SPEC: Schemas = {
    "name": {"type": "string", "minLength": 1, "maxLength": 128},
    "min_capability": {"type": "number", "minimum": 0, "maximum": 1},
    "required_capabilities": {**TEXTS, "maxItems": 50},
    "max_inference_time": {"type": ["number", "null"], "description": "Milliseconds that one call may take."},
    "architecture": {"enum": list(BUILT_IN)},
    "budget": {"type": "object", "properties": _BUDGET},
    "memory_tiers": {"type": "array", "items": {"enum": list(TIERS)}},
    "description": TEXT,
    "strict": {"type": "boolean", "description": "Refuse it when something it requires is not there."},
}

SCHEMAS: Schemas = {
    "Lane": object_of(
        lane={"enum": [*LANES, None], "description": "Null for all lanes as one."},
        scheduled={"type": "boolean", "description": "Whether it runs by itself."},
        running={"type": "boolean"},
        cycles_completed=WHOLE,
        failures=WHOLE,
        last_run_at=_MAYBE_TIME,
        next_run_at=_MAYBE_TIME,
        avg_duration_s=NUMBER,
        handlers=TEXTS,
    ),
    "Lanes": object_of(items=list_of("Lane")),
    "CycleOrder": object_of(
        *("data", "context", "objectives"),
        data={**TABLE, "description": "What the cycle works on."},
        context=TEXT,
        objectives=TEXTS,
    ),
    "Cycle": object_of(
        cycle_id=TEXT,
        loop_type={"enum": LANES},
        success={"type": "boolean"},
        results=TABLE,
        insights={"type": "array", "items": TABLE},
        actions={"type": "array", "items": TABLE},
        next_objectives=TEXTS,
        duration_s=NUMBER,
    ),
    "IntelligenceSpec": {**object_of(*_SPEC, **_SPEC), "required": ["name"]},
    "Intelligence": object_of(
        id=TEXT,
        name=TEXT,
        version=WHOLE,
        status={"enum": _STATUSES},
        capabilities={"type": "object", "description": "Each required word with the functions that provide it."},
        missing=TEXTS,
        score={"type": ["number", "null"]},
        created_at=NUMBER,
        retired_at=_MAYBE_TIME,
        spec=ref("IntelligenceSpec"),
    ),
    "Intelligences": object_of(items=list_of("Intelligence"), next={"type": ["string", "null"]}),
    "IntelligenceCall": object_of("input", capability=TEXT, input={"description": "A JSON value for the function."}),
    "IntelligenceAnswer": object_of(output={"description": 'A JSON value, text, or {"base64": ...} for bytes.'}),
}
