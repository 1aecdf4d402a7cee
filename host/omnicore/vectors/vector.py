"""A vector that is kept, one that was found, and how the service is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["HOST", "Match", "Vector", "VectorHealth"]

HOST = "@host"
"""Owner of the host's own collections. No plugin's name begins with `@`."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector to keep. Shapes: `values: float[dimensions]`."""

    id: str
    values: Sequence[float]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A vector that was found.

    Units: `distance` by the collection's metric, 0 is the same: cosine 0 to 2, l2 the length of the difference,
    dot one minus the product.
    """

    id: str
    distance: float
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VectorHealth:
    """Whether every index does its work. When one does not, all vectors are compared instead and `reason` says why."""

    ok: bool = True
    reason: str = ""
