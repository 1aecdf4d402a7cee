"""Twelve tiers as policy rows over one table. The first seven are time, the last five are trust."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from omnicore.records import Record

_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY

Writer = Literal["plugin", "grant", "host", "operator"]
"""The writer of a tier: any plugin with the capability, one whose grant names the tier, the host itself, a person."""


class MemoryTier(StrEnum):
    """A tier of memories. Values are the names that plugins, REST and commands use."""

    Immediate = "immediate"
    ShortTerm = "short_term"
    Session = "session"
    Episodic = "episodic"
    Semantic = "semantic"
    Procedural = "procedural"
    Strategic = "strategic"
    Civilizational = "civilizational"
    Evolutionary = "evolutionary"
    Planetary = "planetary"
    Galactic = "galactic"
    Cosmic = "cosmic"

    @property
    def place(self) -> int:
        """Its number, 0 to 11, as rows keep it."""
        return _PLACES[self]


_PLACES: dict[MemoryTier, int] = {tier: place for place, tier in enumerate(MemoryTier)}

BY_PLACE: tuple[MemoryTier, ...] = tuple(MemoryTier)
"""The tiers by their numbers."""

TIERS: tuple[str, ...] = tuple(tier.value for tier in MemoryTier)
"""The names of all tiers, in order."""


class TierPolicy(Record, frozen=True):
    """The rules of a tier for its memories.

    Args:
        scope: what its memories belong to.
        writer: who may write; `shared` tiers are one for all plugins of the host.
        ttl_s: how long an unpinned memory stays after its last use; None for ever.
        half_life_s: decay of the score that decides who has to go when the tier is full; None does not decay.
        cap: the most memories of one owner, before the setting `memory.max_per_tier`.
        promote_at: the least importance of what consolidation moves on, or None for a tier that ends the way.
        promote_hits: recalls that move it on whatever its importance; None for none.
        promote_to: the next tier.
        evicts: whether a full tier lets its weakest go; otherwise it refuses more.
        lasting_at: the least importance of a memory that stays for ever; None for none.
        group: the four kinds that people are shown.
    """

    tier: MemoryTier
    purpose: str
    scope: str
    writer: Writer
    ttl_s: float | None
    half_life_s: float | None
    cap: int
    group: Literal["working", "experience", "knowledge", "shared"]
    promote_at: float | None = None
    promote_hits: int | None = None
    promote_to: MemoryTier | None = None
    evicts: bool = True
    shared: bool = False
    lasting_at: float | None = None


_T = MemoryTier
_ROWS = (
    TierPolicy(_T.Immediate, "scratch of one step, in RAM only", "call", "plugin", 60.0, None, 1_000, "working",
               promote_at=None, promote_hits=None, promote_to=_T.ShortTerm),
    TierPolicy(_T.ShortTerm, "what the task at hand is about", "task", "plugin", 10 * _MINUTE, 5 * _MINUTE, 10_000,
               "working", promote_at=0.1, promote_to=_T.Session),
    TierPolicy(_T.Session, "state of a conversation", "session", "plugin", 24 * _HOUR, 16.6 * _HOUR, 100_000,
               "working", promote_at=0.3, promote_hits=3, promote_to=_T.Episodic),
    TierPolicy(_T.Episodic, "what happened", "plugin", "plugin", 30 * _DAY, 4.9 * _DAY, 1_000_000, "experience",
               promote_at=0.5, promote_to=_T.Semantic),
    TierPolicy(_T.Semantic, "facts and preferences; superseded, not decayed", "plugin", "plugin", _YEAR, None,
               10_000_000, "knowledge", evicts=False, lasting_at=0.9),
    TierPolicy(_T.Procedural, "skills, with how often they worked", "plugin", "plugin", 5 * _YEAR, None, 10_000_000,
               "knowledge", evicts=False, lasting_at=0.9),
    TierPolicy(_T.Strategic, "goals and standing decisions", "plugin", "plugin", None, None, 100_000_000,
               "knowledge", evicts=False),
    TierPolicy(_T.Civilizational, "shared by all plugins of this host", "host", "grant", None, None, 100_000_000,
               "shared", evicts=False, shared=True),
    TierPolicy(_T.Evolutionary, "archive of designs tried and their scores", "host", "host", None, None,
               100_000_000, "shared", evicts=False, shared=True),
    TierPolicy(_T.Planetary, "imported reference packs, read-only", "host", "operator", None, None, 100_000_000,
               "shared", evicts=False, shared=True),
    TierPolicy(_T.Galactic, "from other hosts; hidden until a person approves", "host", "grant", None, None,
               100_000_000, "shared", evicts=False, shared=True),
    TierPolicy(_T.Cosmic, "rules that every recall includes; nobody changes them", "host", "operator", None, None,
               1_000, "shared", evicts=False, shared=True),
)  # fmt: skip

TIER_POLICIES: Mapping[MemoryTier, TierPolicy] = {row.tier: row for row in _ROWS}
"""The policy of every tier."""

SHARED: frozenset[str] = frozenset(row.tier.value for row in _ROWS if row.shared)
"""The tiers that belong to the host rather than to one plugin."""

GROUPS: Mapping[str, tuple[MemoryTier, ...]] = {
    group: tuple(row.tier for row in _ROWS if row.group == group)
    for group in ("working", "experience", "knowledge", "shared")
}
"""Four groups for people who do not want to see twelve."""


def policy_of(tier: MemoryTier) -> TierPolicy:
    """The policy of a tier."""
    return TIER_POLICIES[tier]


SPANS: Mapping[int, float] = {row.tier.place: row.ttl_s for row in _ROWS if row.ttl_s is not None}
"""The lifetime of a memory after its last use, by the number of its tier. Units: seconds."""


def expiry(policy: TierPolicy, importance: float, now: float, *, pinned: bool = False) -> float | None:
    """The time at which an unused memory goes; None for never."""
    lasting = policy.lasting_at is not None and importance >= policy.lasting_at
    return None if pinned or lasting or policy.ttl_s is None else now + policy.ttl_s
