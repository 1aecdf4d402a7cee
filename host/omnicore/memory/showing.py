"""Rows as people and callers see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from omnicore.memory.item import Memory
from omnicore.memory.tiers import TIERS, MemoryTier
from omnicore.storage.tables.memory_rows import QUARANTINED, KeptMemory, NewMemory
from omnicore.vectors.numeric import np

__all__ = ["scored", "shown", "shown_scratch"]


def shown(kept: KeptMemory, score: float | None = None, explain: Mapping[str, float] | None = None) -> Memory:
    """A row of the table, with how well it fits."""
    return Memory(
        id=kept.id,
        owner=kept.plugin,
        tier=TIERS[kept.tier],
        text=kept.text,
        importance=kept.importance,
        created_at=kept.created_at,
        accessed_at=kept.accessed_at,
        hits=kept.hits,
        metadata={} if kept.metadata == "{}" else json.loads(kept.metadata),
        writer=kept.writer,
        state="quarantined" if kept.state == QUARANTINED else "live",
        judged=bool(kept.judged),
        pinned=bool(kept.pinned),
        expires_at=kept.expires_at,
        valid_from=kept.valid_from,
        valid_to=kept.valid_to,
        superseded_by=kept.superseded_by,
        call=kept.call_id,
        source=kept.source,
        embedding=_numbers(kept.given),
        score=None if score is None else round(score, 6),
        explain=explain or {},
    )


def shown_scratch(owner: str, row: NewMemory, hits: int) -> Memory:
    """A memory of the immediate tier."""
    return Memory(
        id=row.id,
        owner=owner,
        tier=MemoryTier.Immediate.value,
        text=row.text,
        importance=row.importance,
        created_at=row.created_at,
        accessed_at=row.created_at,
        hits=hits,
        metadata=json.loads(row.metadata),
        writer=row.writer,
        judged=row.judged,
        expires_at=row.expires_at,
        call=row.call_id,
        source=row.source,
        embedding=_numbers(row.given),
    )


def scored(memory: Memory, score: float, explain: Mapping[str, float]) -> Memory:
    """A memory with how well it fits."""
    return replace(memory, score=round(score, 6), explain=explain)


def _numbers(given: bytes | None) -> tuple[float, ...] | None:
    return None if given is None else tuple(np.frombuffer(given, np.float32).tolist())
