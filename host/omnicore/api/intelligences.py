"""Intelligences: make, find, use and retire them."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.errors import InvalidInput, Unavailable
from omnicore.intelligences.intelligence import IntelligenceSpec, spec_from_json
from omnicore.intelligences.registry import Intelligences
from omnicore.plugins.json_calls import from_json, to_json

__all__ = ["OPERATIONS"]

_FIELDS = frozenset(IntelligenceSpec.__dataclass_fields__)


async def list_intelligences(request: Request) -> Response:
    """A page of intelligences, oldest first."""
    limit, cursor = read_count(request, "limit", 100), request.query_params.get("cursor")
    found, following = await asyncio.to_thread(_people(request).page, limit, cursor)
    return Json({"items": [one.to_json() for one in found], "next": following})


async def create_intelligence(request: Request) -> Response:
    """Makes an intelligence; a name that is there already gets another version."""
    spec = spec_from_json(await read_object(request, allowed=_FIELDS))
    made = await asyncio.to_thread(_people(request).create, spec)
    return Json(made.to_json(), 201, {"location": f"/api/v1/intelligences/{made.id}"})


async def show_intelligence(request: Request) -> Response:
    """One intelligence, as it stands now."""
    found = await asyncio.to_thread(_people(request).get, request.path_params["intelligence"])
    return Json(found.to_json())


async def retire_intelligence(request: Request) -> Response:
    """Ends an intelligence."""
    people, id_ = _people(request), request.path_params["intelligence"]
    await asyncio.to_thread(people.retire, id_)
    found = await asyncio.to_thread(people.get, id_)
    return Json(found.to_json())


async def call_intelligence(request: Request) -> Response:
    """Has an intelligence do one of the things that it requires, within its budget."""
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


_ONE = {200: Reply("The intelligence.", schema=ref("Intelligence"))}
_PATH = "/api/v1/intelligences"
OPERATIONS = (
    Operation(
        *("GET", _PATH, list_intelligences, "listIntelligences", "Lists intelligences", "intelligences"),
        replies={200: Reply("A page of them.", schema=ref("Intelligences"))},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
        ),
        problems=(422,),
    ),
    Operation(
        *("POST", _PATH, create_intelligence, "createIntelligence", "Makes an intelligence", "intelligences"),
        replies={201: Reply("The intelligence.", schema=ref("Intelligence"))},
        body={JSON: ref("IntelligenceSpec")},
        problems=(413, 422),
        idempotent=True,
    ),
    Operation(
        *("GET", f"{_PATH}/{{intelligence}}", show_intelligence, "showIntelligence", "Shows one", "intelligences"),
        replies=_ONE,
        problems=(404,),
    ),
    Operation(
        "DELETE",
        *(f"{_PATH}/{{intelligence}}", retire_intelligence, "retireIntelligence", "Ends one", "intelligences"),
        replies=_ONE,
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        "POST",
        *(f"{_PATH}/{{intelligence}}/calls", call_intelligence, "callIntelligence", "Uses one", "intelligences"),
        replies={200: Reply("What came of it.", schema=ref("IntelligenceAnswer"))},
        body={JSON: ref("IntelligenceCall")},
        problems=(403, 404, 409, 422, 503),
        idempotent=True,
        needs=Role.operator,
    ),
)
