"""Memories are listed the newest first, whatever went meanwhile, and without a scan of all there are."""

from __future__ import annotations

from tests.memory.conftest import Mind

from omnicore.memory.tiers import MemoryTier


def texts(mind: Mind, *args: object, **named: object) -> list[str]:
    return [one.text for one in mind.memories.newest(*args, **named)[0]]  # type: ignore[arg-type]


def test_a_page_goes_on_where_the_last_one_ended(mind: Mind) -> None:
    for number in range(5):
        mind.memories.store(f"fact {number}", "semantic")
    mind.memories.store("what happened", "episodic")
    first, following = mind.memories.newest(tier="semantic", most=3)
    second, end = mind.memories.newest(tier="semantic", before=following, most=3)
    assert [one.text for one in first + second] == [f"fact {number}" for number in (4, 3, 2, 1, 0)]
    assert end is None
    assert texts(mind, most=2) == ["what happened", "fact 4"]


def test_what_was_forgotten_or_is_over_is_not_listed(mind: Mind) -> None:
    gone = mind.memories.store("forgotten", "session")
    mind.memories.store("soon over", "short_term")
    mind.memories.store("stays", "session")
    mind.memories.forget(gone)
    mind.clock.advance(3600)
    assert texts(mind) == ["stays"]
    assert texts(mind, tier="short_term") == []


def test_a_shared_tier_is_the_same_for_every_owner(mind: Mind) -> None:
    mind.memories.store("a rule", MemoryTier.Cosmic)
    assert texts(mind, "a-plugin", "cosmic") == texts(mind, "@shared") == ["a rule"]


def test_a_tier_is_read_by_its_index(mind: Mind) -> None:
    store = mind.memories.table.store
    asked = "SELECT id FROM memories WHERE plugin = ? AND tier = ? AND seq < ? AND state < 2 ORDER BY seq DESC LIMIT ?"
    if store.dialect == "sqlite":
        plan = str(store.rows(f"EXPLAIN QUERY PLAN {asked}", ("@host", 4, 9, 3)))
        assert "TEMP B-TREE" not in plan
    else:  # which plans by how many rows there are
        plan = str(store.rows("SELECT indexname FROM pg_indexes WHERE tablename = 'memories'"))
    assert "memories_listed" in plan
