from __future__ import annotations

import pytest

from omnicore.errors import WorkflowInvalid
from omnicore.workflows.language.document import compile_graph
from omnicore.workflows.language.sources import from_omniflow, is_omniflow

ORDERS = """
workflow:
  id: Order Flow
  name: Orders
  description: Takes orders.
  start_node: begin
  nodes:
    - {id: begin, type: start, next: [check]}
    - {id: check, type: task, name: Check it, plugin: text.reverse, input: {x: 1}, next: [enough]}
    - {id: enough, type: decision, condition: input.count >= 10, next: {true: [tell], false: [check]}}
    - {id: tell, type: task, next: [mail, post]}
    - {id: mail, type: connector, connector: mail, action: send, next: [done]}
    - {id: post, type: plugin, plugin: slack, function: post, next: [wait]}
    - {id: wait, type: task, next: [done]}
    - {id: done, type: task, plugin: log.end, next: [end]}
    - {id: end, type: end}
"""


def nodes(*given, start="a"):
    return {"workflow": {"id": "w", "start_node": start, "nodes": list(given)}}


def test_nodes_become_tasks_and_next_becomes_then():
    document = from_omniflow(ORDERS)
    graph = compile_graph(document)

    assert document["document"] == {
        "dsl": "1.0.3",
        "namespace": "default",
        "name": "order-flow",
        "version": "1.0.0",
        "title": "Orders",
        "summary": "Takes orders.",
    }
    assert [(node.name, node.kind, node.then) for node in graph.root.block] == [
        ("begin", "set", "check"),
        ("check", "call", "enough"),
        ("enough", "switch", "continue"),
        ("tell", "fork", "done"),
        ("done", "call", "end"),
    ]
    assert document["do"][1]["check"]["with"] == {"x": 1}
    assert document["do"][1]["check"]["metadata"] == {"title": "Check it"}


def test_a_cycle_of_nodes_is_a_loop():
    cases = from_omniflow(ORDERS)["do"][2]["enough"]["switch"]

    assert cases == [{"yes": {"when": ".count >= 10", "then": "tell"}}, {"no": {"then": "check"}}]


def test_several_next_nodes_are_branches_up_to_where_they_meet():
    fork = from_omniflow(ORDERS)["do"][3]["tell"]["fork"]["branches"]

    assert fork[0]["mail"]["do"] == [{"mail": {"call": "mail.send@connectors", "then": "exit"}}]
    assert [next(iter(task)) for task in fork[1]["post"]["do"]] == ["post", "wait"]


def test_a_node_form_is_known_by_its_nodes():
    assert is_omniflow({"workflow": {"nodes": []}})
    assert not is_omniflow({"document": {}, "do": []})
    assert not is_omniflow("workflow")


@pytest.mark.parametrize(
    ("condition", "when"),
    [
        ("value > 10", ".value > 10"),
        ("input.user.name === 'Ada'", '.user.name == "Ada"'),
        (".x | length > 2", ".x | length > 2"),
        ("${ .x }", "${ .x }"),
        (True, "true"),
    ],
)
def test_simple_conditions_become_jq(condition, when):
    given = nodes(
        {"id": "a", "type": "conditional", "condition": condition, "next": {"true": ["b"], "false": []}},
        {"id": "b", "type": "end"},
    )

    assert from_omniflow(given)["do"][0]["a"]["switch"][0]["yes"] == {"when": when, "then": "end"}
    compile_graph(from_omniflow(given))


@pytest.mark.parametrize(
    ("given", "path", "says"),
    [
        ({"workflow": 1}, "", "`workflow` is missing"),
        ({"workflow": {"nodes": []}}, "/workflow/nodes", "must be a list of 1 to"),
        (nodes({"id": "a", "type": "tsak"}), "/workflow/nodes/0/type", "did you mean `task`?"),
        (nodes({"type": "task"}), "/workflow/nodes/0", "`id` is missing"),
        (nodes(1), "/workflow/nodes/0", "a node is an object"),
        (nodes({"id": "b", "type": "task"}), "/workflow/start_node", "no node is called `a`"),
        (nodes({"id": "a", "type": "task"}, {"id": "a", "type": "end"}), "/workflow/nodes/1/id", "called `a` too"),
        (nodes({"id": "a", "type": "task", "next": ["b"]}), "/workflow/nodes/0/next", "no node is called `b`"),
        (nodes({"id": "a", "type": "task", "next": 5}), "/workflow/nodes/0/next", "must be ids of nodes"),
        (nodes({"id": "a", "type": "task", "next": {"true": ["a"]}}), "/workflow/nodes/0/next", "write [id]"),
        (nodes({"id": "a", "type": "loop", "next": ["a"]}), "/workflow/nodes/0/next", "does not lead on like this"),
        (nodes({"id": "a", "type": "plugin"}), "/workflow/nodes/0", "`plugin` is missing"),
        (nodes({"id": "a", "type": "connector", "connector": "x"}), "/workflow/nodes/0", "`action` is missing"),
        (
            nodes({"id": "a", "type": "decision", "next": {"true": ["a"]}}),
            "/workflow/nodes/0/condition",
            "is not a condition",
        ),
        (
            nodes(
                {"id": "a", "type": "task", "next": ["b", "c"]},
                *({"id": one, "type": "task", "next": ["a"]} for one in "bc"),
            ),
            "/workflow/nodes/0/next",
            "its branches run into each other",
        ),
    ],
    ids=range(15),
)
def test_what_cannot_be_imported_is_told_with_its_place(given, path, says):
    with pytest.raises(WorkflowInvalid) as caught:
        from_omniflow(given)

    problems = caught.value.details["problems"]
    assert any(one["path"] == path and says in f"{one['fact']}; {one['remedy']}" for one in problems), problems


def test_branches_within_branches_have_a_bound():
    chain = [
        part
        for number in range(40)
        for part in (
            {"id": f"f{number}", "type": "task", "next": [f"f{number + 1}", f"x{number}"]},
            {"id": f"x{number}", "type": "task", "next": []},
        )
    ]

    with pytest.raises(WorkflowInvalid, match="go deeper than 16"):
        from_omniflow(nodes(*chain, {"id": "f40", "type": "end"}, start="f0"))
