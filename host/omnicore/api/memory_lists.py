"""Lists of memory: the newest of an owner, page by page, and how much each owner has of what it may have."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.memory import memory_of, owner_of, shown_memory
from omnicore.api.operation import Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_cursor, write_cursor
from omnicore.capabilities.doors import granted_scope
from omnicore.errors import InvalidInput, NotFound
from omnicore.memory.tiers import TIERS
from omnicore.plugins.host import PluginHost

__all__ = ["OPERATIONS"]

_CAPABILITY = "memory"
_LONGEST_CURSOR = 19


async def list_memories(request: Request) -> Response:
    """A page of an owner's memories, the newest first."""
    limit, tier = read_count(request, "limit", 100), request.query_params.get("tier")
    items, following = await memory_of(request).newest(owner_of(request), tier, before=_before(request), most=limit)
    return Json({"items": [shown_memory(one) for one in items], "next": None if following is None else str(following)})


async def list_owners(request: Request) -> Response:
    """A page of those who have memories, with what their grants allow."""
    limit, after = read_count(request, "limit", 100), read_cursor(request)
    held = [one for name, one in (await memory_of(request).holdings()).items() if name > after]
    page = held[:limit]
    quotas = await asyncio.to_thread(_quotas, parts_of(request).host, [one.owner for one in page])
    items = [{**asdict(one), "quota": quota} for one, quota in zip(page, quotas, strict=True)]
    return Json({"items": items, "next": write_cursor(page[-1].owner) if len(held) > limit else None})


def _quotas(host: PluginHost, owners: Sequence[str]) -> list[dict[str, Any] | None]:
    return [None if owner.startswith("@") else _quota(host, owner) for owner in owners]


def _quota(host: PluginHost, owner: str) -> dict[str, Any] | None:
    """What a plugin's grant of memory allows; None for one that is gone or has none."""
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


_PAGE = (
    Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
    Query("cursor", {"type": "string"}, "`next` of the page before"),
)
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/memory", list_memories, "listMemories", "Lists memories, the newest first", "memory"),
        replies={200: Reply("A page of memories.", schema=ref("Memories"))},
        query=(
            Query("owner", {"type": "string"}, "Whose: a plugin, or `@host` for the host's own"),
            Query("tier", {"enum": list(TIERS)}, "Only this tier; without, all that is kept for the owner alone"),
            *_PAGE,
        ),
        problems=(422,),
    ),
    Operation(
        *("GET", "/api/v1/memory/owners", list_owners, "listMemoryOwners", "Lists who has memories", "memory"),
        replies={200: Reply("A page of owners by name.", schema=ref("MemoryOwners"))},
        query=_PAGE,
        problems=(422,),
    ),
)
