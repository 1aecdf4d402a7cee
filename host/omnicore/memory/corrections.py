"""What changes about a memory after it was stored; its text never does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from omnicore.clock import Clock
from omnicore.errors import InvalidInput, NotFound
from omnicore.memory.item import Memory
from omnicore.memory.lookup import Lookup, tier_of
from omnicore.memory.skills import read_skill
from omnicore.memory.tiers import MemoryTier, policy_of
from omnicore.storage.tables.memory import MemoryTable
from omnicore.storage.tables.memory_rows import LIVE, QUARANTINED

__all__ = ["Corrections"]


class Corrections:
    """For the operator and the host. Usable from any thread."""

    def __init__(
        self,
        table: MemoryTable,
        lookup: Lookup,
        clock: Clock,
        tell: Callable[[str, Mapping[str, Any]], object],
    ) -> None:
        self._table = table
        self._lookup = lookup
        self._clock = clock
        self._tell = tell

    def pin(self, item: str, pinned: bool = True) -> Memory:
        """Keeps a memory for ever, or lets its tier decide again. Raises: NotFound; PermissionDenied."""
        kept = self._lookup.changeable(item)
        ttl = policy_of(tier_of(kept)).ttl_s
        expires = None if pinned or ttl is None else self._clock.now() + ttl
        self._table.change(kept.plugin, kept.seq, pinned=int(pinned), expires_at=expires)
        return self._lookup.again(item, kept.plugin)

    def approve(self, item: str) -> Memory:
        """Lets a quarantined memory be recalled. Raises: NotFound."""
        kept = self._lookup.kept(item, self._lookup.owners(None))
        if kept is None or kept.state != QUARANTINED:
            raise NotFound(f"no memory {item[:80]!r} waits for approval", remedy="see `omnicore memory stats`")
        self._table.change(kept.plugin, kept.seq, state=LIVE)
        self._tell("memory.approved", {"tier": str(tier_of(kept)), "id": item})
        return self._lookup.again(item, kept.plugin)

    def supersede(self, item: str, by: str) -> None:
        """Says that a memory is corrected by another of the same owner: the old one is no longer recalled.

        Raises: NotFound; PermissionDenied; InvalidInput.
        """
        old = self._lookup.changeable(item)
        new = self._lookup.kept(by, (old.plugin,))
        if new is None or old.id in (new.id, new.superseded_by):
            raise InvalidInput(f"{by[:80]!r} cannot take the place of {item[:80]!r}", remedy="name another memory")
        self._table.change(old.plugin, old.seq, superseded_by=new.id)
        self._table.link(old.plugin, [(new.id, "supersedes", old.id, "")], self._clock.now())

    def practise(self, item: str, worked: bool) -> Memory:
        """Notes that a skill, a procedural memory, was used: its success rate becomes its importance.

        Raises: NotFound; InvalidInput: no skill.
        """
        kept = self._lookup.changeable(item)
        metadata = json.loads(kept.metadata)
        skill = read_skill(metadata)
        if skill is None or tier_of(kept) is not MemoryTier.Procedural:
            raise InvalidInput(f"{item[:80]!r} is no skill", remedy="store one in procedural, with a `function`")
        skill = skill.used(worked)
        text = json.dumps(metadata | skill.to_metadata(), separators=(",", ":"))
        self._table.change(kept.plugin, kept.seq, metadata=text, importance=skill.success_rate)
        return self._lookup.again(item, kept.plugin)
