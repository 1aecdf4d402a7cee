from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import omnicore.workflows
from omnicore.workflows.language.builder import check_shape, schema
from omnicore.workflows.language.text import Report

_PUBLISHED = Path(__file__).parents[3] / "specs" / "schemas" / "workflow.schema.json"
_WORDS = ["seconds", "minutes", "use", "basic", "username", "password", "with", "type", "from", "one", "any", "until"]
_PLAIN = ("duration", "authentication", "events", "retry", "error", "endpoint", "host", "approval", "schedule", "input")


def test_the_published_schema_is_the_one_that_is_used():
    shipped = Path(omnicore.workflows.__file__).with_name("workflow.schema.json")

    assert shipped.read_bytes() == _PUBLISHED.read_bytes()


def test_the_schema_is_a_json_schema():
    Draft202012Validator.check_schema(json.loads(_PUBLISHED.read_text(encoding="utf-8")))


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
