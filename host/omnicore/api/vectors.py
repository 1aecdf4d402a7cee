"""Vectors: collections of plugins and of the host, their content, and searches."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from omnicore.api.operation import ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_count, read_object
from omnicore.api.schema import NEXT, TEXT, WHOLE, Schemas, list_of, order_of
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.vectors.vector import DIMENSIONS, HOST, METRICS, Vector, can_be

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from omnicore.vectors.service import VectorService

__all__ = [
    "MOST_VECTORS",
    "SCHEMAS",
    "create_collection",
    "delete_vectors",
    "drop_collection",
    "list_collections",
    "rebuild_index",
    "search_vectors",
    "show_collection",
    "show_index",
    "upsert_vectors",
]


MOST_VECTORS = 1000

_VALUES = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": DIMENSIONS}
_METADATA = {"type": "object", "description": "At most 64 members."}
_ID = {"type": "string", "minLength": 1, "maxLength": 256}
_DIMENSIONS = {"type": "integer", "minimum": 1, "maximum": DIMENSIONS}


SCHEMAS: Schemas = {
    "Collection": order_of(
        *("owner", "name", "dimensions", "metric", "count", "created_at"),
        owner={**TEXT, "description": "A plugin, or `@host`."},
        name=TEXT,
        dimensions=WHOLE,
        metric={"enum": list(METRICS)},
        count=WHOLE,
        created_at={"type": "number", "description": "Seconds since the Unix epoch."},
    ),
    "Collections": order_of(*("items", "next"), items=list_of("Collection"), next=NEXT),
    "CollectionIndex": order_of(
        *("owner", "name", "dimensions", "metric", "count", "created_at", "in_memory", "indexed", "reason", "copy"),
        owner={**TEXT, "description": "A plugin, or `@host`."},
        name=TEXT,
        dimensions=WHOLE,
        metric={"enum": list(METRICS)},
        count=WHOLE,
        created_at={"type": "number", "description": "Seconds since the Unix epoch."},
        in_memory={"type": "boolean", "description": "True while the collection is held in memory."},
        indexed={**WHOLE, "description": "Vectors in the index; 0 where searches compare all."},
        reason={**TEXT, "description": "The reason why there is no index; else empty."},
        copy={"type": ["object", "null"], "description": "Rows and bytes of the copy on disk, or its error."},
    ),
    "CollectionOrder": order_of(
        "name",
        name=TEXT,
        dimensions={**_DIMENSIONS, "description": "The setting vectors.dimensions when left out."},
        metric={"enum": list(METRICS), "description": "cosine when left out."},
    ),
    "Vector": order_of("id", "values", id=_ID, values=_VALUES, metadata=_METADATA),
    "VectorOrder": order_of(
        "vectors", vectors={"type": "array", "items": ref("Vector"), "minItems": 1, "maxItems": MOST_VECTORS}
    ),
    "VectorCount": order_of("count", count=WHOLE),
    "VectorIds": order_of("ids", ids={"type": "array", "items": _ID, "minItems": 1, "maxItems": MOST_VECTORS}),
    "VectorQuery": order_of(
        "values",
        values=_VALUES,
        limit={"type": "integer", "minimum": 1, "maximum": MOST_VECTORS},
        filter={"type": "object", "description": "Metadata that must be equal."},
    ),
    "Match": order_of(
        *("id", "distance", "metadata"),
        id=TEXT,
        distance={"type": "number", "description": "By the collection's metric; 0 is the same."},
        metadata={"type": "object"},
    ),
    "Matches": order_of(
        *("matches", "exact"),
        matches=list_of("Match"),
        exact={"type": "boolean", "description": "False when an index answered, which may miss some."},
    ),
}


async def list_collections(request: Request) -> Response:
    """One page of collections, by owner and name."""
    limit, owner = read_count(request, "limit", 100), request.query_params.get("owner")
    after = _after(request.query_params.get("cursor"))
    if owner is not None and not can_be(owner, "any"):
        return Json({"items": [], "next": None})
    found = await asyncio.to_thread(_service(request).collections, owner, after=after, limit=limit + 1)
    following = _cursor(found[limit - 1].owner, found[limit - 1].name) if len(found) > limit else None
    return Json({"items": [one.to_json() for one in found[:limit]], "next": following})


async def create_collection(request: Request) -> Response:
    """Makes a collection. An existing one must have the same shape."""
    values = await read_object(request, allowed=frozenset({"name", "dimensions", "metric"}))
    name, metric = _text(values, "name"), values.get("metric", METRICS[0])
    service, owner = _service(request), _owner(request)
    created = await asyncio.to_thread(service.create, owner, name, values.get("dimensions"), metric)
    place = {"location": f"/api/v1/vectors/collections/{name}"}
    return Json(await _shown(service, owner, name), 201 if created else 200, place)


async def show_collection(request: Request) -> Response:
    """One collection."""
    return Json(await _shown(_service(request), _owner(request), _name(request)))


async def show_index(request: Request) -> Response:
    """A collection with its index and the copy on disk."""
    service, owner, name = await _there(request)
    return Json(await asyncio.to_thread(service.stats, owner, name))


async def rebuild_index(request: Request) -> Response:
    """Rebuilds the index of a collection and writes its copy."""
    service, owner, name = await _there(request)
    return Json(await asyncio.to_thread(service.rebuild, owner, name))


async def drop_collection(request: Request) -> Response:
    """Removes a collection and its content."""
    service, owner, name = _service(request), _owner(request), _name(request)
    if not await asyncio.to_thread(service.drop, owner, name):
        raise _no_collection(owner, name)
    return Response(status_code=204)


async def upsert_vectors(request: Request) -> Response:
    """Stores vectors, all or none. An existing id is replaced."""
    values = await read_object(request, allowed=frozenset({"vectors"}))
    vectors = [_vector(one) for one in _rows(values, "vectors")]
    service, owner, name = await _there(request)
    return Json({"count": await asyncio.to_thread(service.upsert, owner, name, vectors)})


async def search_vectors(request: Request) -> Response:
    """The nearest vectors."""
    values = await read_object(request, allowed=frozenset({"values", "limit", "filter"}))
    wanted = values.get("filter") or {}
    if not isinstance(wanted, dict):
        raise InvalidInput("filter is no object", remedy="send metadata that must be equal", path="filter")
    limit = values.get("limit", 10)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_VECTORS:
        raise InvalidInput(f"limit is no number from 1 to {MOST_VECTORS}", remedy="correct it", path="limit")
    service, owner, name = await _there(request)
    found, exact = await asyncio.to_thread(service.search, owner, name, _numbers(values), limit, wanted)
    return Json({"matches": [asdict(one) for one in found], "exact": exact})


async def delete_vectors(request: Request) -> Response:
    """Deletes vectors by id."""
    values = await read_object(request, allowed=frozenset({"ids"}))
    ids = _rows(values, "ids")
    if not all(isinstance(one, str) for one in ids):
        raise InvalidInput("ids are no texts", remedy='send {"ids": ["a"]}', path="ids")
    service, owner, name = await _there(request)
    return Json({"count": await asyncio.to_thread(service.delete, owner, name, ids)})


def _service(request: Request) -> VectorService:
    service = parts_of(request).rooms.vectors
    if service is None:
        raise Unavailable("this host has no vectors", remedy="ask a host that has them")
    return service


def _owner(request: Request) -> str:
    return request.query_params.get("owner", HOST)


def _name(request: Request) -> str:
    return str(request.path_params["collection"])


async def _there(request: Request) -> tuple[VectorService, str, str]:
    """Service, owner and name of an existing collection. Raises: NotFound."""
    service, owner, name = _service(request), _owner(request), _name(request)
    if await asyncio.to_thread(service.find, owner, name) is None:
        raise _no_collection(owner, name)
    return service, owner, name


async def _shown(service: VectorService, owner: str, name: str) -> Mapping[str, Any]:
    found = await asyncio.to_thread(service.find, owner, name)
    if found is None:
        raise _no_collection(owner, name)
    return found.to_json()


def _no_collection(owner: str, name: str) -> NotFound:
    return NotFound(f"{owner[:80]} has no collection {name[:80]}", remedy="see /api/v1/vectors/collections")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is no text", remedy=f"send {name}", path=name)
    return value


def _rows(values: Mapping[str, Any], name: str) -> list[Any]:
    rows = values.get(name)
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_VECTORS:
        raise InvalidInput(f"{name} is no list of 1 to {MOST_VECTORS}", remedy="send fewer at once", path=name)
    return rows


def _vector(row: Any) -> Vector:
    metadata = row.get("metadata") if isinstance(row, dict) else None
    if not isinstance(row, dict) or row.keys() - {"id", "values", "metadata"}:
        raise InvalidInput("a vector has another form", remedy='send {"id": "a", "values": [1]}', path="vectors")
    if not isinstance(metadata or {}, dict):
        raise InvalidInput("metadata are no object", remedy="send a JSON object, or none", path="vectors")
    return Vector(_text(row, "id"), _numbers(row), metadata or {})


def _numbers(values: Mapping[str, Any]) -> list[float]:
    found = values.get("values")
    if not isinstance(found, list) or any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in found):
        raise InvalidInput("values are no list of numbers", remedy="send numbers", path="values")
    return found


def _cursor(owner: str, name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([owner, name]).encode()).decode()


def _after(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", ""
    try:
        owner, name = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        if not can_be(owner, name):
            raise ValueError("no collection is called that")
        return owner, name
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            "the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor"
        ) from error
