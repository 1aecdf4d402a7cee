"""How much is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.memory.memories import Memories
from omnicore.memory.tiers import BY_PLACE, MemoryTier

__all__ = ["Holding", "MemoryStats", "held_by", "measured"]


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


@dataclass(frozen=True, slots=True)
class Holding:
    """What one owner has; `@shared` holds the tiers that belong to nobody alone."""

    owner: str
    items: int = 0
    bytes: int = 0
    by_tier: Mapping[str, int] = field(default_factory=dict)

    def plus(self, tier: str, items: int, size: int) -> Holding:
        """With what is in a further tier."""
        return Holding(self.owner, self.items + items, self.bytes + size, {**self.by_tier, tier: items})


def held_by(memories: Memories) -> Mapping[str, Holding]:
    """How much each owner has, by name."""
    found: dict[str, Holding] = {}
    for total in memories.table.totals():
        if total.items:
            known = found.get(total.plugin) or Holding(total.plugin)
            found[total.plugin] = known.plus(BY_PLACE[total.tier].value, total.items, total.bytes)
    for owner, (items, size) in _scratch(memories).items():
        found[owner] = (found.get(owner) or Holding(owner)).plus(MemoryTier.Immediate.value, items, size)
    return dict(sorted(found.items()))


def _scratch(memories: Memories) -> dict[str, tuple[int, int]]:
    """How many memories of which size each owner has in RAM."""
    found: dict[str, tuple[int, int]] = {}
    for owner in memories.rings.plugins():
        ring = memories.rings.known(owner)
        if ring is None:
            continue
        with ring.lock:
            ring.expire(memories.clock.now())
            held = ring.all()
        if held:
            found[owner] = (len(held), sum(one.row.size for one in held))
    return found
