"""Finds memories by their ids."""

from __future__ import annotations

from collections.abc import Sequence

from omnicore.clock import Clock
from omnicore.errors import NotFound, PermissionDenied
from omnicore.memory.item import Memory
from omnicore.memory.ring import Rings
from omnicore.memory.showing import shown, shown_scratch
from omnicore.memory.tiers import BY_PLACE, SHARED, MemoryTier
from omnicore.storage.tables.memory import MemoryTable
from omnicore.storage.tables.memory_rows import SHARED_SPACE, KeptMemory

__all__ = ["Lookup", "tier_of"]


class Lookup:
    """Memories by id, of one owner or of all. Usable from any thread."""

    def __init__(self, table: MemoryTable, rings: Rings, clock: Clock) -> None:
        self._table = table
        self._rings = rings
        self._clock = clock

    def owners(self, owner: str | None) -> tuple[str, ...]:
        """Who may own what an owner asks for: itself and the host; for None everyone."""
        if owner is not None:
            return (owner, SHARED_SPACE)
        return tuple(dict.fromkeys([*self._table.plugins(), *self._rings.plugins(), SHARED_SPACE]))

    def kept(self, item: str, owners: Sequence[str]) -> KeptMemory | None:
        """A memory by its id, unless its time is over."""
        if not (item.isascii() and item.isprintable()):  # no id of ours, and not every database takes it
            return None
        found = self._table.get(owners, item)
        expired = found is not None and found.expires_at is not None and found.expires_at <= self._clock.now()
        return None if expired else found

    def newest(self, owner: str, tier: MemoryTier | None, *, before: int, most: int) -> tuple[list[Memory], int | None]:
        """A page of an owner's memories, the newest first: of one tier, or of all that are kept for this owner alone.

        Args:
            before: where the page before ended.

        Returns: the memories, and where the next page goes on; None where there is no further one.
        """
        now = self._clock.now()
        if tier is MemoryTier.Immediate:
            return self._scratch(owner, before, most, now)
        rows = self._table.newest(
            SHARED_SPACE if tier in SHARED else owner, None if tier is None else tier.place, before=before, most=most
        )
        kept = [row for row in rows if row.expires_at is None or row.expires_at > now]
        return [shown(row) for row in kept], rows[-1].seq if len(rows) == most else None

    def _scratch(self, owner: str, before: int, most: int, now: float) -> tuple[list[Memory], int | None]:
        ring = self._rings.known(owner)
        if ring is None:
            return [], None
        with ring.lock:
            ring.expire(now)
            found = [one for one in reversed(ring.all()) if one.seq < before][:most]
            shown_ones = [shown_scratch(owner, one.row, one.hits) for one in found]
        return shown_ones, found[-1].seq if len(found) == most else None

    def changeable(self, item: str) -> KeptMemory:
        """A memory that may change. Raises: NotFound; PermissionDenied."""
        kept = self.kept(item, self.owners(None))
        if kept is None:
            raise NotFound(f"there is no memory {item[:80]!r}", remedy="look for it with `omnicore memory recall`")
        if tier_of(kept) in (MemoryTier.Cosmic, MemoryTier.Planetary):
            raise PermissionDenied(
                f"memories of {tier_of(kept)} do not change",
                remedy="forget it and store another",
                resource=tier_of(kept),
            )
        return kept

    def again(self, item: str, plugin: str) -> Memory:
        """A memory after a change. Raises: NotFound: it was forgotten meanwhile."""
        kept = self.kept(item, (plugin,))
        if kept is None:
            raise NotFound(f"there is no memory {item[:80]!r} any more", remedy="it was forgotten meanwhile")
        return shown(kept)


def tier_of(kept: KeptMemory) -> MemoryTier:
    """The tier of a row."""
    return BY_PLACE[kept.tier]
