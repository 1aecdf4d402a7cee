"""Memories: store, recall with an explanation of each score, list, change and forget."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from omnicore.api.operation import ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_count, read_cursor, read_object, write_cursor
from omnicore.api.schema import FLAG, MAYBE_TEXT, NUMBER, TEXT, TEXTS, TIME, WHOLE, Schemas, list_of, order_of
from omnicore.capabilities.doors import granted_scope
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.memory.item import MOST_DIMENSIONS
from omnicore.memory.memories import HOST
from omnicore.memory.recall import Made
from omnicore.memory.service import export_pack, import_pack
from omnicore.memory.tiers import TIERS, MemoryTier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from starlette.requests import Request

    from omnicore.memory.item import Memory
    from omnicore.memory.service import MemoryService
    from omnicore.plugins.host import PluginHost

__all__ = [
    "MOST_RECALLED",
    "SCHEMAS",
    "change_memory",
    "consolidate_memories",
    "export_memories",
    "forget_memory",
    "import_memories",
    "list_memories",
    "list_memory_owners",
    "memory_of",
    "memory_stats",
    "memory_tiers",
    "owner_of",
    "recall_memories",
    "show_memory",
    "shown_memory",
    "store_memory",
]


MOST_RECALLED = 100
_LINES = "application/jsonl"

_MAYBE_NUMBER = {"type": ["number", "null"]}
_MAYBE_WHOLE = {"type": ["integer", "null"]}
_MAYBE_TIME = {"type": ["number", "null"], "minimum": -1e12, "maximum": 1e12}
_TIER = {"enum": list(TIERS)}
_EMBEDDING = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 1, "maxItems": MOST_DIMENSIONS}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}


SCHEMAS: Schemas = {
    "MemoryImported": order_of(
        *("pack", "version", "memories", "replaced"),
        pack=TEXT,
        version=TEXT,
        memories={**WHOLE, "description": "Memories that it brought, or that were there."},
        replaced={**WHOLE, "description": "Memories of older versions that are gone."},
    ),
    "Memory": order_of(
        *("id", "owner", "tier", "text", "importance", "created_at", "metadata", "writer", "state"),
        id=TEXT,
        owner={**TEXT, "description": "A plugin, `@host`, or `@shared`."},
        tier=_TIER,
        text=TEXT,
        importance=NUMBER,
        judged={**FLAG, "description": "Whether the host judged its importance."},
        created_at=TIME,
        accessed_at=TIME,
        hits=WHOLE,
        metadata={"type": "object"},
        writer={**TEXT, "description": "Who wrote it."},
        call=MAYBE_TEXT,
        source=MAYBE_TEXT,
        state={"enum": ["live", "quarantined"]},
        pinned=FLAG,
        expires_at=_MAYBE_NUMBER,
        valid_from=_MAYBE_NUMBER,
        valid_to=_MAYBE_NUMBER,
        superseded_by=MAYBE_TEXT,
        score={**_MAYBE_NUMBER, "description": "How well it fits the question, 0 to 1."},
        explain={
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "What the score is made of.",
        },
        edges=list_of("MemoryEdge"),
    ),
    "MemoryEdge": order_of(*("from", "relation", "to", "note"), **{"from": TEXT}, relation=TEXT, to=TEXT, note=TEXT),
    "MemoryOrder": order_of(
        "text",
        text={"type": "string", "minLength": 1},
        tier={**_TIER, "description": "episodic when left out."},
        importance={"type": ["number", "null"], "minimum": 0, "maximum": 1},
        embedding=_EMBEDDING,
        metadata={"type": "object", "description": "`session` and `speaker` among them help recall."},
        source=MAYBE_TEXT,
        pinned=FLAG,
    ),
    "MemoryQuestion": order_of(
        text=MAYBE_TEXT,
        embedding=_EMBEDDING,
        tiers={"type": ["array", "null"], "items": _TIER},
        limit={"type": "integer", "minimum": 1, "maximum": MOST_RECALLED},
        touch={**FLAG, "description": "Whether what is found counts as used; true when left out."},
        since={**_MAYBE_TIME, "description": "Only what was stored then or later. Seconds since the Unix epoch."},
        until={**_MAYBE_TIME, "description": "Only what was stored then or before. Seconds since the Unix epoch."},
    ),
    "Memories": order_of("items", "next", items=list_of("Memory"), next=MAYBE_TEXT),
    "MemoryOwner": order_of(
        *("owner", "items", "bytes", "by_tier", "quota"),
        owner={**TEXT, "description": "A plugin, `@host`, or `@shared` for the tiers that belong to nobody alone."},
        items=WHOLE,
        bytes=WHOLE,
        by_tier=_COUNTS,
        quota={"anyOf": [ref("MemoryQuota"), {"type": "null"}], "description": "What a plugin's grant allows."},
    ),
    "MemoryQuota": order_of(
        *("max_items", "max_bytes", "tiers", "write"),
        max_items=_MAYBE_WHOLE,
        max_bytes=_MAYBE_WHOLE,
        tiers=TEXTS,
        write=FLAG,
    ),
    "MemoryOwners": order_of(*("items", "next"), items=list_of("MemoryOwner"), next=MAYBE_TEXT),
    "Recalled": order_of(
        *("items", "notes"),
        items=list_of("Memory"),
        notes={**TEXTS, "description": "Ways of looking that could not be used, and why."},
    ),
    "MemoryStats": order_of(
        *("items", "bytes", "by_tier", "by_owner", "quarantined", "embedder", "problems"),
        items=WHOLE,
        bytes=WHOLE,
        by_tier=_COUNTS,
        by_owner=_COUNTS,
        quarantined={**WHOLE, "description": "Memories that wait for approval."},
        embedder=MAYBE_TEXT,
        problems=TEXTS,
    ),
    "MemoryTier": order_of(
        *("tier", "purpose", "scope", "writer", "group", "shared", "cap"),
        tier=_TIER,
        purpose=TEXT,
        scope=TEXT,
        writer={"enum": ["plugin", "grant", "host", "operator"]},
        group={"enum": ["working", "experience", "knowledge", "shared"]},
        shared=FLAG,
        cap=WHOLE,
        evicts=FLAG,
        ttl_s=_MAYBE_NUMBER,
        half_life_s=_MAYBE_NUMBER,
        promote_at=_MAYBE_NUMBER,
        promote_hits=_MAYBE_WHOLE,
        promote_to=MAYBE_TEXT,
    ),
    "MemoryTiers": order_of("items", items=list_of("MemoryTier")),
    "MemoryChange": order_of(
        pinned=FLAG,
        approved={"const": True},
        superseded_by=TEXT,
    ),
    "Consolidated": order_of(
        *("moved", "linked", "expired", "evicted", "purged", "embedded"),
        moved={
            "type": "array",
            "items": order_of(*("from_tier", "to_tier", "count"), from_tier=_TIER, to_tier=_TIER, count=WHOLE),
        },
        linked=WHOLE,
        expired=WHOLE,
        evicted=WHOLE,
        purged=WHOLE,
        embedded=WHOLE,
    ),
}


_LATEST = 1e12  # seconds; what is beyond is no time but a mistake
_ASKED = frozenset({"text", "embedding", "tiers", "limit", "touch", "since", "until"})


async def memory_stats(request: Request) -> Response:
    """Counts of memories."""
    found = await memory_of(request).stats(request.query_params.get("owner"))
    return Json(found.to_json())


async def memory_tiers(request: Request) -> Response:
    """The policies of all tiers."""
    return Json({"items": [asdict(policy) for policy in memory_of(request).tiers().values()]})


async def store_memory(request: Request) -> Response:
    """Stores a text. The same text in the same tier is the same memory."""
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


async def recall_memories(request: Request) -> Response:
    """The memories that fit a question best."""
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


async def show_memory(request: Request) -> Response:
    """A memory with its sources."""
    service, item = memory_of(request), request.path_params["memory"]
    found = await service.get(item)
    if found is None:
        raise _gone(item)
    edges = [dict(zip(("from", "relation", "to", "note"), edge, strict=True)) for edge in await service.edges(item)]
    return Json({**shown_memory(found), "edges": edges})


async def change_memory(request: Request) -> Response:
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
    return await show_memory(request)


async def forget_memory(request: Request) -> Response:
    """Erases a memory."""
    item = request.path_params["memory"]
    if not await memory_of(request).forget(item):
        raise _gone(item)
    return Response(status_code=204)


async def consolidate_memories(request: Request) -> Response:
    """Consolidates now."""
    return Json((await memory_of(request).consolidate()).to_json())


_SPOOLED = 8 * 1024 * 1024
_CHUNK = 256 * 1024


async def export_memories(request: Request) -> Response:
    """A pack of an owner's memories, made before its first byte is sent."""
    service, owner, asked = memory_of(request), owner_of(request), request.query_params
    tiers = asked.getlist("tier")
    for tier in tiers:
        _check_tier(tier)

    def made() -> IO[bytes]:
        file = SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 closed when it was sent
        try:
            names = {"name": asked.get("name") or owner, "version": asked.get("version") or "1"}
            export_pack(service.memories, file, owner=owner, tiers=tiers or None, **names)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    return StreamingResponse(_chunks(await asyncio.to_thread(made)), media_type=_LINES)


async def import_memories(request: Request) -> Response:
    """Takes in a pack, whose hash is checked first."""
    service, owner, tier = memory_of(request), owner_of(request), request.query_params.get("tier")
    if tier is not None:
        _check_tier(tier)
    pack = BytesIO(await request.body())
    return Json(asdict(await asyncio.to_thread(import_pack, service.memories, pack, owner=owner, tier=tier)))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _check_tier(tier: str) -> None:
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier[:40]!r}", remedy=f"use one of {', '.join(TIERS)}", path="tier")


def memory_of(request: Request) -> MemoryService:
    """The host's memory. Raises: Unavailable: it has none."""
    service = parts_of(request).rooms.memory
    if service is None:
        raise Unavailable("this host has no memory", remedy="ask a host that has one")
    return service


def owner_of(request: Request) -> str:
    """The owner whose memories a request is about."""
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


_CAPABILITY = "memory"
_LONGEST_CURSOR = 19


async def list_memories(request: Request) -> Response:
    """A page of an owner's memories, the newest first."""
    limit, tier = read_count(request, "limit", 100), request.query_params.get("tier")
    items, following = await memory_of(request).newest(owner_of(request), tier, before=_before(request), most=limit)
    return Json({"items": [shown_memory(one) for one in items], "next": None if following is None else str(following)})


async def list_memory_owners(request: Request) -> Response:
    """A page of owners of memories, with the limits of their grants."""
    limit, after = read_count(request, "limit", 100), read_cursor(request)
    held = [one for name, one in (await memory_of(request).holdings()).items() if name > after]
    page = held[:limit]
    quotas = await asyncio.to_thread(_quotas, parts_of(request).host, [one.owner for one in page])
    items = [{**asdict(one), "quota": quota} for one, quota in zip(page, quotas, strict=True)]
    return Json({"items": items, "next": write_cursor(page[-1].owner) if len(held) > limit else None})


def _quotas(host: PluginHost, owners: Sequence[str]) -> list[dict[str, Any] | None]:
    return [None if owner.startswith("@") else _quota(host, owner) for owner in owners]


def _quota(host: PluginHost, owner: str) -> dict[str, Any] | None:
    """The limits of a plugin's grant of memory. None without one."""
    try:
        view = host.get(owner)
    except NotFound:
        return None
    return granted_scope(_CAPABILITY, view.asked, view.granted)


def _before(request: Request) -> int | None:
    cursor = request.query_params.get("cursor", "")
    if not cursor:
        return None
    if cursor.isascii() and cursor.isdigit() and len(cursor) < _LONGEST_CURSOR:
        return int(cursor)
    raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
