"""The vectors door: collections of the plugin's own, and the nearest vectors in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, Lengthy, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import REQUIRED, maximum, patterns
from omnicore.capabilities.services import Services, Vector, VectorAccess, present
from omnicore.connectors.addresses import glob_covers, host_matches
from omnicore.errors import InvalidInput, LimitExceeded, PermissionDenied
from omnicore.sandbox.abi import KIB, MIB

METRICS = ("cosine", "l2", "dot")
DIMENSIONS = 4096
METADATA_BYTES = 16 * KIB
REQUEST_BYTES = 4 * MIB
_ID_BYTES = 256
_MANY = 1000
_FEW = 100  # matches with all their metadata that are made on an event loop
_NAME = re.compile(r"[a-z0-9-]+")


class _Vectors:
    def __init__(self, plugin: str, scope: Mapping[str, Any], services: Services) -> None:
        self._plugin = plugin
        self._collections = tuple(scope["collections"])
        self._max_vectors: int = scope["max_vectors"]
        self._max_dimensions: int = scope["max_dimensions"]
        self._found = services.vectors

    @property
    def _service(self) -> VectorAccess:
        return present(self._found, "vectors")

    def create(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        collection = _name(request)
        dimensions = request.whole("dimensions", least=1, most=DIMENSIONS)
        metric = request.choice("metric", METRICS, "cosine")
        request.done()
        self._check(collection, dimensions)
        return {"created": self._service.create(self._plugin, collection, dimensions, metric)}

    def upsert(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        collection = _name(request)
        vectors = [_vector(row) for row in request.rows("vectors", most=_MANY)]
        request.done()
        self._check(collection, max(len(vector.values) for vector in vectors))
        return {"count": self._service.upsert(self._plugin, collection, vectors, max_vectors=self._max_vectors)}

    def search(self, call: DoorCall, request: Request) -> Mapping[str, Any] | Lengthy:
        collection = _name(request)
        values = request.numbers("values", most=DIMENSIONS)
        limit = request.whole("limit", 10, least=1, most=_MANY)
        wanted = request.table("filter", most=METADATA_BYTES)
        request.done()
        self._check(collection, len(values))
        search = partial(self._found_near, collection, values, limit, wanted)
        return Lengthy(search) if limit > _FEW else search()

    def _found_near(
        self, collection: str, values: tuple[float, ...], limit: int, wanted: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        found, exact = self._service.search(self._plugin, collection, values, limit, wanted)
        return {"matches": [one.to_json() for one in found], "exact": exact}

    def delete(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        collection = _name(request)
        ids = request.texts("ids", most=_MANY, bytes_each=_ID_BYTES)
        request.done()
        self._check(collection)
        return {"deleted": self._service.delete(self._plugin, collection, ids)}

    def _check(self, collection: str, dimensions: int = 0) -> None:
        if not any(host_matches(pattern, collection) for pattern in self._collections):
            raise PermissionDenied(
                f"{self._plugin} may not use the collection {collection}: no granted pattern matches",
                remedy=f"name it in its manifest, then run `omnicore plugins grant {self._plugin} vectors`",
            )
        if dimensions > self._max_dimensions:
            raise LimitExceeded(
                f"a vector of {dimensions} dimensions where {self._max_dimensions} are granted",
                remedy="ask for more `max_dimensions` in the manifest",
                limit="max_dimensions",
                allowed=self._max_dimensions,
            )


def _name(request: Request) -> str:
    name = request.text("collection", most=64)
    if not _NAME.fullmatch(name):
        raise InvalidInput("`collection` of the request must be a name of a-z, 0-9 and -", remedy="see specs/abi.md")
    return name


def _vector(row: Request) -> Vector:
    vector = Vector(
        id=row.text("id", least=1, most=_ID_BYTES),
        values=row.numbers("values", most=DIMENSIONS),
        metadata=row.table("metadata", most=METADATA_BYTES),
    )
    row.done()
    return vector


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    vectors = _Vectors(plugin.name, scope, services)
    return {"create": vectors.create, "upsert": vectors.upsert, "search": vectors.search, "delete": vectors.delete}


DOOR = Capability(
    name="vectors",
    purpose="Keep vectors and find the nearest",
    verbs=("create", "upsert", "search", "delete"),
    resource="collection",
    open=_open,
    scope={
        "collections": patterns(REQUIRED, "a list of 1 to 100 names, `*` for any part", valid=bool, covers=glob_covers),
        "max_vectors": maximum(10_000),
        "max_dimensions": maximum(1536),
    },
    request_bytes=lambda limits: REQUEST_BYTES,  # a thousand vectors of 384 numbers in full precision
    large=frozenset({"upsert", "search", "delete"}),
)
