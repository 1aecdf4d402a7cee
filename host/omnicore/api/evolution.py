"""Searches for better architectures of workflows, and their candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.api.parts import parts_of, present
from omnicore.api.requests import Json, read_count, read_object, read_record, who
from omnicore.api.schema import Schemas, object_of, page_of
from omnicore.errors import InvalidInput, NotFound
from omnicore.evolution.architecture import EvolutionCanary, EvolutionCase, EvolutionJudge, EvolutionOrder, Knob
from omnicore.evolution.reflection import EvolutionModel
from omnicore.records import decode, schema
from omnicore.storage.tables.evolution import Edit, Evolution, EvolutionCandidate, Genes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.evolution.service import Evolutions


async def list_evolutions(request: Request) -> Response:
    """A page of searches, the newest first."""
    limit, cursor = read_count(request, "limit", 100), request.query_params.get("cursor", "")
    found, following = await _evolutions(request).page(limit=limit, cursor=cursor)
    return Json({"items": [one.to_json() for one in found], "next": following})


async def begin_evolution(request: Request) -> Response:
    """Begins a search."""
    order = await read_record(request, EvolutionOrder, "search")
    made = await _evolutions(request).begin(order, who=who(request))
    return Json(made.to_json(), 201, {"location": f"/api/v1/evolutions/{made.id}"})


async def show_evolution(request: Request) -> Response:
    """One search."""
    return Json((await _evolutions(request).get(request.path_params["evolution"])).to_json())


async def list_candidates(request: Request) -> Response:
    """A page of candidates in their order."""
    limit, cursor = read_count(request, "limit", 100), request.query_params.get("cursor")
    if cursor is not None and not (cursor.isdecimal() and len(cursor) < 10):
        raise InvalidInput("cursor is not one of an earlier page", remedy="leave it out", path="cursor")
    after = -1 if cursor is None else int(cursor)
    found, following = await _evolutions(request).candidates(
        request.path_params["evolution"], limit=limit, cursor=after
    )
    return Json({"items": [one.to_json() for one in found], "next": None if following is None else str(following)})


async def show_candidate(request: Request) -> Response:
    """The document of a candidate."""
    number = request.path_params["candidate"]
    if not (number.isdecimal() and len(number) < 10):
        raise NotFound(f"there is no candidate {number[:20]}", remedy="candidates have numbers from 0")
    document = await _evolutions(request).document(request.path_params["evolution"], int(number))
    return Json({"document": document})


async def end_evolution(request: Request) -> Response:
    """Stops a search."""
    one = await _evolutions(request).end(request.path_params["evolution"], who=who(request))
    return Json(one.to_json())


async def promote_candidate(request: Request) -> Response:
    """Makes the best candidate the next version of the workflow."""
    asked = await read_object(request, allowed=frozenset({"share", "runs"}))
    given = decode(EvolutionCanary, asked, "promotion") if asked else None
    one = await _evolutions(request).promote(request.path_params["evolution"], who=who(request), canary=given)
    return Json(one.to_json())


async def undo_promotion(request: Request) -> Response:
    """Takes a promotion back."""
    one = await _evolutions(request).roll_back(request.path_params["evolution"], who=who(request))
    return Json(one.to_json())


def _evolutions(request: Request) -> Evolutions:
    return present(parts_of(request).rooms.evolution, "searches for no workflows", "ask a host that has a database")


SCHEMAS: Schemas = {
    "EvolutionOrder": schema(EvolutionOrder),
    "Knob": schema(Knob),
    "EvolutionCanary": schema(EvolutionCanary),
    "EvolutionModel": schema(EvolutionModel),
    "EvolutionCase": schema(EvolutionCase),
    "EvolutionJudge": schema(EvolutionJudge),
    "Evolution": schema(Evolution, shown=True),
    "Evolutions": page_of("Evolution"),
    "EvolutionCandidate": schema(EvolutionCandidate, shown=True),
    "EvolutionCandidates": page_of("EvolutionCandidate"),
    "EvolutionDocument": object_of(document={"type": "object"}),
    "Genes": schema(Genes),
    "Edit": schema(Edit),
}
