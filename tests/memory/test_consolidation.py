"""Consolidation moves, derives and links, and a second time does nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.memory.conftest import SHIPPED, BrokenEmbedder, MakeMind, Mind

from omnicore.memory.columns import unit
from omnicore.memory.consolidation import Consolidator, clustered, medoid


def run(mind: Mind, **named: object) -> dict[tuple[str, str], int]:
    return Consolidator(mind.memories).run(**named).moved  # type: ignore[arg-type]


def test_what_proved_worth_it_moves_on_with_its_id_and_its_text(mind: Mind) -> None:
    item = mind.memories.store("the task is nearly done", "short_term", importance=0.2)
    weak = mind.memories.store("hm", "short_term", importance=0.05)
    assert run(mind) == {("short_term", "session"): 1}
    assert (mind.tier(item), mind.tier(weak)) == ("session", "short_term")
    assert mind.texts("task", tiers=["session"]) == ["the task is nearly done"]
    assert ("memory.consolidated", {"from_tier": "short_term", "to_tier": "session", "count": 1}) in mind.told
    assert run(mind) == {}
    found = mind.memories.get(item)
    assert found is not None
    assert found.importance == pytest.approx(0.22)
    assert found.expires_at == mind.clock.now() + 24 * 3600


def test_the_same_text_in_the_next_tier_takes_the_memory_in(mind: Mind) -> None:
    there = mind.memories.store("the door is blue", "session", importance=0.1)
    item = mind.memories.store("the door is blue", "short_term", importance=0.2)
    assert run(mind) == {("short_term", "session"): 1}
    found = mind.memories.get(item)
    assert found is not None
    assert found.superseded_by == there
    assert mind.texts("door") == ["the door is blue"]
    assert run(mind) == {}


def test_memories_that_are_used_move_on_whatever_their_importance(mind: Mind) -> None:
    item = mind.memories.store("the blue door", "session", importance=0.1)
    run(mind)
    assert mind.tier(item) == "session"
    for _ in range(3):
        mind.texts("door")
    assert run(mind) == {("session", "episodic"): 1}
    assert mind.tier(item) == "episodic"


def test_by_themselves_memories_move_on_after_half_their_time(mind: Mind) -> None:
    item = mind.memories.store("the blue door", "short_term", importance=0.9)
    assert run(mind, young=False) == {}
    mind.clock.advance(301)
    assert run(mind, young=False) == {("short_term", "session"): 1}
    assert mind.tier(item) == "session"


def test_knowledge_is_derived_once_and_linked_to_all_it_was_made_of(mind: Mind) -> None:
    items = [
        mind.memories.store(text, "episodic", importance=0.6)
        for text in ("The garden door is painted blue", "The garden door is painted blue now", "Bob hates walnuts")
    ]
    low = mind.memories.store("it rained", "episodic", importance=0.1)
    assert run(mind) == {("episodic", "semantic"): 3}
    semantic = mind.memories.recall("garden door walnuts", tiers=["semantic"]).items
    assert len(semantic) == 2
    sources = {edge[2] for item in semantic for edge in mind.memories.edges(item.id) if edge[1] == "derived_from"}
    assert sources == set(items)
    assert [mind.tier(item) for item in (*items, low)] == ["episodic"] * 4
    assert run(mind) == {}
    assert run(mind) == {}
    assert len(mind.memories.recall("garden door walnuts", tiers=["semantic"]).items) == 2


def test_a_new_process_goes_on_where_the_last_one_stopped(make_mind: MakeMind) -> None:
    first = make_mind()
    first.memories.store("Bob hates walnuts", "episodic", importance=0.6)
    assert run(first) == {("episodic", "semantic"): 1}
    second = make_mind()
    second.memories.store("Ann loves figs", "episodic", importance=0.6)
    assert run(second) == {("episodic", "semantic"): 1}
    assert run(first) == {}


def test_a_summariser_speaks_for_what_belongs_together_and_may_fail(mind: Mind) -> None:
    texts = ("The garden door is painted blue", "The garden door is painted blue now")
    for text in texts:
        mind.memories.store(text, "episodic", importance=0.6)
    seen: list[list[str]] = []

    def summarise(some: object) -> str:
        seen.append(list(some))  # type: ignore[call-overload]
        return "There is a blue garden door"

    Consolidator(mind.memories, summarise).run()
    assert seen == [list(texts)]
    assert mind.texts("garden door", tiers=["semantic"]) == ["There is a blue garden door"]
    for text in ("Bob hates walnuts a lot", "Bob hates walnuts a lot!?"):
        mind.memories.store(text, "episodic", importance=0.6)

    def fail(some: object) -> str:
        raise OSError("no model")

    Consolidator(mind.memories, fail).run()
    assert mind.texts("walnuts", tiers=["semantic"])[0].startswith("Bob hates walnuts")


def test_nothing_is_made_of_what_is_forgotten_while_it_is_summarised(mind: Mind) -> None:
    texts = ("The garden door is painted blue", "The garden door is painted blue now")
    items = [mind.memories.store(text, "episodic", importance=0.6) for text in texts]
    asked: list[int] = []

    def summarise(some: object) -> str:
        asked.append(len(list(some)))  # type: ignore[call-overload]
        mind.memories.forget(items[0])
        return texts[0]

    assert Consolidator(mind.memories, summarise).run().moved == {("episodic", "semantic"): 1}
    assert asked == [2]
    assert mind.texts("garden door", tiers=["semantic"]) == [texts[1]]


def test_flagged_scratch_that_is_forgotten_while_it_is_kept_is_gone(
    mind: Mind, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = mind.memories.store("keep this", "immediate", owner="a", metadata={"keep": True})
    add = mind.memories.table.add

    def added(*given: Any, **named: Any) -> Any:
        mind.memories.forget(item, owner="a")
        return add(*given, **named)

    monkeypatch.setattr(mind.memories.table, "add", added)
    assert run(mind) == {}
    assert mind.texts("keep this", owner="a") == []


def test_nearly_the_same_is_linked_and_both_stay(mind: Mind) -> None:
    one = mind.memories.store("The garden door is painted blue", "episodic", importance=0.6)
    other = mind.memories.store("The garden door is painted blue!", "episodic", importance=0.6)
    assert Consolidator(mind.memories).run().linked == 1
    assert (one, "same_as", other, "") in mind.memories.edges(one)
    assert {mind.tier(one), mind.tier(other)} == {"episodic"}


def test_what_is_over_is_swept_and_later_purged(mind: Mind) -> None:
    item = mind.memories.store("hm", "short_term", importance=0.0)
    mind.clock.advance(601)
    done = Consolidator(mind.memories).run()
    assert (done.expired, done.purged) == (1, 0)
    assert mind.memories.table.store.rows("SELECT state, text FROM memories WHERE id = ?", (item,)) == [(2, "")]
    mind.clock.advance(90_000)
    assert Consolidator(mind.memories).run().purged == 1
    assert mind.memories.table.store.rows("SELECT count(*) FROM memories") == [(0,)]


def test_a_copy_in_ram_survives_a_purge_that_it_missed(make_mind: MakeMind) -> None:
    one, other = make_mind(), make_mind()
    for number in range(5):
        one.memories.store(f"text number {number}", "session", importance=0.0)
    gone = one.memories.store("the word walnut", "session", importance=0.0)
    assert other.texts("walnut")[0] == "the word walnut"
    one.memories.forget(gone)
    one.clock.advance(90_000)
    Consolidator(one.memories).run()
    late = one.memories.store("something new", "semantic")
    assert "the word walnut" not in other.texts("walnut")
    assert other.memories.get(late) is not None
    assert other.texts("something new") == ["something new"]


def test_flagged_scratch_becomes_short_term(mind: Mind) -> None:
    kept = mind.memories.store("keep this", "immediate", owner="a", metadata={"keep": True}, importance=0.05)
    mind.memories.store("not this", "immediate", owner="a")
    assert run(mind) == {("immediate", "short_term"): 1}
    assert mind.tier(kept) == "short_term"
    assert mind.texts("this", owner="a", tiers=["short_term"]) == ["keep this"]


def test_vectors_that_an_embedder_could_not_make_are_made_up_for(make_mind: MakeMind) -> None:
    broken = BrokenEmbedder()
    mind = make_mind(broken)
    mind.memories.store("I adopted a greyhound from the shelter.", "semantic")
    assert mind.texts("which dog lives with her") == []
    broken.broken = False
    mind.clock.advance(11)
    assert Consolidator(mind.memories).run().embedded == 1
    assert mind.texts("which dog lives with her") == ["I adopted a greyhound from the shelter."]
    assert Consolidator(mind.memories).run().embedded == 0


def test_clusters_are_like_their_first_and_the_medoid_is_in_the_middle() -> None:
    import numpy as np

    vectors = np.array([unit(row) for row in ([1, 0], [0.99, 0.1], [0, 1], [0.98, 0.2])])
    assert clustered(vectors, 0.9) == [[0, 1, 3], [2]]
    assert medoid(vectors[[0, 1, 3]]) == 1
    assert SHIPPED.dimensions == 256
