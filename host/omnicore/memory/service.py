"""How much is remembered.

The memory of a host as its rooms use it: awaited by the host, guarded for plugins, cared for while it runs.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from omnicore.errors import PermissionDenied
from omnicore.memory.consolidation import Consolidated, Consolidator, Summarise
from omnicore.memory.item import Memory, MemoryDraft, MemoryItem, MemoryQuery, Origin, Recall, tier_named
from omnicore.memory.memories import HOST, Memories
from omnicore.memory.recall import ALWAYS, Made
from omnicore.memory.tiers import BY_PLACE, TIER_POLICIES, MemoryTier, TierPolicy, policy_of
from omnicore.resilience.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Holding", "MemoryService", "MemoryStats", "PluginMemories", "held_by", "measured"]


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


_log = logging.getLogger(__name__)
_LOOK_S = 60.0
_P = ParamSpec("_P")
_T = TypeVar("_T")


class PluginMemories:
    """What the memory door leads to: each plugin sees its own memories and the shared tiers it was granted."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        # Several, for an embedder may be far away; few for each, for the host's own keeps a processor busy.
        self._turns = Turns(4, 2, name="omnicore-memory")

    async def store(self, plugin: str, draft: MemoryDraft, *, max_items: int, max_bytes: int) -> str:
        """Remembers for a plugin. Raises: LimitExceeded; InvalidInput; PermissionDenied."""
        tier = tier_named(draft.tier)
        if policy_of(tier).writer in ("host", "operator"):
            raise PermissionDenied(
                f"no plugin may write to {tier}",
                remedy=f"the {policy_of(tier).writer} does; use another tier",
                resource=str(tier),
            )
        store = partial(self._memories.store_many, [draft], owner=plugin, origin=Origin(plugin))
        ids = await self._turns.take(plugin, partial(store, quota=(max_items, max_bytes)))
        return ids[0]

    async def recall(self, plugin: str, query: MemoryQuery) -> Sequence[MemoryItem]:
        """What fits best, best first. Raises: InvalidInput."""
        recall = partial(self._memories.recall, query.text, embedding=query.embedding, owner=plugin)
        found = await self._turns.take(plugin, partial(recall, tiers=query.tiers, limit=query.limit))
        return [item.item() for item in found.items]

    def get(self, plugin: str, item: str, tiers: tuple[str, ...]) -> MemoryItem | None:
        """A memory in one of the tiers; one that waits for approval is not there yet."""
        found = self._memories.get(item, owner=plugin, tiers=tiers)
        return None if found is None or found.state != "live" else found.item()

    def forget(self, plugin: str, item: str, tiers: tuple[str, ...]) -> bool:
        """True if there was such a memory in one of the tiers. Raises: PermissionDenied."""
        return self._memories.forget(item, owner=plugin, tiers=tiers, by=plugin)


class MemoryService:
    """`host.memory`: the memories, on threads of their own, and their care in the background.

    `memories` is the same for callers without an event loop.

    Args:
        work: whether this process sweeps and, where the settings say so, consolidates by itself, looking each
            `look_s` seconds.

    Owns: the memories, from `start` to `stop`.
    """

    def __init__(self, memories: Memories, *, work: bool, summarise: Summarise | None = None) -> None:
        self.memories = memories
        self.plugins = PluginMemories(memories)
        self.consolidator = Consolidator(memories, summarise)
        self._work = work
        self.look_s = min(_LOOK_S, memories.settings.consolidate_every_s)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Begins to consolidate now and then."""
        self._stopping = asyncio.Event()
        if self._work:
            self._task = asyncio.create_task(self._keep(), name="memory-consolidation")

    async def stop(self) -> None:
        """Writes down what waits and frees the shelves."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None
        await asyncio.to_thread(self.memories.close)

    async def store(
        self,
        text: str,
        tier: str = MemoryTier.Episodic,
        *,
        owner: str = HOST,
        importance: float | None = None,
        embedding: Sequence[float] | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        pinned: bool = False,
    ) -> str:
        """See `Memories.store`."""
        return await _aside(
            self.memories.store,
            text,
            tier,
            owner=owner,
            importance=importance,
            embedding=embedding,
            metadata=metadata,
            source=source,
            pinned=pinned,
        )

    async def store_many(self, drafts: Sequence[MemoryDraft], *, owner: str = HOST) -> list[str]:
        """See `Memories.store_many`."""
        return await _aside(self.memories.store_many, drafts, owner=owner)

    async def recall(
        self,
        text: str | None = None,
        *,
        embedding: Sequence[float] | None = None,
        tiers: Iterable[str] | None = None,
        owner: str = HOST,
        limit: int = 10,
        budget: int | None = None,
        touch: bool = True,
        made: Made = ALWAYS,
    ) -> Recall:
        """See `Memories.recall`."""
        return await _aside(
            self.memories.recall,
            text,
            embedding=embedding,
            tiers=tiers,
            owner=owner,
            limit=limit,
            budget=budget,
            touch=touch,
            made=made,
        )

    async def get(self, item: str, *, owner: str | None = None) -> Memory | None:
        """See `Memories.get`."""
        return await _aside(self.memories.get, item, owner=owner)

    async def newest(
        self, owner: str = HOST, tier: str | None = None, *, before: int | None = None, most: int = 100
    ) -> tuple[list[Memory], int | None]:
        """See `Memories.newest`."""
        return await _aside(self.memories.newest, owner, tier, before=before, most=most)

    async def forget(self, item: str, *, owner: str | None = None) -> bool:
        """See `Memories.forget`."""
        return await _aside(self.memories.forget, item, owner=owner)

    async def pin(self, item: str, pinned: bool = True) -> Memory:
        """See `Corrections.pin`."""
        return await _aside(self.memories.correct.pin, item, pinned)

    async def approve(self, item: str) -> Memory:
        """See `Corrections.approve`."""
        return await _aside(self.memories.correct.approve, item)

    async def supersede(self, item: str, by: str) -> None:
        """See `Corrections.supersede`."""
        await _aside(self.memories.correct.supersede, item, by)

    async def practise(self, item: str, worked: bool) -> Memory:
        """See `Corrections.practise`."""
        return await _aside(self.memories.correct.practise, item, worked)

    async def edges(self, item: str) -> list[tuple[str, str, str, str]]:
        """See `Memories.edges`."""
        return await _aside(self.memories.edges, item)

    async def stats(self, owner: str | None = None) -> MemoryStats:
        """How much is remembered, by tier and by owner."""
        return await _aside(measured, self.memories, owner)

    async def holdings(self) -> Mapping[str, Holding]:
        """How much each owner has, by name."""
        return await _aside(held_by, self.memories)

    async def consolidate(self) -> Consolidated:
        """Consolidates now, memories that are new among them."""
        return await _aside(self.consolidator.run)

    def tiers(self) -> Mapping[MemoryTier, TierPolicy]:
        """The policy of every tier."""
        return TIER_POLICIES

    def health(self) -> str | None:
        """Why recall is worse or slower than it could be; None when it is as it should be. Raises: StorageFailed."""
        self.memories.table.plugins()
        problems = self.memories.problems()
        return "; ".join(problems) or None

    def _round(self) -> None:
        if self.memories.settings.auto_consolidation:
            self.consolidator.run(young=False)
        else:
            self.consolidator.sweep()

    async def _keep(self) -> None:
        """Moves on and sweeps each minute; what did not change since the last time costs one row a plugin."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self.look_s):
                    await self._stopping.wait()
                return
            try:
                await _aside(self._round)
            except Exception:  # the next round may go better; storage has its own probe
                _log.exception("consolidation failed")


async def _aside(work: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
    return await asyncio.to_thread(work, *args, **named)
