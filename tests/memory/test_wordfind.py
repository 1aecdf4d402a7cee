"""Words looked up through what is kept of them in RAM."""

from __future__ import annotations

import pytest
from tests.memory.conftest import Mind

from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import HOST
from omnicore.memory.tiers import MemoryTier
from omnicore.storage.tables.memory_words import rarity


def test_what_is_kept_of_words_adds_up_to_what_the_text_index_says_and_follows_it(mind: Mind) -> None:
    memories, words = mind.memories, ["door", "blue", "garden"]

    def compare(closely: float) -> None:
        with memories.indexes.of(HOST) as opened:
            assert opened is not None
            columns, texts = opened.columns, memories.table.texts
            allowed = columns.open_to(MemoryTier, mind.clock.now())
            (places, scores), held = opened.words.find(texts, [(word,) for word in words], columns, allowed)
            counted = texts.frequencies(opened.number, words, 1000)
            weights = {word: rarity(counted[word], columns.count) for word in words}
            wanted = dict(texts.match(opened.number, weights, 1000))
        assert (held.at(places) > 0).all()
        assert scores.tolist() == sorted(scores.tolist(), reverse=True)
        assert dict(zip(columns.seqs(places), scores.tolist(), strict=True)) == pytest.approx(
            wanted, rel=closely, abs=closely / 100
        )

    ids = [
        memories.store(f"the {('blue', 'red')[at % 2]} door of {at} leads on {'on ' * (at % 5)}") for at in range(30)
    ]
    memories.store("a blue garden with a blue gate")
    compare(1e-4)
    compare(1e-4)
    memories.store("another garden with a blue door")
    compare(0.25)  # until a tenth is new, rarities are about those of before
    memories.forget(ids[3])
    compare(0.25)


def test_who_may_not_be_recalled_takes_no_one_s_place(mind: Mind) -> None:
    drafts = [MemoryDraft(f"a door {at}", "session", 0.5) for at in range(260)]
    mind.memories.store_many([*drafts, MemoryDraft(f"{'very ' * 60} old door", "semantic", 0.5)])
    assert len(mind.texts("door", tiers=["semantic"])) == 1
    found = mind.memories.recall("door", tiers=["semantic"]).items[0]
    assert "words" in found.explain
