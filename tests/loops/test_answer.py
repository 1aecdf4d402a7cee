"""What handlers of plugins give back is cut to what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omnicore.loops.handlers import HandlerAnswer, Wish, read_answer


def test_an_answer_is_read_part_by_part() -> None:
    given = {
        "results": {"n": 1},
        "insights": ["slow", {"kind": "improvement", "description": "raise it", "importance": 7}],
        "actions": [{"verb": "events.publish", "input": {"topic": "a"}}],
        "next_objectives": ["again"],
    }
    assert read_answer(given) == HandlerAnswer(
        {"n": 1},
        (
            {"kind": "note", "description": "slow"},
            {"kind": "improvement", "description": "raise it", "importance": 1.0},
        ),
        (Wish("events.publish", {"topic": "a"}),),
        ("again",),
    )


@pytest.mark.parametrize(
    ("value", "result"),
    [({"n": 1}, {"n": 1}), (b'{"n": 1}', {"n": 1}), ("plain", "plain"), (b"\xff", "�"), (None, None), ([1], [1])],
)
def test_what_is_no_answer_is_a_result(value: Any, result: Any) -> None:
    assert read_answer(value) == HandlerAnswer(result)


def test_json_in_a_text_is_an_answer_too() -> None:
    assert read_answer('{"insights": ["a"]}').insights == ({"kind": "note", "description": "a"},)
    assert read_answer("{broken").result == "{broken"


@pytest.mark.parametrize(
    "value",
    [
        {"insights": "no list", "actions": {"verb": "x"}, "next_objectives": 7, "results": None},
        {"actions": [{"verb": 1}, {"input": {}}, {"verb": "a.b", "input": 7}, None]},
        {"insights": [{"importance": float("nan")}, {"importance": True}, {"kind": 7}]},
    ],
)
def test_parts_of_the_wrong_kind_are_left_out(value: Any) -> None:
    answer = read_answer(value)
    assert answer.wishes == ()
    assert all("importance" not in one for one in answer.insights)


def test_numbers_and_texts_that_nobody_could_send_on_are_made_fit() -> None:
    answer = read_answer(b'{"insights": [{"importance": 1' + b"0" * 400 + b'}], "results": "cut \\ud83d"}')
    assert answer.insights[0]["importance"] == 1.0
    assert answer.result == "cut ?"


def test_a_flood_is_cut() -> None:
    answer = read_answer({"insights": ["x" * 10_000] * 1000, "actions": [{"verb": "a" * 500}] * 1000})
    assert (len(answer.insights), len(answer.wishes)) == (50, 20)
    assert len(answer.insights[0]["description"]) == 2_000
    assert len(answer.wishes[0].verb) == 128
    assert "more than" in answer.problem
    assert read_answer("x" * 100_000).result is None
    assert "bytes" in read_answer("x" * 100_000).problem


def test_actions_that_no_door_could_take_are_left_out() -> None:
    good = {"verb": "kv.put", "input": {"key": "a"}}
    bad = '{"verb": "kv.put", "input": {"key": NaN}}'
    large = {"verb": "kv.put", "input": {"value": "x" * 3_000_000}}
    answer = read_answer(f'{{"actions": [{bad}, {json.dumps(large)}, {json.dumps(good)}]}}')
    assert answer.wishes == (Wish("kv.put", {"key": "a"}),)
