from __future__ import annotations

import json

import pytest
from tests.workflows.language.texts import HEAD

from omnicore.errors import WorkflowInvalid
from omnicore.workflows.language.document import check, compile_graph, read_document


def value(text):
    return read_document(text).value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on: yes", {"on": "yes"}),
        ("a: no", {"a": "no"}),
        (
            "a: [true, True, 1, -1, 0x1f, 0o17, 012, 1.5, 1e3, .5]",
            {"a": [True, True, 1, -1, 31, 15, 12, 1.5, 1000.0, 0.5]},
        ),
        ("a: [null, ~, '', 'null', !!str 1]", {"a": [None, None, "", "null", "1"]}),
        ("a: 2030-01-31", {"a": "2030-01-31"}),
        ("a: 1:30", {"a": "1:30"}),
        ("200: ok\ntrue: x", {"200": "ok", "true": "x"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ('{"a": "\\ud83d\\ude00", "b": [1, 2.5, null]}', {"a": "😀", "b": [1, 2.5, None]}),
        ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_yaml_1_2_and_json_are_read_as_plain_values(text, found):
    assert value(text) == found


@pytest.mark.parametrize("text", ["a:\n\tb: 1", "a:\n  \t- b", "a:\n- b\n\t- c"])
def test_a_tab_among_what_a_line_begins_with_is_named(text):
    (problem,) = check(text)
    assert (problem.fact, problem.remedy) == ("a tab stands where YAML takes spaces only", "indent with spaces")
    assert problem.line == text.count("\n") + 1


def test_each_value_has_its_place():
    positions = read_document("a: 1\nb:\n  - c: x\n    d/e: y\n").positions

    assert positions["/a"] == (1, 1)
    assert positions["/b/0/c"] == (3, 5)
    assert positions["/b/0/d~1e"] == (4, 5)
    assert read_document('{"a": 1,\n  "b": [true]}').positions["/b/0"] == (2, 9)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key `a` stands here twice"),
        ('{"a": 1,\n"a": 2}', 2, "the key `a` stands here twice"),
        ("a: b: c", 1, "cannot be read as YAML"),
        ("a: 1\n\tb: 2", 2, "a tab stands where YAML takes spaces only"),
        ("a: !!python/object:os.system x", 1, "is not taken"),
        ("a: !mine x", 1, "`!mine` is not taken"),
        ("a: *b", 1, "nothing before is called `&b`"),
        ("a: &b [*b]", 1, "nothing before is called `&b`"),
        ("a: 1\n---\nb: 1", 2, "a second document begins"),
        ("? [a]\n: b", 1, "a key that is no plain text"),
        ("a: {<<: {b: 1}}", 1, "`<<` merges nothing"),
        ("a: .inf", 1, "is no number that JSON has"),
        ("a: 1e999", 1, "is no number that JSON has"),
        ("a: x\x00", 1, "a character that a text cannot have"),
        ("a: \ud800", 1, "a character that a text cannot have"),
        ('{"a": "\\ud800"}', 1, "holds half of a character"),
        ("", 1, "a workflow is an object"),
        ("[1]", 1, "a workflow is an object"),
        ("a" * 1_048_577, 1, "more than 1048576 characters"),
        ("a: " + "[" * 100, 1, "nested deeper than 64"),
        ('{"a":' * 100, 1, "nested deeper than 64"),
        ("a: [" + "x," * 100_001 + "]", 1, "more than 100000 values"),
    ],
    ids=range(22),
)
def test_what_cannot_be_read_is_told_with_its_line(text, line, says):
    with pytest.raises(WorkflowInvalid) as caught:
        read_document(text)

    assert caught.value.code == "workflow-invalid"
    assert says in caught.value.fact
    assert caught.value.details["problems"][0]["line"] == line
    assert check(text)[0].remedy


def test_aliases_cannot_grow_without_bound():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(WorkflowInvalid, match="more than 100000 values"):
        read_document("\n".join(lines))


def test_aliases_cannot_grow_deep():
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 80))]

    with pytest.raises(WorkflowInvalid, match="nested deeper than 64"):
        read_document("\n".join(lines))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"a": {1, 2}}, "set is not a JSON value"),
        ({1: 2}, "a key that is not text"),
        ({"a": float("nan")}, "no number that JSON has"),
        ({"a": 10**400}, "too large a number"),
    ],
)
def test_documents_that_are_no_json_are_refused(document, says):
    with pytest.raises(WorkflowInvalid, match=says):
        compile_graph(document)


def test_a_document_that_holds_itself_is_refused():
    document = {"do": []}
    document["do"].append(document)

    with pytest.raises(WorkflowInvalid, match="nested deeper than 64"):
        compile_graph(document)


def test_the_same_workflow_in_yaml_and_json_has_one_digest():
    text = HEAD + "- a: {set: {b: '${ .x }'}}\n"
    graph = compile_graph(read_document(text))

    again = compile_graph(read_document(json.dumps(graph.document)))

    assert again.digest == graph.digest == compile_graph(graph.document).digest


def test_all_problems_of_a_text_are_told_at_once():
    text = HEAD + "- a: {call: grpc}\n- b: {sett: {}}\n- c: {do: [{d: {wait: x}}, {e: {raise: {error: f}}}]}\n"

    assert [one.path for one in check(text)] == [
        "/do/0/a/call",
        "/do/1/b",
        "/do/2/c/do/0/d/wait",
        "/do/2/c/do/1/e/raise/error",
    ]


def test_a_task_that_is_wrong_hides_nothing_inside_of_it():
    text = HEAD + "- a: {tri: x, try: [{b: {sett: 1}}], catch: {do: [{c: {wait: x}}]}}\n"

    assert [one.path for one in check(text)] == ["/do/0/a/tri", "/do/0/a/try/0/b", "/do/0/a/catch/do/0/c/wait"]


def test_the_number_of_problems_is_bounded():
    assert len(check(HEAD + "".join(f"- t{n}: {{}}\n" for n in range(1000)))) == 200


def test_a_graph_cannot_grow_without_bound():
    functions = "".join(
        f"    f{n}: {{do: [{{a: {{call: f{n + 1}}}}}, {{b: {{call: f{n + 1}}}}}]}}\n" for n in range(15)
    )
    text = (
        HEAD.replace("do:\n", f"use:\n  functions:\n{functions}    f15: {{set: {{x: 1}}}}\ndo:\n") + "- a: {call: f0}\n"
    )

    assert any("more than 10000 tasks" in one.fact for one in check(text))


def test_the_number_of_schemas_is_bounded():
    task = "{set: {b: 1}, input: {schema: {document: {type: object}}}}"
    text = HEAD + "".join(f"- t{n}: {task}\n" for n in range(501))

    assert [one.fact for one in check(text)] == ["the workflow has more than 500 schemas"]
