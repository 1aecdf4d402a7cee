"""JSON texts are those of the standard library, and so are the complaints."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore import texts
from omnicore.texts import json_writer

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_VALUES, st.booleans(), st.booleans(), st.booleans())
def test_a_value_is_written_as_the_standard_library_does(value: Any, ascii: bool, ordered: bool, spaces: bool) -> None:
    marks = (", ", ": ") if spaces else (",", ":")
    wanted = json.dumps(value, ensure_ascii=ascii, sort_keys=ordered, separators=marks, allow_nan=False)
    assert json_writer(ascii=ascii, sort_keys=ordered, spaces=spaces)(value) == wanted


def test_what_is_no_json_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    wrong: list[tuple[Any, type[Exception]]] = [
        (math.nan, ValueError),
        (math.inf, ValueError),
        (object(), TypeError),
        ({1: {2}}, TypeError),
        (circle, RecursionError),
    ]
    for value, error in wrong:
        with pytest.raises(error):
            json_writer()(value)


def test_an_interpreter_without_the_c_encoder_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts._standard, "c_make_encoder", None)
    assert json_writer()({"a": [1, "\u00e9"]}) == '{"a":[1,"\\u00e9"]}'
