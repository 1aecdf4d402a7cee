"""A text in OmniFlow's node form is a workflow like others, and what is wrong in it is told where it stands there."""

from __future__ import annotations

import json

import pytest

from omnicore.errors import WorkflowInvalid
from omnicore.workflows.language.palette import Known
from omnicore.workflows.language.sources import compiled, look

NODES = """\
workflow:
  id: orders
  name: Orders
  start_node: check
  nodes:
    - {id: check, type: task, plugin: text.reverse, input: {x: '%s'}, next: [enough]}
    - {id: enough, type: decision, condition: '%s', next: {true: [tell], false: [check]}}
    - id: tell
      type: task
      next: [mail, then]
    - {id: mail, type: task, plugin: text.upper, next: [done]}
    - id: then
      type: task
      plugin: slack.post
      params: {to: '%s'}
      next: [done]
    - {id: done, type: end}
"""
GOOD = NODES % (".a", ".n > 1", "all")


def test_what_nodes_become_is_kept_as_a_text_of_the_dsl() -> None:
    graph, text = compiled(GOOD)
    assert (graph.name, json.loads(text)) == ("orders", graph.document)
    assert compiled(text)[0].digest == graph.digest == compiled(json.loads(json.dumps(graph.document)))[0].digest
    looked = look(GOOD)
    assert (looked.problems, looked.document, looked.text) == ((), graph.document, text)


@pytest.mark.parametrize(
    ("given", "path", "line"),
    [
        (NODES % ("${ .[ }", ".n", "all"), "/workflow/nodes/0/input/x", 6),
        (NODES % (".a", ".n + ", "all"), "/workflow/nodes/1/condition", 7),
        (NODES % (".a", ".n", "${ .[ }"), "/workflow/nodes/4/params/to", 15),
        (GOOD.replace("text.upper", "no name.x y"), "/workflow/nodes/3/plugin", 11),
        (GOOD.replace("next: [enough]", "next: [enouhg]"), "/workflow/nodes/0/next", 6),
        (GOOD.replace("id: orders", "id: orders\n  cron: never"), "/workflow/cron", 3),
    ],
)
def test_a_problem_names_its_place_in_the_node_form(given: str, path: str, line: int) -> None:
    found = look(given)
    assert (found.problems[0].path, found.problems[0].line) == (path, line)
    assert found.graph is None
    with pytest.raises(WorkflowInvalid) as caught:
        compiled(given)
    assert caught.value.details["problems"][0]["path"] == path


def test_a_warning_names_its_place_in_the_node_form() -> None:
    known = Known({"text": frozenset({"reverse", "upper"})})
    (one,) = look(GOOD, known).problems
    assert (one.path, one.line, one.severity) == ("/workflow/nodes/4/plugin", 14, "warning")


def test_what_is_neither_is_told_as_before() -> None:
    assert look("a: [").graph is None
    assert look("[]").problems[0].path == ""
    assert look("workflow: {nodes: 1}").problems[0].path == "/workflow/nodes"
