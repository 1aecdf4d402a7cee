"""What is stored is recalled, by words, by meaning and by the caller's embeddings, on both databases."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.memory.conftest import BrokenEmbedder, MakeMind, Mind

from omnicore.errors import InvalidInput, LimitExceeded, NotFound, PermissionDenied
from omnicore.memory.item import MemoryDraft, MemoryOrigin

RAW = {"rank", "cosine", "covered", "around"}

TALK = (
    ("Ann", "I adopted a greyhound from the shelter."),
    ("Bob", "How lovely, what is its name?"),
    ("Ann", "Biscuit, and she sleeps all day."),
    ("Bob", "I painted the kitchen turquoise."),
    ("Ann", "My landlord would faint."),
)


def talk(mind: Mind, owner: str = "diary") -> list[str]:
    return [
        mind.memories.store(text, "semantic", owner=owner, metadata={"speaker": speaker, "session": "one"})
        for speaker, text in TALK
    ]


def test_a_memory_is_found_by_its_words_and_says_why(mind: Mind) -> None:
    talk(mind)
    found = mind.memories.recall("what colour did Bob paint the kitchen?", owner="diary", limit=3)
    first = found.items[0]
    assert first.text == "I painted the kitchen turquoise."
    assert {"turn", "words", "window", "speaker"} <= set(first.explain)
    shares = {name: value for name, value in first.explain.items() if name not in RAW}
    assert sum(shares.values()) == pytest.approx(first.explain["rank"], abs=1e-3)
    assert first.explain.keys() > {"cosine", "covered", "around"}
    assert found.notes == ()


def test_a_memory_is_found_by_its_meaning(mind: Mind) -> None:
    talk(mind)
    assert mind.texts("which dog lives with her", owner="diary", limit=2)[0] == TALK[0][1]


def test_an_answer_is_found_through_the_question_before_it(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    talk(mind)
    found = mind.memories.recall("name", owner="diary", limit=3)
    assert TALK[2][1] in [item.text for item in found.items]
    assert "no embedder is set" in found.notes[0]


def test_without_an_embedder_words_are_enough(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    talk(mind)
    assert mind.texts("painted kitchens", owner="diary", limit=1) == [TALK[3][1]]
    assert mind.texts("nothing of that kind", owner="diary") == []


def test_the_same_text_again_is_the_same_memory(mind: Mind) -> None:
    first = mind.memories.store("The  Door is blue", "semantic", owner="a", importance=0.2)
    assert mind.memories.store("the door IS blue", "semantic", owner="a", importance=0.6) == first
    found = mind.memories.get(first, owner="a")
    assert found is not None
    assert (found.hits, found.importance, found.text) == (1, 0.6, "The  Door is blue")
    assert mind.memories.store("the door is blue", "episodic", owner="a") != first
    assert mind.memories.store("the door is blue", "semantic", owner="b") != first
    assert mind.texts("door", owner="a") == ["The  Door is blue"]
    assert len([one for one in mind.told if one[0] == "memory.stored"]) == 3


def test_plugins_see_nothing_of_each_other(mind: Mind) -> None:
    item = mind.memories.store("the secret of plugin a", "semantic", owner="a")
    before = mind.memories.recall("secret plugin", owner="b").items
    mind.memories.store("my own secret plugin", "semantic", owner="b")
    alone = mind.memories.recall("secret plugin", owner="b").items[0].explain
    for number in range(20):
        mind.memories.store(f"secret {number} of plugin a", "semantic", owner="a")
    assert before == ()
    assert mind.memories.recall("secret plugin", owner="b").items[0].explain == alone
    assert mind.memories.get(item, owner="b") is None
    assert not mind.memories.forget(item, owner="b")


STRANGE = ('"', "AND OR NOT", "foo:bar", "-x", "NEAR(a b)", "*", "'; DROP TABLE memories", "\\", "a\nb", "%", "()")


def test_any_text_can_be_asked_and_stored(mind: Mind) -> None:
    for text in STRANGE:
        item = mind.memories.store(f"{text} word", "semantic", owner="a")
        assert mind.texts(f"{text} word", owner="a")[0] == f"{text} word"
        mind.memories.recall(text, owner="a")
        assert mind.memories.forget(item, owner="a")


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"text": ""}, "empty"),
    ({"text": " \n"}, "empty"),
    ({"text": "a\x00b"}, "NUL"),
    ({"text": "\ud800"}, "no valid Unicode"),
    ({"text": "x" * 70_000}, "70000 bytes"),
    ({"tier": "working"}, "no tier"),
    ({"importance": math.nan}, "importance"),
    ({"importance": 2}, "importance"),
    ({"embedding": []}, "shape"),
    ({"embedding": [0.0, 0.0]}, "no direction"),
    ({"embedding": [math.nan, 1.0]}, "no direction"),
    ({"embedding": [1e300, 1.0]}, "no direction"),
    ({"embedding": ["a"]}, "no list of numbers"),
    ({"embedding": [1.0] * 5000}, "shape"),
    ({"metadata": {"a": math.inf}}, "no JSON"),
    ({"metadata": {"a": object()}}, "no JSON"),
    ({"metadata": {"a": "x" * 100_000}}, "too many"),
)


def test_what_cannot_be_kept_is_refused_and_nothing_is_written(mind: Mind) -> None:
    for named, problem in REFUSED:
        with pytest.raises(InvalidInput, match=problem):
            mind.memories.store(**{"text": "x", "tier": "semantic", "owner": "a", **named})
    assert mind.memories.table.totals("a") == []


def test_a_question_that_cannot_be_answered_is_refused(mind: Mind) -> None:
    for named in (
        {},
        {"text": ""},
        {"text": "a", "limit": 0},
        {"text": "a", "tiers": ["x"]},
        {"embedding": [math.nan]},
    ):
        with pytest.raises(InvalidInput):
            mind.memories.recall(**named)  # type: ignore[arg-type]


def test_the_caller_s_embeddings_are_compared_with_each_other_only(mind: Mind) -> None:
    mind.memories.store("hello", "episodic", embedding=[1, 0, 0])
    mind.memories.store("world", "episodic", embedding=[0, 1, 0])
    mind.memories.store("without", "episodic")
    assert mind.texts(embedding=[0.9, 0.1, 0], limit=2) == ["hello", "world"]
    assert mind.texts(embedding=[0, 0.2, 0], tiers=["semantic"]) == []
    found = mind.memories.recall("world", embedding=[1, 0, 0])
    assert {"given", "words"} <= {name for item in found.items for name in item.explain}
    assert found.items[0].embedding in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def test_embeddings_of_another_length_are_refused(mind: Mind) -> None:
    mind.memories.store("hello", "episodic", embedding=[1, 0, 0])
    with pytest.raises(InvalidInput, match="2 numbers does not fit the 3"):
        mind.memories.store("bad", "episodic", embedding=[1, 0])
    with pytest.raises(InvalidInput, match="2 numbers does not fit the 3"):
        mind.memories.recall(embedding=[1, 0])
    assert mind.memories.recall("bad").items == () or mind.texts("bad") == ["hello"]


def test_the_setting_fixes_the_length_of_embeddings(make_mind: MakeMind) -> None:
    mind = make_mind(dimensions=4)
    with pytest.raises(InvalidInput, match="does not fit the others"):
        mind.memories.store("bad", "episodic", embedding=[1, 0])
    assert mind.memories.store("good", "episodic", embedding=[1, 0, 0, 0])


def test_only_the_tiers_that_were_asked_for_answer(mind: Mind) -> None:
    mind.memories.store("the blue door", "episodic")
    mind.memories.store("the green door", "semantic")
    assert mind.texts("door", tiers=["episodic"]) == ["the blue door"]
    assert mind.texts("door", tiers=["strategic"]) == []
    assert set(mind.texts("door")) == {"the blue door", "the green door"}


def test_a_memory_is_gone_when_its_time_is_over_unless_it_is_pinned(mind: Mind) -> None:
    short = mind.memories.store("for ten minutes", "short_term")
    kept = mind.memories.store("for ten minutes and ever", "short_term", pinned=True)
    mind.clock.advance(601)
    assert mind.texts("minutes") == ["for ten minutes and ever"]
    assert mind.memories.get(short) is None
    mind.memories.correct.pin(kept, False)
    mind.clock.advance(601)
    assert mind.texts("minutes") == []


def test_immediate_memories_live_in_ram_for_a_minute(mind: Mind, make_mind: MakeMind) -> None:
    item = mind.memories.store("the kettle boils", "immediate", owner="a")
    assert mind.memories.store("the KETTLE boils", "immediate", owner="a") == item
    assert mind.texts("kettle", owner="a") == ["the kettle boils"]
    assert mind.texts("is the water hot", owner="a") == ["the kettle boils"]
    assert mind.texts("kettle", owner="b") == []
    assert mind.memories.table.totals("a") == []
    mind.clock.advance(61)
    assert mind.texts("kettle", owner="a") == []
    again = mind.memories.store("the kettle whistles", "immediate", owner="a")
    assert mind.memories.forget(again, owner="a")
    assert mind.memories.get(again, owner="a") is None


def test_facts_hold_in_their_time_only(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("the door was red", "semantic", metadata={"valid_to": now - 1})
    mind.memories.store("the door is blue", "semantic", metadata={"valid_from": now - 1, "valid_to": now + 10})
    mind.memories.store("the door will be green", "semantic", metadata={"valid_from": now + 10})
    assert mind.texts("door") == ["the door is blue"]
    mind.clock.advance(11)
    assert mind.texts("door") == ["the door will be green"]


def test_what_is_corrected_is_no_longer_recalled_but_still_there(mind: Mind) -> None:
    old = mind.memories.store("the door is blue", "semantic")
    new = mind.memories.store("the door is green", "semantic")
    mind.memories.correct.supersede(old, new)
    assert mind.texts("door") == ["the door is green"]
    found = mind.memories.get(old)
    assert found is not None
    assert found.superseded_by == new
    assert (new, "supersedes", old, "") in mind.memories.edges(old)
    with pytest.raises(InvalidInput):
        mind.memories.correct.supersede(new, new)
    with pytest.raises(NotFound):
        mind.memories.correct.supersede("mem_none", new)


def test_what_is_forgotten_is_erased(mind: Mind) -> None:
    items = talk(mind)
    assert mind.memories.forget(items[1], owner="diary")
    assert not mind.memories.forget(items[1], owner="diary")
    assert mind.memories.get(items[1], owner="diary") is None
    assert TALK[1][1] not in mind.texts("name", owner="diary")
    rows = mind.memories.table.store.rows("SELECT text, metadata, sense FROM memories WHERE id = ?", (items[1],))
    assert rows == [("", "{}", None)]
    assert [total.items for total in mind.memories.table.totals("diary")] == [4]
    mind.memories.clear("diary")
    assert mind.texts("kitchen", owner="diary") == []
    talk(mind)
    assert mind.texts("kitchen", owner="diary", limit=1) == [TALK[3][1]]


def test_another_process_s_changes_are_seen_at_once(make_mind: MakeMind) -> None:
    one, other = make_mind(), make_mind()
    items = talk(one)
    assert other.texts("kitchen", owner="diary", limit=1) == [TALK[3][1]]
    other.memories.forget(items[3], owner="diary")
    late = other.memories.store("The bathroom is turquoise too", "semantic", owner="diary")
    assert one.texts("turquoise", owner="diary", limit=1) == ["The bathroom is turquoise too"]
    one.memories.correct.supersede(late, items[4])
    assert "The bathroom is turquoise too" not in other.texts("turquoise", owner="diary")


def test_recalls_are_counted_in_batches(mind: Mind) -> None:
    item = mind.memories.store("the blue door", "semantic")
    mind.texts("door")
    mind.texts("door")
    mind.texts("door", touch=False)
    mind.memories.flush()
    found = mind.memories.get(item)
    assert found is not None
    assert found.hits == 2


def test_a_broken_embedder_leaves_words_and_says_so(make_mind: MakeMind) -> None:
    broken = BrokenEmbedder()
    mind = make_mind(broken)
    talk(mind)
    found = mind.memories.recall("turquoise kitchen", owner="diary", limit=1)
    assert [item.text for item in found.items] == [TALK[3][1]]
    assert "the embedder fails" in found.notes[0]
    assert mind.memories.problems()


def test_quotas_of_a_plugin_are_kept(mind: Mind) -> None:
    drafts = [MemoryDraft(f"text {number}", "episodic") for number in range(3)]
    mind.memories.store_many(drafts[:2], owner="a", quota=(2, None))
    with pytest.raises(LimitExceeded) as caught:
        mind.memories.store_many(drafts, owner="a", quota=(2, None))
    assert (caught.value.details["limit"], caught.value.details["allowed"]) == ("max_items", 2)
    mind.memories.store_many(drafts[:1], owner="a", quota=(2, None))  # what is there already takes no room
    with pytest.raises(LimitExceeded, match="20 bytes"):
        mind.memories.store_many([MemoryDraft("x" * 20, "episodic")], owner="b", quota=(None, 20))
    assert [total.items for total in mind.memories.table.totals("a")] == [2]
    assert mind.memories.table.totals("b") == []


def test_a_plugin_s_quota_in_shared_tiers_is_over_what_it_wrote(mind: Mind) -> None:
    def store(number: int, writer: str) -> None:
        draft = MemoryDraft(f"shared {number} of {writer}", "civilizational")
        mind.memories.store_many([draft], owner=writer, origin=MemoryOrigin(writer), quota=(2, None))

    store(1, "a")
    store(2, "a")
    with pytest.raises(LimitExceeded) as caught:
        store(3, "a")
    assert caught.value.details["limit"] == "max_items"
    store(1, "b")  # what others wrote takes no room of its own
    assert sum(total.items for total in mind.memories.table.totals("@shared")) == 3


def test_a_plugin_may_store_so_many_a_second(make_mind: MakeMind) -> None:
    mind = make_mind(writes_per_s=2.0)
    for number in range(4):
        mind.memories.store(f"text {number}", owner="a")
    with pytest.raises(LimitExceeded, match="2 memories a second"):
        mind.memories.store("text 5", owner="a")
    mind.memories.store("text 5", owner="b")
    mind.clock.advance(1)
    mind.memories.store("text 5", owner="a")


def test_a_full_tier_lets_the_weakest_go_and_tells(make_mind: MakeMind) -> None:
    mind = make_mind(max_per_tier=20)
    kept = mind.memories.store("pinned", "episodic", importance=0.0, pinned=True)
    for number in range(30):
        mind.memories.store(f"text number {number}", "episodic", importance=number / 30)
    mind.memories.evictor.evict("@host")
    assert [total.items for total in mind.memories.table.totals("@host")] == [20]
    assert mind.memories.get(kept) is not None
    assert "text number 0" not in mind.texts("text number", limit=50)
    assert "text number 29" in mind.texts("text number", limit=50)
    assert any(topic == "memory.evicted" and data["tier"] == "episodic" for topic, data in mind.told)


def test_a_full_tier_that_may_lose_nothing_takes_no_more(make_mind: MakeMind) -> None:
    mind = make_mind(max_per_tier=2)
    mind.memories.store_many([MemoryDraft("a", "strategic"), MemoryDraft("b", "strategic")])
    with pytest.raises(LimitExceeded, match="max_per_tier"):
        mind.memories.store("c", "strategic")
    assert mind.texts("c", tiers=["strategic"]) == mind.texts("c", tiers=["strategic"])


def test_cosmic_rules_are_in_every_recall_that_may_see_them(mind: Mind) -> None:
    mind.memories.store("never delete backups", "cosmic")
    for number in range(10):
        mind.memories.store(f"the door number {number} is blue", "semantic", owner="a")
    found = mind.texts("blue door", owner="a", limit=3)
    assert len(found) == 3
    assert "never delete backups" in found
    assert "never delete backups" not in mind.texts("blue door", owner="a", limit=3, tiers=["semantic"])


def test_cosmic_memories_do_not_change(mind: Mind) -> None:
    rule = mind.memories.store("never delete backups", "cosmic")
    other = mind.memories.store("sometimes delete backups", "cosmic")
    with pytest.raises(PermissionDenied):
        mind.memories.correct.supersede(rule, other)
    with pytest.raises(PermissionDenied):
        mind.memories.correct.pin(rule, False)


def test_galactic_memories_wait_for_a_person(mind: Mind) -> None:
    item = mind.memories.store("news from another host", "galactic")
    assert mind.texts("news from another host") == []
    mind.memories.correct.approve(item)
    assert mind.texts("news") == ["news from another host"]
    with pytest.raises(NotFound):
        mind.memories.correct.approve(item)


def test_a_skill_learns_how_often_it_works(mind: Mind) -> None:
    item = mind.memories.store("counts words", "procedural", metadata={"function": "text.count"})
    mind.memories.correct.practise(item, True)
    found = mind.memories.correct.practise(item, False)
    assert (found.metadata["usage_count"], found.metadata["success_rate"], found.importance) == (2, 0.5, 0.5)
    with pytest.raises(InvalidInput):
        mind.memories.correct.practise(mind.memories.store("no skill", "procedural"), True)


def test_two_uses_of_a_skill_at_once_count_twice(mind: Mind, monkeypatch: pytest.MonkeyPatch) -> None:
    item = mind.memories.store("counts words", "procedural", metadata={"function": "text.count"})
    change, others = mind.memories.table.change, [False]

    def changed(*given: Any, **named: Any) -> bool:
        if others:
            mind.memories.correct.practise(item, others.pop())
        return change(*given, **named)

    monkeypatch.setattr(mind.memories.table, "change", changed)
    found = mind.memories.correct.practise(item, True)
    assert (found.metadata["usage_count"], found.metadata["success_rate"]) == (2, 0.5)


def test_names_that_nothing_has_find_nothing_and_keep_nothing(mind: Mind) -> None:
    for name in ("", "a\x00", "\ud800", "x" * 300):
        with pytest.raises(InvalidInput, match="no owner"):
            mind.memories.store("text", "semantic", owner=name)
        with pytest.raises(InvalidInput, match="no owner"):
            mind.memories.recall("text", owner=name)
        assert mind.memories.get(name) is None
    assert mind.texts("\ud800 text \udfff") == []


def test_what_is_recalled_fits_into_a_budget_of_characters(mind: Mind) -> None:
    for text in ("the door is blue", "the blue door " + "creaks " * 30, "a blue door has a blue handle"):
        mind.memories.store(text)
    found = mind.memories.recall("blue door", budget=50)
    assert sorted(item.text for item in found.items) == ["a blue door has a blue handle", "the door is blue"]
    assert found.notes[-1] == "1 more do not fit into 50 characters"
    assert mind.memories.recall("blue door", budget=1).items == ()
    assert len(mind.memories.recall("blue door", budget=10_000).items) == 3
    with pytest.raises(InvalidInput):
        mind.memories.recall("blue door", budget=0)


def test_rules_come_first_into_a_budget(mind: Mind) -> None:
    mind.memories.store("the door is blue")
    mind.memories.store("Never open the door", "cosmic")
    assert mind.texts("blue door", budget=20) == ["Never open the door"]
