"""Questions in sixteen languages meet memories whose words have other forms."""

from __future__ import annotations

from typing import Any

import pytest
from tests.memory.conftest import MakeMind, Mind
from tests.memory.inflected import PAIRS

from omnicore.memory.consolidation import Consolidator
from omnicore.memory.item import MemoryDraft, MemoryOrigin, drafted, words_of
from omnicore.memory.memories import HOST
from omnicore.records import replace


def store_all(mind: Mind) -> None:
    mind.memories.store_many([MemoryDraft(said, "semantic", 0.5) for pairs in PAIRS.values() for said, _ in pairs])


def hits(mind: Mind, code: str, limit: int = 3) -> int:
    return sum(said in mind.texts(asked, limit=limit, touch=False) for said, asked in PAIRS[code])


def test_words_in_other_forms_are_found_in_each_language_among_all_others(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    store_all(mind)
    found = {code: hits(mind, code) for code in PAIRS}
    assert min(found.values()) >= 4, found
    assert sum(found.values()) >= 0.9 * 6 * len(PAIRS), found


def test_a_memory_of_the_last_minute_is_found_by_other_forms_of_its_words(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    mind.memories.store("Die Häuser am Hafen haben blaue Türen.", "immediate")
    assert mind.texts("Welches Haus?")


def test_what_is_forgotten_in_any_language_leaves_the_full_text(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    store_all(mind)
    memories = mind.memories
    space = memories.table.space(HOST)
    assert space is not None
    assert len(memories.table.languages(HOST)) >= 14
    for item in memories.newest(most=200)[0]:
        memories.forget(item.id)
    words = {word for code, pairs in PAIRS.items() for said, _ in pairs for word in words_of(None, said, code)}
    assert memories.table.texts.frequencies(space.number, sorted(words)[:200], 1000) == {}
    memories.table.texts.check(space.number)


@pytest.fixture
def earlier(make_mind: MakeMind) -> Mind:
    """Memories as a host stored them that knew English stems only."""
    mind = make_mind(None)
    origin = MemoryOrigin("host")
    texts = [said for code in ("de", "en") for said, _ in PAIRS[code]]
    rows = [drafted(MemoryDraft(text, "semantic", 0.5), origin, mind.clock.now()) for text in texts]
    old: list[Any] = [replace(row, language=None, words=tuple(words_of(None, row.text))) for row in rows]
    mind.memories.table.add(HOST, old, cap=lambda tier: None)
    return mind


def test_memories_of_earlier_hosts_are_found_as_before_and_after_a_consolidation_in_their_language(
    earlier: Mind,
) -> None:
    assert earlier.texts("Hafen Türen")[:1] == [PAIRS["de"][0][0]]
    before = hits(earlier, "de", limit=1)
    assert hits(earlier, "en") == 6
    Consolidator(earlier.memories, None).run()
    assert hits(earlier, "de", limit=1) > before
    assert hits(earlier, "en") == 6
    assert earlier.memories.table.languages(HOST) == {"de": 6}
    assert earlier.memories.table.reword(HOST, len, 10) == 0  # type: ignore[arg-type]


def test_an_earlier_memory_can_be_forgotten_before_and_after_it_has_other_words(earlier: Mind) -> None:
    memories = earlier.memories
    first, second = (item.id for item in memories.recall("Hafen Garten", limit=2).items)
    assert memories.forget(first)
    Consolidator(memories, None).run()
    assert memories.forget(second)
    space = memories.table.space(HOST)
    assert space is not None
    gone = {word for at in (0, 1) for code in ("en", "de") for word in words_of(None, PAIRS["de"][at][0], code)}
    left = {word for said, _ in (*PAIRS["de"][2:], *PAIRS["en"]) for word in words_of(None, said, "de")}
    assert memories.table.texts.frequencies(space.number, sorted(gone - left), 100) == {}
