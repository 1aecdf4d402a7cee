"""Texts that nobody wrote in good faith: each is a workflow, or told what is wrong with it. Nothing else comes out."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflows.language.texts import RULES, whole

from omnicore.errors import WorkflowInvalid
from omnicore.workflows.language.builder import schema
from omnicore.workflows.language.document import check, compile_graph, plain, read_document
from omnicore.workflows.language.sources import from_omniflow
from omnicore.workflows.language.tasks import KINDS

TEXTS = [whole(rule[key]) for rule in RULES for key in ("valid", "invalid")]
WORDS = sorted({word for part in schema()["$defs"].values() for word in part.get("properties", {})} | set(KINDS))


def survives(text):
    problems = check(text)
    assert len({(one.path, one.fact, one.line, one.severity) for one in problems}) == len(problems)
    try:
        graph = compile_graph(read_document(text))
    except WorkflowInvalid:
        assert any(one.severity == "error" for one in problems)
        return
    assert all(one.severity == "warning" for one in problems)
    plain(graph.document)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text):
    survives(text)


@settings(deadline=None)
@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#~ \n\tab01.", max_size=80))
def test_any_text_of_yamls_signs_is_read_or_refused(text):
    survives(text)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_a_broken_workflow_is_read_or_refused(text, chance):
    survives(_broken(text, chance))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_a_workflow_of_wrong_parts_is_read_or_refused(text, chance):
    try:
        document = read_document(text).value
    except WorkflowInvalid:
        return
    survives(json.dumps(_swapped(document, chance)))


@settings(deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "b", "start", "task", "end", "loop", "fork", None, 1]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "type", "next", "nodes", "true", "false", "plugin"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_node_form_is_imported_or_refused(value):
    try:
        document = from_omniflow({"workflow": value})
    except WorkflowInvalid:
        return
    survives(json.dumps(document))


@pytest.mark.parametrize(
    "text",
    [
        "$secrets" + " " * 60_000,
        "$steps" + " " * 60_000 + "| .x",
        "[" + ", ".join(f"$v{n}" for n in range(6_000)) + "]",
        "." + " " * 60_000,
    ],
    ids=["secrets", "steps", "variables", "spaces"],
)
def test_a_long_expression_takes_no_long_time(text):
    # A pattern that goes back over the spaces takes the cube of their number: hours, and the time limit ends it.
    survives(whole(f"- a: {{set: {{b: '${{ {text} }}'}}}}"))


def _broken(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(text)), chance.randint(0, 6)
        text = (
            text[:at]
            + chance.choice(["", "{", "]", ": ", "\n", "\n  ", "- ", "*a", "&a ", "${", "x", '"'])
            + text[at + length :]
        )
    return text


def _swapped(value, chance: random.Random):
    if chance.random() < 0.08:
        return chance.choice(
            [None, 1, True, "", "x", [], {}, [1], {"a": 1}, {chance.choice(WORDS): {}}, "${ .x }", "${"]
        )
    if isinstance(value, dict):
        return {
            chance.choice(WORDS) if chance.random() < 0.05 else key: _swapped(part, chance)
            for key, part in value.items()
        }
    return [_swapped(part, chance) for part in value] if isinstance(value, list) else value
