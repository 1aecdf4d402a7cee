"""What is remembered, what is asked, and what is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Memory", "MemoryDraft", "MemoryItem", "MemoryQuery", "Recall"]


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """Something to remember. The service judges and embeds where `importance` or `embedding` is None.

    `metadata` may say `session` and `speaker` (who said it in which conversation: neighbours help recall),
    `valid_from` and `valid_to` (seconds since the epoch), and `keep` (true moves it out of the immediate tier).
    """

    text: str
    tier: str
    importance: float | None = None
    embedding: tuple[float, ...] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory with all that its owner and the operator may know. Units: seconds since the epoch.

    Args:
        owner: the plugin it belongs to, `@shared` or `@host`.
        writer: who wrote it: a plugin, or the host. `call` and `source`: in which call, from what.
        state: `live`, or `quarantined` until a person approves it.
        explain: what the score is made of; empty without a query.
    """

    id: str
    owner: str
    tier: str
    text: str
    importance: float
    created_at: float
    accessed_at: float
    hits: int
    metadata: Mapping[str, Any]
    writer: str
    state: str = "live"
    judged: bool = False
    pinned: bool = False
    expires_at: float | None = None
    valid_from: float | None = None
    valid_to: float | None = None
    superseded_by: str | None = None
    call: str | None = None
    source: str | None = None
    embedding: tuple[float, ...] | None = field(default=None, repr=False)
    score: float | None = None
    explain: Mapping[str, float] = field(default_factory=dict)

    def item(self) -> MemoryItem:
        """As plugins see it."""
        return MemoryItem(
            self.id, self.tier, self.text, self.importance, self.created_at, self.metadata, score=self.score
        )


@dataclass(frozen=True, slots=True)
class Recall:
    """What was found, best first, and notes for whoever wonders: which way of looking could not be used, and why."""

    items: tuple[Memory, ...]
    notes: tuple[str, ...] = ()
