"""Vectors: collections of plugins and of the host, their content, and searches."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from starlette.responses import Response

from omnicore.api.parts import parts_of, present
from omnicore.api.requests import Json, read_count, read_record
from omnicore.api.schema import WHOLE, Schemas, list_of, object_of, page_of
from omnicore.errors import InvalidInput, NotFound
from omnicore.records import Meta, Record, field, schema
from omnicore.storage.tables.vectors import Collection, Metric
from omnicore.vectors.vector import DIMENSIONS, HOST, CollectionIndex, Match, Vector, can_be

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.vectors.service import VectorService


_MOST_VECTORS = 1000
_Numbers = Annotated[tuple[float, ...], Meta(min_length=1, max_length=DIMENSIONS)]


class CollectionOrder(Record, frozen=True):
    """A collection to be made."""

    name: str
    dimensions: Annotated[
        Annotated[int, Meta(ge=1, le=DIMENSIONS)] | None,
        Meta(description="The setting vectors.dimensions when left out."),
    ] = None
    metric: Annotated[Metric, Meta(description="cosine when left out.")] = "cosine"


class VectorOrder(Record, frozen=True):
    """Vectors to be stored."""

    vectors: Annotated[tuple[Vector, ...], Meta(min_length=1, max_length=_MOST_VECTORS)]


class VectorIds(Record, frozen=True):
    """Ids of vectors."""

    ids: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...], Meta(min_length=1, max_length=_MOST_VECTORS)
    ]


class VectorQuery(Record, frozen=True):
    """A search for vectors."""

    values: _Numbers
    limit: Annotated[int, Meta(ge=1, le=_MOST_VECTORS)] = 10
    filter: Annotated[Mapping[str, Any], Meta(description="What the metadata must fulfil.")] = field(
        default_factory=dict
    )


SCHEMAS: Schemas = {
    "Collection": schema(Collection, shown=True),
    "Collections": page_of("Collection"),
    "CollectionIndex": schema(CollectionIndex, shown=True),
    "CollectionOrder": schema(CollectionOrder),
    "Vector": schema(Vector),
    "VectorOrder": schema(VectorOrder),
    "VectorCount": object_of(count=WHOLE),
    "VectorIds": schema(VectorIds),
    "VectorQuery": schema(VectorQuery),
    "Match": schema(Match, shown=True),
    "Matches": object_of(
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
    order = await read_record(request, CollectionOrder, "collection")
    service, owner = _service(request), _owner(request)
    created = await asyncio.to_thread(service.create, owner, order.name, order.dimensions, order.metric)
    place = {"location": f"/api/v1/vectors/collections/{order.name}"}
    return Json(await _shown(service, owner, order.name), 201 if created else 200, place)


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
    order = await read_record(request, VectorOrder, "order")
    service, owner, name = await _there(request)
    return Json({"count": await asyncio.to_thread(service.upsert, owner, name, order.vectors)})


async def search_vectors(request: Request) -> Response:
    """The nearest vectors."""
    query = await read_record(request, VectorQuery, "query")
    service, owner, name = await _there(request)
    wanted = query.values, query.limit, query.filter
    found, exact = await asyncio.to_thread(service.search, owner, name, *wanted)
    return Json({"matches": [one.to_json() for one in found], "exact": exact})


async def delete_vectors(request: Request) -> Response:
    """Deletes vectors by id."""
    ids = (await read_record(request, VectorIds, "order")).ids
    service, owner, name = await _there(request)
    return Json({"count": await asyncio.to_thread(service.delete, owner, name, ids)})


def _service(request: Request) -> VectorService:
    return present(parts_of(request).rooms.vectors, "has no vectors", "ask a host that has them")


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
        raise InvalidInput("the cursor is invalid", remedy="pass `next` of the page before", path="cursor") from error
