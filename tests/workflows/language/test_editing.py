from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflows.language.texts import HEAD

from omnicore.errors import InvalidInput, NotFound, WorkflowInvalid
from omnicore.workflows.language.document import compile_graph, read_document
from omnicore.workflows.language.edits import diff, document_of, insert, move, remove, rename, replace, value_at

TEXT = (
    HEAD
    + """\
- fetch: {call: text.reverse, with: {a: 1}, then: choose}
- choose: {switch: [{big: {when: .x > 1, then: each}}, {default: {then: fetch}}]}
- each:
    for: {in: .items}
    do: [{store: {call: kv.put@host, with: {key: '${ $steps.fetch.output }'}}}, {log: {set: {x: 1}}}]
"""
)
SET = {"set": {"y": 1}}


@pytest.fixture(scope="module")
def graph():
    return compile_graph(read_document(TEXT))


def told(before, after):
    return [(one.kind, one.path) for one in diff(before, after)]


def test_an_inserted_task_is_an_addition(graph):
    more = insert(graph, "/do", 1, "new", SET)

    assert [node.name for node in more.root.block] == ["fetch", "new", "choose", "each"]
    assert told(graph, more) == [("added", "/do/1/new")]
    assert told(more, graph) == [("removed", "/do/1/new")]
    assert [node.name for node in graph.root.block] == ["fetch", "choose", "each"]


def test_a_list_that_is_not_there_is_begun(graph):
    more = insert(graph, "/do/0/fetch/host/compensate", 0, "undo", SET)

    assert [node.name for node in more.root.block[0].compensate] == ["undo"]


def test_a_replaced_part_is_a_change(graph):
    other = replace(graph, "/do/0/fetch/with/a", 2)

    assert [(one.path, one.before, one.after) for one in diff(graph, other)] == [("/do/0/fetch/with/a", 1, 2)]
    assert value_at(other, "/do/0/fetch/with/a") == 2


def test_a_task_moves_between_lists(graph):
    other = move(graph, "/do/2/each/do/1/log", "/do", 0)

    assert [node.name for node in other.root.block] == ["log", "fetch", "choose", "each"]
    assert [(one.kind, one.before, one.after) for one in diff(graph, other)] == [
        ("moved", "/do/2/each/do/1/log", "/do/0/log")
    ]


def test_a_change_of_order_is_one_move(graph):
    swapped = move(graph, "/do/2/each/do/0/store", "/do/2/each/do", 1)

    assert [one.kind for one in diff(graph, swapped)] == ["moved"]


def test_what_means_a_renamed_task_follows(graph):
    other = rename(graph, "/do/0/fetch", "load")

    assert other.nodes["/do/1/choose"].cases[1].then == "load"
    assert value_at(other, "/do/2/each/do/0/store/with/key") == "${ $steps.load.output }"
    assert rename(other, "/do/0/load", "fetch").digest == graph.digest


def test_a_name_that_is_no_word_is_quoted(graph):
    other = rename(graph, "/do/0/fetch", "fetch it")

    assert value_at(other, "/do/2/each/do/0/store/with/key") == '${ $steps["fetch it"].output }'


def test_an_edit_that_breaks_the_workflow_is_refused(graph):
    with pytest.raises(WorkflowInvalid, match="no task in this list is called `fetch`"):
        remove(graph, "/do/0/fetch")
    with pytest.raises(WorkflowInvalid, match="is called `fetch` too"):
        insert(graph, "/do", 3, "fetch", SET)


@pytest.mark.parametrize("path", ["/do/9", "/do/x", "/nothing/at", "do", "/do/0/fetch/with/a/b"])
def test_a_path_to_nothing_is_told(graph, path):
    with pytest.raises(NotFound, match="nothing is at"):
        value_at(graph, path)
    with pytest.raises(NotFound):
        replace(graph, path, 1)


def test_only_tasks_are_moved_and_renamed(graph):
    with pytest.raises(InvalidInput, match="is not a task"):
        move(graph, "/document/name", "/do", 0)
    with pytest.raises(InvalidInput, match="is not a task"):
        rename(graph, "/do", "x")
    with pytest.raises(InvalidInput, match="is not a list of tasks"):
        insert(graph, "/document", 0, "x", SET)


def test_other_parts_are_added_and_removed(graph):
    more = replace(graph, "/document", {**graph.document["document"], "title": "T"})

    assert told(graph, more) == [("added", "/document/title")]
    assert remove(more, "/document/title").digest == graph.digest


def test_a_copy_of_the_document_is_for_the_taking(graph):
    copy = document_of(graph)
    copy["do"].clear()

    assert len(graph.document["do"]) == 3


names = st.sampled_from(["p", "q", "r s", "t/u", "v~w"])
leaf = st.sampled_from([SET, {"call": "x.y", "with": [1]}, {"wait": "PT1S"}, {"host": {"approval": {}}}])
tasks = st.recursive(
    leaf,
    lambda inner: st.builds(
        lambda kind, block: {"do": block} if kind else {"for": {"in": ".x"}, "do": block},
        st.booleans(),
        st.lists(st.tuples(names, inner), min_size=1, max_size=3, unique_by=lambda one: one[0]).map(
            lambda items: [{name: task} for name, task in items]
        ),
    ),
    max_leaves=6,
)
documents = st.lists(st.tuples(names, tasks), min_size=1, max_size=4, unique_by=lambda one: one[0]).map(
    lambda items: {
        "document": {"dsl": "1.0.3", "namespace": "default", "name": "a", "version": "1.0.0"},
        "do": [{name: task} for name, task in items],
    }
)


@settings(max_examples=60, deadline=None)
@given(documents)
def test_a_graph_gives_its_document_back(document):
    graph = compile_graph(document)

    assert graph.document == document
    assert compile_graph(read_document(json.dumps(graph.document))).digest == graph.digest
    assert diff(graph, compile_graph(graph.document)) == []


@settings(max_examples=60, deadline=None)
@given(documents, st.data())
def test_an_edit_and_its_undoing_leave_the_same_digest(document, data):
    graph = compile_graph(document)
    path = data.draw(st.sampled_from(sorted(graph.nodes)))
    block, index = path.rsplit("/", 2)[0], int(path.rsplit("/", 2)[1])

    assert remove(insert(graph, block, index, "new", SET), f"{block}/{index}/new").digest == graph.digest
    assert rename(rename(graph, path, "new"), f"{block}/{index}/new", _name(path)).digest == graph.digest
    assert replace(replace(graph, path, SET), path, value_at(graph, path)).digest == graph.digest
    moved = move(graph, path, block, data.draw(st.integers(0, 4)))
    back = next(at for at, item in enumerate(value_at(moved, block)) if _name(path) in item)
    assert move(moved, f"{block}/{back}/{path.rsplit('/', 1)[1]}", block, index).digest == graph.digest
    assert all(one.kind == "moved" for one in diff(graph, moved))


@settings(max_examples=60, deadline=None)
@given(documents, documents)
def test_differences_are_found_exactly_where_there_are_some(before, after):
    one, other = compile_graph(before), compile_graph(after)

    assert bool(diff(one, other)) == (one.digest != other.digest)


def _name(path):
    return path.rsplit("/", 1)[1].replace("~1", "/").replace("~0", "~")
