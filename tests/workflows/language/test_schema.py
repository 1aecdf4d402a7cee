from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from omnicore.workflows.language.builder import check_shape, schema
from omnicore.workflows.language.text import Report

_WORDS = ["seconds", "minutes", "use", "basic", "username", "password", "with", "type", "from", "one", "any", "until"]
_PLAIN = ("duration", "authentication", "events", "retry", "error", "endpoint", "host", "approval", "schedule", "input")


def test_the_schema_is_a_json_schema():
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", _PLAIN)
def test_our_walk_says_yes_where_json_schema_does(name):
    whole = {**schema(), "$ref": f"#/$defs/{name}"}
    for key in ("type", "properties", "required", "additionalProperties"):
        whole.pop(key)
    validator = Draft202012Validator(whole)
    texts = st.sampled_from(["PT1S", "", "${ .x }", "a", "https://a.example", "P", "wait"])
    leaves = st.none() | st.booleans() | st.integers(-2, 700) | texts
    known = st.sampled_from([*_WORDS, *schema()["$defs"][name].get("properties", {})])
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(known, inner, max_size=4), max_leaves=8
    )

    @settings(deadline=None)
    @given(values)
    def same(value):
        assert check_shape(name, value, (), Report()) == validator.is_valid(value)

    same()
