"""Memory: store, recall with an explanation of each score, look at, correct and forget."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.memory_schemas import MOST_RECALLED
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_object
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.memory.finding import Made
from omnicore.memory.item import Memory
from omnicore.memory.memories import HOST
from omnicore.memory.service import MemoryService
from omnicore.memory.tiers import MemoryTier

__all__ = ["OPERATIONS", "memory_of", "owner_of", "shown_memory"]

_LATEST = 1e12  # seconds; what is beyond is no time but a mistake
_ASKED = frozenset({"text", "embedding", "tiers", "limit", "touch", "since", "until"})


async def stats(request: Request) -> Response:
    """How much is remembered."""
    found = await memory_of(request).stats(request.query_params.get("owner"))
    return Json(found.to_json())


async def tiers(request: Request) -> Response:
    """The policies of all tiers."""
    return Json({"items": [asdict(policy) for policy in memory_of(request).tiers().values()]})


async def store(request: Request) -> Response:
    """Remembers a text; the same text in the same tier is the same memory."""
    values = await read_object(
        request, allowed=frozenset({"text", "tier", "importance", "embedding", "metadata", "source", "pinned"})
    )
    service = memory_of(request)
    item = await service.store(
        _text(values, "text"),
        _text(values, "tier", MemoryTier.Episodic),
        owner=owner_of(request),
        importance=_number(values, "importance"),
        embedding=_embedding(values),
        metadata=_table(values, "metadata"),
        source=_text(values, "source", ""),
        pinned=_flag(values, "pinned"),
    )
    found = await service.get(item, owner=owner_of(request))
    if found is None:  # it expired or was forgotten at once
        raise NotFound(f"memory {item} is gone already", remedy="store it again, or pinned")
    return Json(shown_memory(found), 201, {"location": f"/api/v1/memory/{item}"})


async def recall(request: Request) -> Response:
    """What fits best."""
    values = await read_object(request, allowed=_ASKED)
    limit = values.get("limit", 10)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_RECALLED:
        raise InvalidInput(f"limit is no number from 1 to {MOST_RECALLED}", remedy="correct it", path="limit")
    asked = values.get("tiers")
    if asked is not None and not (isinstance(asked, list) and all(isinstance(one, str) for one in asked)):
        raise InvalidInput("tiers are no list of names", remedy="see /api/v1/memory/tiers", path="tiers")
    found = await memory_of(request).recall(
        _text(values, "text", "") or None,
        embedding=_embedding(values),
        tiers=asked,
        owner=owner_of(request),
        limit=limit,
        touch=_flag(values, "touch", otherwise=True),
        made=Made(_time(values, "since"), _time(values, "until")),
    )
    return Json({"items": [shown_memory(one) for one in found.items], "notes": found.notes})


async def show(request: Request) -> Response:
    """One memory, with what it was made of."""
    service, item = memory_of(request), request.path_params["memory"]
    found = await service.get(item)
    if found is None:
        raise _gone(item)
    edges = [dict(zip(("from", "relation", "to", "note"), edge, strict=True)) for edge in await service.edges(item)]
    return Json({**shown_memory(found), "edges": edges})


async def change(request: Request) -> Response:
    """Pins, approves or corrects a memory."""
    values = await read_object(request, allowed=frozenset({"pinned", "approved", "superseded_by"}))
    service, item = memory_of(request), request.path_params["memory"]
    if not values:
        raise InvalidInput("there is nothing to change", remedy="send pinned, approved or superseded_by")
    if values.get("approved") is not None:
        if values["approved"] is not True:
            raise InvalidInput("approved can only be true", remedy="DELETE what is not wanted", path="approved")
        await service.approve(item)
    if "superseded_by" in values:
        await service.supersede(item, _text(values, "superseded_by"))
    if "pinned" in values:
        await service.pin(item, _flag(values, "pinned"))
    return await show(request)


async def forget(request: Request) -> Response:
    """Erases a memory."""
    item = request.path_params["memory"]
    if not await memory_of(request).forget(item):
        raise _gone(item)
    return Response(status_code=204)


async def consolidate(request: Request) -> Response:
    """Consolidates now."""
    return Json((await memory_of(request).consolidate()).to_json())


def memory_of(request: Request) -> MemoryService:
    """The host's memory. Raises: Unavailable: it has none."""
    service = parts_of(request).rooms.memory
    if service is None:
        raise Unavailable("this host has no memory", remedy="ask a host that has one")
    return service


def owner_of(request: Request) -> str:
    """Whose memories a request is about."""
    return request.query_params.get("owner") or HOST


def shown_memory(memory: Memory) -> dict[str, Any]:
    """A memory as REST shows it."""
    values = asdict(memory)
    del values["embedding"]  # thousands of numbers that nobody reads
    return values


def _gone(item: str) -> NotFound:
    return NotFound(f"there is no memory {item[:80]}", remedy="recall one with POST /api/v1/memory/recall")


def _text(values: dict[str, Any], name: str, otherwise: str | None = None) -> str:
    value = values.get(name, otherwise)
    if value is None and otherwise is not None:
        return otherwise
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is no text", remedy="send a JSON string", path=name)
    return value


def _number(values: dict[str, Any], name: str) -> float | None:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise InvalidInput(f"{name} is no number", remedy="send a JSON number", path=name)
    return value


def _time(values: dict[str, Any], name: str) -> float | None:
    value = _number(values, name)
    if value is not None and not abs(value) <= _LATEST:
        raise InvalidInput(f"{name} is no time", remedy="send seconds since the Unix epoch", path=name)
    return value


def _flag(values: dict[str, Any], name: str, *, otherwise: bool = False) -> bool:
    value = values.get(name, otherwise)
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} is neither true nor false", remedy="send one of them", path=name)
    return value


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.get(name, {})
    if not isinstance(value, dict):
        raise InvalidInput(f"{name} is no object", remedy="send a JSON object", path=name)
    return value


def _embedding(values: dict[str, Any]) -> list[float] | None:
    value = values.get("embedding")
    if value is not None and not isinstance(value, list):
        raise InvalidInput("embedding is no list", remedy="send a list of numbers", path="embedding")
    return value


_OWNER = Query("owner", {"type": "string"}, "Whose: a plugin, or `@host` for the host's own")
_MEMORY = {200: Reply("The memory.", schema=ref("Memory"))}
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/memory/stats", stats, "memoryStats", "Shows how much is remembered", "memory"),
        replies={200: Reply("The figures.", schema=ref("MemoryStats"))},
        query=(_OWNER,),
    ),
    Operation(
        *("GET", "/api/v1/memory/tiers", tiers, "memoryTiers", "Lists the twelve tiers", "memory"),
        replies={200: Reply("The tiers.", schema=ref("MemoryTiers"))},
    ),
    Operation(
        *("POST", "/api/v1/memory", store, "storeMemory", "Remembers a text", "memory"),
        replies={201: Reply("The memory.", schema=ref("Memory"))},
        query=(_OWNER,),
        body={JSON: ref("MemoryOrder")},
        problems=(404, 413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("POST", "/api/v1/memory/recall", recall, "recallMemories", "Recalls what fits a text", "memory"),
        replies={200: Reply("What fits, best first.", schema=ref("Recalled"))},
        query=(_OWNER,),
        body={JSON: ref("MemoryQuestion")},
        problems=(413, 422),
        needs=Role.viewer,
    ),
    Operation(
        *("POST", "/api/v1/memory/consolidate", consolidate, "consolidateMemories", "Consolidates now", "memory"),
        replies={200: Reply("What was done.", schema=ref("Consolidated"))},
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("GET", "/api/v1/memory/{memory}", show, "showMemory", "Shows a memory", "memory"),
        replies=_MEMORY,
        problems=(404,),
    ),
    Operation(
        *("POST", "/api/v1/memory/{memory}", change, "changeMemory", "Pins, approves or corrects a memory", "memory"),
        replies=_MEMORY,
        body={JSON: ref("MemoryChange")},
        problems=(403, 404, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("DELETE", "/api/v1/memory/{memory}", forget, "forgetMemory", "Erases a memory", "memory"),
        replies={204: Reply("It is gone.", None)},
        problems=(404,),
        idempotent=True,
        needs=Role.operator,
    ),
)
