"""Plugins that mean harm to the memories of others, or to the host that keeps them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.memory.conftest import MakeMind, Mind

from omnicore.errors import InvalidInput
from omnicore.memory.cache import ImmediateMemories
from omnicore.memory.consolidation import Consolidator
from omnicore.memory.embedder import FunctionEmbedder
from omnicore.memory.facts import facts_in
from omnicore.memory.item import MemoryDraft, MemoryOrigin
from omnicore.memory.tiers import MemoryTier
from omnicore.storage.tables.memory import NewMemory

A = MemoryOrigin("a")


def scratch(number: int, text: str) -> NewMemory:
    return NewMemory(
        id=f"mem_{number}",
        tier=MemoryTier.Immediate.place,
        text=text,
        metadata="{}",
        importance=0.5,
        judged=0,
        created_at=0.0,
        accessed_at=0.0,
        size=len(text.encode()) + 2,
        expires_at=60.0,
        hash=f"{number:032x}",
        writer="a",
        words=tuple(text.split()),
    )


def test_what_a_person_pinned_stays_though_a_plugin_says_it_again(mind: Mind) -> None:
    item = mind.memories.store("the door is blue", "session", owner="a")
    mind.memories.correct.pin(item)
    assert mind.memories.store_many([MemoryDraft("the door is blue", "session")], owner="a", origin=A) == [item]
    mind.clock.advance(10 * 86_400)
    assert mind.texts("door", owner="a") == ["the door is blue"]
    found = mind.memories.get(item)
    assert found is not None
    assert (found.pinned, found.expires_at) == (True, None)


def test_an_embedding_of_another_length_in_a_shared_tier_spoils_nobody_s_recall(mind: Mind) -> None:
    shared = MemoryTier.Civilizational
    mind.memories.store_many([MemoryDraft("odd", shared, embedding=(1.0,))], owner="a", origin=A)
    mind.memories.store("mine", "semantic", owner="b", embedding=(1.0, 0.0, 0.0))
    found = mind.texts("mine", embedding=(1.0, 0.0, 0.0), owner="b", tiers=("semantic", shared))
    assert found[0] == "mine"
    with pytest.raises(InvalidInput, match="does not fit the 3"):
        mind.texts("mine", embedding=(1.0, 0.0), owner="b", tiers=("semantic", shared))


def test_metadata_with_a_time_beyond_all_numbers_are_refused(mind: Mind) -> None:
    with pytest.raises(InvalidInput, match="valid_from is no time"):
        mind.memories.store("a", "semantic", metadata={"valid_from": 10**400})


def test_a_skill_with_a_count_beyond_all_numbers_is_none(mind: Mind) -> None:
    metadata = {"function": "a.b", "usage_count": 10**400, "success_rate": 0.5}
    item = mind.memories.store("a skill", "procedural", metadata=metadata)
    with pytest.raises(InvalidInput, match="is no skill"):
        mind.memories.correct.practise(item, True)


def test_the_immediate_tier_holds_no_more_than_its_bytes() -> None:
    recent = ImmediateMemories(None)
    for number in range(100):
        recent.add(scratch(number, "x" * 60_000), 0.0)
    assert sum(len(one.row.text) for one in recent.all()) <= 1024 * 1024
    assert recent.all()[-1].row.id == "mem_99"


def test_the_immediate_tier_takes_embeddings_of_one_length(mind: Mind) -> None:
    tier = MemoryTier.Immediate
    mind.memories.store("one", tier, owner="a", embedding=(1.0, 0.0, 0.0))
    for other in ((1.0,), (1.0, 0.0)):
        with pytest.raises(InvalidInput, match="does not fit the 3"):
            mind.memories.store("two", tier, owner="a", embedding=other)
    assert mind.texts("one", owner="a", tiers=(tier,)) == ["one"]
    mind.clock.advance(61)
    mind.memories.store("two", tier, owner="a", embedding=(1.0, 0.0))
    assert mind.texts(embedding=(1.0, 0.0), owner="a", tiers=(tier,)) == ["two"]


def test_an_embedder_that_changes_its_length_spoils_no_recall(make_mind: MakeMind) -> None:
    lengths = iter([3, 3, 5, 5, 5])

    def embed(texts: Sequence[str]) -> list[list[float]]:
        return [[1.0] * next(lengths) for _ in texts]

    mind = make_mind(FunctionEmbedder("plugin:odd.embed", embed))
    mind.memories.store("the first door")
    assert mind.texts("door") == ["the first door"]
    mind.memories.store("the second door")
    assert set(mind.texts("door")) == {"the first door", "the second door"}


def test_a_scratch_that_cannot_be_kept_does_not_end_consolidation_for_the_others(mind: Mind) -> None:
    mind.memories.store("known", "semantic", owner="a", embedding=(1.0, 0.0))
    odd = MemoryDraft("odd", MemoryTier.Immediate, embedding=(1.0, 0.0, 0.0), metadata={"keep": True})
    mind.memories.store_many([odd], owner="a", origin=A)
    fine = MemoryDraft("fine", MemoryTier.Immediate, metadata={"keep": True})
    item = mind.memories.store_many([fine], owner="b", origin=MemoryOrigin("b"))[0]
    Consolidator(mind.memories).run(young=False)
    assert mind.tier(item) == MemoryTier.ShortTerm
    assert mind.texts("odd", owner="a", tiers=(MemoryTier.Immediate,)) == []


@pytest.mark.parametrize("metadata", [{"a": "\ud800"}, {"\udfff": 1}, {"a": [{"b": "\ud83d"}]}])
def test_metadata_with_halves_of_characters_are_refused(mind: Mind, metadata: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="half of a character"):
        mind.memories.store("a", metadata=metadata)
    assert mind.memories.store("a", metadata={"face": "\U0001f600"})


def test_metadata_that_are_nested_too_deep_are_refused(mind: Mind) -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(InvalidInput, match="nested deeper than 64"):
        mind.memories.store("a", "semantic", metadata={"deep": deep})


def test_what_was_said_before_all_calendars_is_kept_and_ends_the_care_of_nobody(mind: Mind) -> None:
    mind.memories.store("I moved to Rome yesterday", "session", owner="a", said_at=-1e12, importance=0.9)
    mind.memories.store("I moved to Oslo yesterday", "semantic", owner="a", said_at=-1e12)
    mind.clock.advance(10 * 86_400)
    assert Consolidator(mind.memories).run().facts == 1


def test_a_text_that_is_made_to_be_read_again_and_again_is_read_once() -> None:
    for text in ("A-" * 2040 + " lives", "As-" * 1360 + " is"):
        for _ in range(10):  # some minutes, where each of its letters begins a name of thousands
            assert facts_in(text, 0.0) == ()
