"""The shapes of memories and what is asked of them, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref
from omnicore.memory.drafting import MOST_DIMENSIONS
from omnicore.memory.tiers import TIERS

__all__ = ["MEMORY_SCHEMAS", "MOST_RECALLED"]

MOST_RECALLED = 100

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_NUMBER = {"type": "number"}
_MAYBE_NUMBER = {"type": ["number", "null"]}
_WHOLE = {"type": "integer"}
_MAYBE_WHOLE = {"type": ["integer", "null"]}
_FLAG = {"type": "boolean"}
_MAYBE_TIME = {"type": ["number", "null"], "minimum": -1e12, "maximum": 1e12}
_TIER = {"enum": list(TIERS)}
_TIME = {"type": "number", "description": "Seconds since the Unix epoch."}
_EMBEDDING = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 1, "maxItems": MOST_DIMENSIONS}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
_TEXTS = {"type": "array", "items": {"type": "string"}}


def _object(*required: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, **({"required": list(required)} if required else {})}


MEMORY_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Memory": _object(
        *("id", "owner", "tier", "text", "importance", "created_at", "metadata", "writer", "state"),
        id=_TEXT,
        owner={**_TEXT, "description": "A plugin, `@host`, or `@shared`."},
        tier=_TIER,
        text=_TEXT,
        importance=_NUMBER,
        judged={**_FLAG, "description": "Whether the host judged its importance."},
        created_at=_TIME,
        accessed_at=_TIME,
        hits=_WHOLE,
        metadata={"type": "object"},
        writer={**_TEXT, "description": "Who wrote it."},
        call=_MAYBE_TEXT,
        source=_MAYBE_TEXT,
        state={"enum": ["live", "quarantined"]},
        pinned=_FLAG,
        expires_at=_MAYBE_NUMBER,
        valid_from=_MAYBE_NUMBER,
        valid_to=_MAYBE_NUMBER,
        superseded_by=_MAYBE_TEXT,
        score={**_MAYBE_NUMBER, "description": "How well it fits the question, 0 to 1."},
        explain={
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "What the score is made of.",
        },
        edges={"type": "array", "items": ref("MemoryEdge")},
    ),
    "MemoryEdge": _object(*("from", "relation", "to", "note"), **{"from": _TEXT}, relation=_TEXT, to=_TEXT, note=_TEXT),
    "MemoryOrder": _object(
        "text",
        text={"type": "string", "minLength": 1},
        tier={**_TIER, "description": "episodic when left out."},
        importance={"type": ["number", "null"], "minimum": 0, "maximum": 1},
        embedding=_EMBEDDING,
        metadata={"type": "object", "description": "`session` and `speaker` among them help recall."},
        source=_MAYBE_TEXT,
        pinned=_FLAG,
    ),
    "MemoryQuestion": _object(
        text=_MAYBE_TEXT,
        embedding=_EMBEDDING,
        tiers={"type": ["array", "null"], "items": _TIER},
        limit={"type": "integer", "minimum": 1, "maximum": MOST_RECALLED},
        touch={**_FLAG, "description": "Whether what is found counts as used; true when left out."},
        since={**_MAYBE_TIME, "description": "Only what was stored then or later. Seconds since the Unix epoch."},
        until={**_MAYBE_TIME, "description": "Only what was stored then or before. Seconds since the Unix epoch."},
    ),
    "Memories": _object("items", "next", items={"type": "array", "items": ref("Memory")}, next=_MAYBE_TEXT),
    "MemoryOwner": _object(
        *("owner", "items", "bytes", "by_tier", "quota"),
        owner={**_TEXT, "description": "A plugin, `@host`, or `@shared` for the tiers that belong to nobody alone."},
        items=_WHOLE,
        bytes=_WHOLE,
        by_tier=_COUNTS,
        quota={"anyOf": [ref("MemoryQuota"), {"type": "null"}], "description": "What a plugin's grant allows."},
    ),
    "MemoryQuota": _object(
        *("max_items", "max_bytes", "tiers", "write"),
        max_items=_MAYBE_WHOLE,
        max_bytes=_MAYBE_WHOLE,
        tiers=_TEXTS,
        write=_FLAG,
    ),
    "MemoryOwners": _object(*("items", "next"), items={"type": "array", "items": ref("MemoryOwner")}, next=_MAYBE_TEXT),
    "Recalled": _object(
        *("items", "notes"),
        items={"type": "array", "items": ref("Memory")},
        notes={**_TEXTS, "description": "Ways of looking that could not be used, and why."},
    ),
    "MemoryStats": _object(
        *("items", "bytes", "by_tier", "by_owner", "quarantined", "embedder", "problems"),
        items=_WHOLE,
        bytes=_WHOLE,
        by_tier=_COUNTS,
        by_owner=_COUNTS,
        quarantined={**_WHOLE, "description": "Memories that wait for approval."},
        embedder=_MAYBE_TEXT,
        problems=_TEXTS,
    ),
    "MemoryTier": _object(
        *("tier", "purpose", "scope", "writer", "group", "shared", "cap"),
        tier=_TIER,
        purpose=_TEXT,
        scope=_TEXT,
        writer={"enum": ["plugin", "grant", "host", "operator"]},
        group={"enum": ["working", "experience", "knowledge", "shared"]},
        shared=_FLAG,
        cap=_WHOLE,
        evicts=_FLAG,
        ttl_s=_MAYBE_NUMBER,
        half_life_s=_MAYBE_NUMBER,
        promote_at=_MAYBE_NUMBER,
        promote_hits=_MAYBE_WHOLE,
        promote_to=_MAYBE_TEXT,
    ),
    "MemoryTiers": _object("items", items={"type": "array", "items": ref("MemoryTier")}),
    "MemoryChange": _object(
        pinned=_FLAG,
        approved={"const": True},
        superseded_by=_TEXT,
    ),
    "Consolidated": _object(
        *("moved", "linked", "expired", "evicted", "purged", "embedded"),
        moved={
            "type": "array",
            "items": _object(*("from_tier", "to_tier", "count"), from_tier=_TIER, to_tier=_TIER, count=_WHOLE),
        },
        linked=_WHOLE,
        expired=_WHOLE,
        evicted=_WHOLE,
        purged=_WHOLE,
        embedded=_WHOLE,
    ),
}
