"""A score says how likely it is that a memory answers; a question that nothing answers gets nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.eval.calibrate import HELD_OUT, answers, auc, known_lives
from tests.memory.conftest import SHIPPED, MakeMind, Mind

from omnicore.errors import InvalidInput
from omnicore.memory.candidates import RawSignals, probabilities
from omnicore.memory.item import MemoryDraft

DIARY = (
    "Bob no longer lives in Rome.",
    "I adopted a greyhound from the shelter.",
    "The garden door is blue.",
    "Mein Zahnarzt heißt Doktor Novak.",
    "Die Häuser am Hafen haben blaue Türen.",
    "We had soup for dinner.",
)
NOTHING = ("nothing is known that fits",)


def kept(mind: Mind) -> Mind:
    for text in DIARY:
        mind.memories.store(text, "semantic")
    return mind


@pytest.mark.parametrize("embedder", ["static", "none"])
def test_scores_tell_questions_with_an_answer_from_those_without(embedder: str, tmp_path: Path) -> None:
    asked = list(answers(known_lives(6, 5, HELD_OUT), tmp_path, embedder))
    for language in ("en", "de"):
        some = [one for one in asked if one.kind == language]
        assert auc(some) >= 0.95
        unanswered = [max(one.scores, default=0.0) for one in some if not one.answered]
        assert sum(unanswered) / len(unanswered) < 0.15


@pytest.mark.parametrize("embedder", [SHIPPED, None])
def test_a_question_about_something_else_has_low_scores_and_no_answer(make_mind: MakeMind, embedder: object) -> None:
    mind = kept(make_mind(embedder))
    for question in ("quantum chromodynamics lattice gauge", "Was ist die Hauptstadt der Mongolei?"):
        assert all((item.score or 0) < 0.2 for item in mind.memories.recall(question).items)
        found = mind.memories.recall(question, min_score=0.3)
        assert found.items == ()
        assert set(NOTHING) <= set(found.notes)


@pytest.mark.parametrize(
    ("question", "place"),
    [("Where does Bob live?", 0), ("Welches Haus hat eine blaue Tür?", 4), ("Wer ist mein Zahnarzt?", 3)],
)
def test_what_answers_is_above_the_least_score_and_what_does_not_is_left_out(
    mind: Mind, question: str, place: int
) -> None:
    all_of_them = kept(mind).memories.recall(question).items
    some = mind.memories.recall(question, min_score=0.5)
    assert all_of_them[0].text == some.items[0].text == DIARY[place]
    assert len(some.items) < len(all_of_them)
    assert [item.id for item in some.items] == [item.id for item in all_of_them if (item.score or 0) >= 0.5]
    assert some.notes == ()


def test_results_are_in_the_order_of_their_rank_and_explained(mind: Mind) -> None:
    items = kept(mind).memories.recall("Is the door of the garden blue?").items
    ranks = [item.explain["rank"] for item in items]
    assert ranks == sorted(ranks, reverse=True)
    assert items[0].explain["covered"] == pytest.approx(1.0)
    assert items[0].explain["cosine"] > 0.5
    assert all(0 <= (item.score or 0) <= 1 for item in items)


def test_what_the_neighbours_say_is_among_the_signals(mind: Mind) -> None:
    for text in ("Which instrument do you play?", "The oboe, of course."):
        mind.memories.store(text, "semantic", metadata={"session": "one"})
    (first, second) = mind.memories.recall("instrument oboe").items
    assert first.explain["covered"] < 1
    assert first.explain["around"] == second.explain["around"] == pytest.approx(1.0)


def test_words_that_nearly_all_memories_hold_tell_nothing(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    mind.memories.store_many([MemoryDraft(f"the garden gate {at}", "semantic", 0.5) for at in range(1100)])
    items = mind.memories.recall("garden gate", limit=3).items
    assert len(items) == 3
    assert all("covered" not in item.explain or item.explain["covered"] > 0 for item in items)
    assert all(0 <= (item.score or 0) <= 1 for item in items)


def test_a_word_that_is_nowhere_counts_more_than_one_that_is_everywhere(mind: Mind) -> None:
    for number in range(20):
        mind.memories.store(f"the garden of {number}", "semantic")
    (known, *_) = mind.memories.recall("garden", limit=1).items
    (missed, *_) = mind.memories.recall("garden zebra", limit=1).items
    assert known.explain["covered"] == pytest.approx(1.0)
    assert missed.explain["covered"] < 0.3
    assert (missed.score or 0) < (known.score or 0)


def test_rules_are_there_whatever_their_score_and_memories_of_the_last_minute_have_one(mind: Mind) -> None:
    mind.memories.store("Be kind.", "cosmic")
    mind.memories.store("The oboe is in the cellar.", "immediate")
    found = mind.memories.recall("where is the oboe", min_score=0.5)
    assert [item.text for item in found.items] == ["The oboe is in the cellar.", "Be kind."]
    found = mind.memories.recall("lattice gauge", min_score=0.5)
    assert [item.text for item in found.items] == ["Be kind."]
    assert found.notes == NOTHING


def test_an_embedding_alone_has_a_score_by_its_cosine(make_mind: MakeMind) -> None:
    mind = make_mind(None)
    mind.memories.store("near", "semantic", embedding=[1, 0])
    mind.memories.store("far", "semantic", embedding=[0, 1])
    near, far = mind.memories.recall(embedding=[1, 0.1]).items
    assert (near.text, far.text) == ("near", "far")
    assert (near.score or 0) > 0.5 > (far.score or 0)
    assert near.explain["cosine"] > 0.9


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), True, "much"])
def test_a_least_score_is_a_number_from_0_to_1(mind: Mind, score: float) -> None:
    with pytest.raises(InvalidInput, match="min_score"):
        mind.memories.recall("door", min_score=score)


def test_more_of_a_signal_is_never_a_lower_probability() -> None:
    steps, some = np.linspace(-1, 1, 21, dtype=np.float32), np.full(21, 0.3, np.float32)
    for raw in (
        RawSignals(some, steps, steps),
        RawSignals(None, steps, steps),
        RawSignals(steps, some, some),
        RawSignals(steps),
    ):
        found = probabilities(raw, 21).tolist()
        assert found == sorted(found)
        assert 0 <= found[0] < found[-1] <= 1
