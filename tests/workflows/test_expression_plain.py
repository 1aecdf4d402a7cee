"""The part of jq that is done without it gives what jq gives, for any filter of it and any data."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from omnicore.workflows.expressions.fast_path import Failed, Nothing, Path, Unsure, plain
from omnicore.workflows.expressions.jq import SHARED, JqFailed

NAMES = ("a", "b", "if", "true", "a_1")
NUMBERS = st.sampled_from((0, 1, -1, 2, 10**15, 2**53, 2**53 + 1, 10**20, 0.5, 1.0, -2.5, 1e22, 1e300, 0.1, 1e23))
SCALARS = (
    st.none() | st.booleans() | NUMBERS | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
ATOMS = st.sampled_from(
    [
        *(".", ".a", ".b", ".if", ".a_1", "$x", "$y", ".a?", ".b[0]", ".a[-1]", '."b"', '.["a"]', ".a.b?"),
        *("1", "0", "2", "-1", "0.5", "1.0", "007", "1.", "null", "true", "false", '"a"', '"\\u00e4\\n"', '""'),
        *("length", "not", "type", "tostring", "now", "[]", "{}", "empty", '"\\(.a)x\\("q")"', "..", "$__loc__"),
    ]
)


def compounds(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Filters made of filters; some are wrong on purpose."""
    two = st.tuples(inner, inner)
    signs = st.sampled_from(
        (" == ", "!=", "<", ">", "<=", ">=", "+", " - ", "*", "/", "%", "//", "|", ",", " and ", " or ")
    )
    return st.one_of(
        st.tuples(inner, signs, inner).map("".join),
        inner.map(lambda one: f"({one})"),
        two.map(lambda both: f"[{both[0]}, {both[1]}]"),
        two.map(lambda both: f'{{a: {both[0]}, "b": {both[1]}, $x, if}}'),
        two.map(lambda both: f"{both[0]}[{both[1]}]"),
        two.map(lambda both: f"if {both[0]} then {both[1]} end"),
        st.tuples(inner, inner, inner).map(lambda all: f"if {all[0]} then {all[1]} elif . then . else {all[2]} end"),
        inner.map(lambda one: f'"x\\({one})y"'),
        st.tuples(inner, st.sampled_from((".a", ".a?", "?", '."b"', "[]", " .", "#", "-", "::a", "}"))).map("".join),
        inner.map(lambda one: f"-{one}"),
    )


FILTERS = st.recursive(ATOMS, compounds, max_leaves=5)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(filter=FILTERS, data=VALUES, x=VALUES, y=VALUES)
@example(filter=".a // 1", data="no object", x=None, y=None)
@example(filter="[.a?, .b | 1, 2]", data=[], x=None, y=None)
@example(filter="$x < $y", data=None, x=9007199254740993, y=9007199254740992.0)
@example(filter="$x == $y", data=None, x=True, y=1)
@example(filter="$x < $y", data=None, x={"b": 1}, y={"a": 2, "b": 0})
@example(filter="$x + $y", data=None, x=10**400, y=0.5)
@example(filter="(.a | .b) + .c?", data=1, x=None, y=None)
@example(filter="{a: .a?, b: .b}", data=1, x=None, y=None)
@example(filter='"\\(.a)\\(.b?)"', data=1, x=None, y=None)
@example(filter="$x - $y", data=None, x=None, y=1)
def test_the_plain_part_gives_what_jq_gives(filter: str, data: Any, x: Any, y: Any) -> None:
    scope = {"x": x, "y": y, "now": 7.5}
    found = plain(filter)
    if found is None:
        return
    variables = SHARED.variables(filter)
    assert variables == found.variables
    try:
        ours: Any = ("gives", found.call(data, scope))
    except Nothing:
        ours = ("gives", None)
    except Failed as error:
        ours = ("fails", str(error) if isinstance(found.call, Path) else "")
    except Unsure:
        ours = None
    try:
        theirs = ("gives", SHARED.evaluate(filter, data, {name: scope[name] for name in variables}, now=7.5))
    except JqFailed as error:
        theirs = ("fails", str(error) if isinstance(found.call, Path) else "")
    assert ours is None or _written(ours) == _written(theirs)


def _written(value: Any) -> str:
    """JSON in which 1.0 is 1, as it is to jq, and True is not."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return int(value) if isinstance(value, float) and value == int(value) else value
