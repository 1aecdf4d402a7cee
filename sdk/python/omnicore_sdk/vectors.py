# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Keep vectors and find the nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from omnicore_sdk import _core

__all__ = ["Match", "Matches", "Metric", "Vector", "create", "delete", "search", "upsert"]


Metric = Literal["cosine", "l2", "dot"]
"""How far two vectors are apart."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector to keep."""

    id: str
    """Chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first."""
    values: Sequence[float]
    """As many as the collection has dimensions, all finite."""
    metadata: Mapping[str, Any] | None = None
    """At most 16 KiB."""


@dataclass(frozen=True, slots=True)
class Match:
    """A vector that was found."""

    id: str
    """As it was kept."""
    distance: float
    """0 is the same; by the collection's metric."""
    metadata: Mapping[str, Any]
    """As it was kept."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search found."""

    matches: Sequence[Match]
    """Nearest first."""
    exact: bool
    """False when an index answered, which may miss some."""


def _read_match(reply: _core.Wire) -> Match:
    return Match(id=reply["id"], distance=reply["distance"], metadata=reply["metadata"])


def _read_matches(reply: _core.Wire) -> Matches:
    return Matches(matches=[_read_match(one) for one in reply["matches"]], exact=reply["exact"])


def _write_vector(value: Vector) -> _core.Wire:
    return {
        "id": value.id,
        "values": [*value.values],
        **_core.present(metadata=None if value.metadata is None else {**value.metadata}),
    }


def create(collection: str, dimensions: int, *, metric: Metric | None = None) -> bool:
    """Makes a collection; returns whether it is new. One that is there must have the same shape.

    Args:
        collection: names of `a-z 0-9 -`.
        dimensions: 1 to 4096.
        metric: `cosine` when left out.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(metric=metric)
    request |= {"collection": collection, "dimensions": dimensions}
    reply = _core.call("vectors_create_v1", request)
    created: bool = reply["created"]
    return created


def upsert(collection: str, vectors: Sequence[Vector]) -> int:
    """Keeps vectors, all or none; returns how many.

    Args:
        collection: where to.
        vectors: 1 to 1000.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"collection": collection, "vectors": [_write_vector(one) for one in vectors]}
    reply = _core.call("vectors_upsert_v1", request)
    count: int = reply["count"]
    return count


def search(
    collection: str,
    values: Sequence[float],
    *,
    limit: int | None = None,
    filter: Mapping[str, Any] | None = None,
) -> Matches:
    """The nearest vectors.

    Args:
        collection: where to look.
        values: near to what.
        limit: 1 to 1000; 10 when left out.
        filter: what the metadata must fulfil: equal values, or operators as in `docs/memory.md`.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(limit=limit, filter=None if filter is None else {**filter})
    request |= {"collection": collection, "values": [*values]}
    return _read_matches(_core.call("vectors_search_v1", request))


def delete(collection: str, ids: Sequence[str]) -> int:
    """Deletes vectors; returns how many there were.

    Args:
        collection: where.
        ids: 1 to 1000.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"collection": collection, "ids": [*ids]}
    reply = _core.call("vectors_delete_v1", request)
    deleted: int = reply["deleted"]
    return deleted
