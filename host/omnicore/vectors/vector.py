"""A vector that is kept, and one that was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Match", "Vector"]


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector to keep. Shapes: `values: float[dimensions]`."""

    id: str
    values: tuple[float, ...]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A vector that was found. Units: `distance` by the collection's metric, 0 is the same."""

    id: str
    distance: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
