"""Tiers that are full: the weakest memories go, or, where nothing may be lost, no more is taken."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from omnicore.clock import Clock
from omnicore.memory.shelf import Shelf
from omnicore.memory.shelves import Shelves
from omnicore.memory.tiers import BY_PLACE, MemoryTier, TierPolicy, policy_of
from omnicore.storage.tables.memory import MemoryTable
from omnicore.vectors.numeric import np

__all__ = ["Evictor"]

_LOOKS_EVERY = 64  # memories of a plugin; a tier may be over its cap by so many for a moment
_MORE_SHARE = 0.01  # beyond what is over, so that not every store evicts
_SLICE = 500


class Evictor:
    """Keeps tiers within their caps.

    Args:
        most: the setting `memory.max_per_tier`.
        tell: is told how many of a tier had to go.
    """

    def __init__(
        self,
        table: MemoryTable,
        shelves: Shelves,
        most: int,
        clock: Clock,
        tell: Callable[[str, Mapping[str, Any]], object],
    ) -> None:
        self._table = table
        self._shelves = shelves
        self._most = most
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._since: Counter[str] = Counter()

    def cap(self, place: int) -> int | None:
        """The most memories of a tier that refuses more; None for a tier that lets the weakest go."""
        policy = policy_of(BY_PLACE[place])
        return None if policy.evicts else self._cap(policy)

    def stored(self, plugin: str, tiers: Iterable[MemoryTier], count: int) -> None:
        """Says that memories came: now and then, tiers that are over their cap are brought down."""
        with self._lock:
            self._since[plugin] += count
            # A small cap must not be overrun by as much as it holds.
            due = self._since[plugin] >= min(_LOOKS_EVERY, max(1, self._most // 10))
            if due:
                del self._since[plugin]
        if due:
            self.evict(plugin, tiers)

    def evict(self, plugin: str, tiers: Iterable[MemoryTier] = tuple(MemoryTier)) -> int:
        """Brings tiers down to their caps and returns how many memories had to go."""
        wanted = {tier.place: policy_of(tier) for tier in tiers}
        gone = 0
        for total in self._table.totals(plugin):
            policy = wanted.get(total.tier)
            if policy is not None and policy.evicts and total.items > self._cap(policy):
                over = total.items - self._cap(policy)
                gone += self._let_go(plugin, policy, over + int(_MORE_SHARE * self._cap(policy)))
        return gone

    def _cap(self, policy: TierPolicy) -> int:
        return min(policy.cap, self._most)

    def _let_go(self, plugin: str, policy: TierPolicy, count: int) -> int:
        with self._shelves.of(plugin) as opened:
            weakest = [] if opened is None else _weakest(opened.shelf, policy, count, self._clock.now())
        gone = 0
        for at in range(0, len(weakest), _SLICE):
            gone += self._table.forget(plugin, weakest[at : at + _SLICE], self._clock.now())
        if gone:
            self._tell("memory.evicted", {"tier": policy.tier.value, "count": gone, "owner": plugin})
        return gone


def _weakest(shelf: Shelf, policy: TierPolicy, count: int, now: float) -> list[int]:
    """The numbers of the memories with the lowest standing; see `importance.standing`. Pinned ones stay."""
    # Superseded ones count too, and are the first to go.
    places = np.flatnonzero(
        (shelf.column("tier") == policy.tier.place) & ~shelf.column("pinned") & shelf.column("kept")
    )
    age = np.maximum(now - shelf.column("created")[places], 0)
    fades = 1.0 if policy.half_life_s is None else np.exp2(-age / policy.half_life_s)
    standing = shelf.column("importance")[places] * fades + 0.1 * np.log1p(shelf.column("hits")[places])
    standing = np.where(shelf.column("live")[places], standing, -1.0)
    order = np.lexsort((shelf.column("created")[places], standing))
    return shelf.seqs(places[order[:count]])
