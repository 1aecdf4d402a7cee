"""Expressions: what they give, what they may see, and what is said about wrong ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omnicore.errors import ExpressionInvalid, GuestFailed
from omnicore.workflows.expressions.expression import expression, is_expression, template
from omnicore.workflows.expressions.jq import SHARED
from omnicore.workflows.faults import Fault

DATA: Any = {"a": {"b": [10, 20, {"c-d": "deep"}]}, "n": 2, "name": "Ada"}
SCOPE: Any = {"context": {"x": 1}, "input": {"id": 7}, "item": "one", "now": 1_700_000_000.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".", DATA),
        ("${ .a.b[0] }", 10),
        ('.a.b[-1]["c-d"]', "deep"),
        ('."name"', "Ada"),
        (".nothing.at.all", None),
        (".name.x?", None),
        ("$input.id", 7),
        ("${ $context.x + .n }", 3),
        ('.n == 2 and $item != "two"', True),
        ('"Hello \\(.name)"', "Hello Ada"),
        ('{name, n: (.n * 2), "of": [$item, .n]}', {"name": "Ada", "n": 4, "of": ["one", 2]}),
        ('if .n > 1 then "many" else "one" end', "many"),
        ('.missing // "default"', "default"),
        ("now", 1_700_000_000.5),
    ],
)
def test_a_simple_expression_needs_no_jq(text, value):
    made = expression(text)
    assert made.simple
    assert made(DATA, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".a.b | map(numbers) | add", 30),
        ('[.a.b[] | select(type == "number" and . > 10)]', [20]),
        (".a.b[]", 10),
        ("empty", None),
        ('1, error("not reached")', 1),
        ("$input.id as $id | [$id, $item]", [7, "one"]),
        ('.name | test("^a"; "i")', True),
        ("now | floor | todate", "2023-11-14T22:13:20Z"),
        ("def twice(f): f * 2; twice(.n) # a comment \\", 4),
        ("halt", None),
        (".n\n# the end", 2),
    ],
)
def test_everything_else_is_jq(text, value):
    made = expression(text)
    assert not made.simple
    assert made(DATA, SCOPE) == value


MANUAL = [{"a": 1, "b": 2, "c": {"d": 3, "e": 4}}, {"a": 1, "b": 2, "c": [{"d": 3, "e": 4}]}]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (". as {a: $a} ?// $a | $a", {"a": 1}),
        (". as {a: $a} ?// $a | [$a]", 3),
        (". as {a: $a} ?// [$a] | $a", [3]),
        ("[.[] as [$a] ?// $a | $a]", [[1], 2]),
        (".[] as {$a, b: $b, c: {$d, $e}} ?// {$a, $b, c: [{$d, $e}]} | {$a, $b, $d, $e}", MANUAL),
        ("[.[] as {$a, b: $b, c: {$d, $e}} ?// {$a, $b, c: [{$d, $e}]} | {$a, $b, $d, $e}]", MANUAL),
        (".[] as {$a, c: {$d}} ?// {$a, c: [{$e}]} | {$a, $d, $e}", MANUAL[::-1]),
        ('.[] as [$a] ?// [$b] | if $a != null then error("err: \\($a)") else {$a, $b} end', [[3]]),
        ('.[] as [$a] ?// $a | if ($a | type) == "number" then $a else error("not a number") end', [["x"], 4]),
        ('.[] as [$a] ?// $a | error("no: \\($a)")', [[3]]),
        (". as {a: $a} ?// {b: [$a]} | $a", [1]),
        (". as {a: [$x]} ?// {a: {$x}} ?// {$x} | $x", {"a": {"x": 5}}),
        (". as {a: [$x]} ?// {a: {$x}} ?// {a: $x} | $x", {"a": 6}),
        ('. as {"k": $k} ?// {"v": $k} | $k, "never"', {"k": None}),
        (". as {(.key): $v} ?// $v | $v", {"key": "n", "n": 7}),
        ("reduce .[] as [$a] ?// $a (0; . + $a)", [[1], 2]),
        ("[foreach .[] as [$a] ?// $a (0; . + $a)]", [[1], 2]),
        ("first(.[] as [$a] ?// [$a] | $a)", [[1], [2]]),
        ("[limit(2; .[] as [$a] ?// [[$a]] | $a)]", [[[1]], [[2]], [[3]]]),
        ("try (. as [$a] ?// {$a} | $a) catch .", "text"),
        (". as [$a] ?// $a | empty", [1]),
    ],
)
def test_alternatives_of_destructuring_give_what_the_shipped_jq_gives(text: str, data: Any) -> None:
    def shipped() -> Any:
        jq = SHARED.new_one()
        try:
            outputs = json.loads(jq.call("run", json.dumps({"filter": text, "input": data}).encode()))["outputs"]
            return outputs[0] if outputs else None
        except GuestFailed:
            return "failed"
        finally:
            jq.close()

    def ours() -> Any:
        try:
            return expression(text)(data, {})
        except Fault:
            return "failed"

    assert ours() == shipped()


def test_a_template_replaces_whole_texts_and_keeps_what_stands_around_them():
    made = template({"to": "${ .name }", "text": "costs ${ .n }", "list": [1, {"deep": "${ $item }"}], "none": None})
    assert made.simple
    assert made.variables == {"item"}
    assert made(DATA, SCOPE) == {"to": "Ada", "text": "costs ${ .n }", "list": [1, {"deep": "one"}], "none": None}
    assert made.source["to"] == "${ .name }"
    literal = {"a": [1, "two"]}
    assert template(literal)(None, {}) is literal
    assert is_expression("${ . }\n")
    assert not is_expression("a ${ . }")
    assert not is_expression(1)


def test_variables_are_those_that_have_to_be_given():
    assert expression("$input.id").variables == {"input"}
    assert expression("$a as $local | [$local, $steps.one]").variables == {"a", "steps"}
    assert expression('"$quoted" # $remark').variables == set()


@pytest.mark.parametrize(
    "text", [".[", "${ }", "nosuch(1)", "1) | (2", "$a::b", ".a }  and ${ .b", 'import "a" as a; 1']
)
def test_an_expression_that_jq_cannot_read_is_refused_when_it_is_made(text):
    with pytest.raises(ExpressionInvalid) as refused:
        expression(text)
    assert refused.value.details["expression"] in text


def test_the_place_of_a_wrong_expression_in_a_value_is_told():
    with pytest.raises(ExpressionInvalid, match="syntax error") as refused:
        template({"a/b": [{}, {"c": "${ .[ }"}]})
    assert refused.value.details["path"] == "/a~1b/1/c"


def test_an_expression_that_is_too_long_is_refused():
    with pytest.raises(ExpressionInvalid, match="characters"):
        expression("." + " " * 70_000 + "| length")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".name.first", 'Cannot index string with string ("first")'),
        (".a.b.c", 'Cannot index array with string ("c")'),
        (".n[0]", "Cannot index number with number (0)"),
        ("$nobody.x", "$nobody is not defined"),
        ("$nobody | map(.)", "$nobody is not defined"),
        ('error("own words")', "own words"),
        ("error({code: 1})", '{"code":1}'),
        (".n + .name", "cannot be added"),
        (".a.b | implode", ""),
        ("input", "break"),
    ],
)
def test_an_expression_that_fails_is_a_fault_with_the_filter_and_the_reason(text, message):
    with pytest.raises(Fault) as failed:
        expression(text)(DATA, SCOPE)
    assert failed.value.type.endswith("/errors/expression")
    assert failed.value.status == 400
    assert message in failed.value.detail
    assert failed.value.detail.endswith(f"in {text}")


def test_a_plain_path_says_what_jq_would_say():
    long = "n\u00e4me" * 20
    for data, path in (({"a": 1}, f".a.{'b' * 50}"), ("text", f'."{long}"'), ([1], '."a\\"b"'), (True, ".[3]")):
        with pytest.raises(Fault) as plain:
            expression(path)(data, {})
        with pytest.raises(Fault) as asked:
            expression(f"{path} | first(.)")(data, {})
        assert plain.value.detail.partition(" in .")[0] == asked.value.detail.partition(" in .")[0]


def test_a_value_that_is_not_json_is_a_fault():
    for data in (float("nan"), {1, 2}):
        with pytest.raises(Fault, match="failed"):
            expression("[.]|first(.[])")(data, {})


def test_half_a_character_is_unknown_to_jq():
    assert expression("[.] | first(.[])")("a\ud800b", {}) == "a\ufffdb"


def test_the_same_expression_gives_the_same_at_any_time():
    made = expression("[now, (now | localtime | mktime)] | map(floor)")
    assert made(None, {"now": 5.0}) == made(None, {"now": 5.0}) == [5, 5]
    assert made(None, {"now": 9.0}) == [9, 9]
