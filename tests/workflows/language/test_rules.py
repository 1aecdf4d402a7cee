"""Each rule of the language: what keeps it, what breaks it, and what is said about that, where."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from tests.workflows.language.texts import HEAD_LINES, RULES, whole

from omnicore.errors import WorkflowInvalid
from omnicore.workflows.language.builder import schema
from omnicore.workflows.language.document import check, compile_graph, plain, read_document

by_rule = pytest.mark.parametrize("rule", RULES, ids=[one["rule"].replace(" ", "-") for one in RULES])


@by_rule
def test_what_keeps_the_rule_has_no_problems(rule):
    text = whole(rule["valid"])

    assert check(text) == ()
    assert compile_graph(read_document(text)).name in ("a", "A-1")


@by_rule
def test_what_breaks_the_rule_is_told_with_its_place(rule):
    text = whole(rule["invalid"])
    before = 0 if rule["invalid"].startswith("document:") else HEAD_LINES

    found = [one for one in check(text) if one.path == rule["path"] and rule["says"] in f"{one.fact}; {one.remedy}"]

    assert found, check(text)
    assert found[0].severity == rule.get("level", "error")
    assert found[0].line == rule["line"] + before
    assert found[0].column >= 1
    assert found[0].remedy


@by_rule
def test_what_breaks_the_rule_is_not_compiled_unless_it_is_a_warning(rule):
    document = read_document(whole(rule["invalid"]))

    if rule.get("level") == "warning":
        assert compile_graph(document)
        return
    with pytest.raises(WorkflowInvalid) as caught:
        compile_graph(document)
    assert any(one["path"] == rule["path"] for one in caught.value.details["problems"])


@by_rule
def test_the_published_schema_takes_what_keeps_the_rule(rule):
    problems = list(Draft202012Validator(dict(schema())).iter_errors(dict(read_document(whole(rule["valid"])).value)))

    assert problems == []


@by_rule
def test_the_plain_form_is_valid_and_has_nothing_of_the_host(rule):
    stripped = plain(read_document(whole(rule["valid"])).value)

    assert "host" not in _keys(stripped)
    assert compile_graph(stripped).document == stripped


def _keys(value):
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in _keys(part)}
    return {key for part in value for key in _keys(part)} if isinstance(value, list) else set()
