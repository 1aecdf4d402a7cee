"""What `OmegaAPI` answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from omnicore.loops.lane import LoopType
from omnicore.memory.item import Memory as Kept
from omnicore.memory.tiers import MemoryTier
from omnicore.resilience.status import HealthStatus

__all__ = ["HealthReport", "Memory", "RuntimeMetrics", "memory_of"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Something remembered. `score` says how well it fits a query. Units: seconds since the epoch."""

    id: str
    tier: MemoryTier
    content: str
    importance: float
    created_at: float
    accessed_at: float
    access_count: int
    source: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    embedding: tuple[float, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How the runtime is. `subsystems` has agentdb, memory, loops and meta_sona, and the host's other parts."""

    overall: HealthStatus
    subsystems: Mapping[str, HealthStatus]
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuntimeMetrics:
    """The runtime in numbers. `avg_response_time` and `error_rate` are of calls of `OmegaAPI` since the start."""

    uptime: timedelta
    total_memories: int
    memories_by_tier: Mapping[MemoryTier, int]
    total_cycles: int
    cycles_by_loop: Mapping[LoopType, int]
    intelligence_count: int
    avg_response_time: timedelta
    error_rate: float


def memory_of(kept: Kept) -> Memory:
    """A memory of the host as this face shows it. Tags are the list of that name in its metadata."""
    tags = kept.metadata.get("tags", ())
    return Memory(
        kept.id,
        MemoryTier(kept.tier),
        kept.text,
        kept.importance,
        kept.created_at,
        kept.accessed_at,
        kept.hits,
        source=kept.source,
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list | tuple) else (),
        metadata=kept.metadata,
        score=kept.score,
        embedding=kept.embedding,
    )
