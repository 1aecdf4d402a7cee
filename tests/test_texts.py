"""JSON from outside is read strictly, and what holds halves of characters is noticed or mended."""

from __future__ import annotations

import pytest

from omnicore.texts import is_whole, made_whole, read_json


def test_json_is_read_with_whole_characters() -> None:
    assert read_json('{"a": "\\ud83d\\ude00", "b": [1.5, null]}') == {"a": "\U0001f600", "b": [1.5, None]}


@pytest.mark.parametrize("text", ["{", "NaN", "[Infinity]", '"\\ud83d"', '{"\\udc00": 1}', '["\\ude00\\ud83d"]'])
def test_json_that_could_not_be_written_again_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_halves_become_question_marks() -> None:
    assert made_whole({"\ud83d": ["a\udc00", 1]}) == {"?": ["a?", 1]}
    assert is_whole(made_whole("\ud83d"))
    assert not is_whole(["\ud83d"])
