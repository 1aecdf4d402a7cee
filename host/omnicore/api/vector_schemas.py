"""The shapes of vector collections and searches, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref
from omnicore.vectors.checked import DIMENSIONS, METRICS

__all__ = ["MOST_VECTORS", "VECTOR_SCHEMAS"]

MOST_VECTORS = 1000

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_VALUES = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": DIMENSIONS}
_METADATA = {"type": "object", "description": "At most 64 members."}
_ID = {"type": "string", "minLength": 1, "maxLength": 256}
_NEXT = {"type": ["string", "null"], "description": "Cursor, null at the end."}
_DIMENSIONS = {"type": "integer", "minimum": 1, "maximum": DIMENSIONS}


def _object(*required: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, **({"required": list(required)} if required else {})}


VECTOR_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Collection": _object(
        *("owner", "name", "dimensions", "metric", "count", "created_at"),
        owner={**_TEXT, "description": "A plugin, or `@host`."},
        name=_TEXT,
        dimensions=_WHOLE,
        metric={"enum": list(METRICS)},
        count=_WHOLE,
        created_at={"type": "number", "description": "Seconds since the Unix epoch."},
    ),
    "Collections": _object(*("items", "next"), items={"type": "array", "items": ref("Collection")}, next=_NEXT),
    "CollectionOrder": _object(
        "name",
        name=_TEXT,
        dimensions={**_DIMENSIONS, "description": "The setting vectors.dimensions when left out."},
        metric={"enum": list(METRICS), "description": "cosine when left out."},
    ),
    "Vector": _object("id", "values", id=_ID, values=_VALUES, metadata=_METADATA),
    "VectorOrder": _object(
        "vectors", vectors={"type": "array", "items": ref("Vector"), "minItems": 1, "maxItems": MOST_VECTORS}
    ),
    "VectorCount": _object("count", count=_WHOLE),
    "VectorIds": _object("ids", ids={"type": "array", "items": _ID, "minItems": 1, "maxItems": MOST_VECTORS}),
    "VectorQuery": _object(
        "values",
        values=_VALUES,
        limit={"type": "integer", "minimum": 1, "maximum": MOST_VECTORS},
        filter={"type": "object", "description": "Metadata that must be equal."},
    ),
    "Match": _object(
        *("id", "distance", "metadata"),
        id=_TEXT,
        distance={"type": "number", "description": "By the collection's metric; 0 is the same."},
        metadata={"type": "object"},
    ),
    "Matches": _object(
        *("matches", "exact"),
        matches={"type": "array", "items": ref("Match")},
        exact={"type": "boolean", "description": "False when an index answered, which may miss some."},
    ),
}
