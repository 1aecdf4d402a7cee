"""The evaluation is the same each time, and recall by both ways is better than by either."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.eval.dialogues import KINDS, conversations
from tests.eval.run import evaluate


def test_the_dialogues_are_many_of_five_kinds_and_the_same_each_time() -> None:
    talks = conversations()
    assert talks == conversations()
    assert sum(len(talk.turns) for talk in talks) >= 3000
    assert sum(len(talk.questions) for talk in talks) >= 300
    assert {question.kind for talk in talks for question in talk.questions} == set(KINDS)
    for talk in talks:
        assert all(0 <= place < len(talk.turns) for question in talk.questions for place in question.evidence)


@pytest.mark.long
def test_both_ways_together_find_more_than_each_alone(tmp_path: Path) -> None:
    talks = conversations(6)
    figures = {method: evaluate(method, talks, tmp_path)["all"]["R@10"] for method in ("dense", "text", "fused")}
    assert figures["fused"] > figures["text"] > 0.3
    assert figures["fused"] > figures["dense"] > 0.3
