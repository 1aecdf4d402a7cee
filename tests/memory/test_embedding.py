"""The embedder that ships, and what happens when an embedder fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.conftest import SHIPPED, BrokenEmbedder, NanEmbedder

from omnicore.clock import ManualClock
from omnicore.errors import InvalidSetting
from omnicore.memory.embedder import FunctionEmbedder, Sense, embedder_named
from omnicore.resilience.breaker import Breaker


def test_texts_that_mean_the_same_are_near_without_a_common_word() -> None:
    cat, kitten, money, profit = SHIPPED.embed(
        ["The cat sat on the mat", "A kitten rested upon a rug", "Revenue grew by ten percent", "Profits rose a tenth"]
    )
    assert cat @ kitten > 0.3 > abs(cat @ money)
    assert money @ profit > 0.3 > abs(kitten @ profit)


@given(st.text(max_size=200))
def test_every_text_has_a_unit_vector_or_none(text: str) -> None:
    (vector,) = SHIPPED.embed([text])
    assert vector.shape == (256,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3) or not vector.any()


def test_an_embedder_that_fails_is_left_alone_for_a_while_and_then_tried_again() -> None:
    clock, embedder = ManualClock(), BrokenEmbedder()
    sense = Sense(embedder, Breaker(failures=2, reset_s=10, clock=clock))
    assert sense.of(["a"]) is None
    assert "the model is gone" in (sense.problem or "")
    assert sense.of(["a"]) is None
    embedder.broken = False
    assert sense.of(["a"]) is None  # the breaker is open
    clock.advance(11)
    assert sense.of(["a"]) is not None
    assert sense.problem is None


def test_what_is_no_number_is_no_vector() -> None:
    sense = Sense(NanEmbedder())
    assert sense.of(["a"]) is None
    assert "no number" in (sense.problem or "")


@pytest.mark.parametrize("answer", [[], [[1.0], [2.0]], [[]], "text", [["a"]], [1.0], None])
def test_an_answer_of_a_wrong_shape_is_a_failure(answer: object) -> None:
    sense = Sense(FunctionEmbedder("outside", lambda texts: answer))  # type: ignore[arg-type, return-value]
    assert sense.of(["one"]) is None
    assert sense.problem


def test_settings_name_the_embedder() -> None:
    assert embedder_named("none") is None
    named = embedder_named("connector:mine", lambda kind, name: lambda texts: [[len(kind), len(name)] for _ in texts])
    assert named is not None
    assert named.embed(["x"]).tolist() == [[9.0, 4.0]]
    for wrong in ("", "bert", "connector:", "plugin"):
        with pytest.raises(InvalidSetting):
            embedder_named(wrong, lambda kind, name: lambda texts: [])
