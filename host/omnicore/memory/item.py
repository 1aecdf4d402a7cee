"""What is remembered, what is asked, and what is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MemoryDraft", "MemoryItem", "MemoryQuery"]


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """Something to remember. The service judges and embeds where `importance` or `embedding` is None."""

    text: str
    tier: str
    importance: float | None
    embedding: tuple[float, ...] | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MemoryQuery:
    """What to look for in which tiers: a text, an embedding, or both."""

    text: str | None
    embedding: tuple[float, ...] | None
    tiers: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """Something remembered. `score` says how well it fits a query, 0 to 1. Units: seconds since the epoch."""

    id: str
    tier: str
    text: str
    importance: float
    created_at: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
