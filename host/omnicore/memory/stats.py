"""How much is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.memory.memories import Memories
from omnicore.memory.tiers import BY_PLACE, MemoryTier

__all__ = ["MemoryStats", "measured"]


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """Memories and their bytes, expired ones not yet swept among them."""

    items: int
    bytes: int
    by_tier: Mapping[str, int]
    by_owner: Mapping[str, int]
    quarantined: int
    embedder: str | None
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As REST and commands show it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def measured(memories: Memories, owner: str | None = None) -> MemoryStats:
    """The stats of one owner, or of all."""
    tiers = dict.fromkeys((tier.value for tier in MemoryTier), 0)
    owners: dict[str, int] = {}
    size = 0
    for total in memories.table.totals(owner):
        tiers[BY_PLACE[total.tier].value] += total.items
        owners[total.plugin] = owners.get(total.plugin, 0) + total.items
        size += total.bytes
    for plugin in memories.rings.plugins() if owner is None else [owner]:
        ring = memories.rings.known(plugin)
        if ring is not None:
            with ring.lock:
                ring.expire(memories.clock.now())
                held = len(ring.all())
            tiers[MemoryTier.Immediate] += held
            owners[plugin] = owners.get(plugin, 0) + held
    return MemoryStats(
        items=sum(tiers.values()),
        bytes=size,
        by_tier=tiers,
        by_owner={name: count for name, count in owners.items() if count},
        quarantined=memories.table.quarantined(),
        embedder=memories.sense.name,
        problems=tuple(memories.problems()),
    )
