"""Twelve tiers are twelve rows of policy."""

from __future__ import annotations

import pytest

from omnicore.memory.tiers import GROUPS, SHARED, TIER_POLICIES, TIERS, MemoryTier, policy_of


def test_the_tiers_have_the_texts_names_in_the_texts_order() -> None:
    assert [tier.name for tier in MemoryTier] == [
        *("Immediate", "ShortTerm", "Session", "Episodic", "Semantic", "Procedural"),
        *("Strategic", "Civilizational", "Evolutionary", "Planetary", "Galactic", "Cosmic"),
    ]
    assert TIERS[:3] == ("immediate", "short_term", "session")
    assert [tier.place for tier in MemoryTier] == list(range(12))


def test_every_tier_has_a_policy_and_one_of_four_groups() -> None:
    assert list(TIER_POLICIES) == list(MemoryTier)
    assert sorted(tier for group in GROUPS.values() for tier in group) == sorted(MemoryTier)


@pytest.mark.parametrize("tier", MemoryTier)
def test_shared_tiers_lose_nothing_and_are_not_for_every_plugin(tier: MemoryTier) -> None:
    policy = policy_of(tier)
    assert (tier in SHARED) == policy.shared == (tier.place >= MemoryTier.Civilizational.place)
    if policy.shared:
        assert not policy.evicts
        assert policy.ttl_s is None
        assert policy.writer != "plugin"


def test_each_step_of_promotion_keeps_longer_and_asks_for_more() -> None:
    chain = [policy_of(tier) for tier in (MemoryTier.ShortTerm, MemoryTier.Session, MemoryTier.Episodic)]
    assert [policy.promote_to for policy in chain] == [MemoryTier.Session, MemoryTier.Episodic, MemoryTier.Semantic]
    assert [policy.promote_at for policy in chain] == [0.1, 0.3, 0.5]
    spans = [policy.ttl_s or 0 for policy in chain]
    assert spans == sorted(spans)
