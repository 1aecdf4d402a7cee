"""What specs/workflow.md says about runs, where no other test shows it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on
from tests.workflows.flow.simulation import play

from omnicore.errors import WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.document import check, compile_graph, read_document
from omnicore.workflows.language.graph import ListenTask
from omnicore.workflows.steps.step import StepSecrets, placeholders

OpenStore = Callable[[], Store]
STANDS = placeholders("a number", ["bank"])["bank"]
HEAR = """
document: {{dsl: '1.0.3', namespace: default, name: hears, version: '1.0.0'}}
do:
  - hear:
      listen:
        to: {{one: {{with: {{type: '{type}'}}, correlate: {{room: {{from: .data.room, expect: '{expect}'}}}}}}}}
"""


@pytest.mark.parametrize(
    ("filter_", "sent"),
    [
        ('"Bearer " + .', "Bearer the value"),
        ("{a: [., .]}", {"a": ["the value", "the value"]}),
        ("@base64", base64.b64encode(STANDS.encode()).decode()),
        (".[0:20]", STANDS[:20]),
        ('. == "the value"', False),
    ],
)
def test_a_secret_is_joined_to_text_and_not_transformed(filter_: str, sent: Any) -> None:
    assert StepSecrets({STANDS: "the value"}).put(expression(filter_)(STANDS, {})) == sent


def test_a_path_into_what_is_no_object_fails_unless_it_is_asked_for_with_a_question_mark() -> None:
    assert expression(".a? // 1")([1], {}) == 1
    assert expression(".a // 1")({"a": False}, {}) == 1
    with pytest.raises(Fault, match="failed"):
        expression(".a // 1")([1], {})


def test_what_is_expected_is_a_text_without_marks() -> None:
    for said, value in ((".room", ".room"), ("${ .room }", 7)):
        node = compile_graph(read_document(HEAR.format(type="a.b", expect=said))).nodes["/do/0/hear"]
        assert isinstance(node, ListenTask)
        ((_, expect),) = node.filters[0].correlate.values()
        assert expect is not None
        assert expect({"room": 7}, {}) == value


@pytest.mark.parametrize(
    ("type_", "fits"), [("a.*b.*c.*", True), ("a.*b.*c.*d.*", False), ("(a+)+", False), ("x" * 257 + ".*", False)]
)
def test_regular_expressions_of_filters_have_bounds(type_: str, fits: bool) -> None:
    assert (check(HEAR.format(type=type_, expect="1")) == ()) is fits


async def test_a_faulted_run_holds_its_key_and_is_retried(store: Store) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    dedupe = "dedupe: {key: '${ .id }', within: P1D}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("keyed", "- a: {call: work.maybe}", dedupe))
        first = await workflows.start("keyed", {"id": 1})
        with pytest.raises(WorkflowFailed):
            await first
        steps.broken.clear()
        second = await workflows.start("keyed", {"id": 1})
        assert (second.id, second.duplicate) == (first.id, True)
        assert (await second.view()).status == "faulted"
        assert await (await workflows.retry(first.id)) == {"id": 1}


async def test_a_host_that_comes_back_sends_what_it_was_about_to_with_the_same_key_and_writes_nothing(
    open_store: OpenStore, tmp_path: Path
) -> None:
    ghost, other = Steps(), Steps()
    other.gate.set()
    tasks = "- a: {call: work.echo}\n- b: {call: work.wait}\n- c: {call: work.echo}"
    async with workflows_on(open_store(), ghost, tmp_path, lease_s=3600) as stopped:
        await stopped.apply(text("long", tasks))
        handle = await stopped.start("long", 1)
        await ghost.begun.wait()
        before = stopped.engine.journal.host
        async with workflows_on(open_store(), other, tmp_path / "elsewhere", lease_s=3600) as working:
            (silence,) = [one for one in await working.engine.journal.others() if one.host == before]
            assert await working.engine.journal.bury(silence) == 1
            ghost.gate.set()
            working.engine.wake()
            assert await working.output(handle.id, timeout_s=20) == 1
            await until(lambda: stopped.engine.journal.host != before)
            rows = (await working.steps(handle.id)).items
    assert [row.name for row in rows] == ["a", "b", "c"]
    keys = [f"{handle.id}/do/{step}/1" for step in ("0/a", "1/b", "1/b", "2/c")]  # whichever host went on with it
    assert sorted(ghost.keys + other.keys) == keys


def test_a_task_with_extensions_and_what_stands_around_it_know_its_definition() -> None:
    document = """
document: {dsl: '1.0.3', namespace: default, name: a, version: '1.0.0'}
use: {extensions: [{x: {extend: set, before: [{note: {set: '${ $task.definition }'}}]}}]}
do: [{a: {set: '${ [$steps.note.output, $task.definition] }'}}]
"""
    given = {"set": "${ [$steps.note.output, $task.definition] }"}
    outcome = play(compile_graph(read_document(document))).outcome
    assert outcome is not None
    assert outcome.output == [given, given]
