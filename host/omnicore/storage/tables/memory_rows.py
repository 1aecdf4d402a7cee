"""Memories as rows: what goes in, what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "DEAD",
    "LIVE",
    "QUARANTINED",
    "SHARED_SPACE",
    "Added",
    "KeptMemory",
    "NewMemory",
    "Outline",
    "Space",
    "TierTotals",
]

LIVE, QUARANTINED, DEAD = 0, 1, 2
"""States: recalled, waiting for a person, gone (its text is erased, the row tells copies in RAM)."""

SHARED_SPACE = "@shared"
"""The space of the tiers that belong to nobody alone."""


@dataclass(frozen=True, slots=True)
class Space:
    """What belongs to one plugin, or to all. `dimensions` of the embeddings that callers gave, 0 before the first."""

    number: int
    sequence: int
    purged: int
    dimensions: int
    consolidated: int


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory to be kept. `words` are those of its full text."""

    id: str
    tier: int
    text: str
    metadata: str
    importance: float
    judged: bool
    created_at: float
    expires_at: float | None
    hash: str
    writer: str
    words: tuple[str, ...]
    state: int = LIVE
    pinned: bool = False
    session: str | None = None
    speaker: str | None = None
    valid_from: float | None = None
    valid_to: float | None = None
    call_id: str | None = None
    source: str | None = None
    given: bytes | None = None
    sense: bytes | None = None
    sense_by: str | None = None

    @property
    def size(self) -> int:
        """The bytes it counts for."""
        return len(self.text.encode()) + len(self.metadata) + len(self.given or b"")


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a new memory: its own id, or that of the one with the same text."""

    id: str
    seq: int
    new: bool


class Outline(NamedTuple):
    """A memory without its text, as ranking needs it. A tuple: 100,000 of them are made when a shelf is opened."""

    seq: int
    changed: int
    tier: int
    state: int
    importance: float
    created_at: float
    hits: int
    expires_at: float | None
    valid_from: float | None
    valid_to: float | None
    pinned: int
    superseded: int
    session: str | None
    speaker: str | None
    given: bytes | None
    sense: bytes | None
    sense_by: str | None
    hash: str = ""


@dataclass(frozen=True, slots=True)
class KeptMemory:
    """A memory with everything that is known of it."""

    plugin: str
    seq: int
    id: str
    tier: int
    state: int
    text: str
    metadata: str
    importance: float
    judged: int
    session: str | None
    speaker: str | None
    created_at: float
    accessed_at: float
    hits: int
    expires_at: float | None
    valid_from: float | None
    valid_to: float | None
    pinned: int
    superseded_by: str | None
    hash: str
    writer: str
    call_id: str | None
    source: str | None
    given: bytes | None
    size: int


@dataclass(frozen=True, slots=True)
class TierTotals:
    """How much a plugin has in a tier."""

    plugin: str
    tier: int
    items: int
    bytes: int
