"""Expressions that mean harm: each ends as a fault, soon, and others go on meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore.errors import ExpressionInvalid
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.expressions.jq import SHARED, HostBusy, Jq, JqFailed, JqLimits
from omnicore.workflows.faults import Fault

SMALL = JqLimits(fuel=200_000_000, memory_bytes=32 << 20, value_bytes=4 << 20)

HOSTILE = {
    "without end": "def f: f; f",
    "runaway count": "last(range(1e12))",
    "outputs without end in a list": "[repeat(1)]",
    "memory": "[range(1e9)]",
    "a text that doubles": '"a" * 100000000',
    "deep calls": "def f: 1 + f; f",
    "a deep value": "reduce range(20000) as $i (null; [.]) | tojson",
    "a regex that goes back": '("a" * 40) + "b" | test("(a+)+$")',
    "another regex": '("x" * 60) | test("(x+x+)+y")',
    "a huge output": '[range(300000)] | map("0123456789")',
    "a huge error": 'error("x" * 3000000)',
    "a long path": "getpath([range(100000)])",
    "no more input": "input",
    "the end of the process": '"bye" | halt_error(3)',
}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled code is kept: one compiles, the others find it."""
    return tmp_path_factory.mktemp("code")


@pytest.fixture(scope="module")
def jq(code: Path) -> Iterator[Jq]:
    made = Jq(SMALL, cache=code)
    yield made
    made.close()


@pytest.fixture
def small(code: Path) -> Iterator[None]:
    SHARED.configure(SMALL, cache=code)
    yield
    SHARED.configure(JqLimits(), cache=code)


def test_each_hostile_expression_is_a_fault_and_leaves_nothing_behind(small):
    for name, text in HOSTILE.items():
        with pytest.raises(Fault) as failed:
            expression(text)(None, {})
        assert failed.value.status == 400, name
        assert len(failed.value.detail) < 3000, name
        assert expression("[.] | add")(1, {}) == 1, name


def test_another_thread_goes_on_while_an_expression_runs_away(jq):
    begun, ended, answers = threading.Event(), threading.Event(), []

    def run_away() -> None:
        begun.set()
        with pytest.raises(JqFailed):
            jq.evaluate("last(range(1e12))", None, {})
        ended.set()

    runaway = threading.Thread(target=run_away)
    runaway.start()
    begun.wait()
    while not ended.is_set():
        answers.append(jq.evaluate(".+1", 1, {}))
    runaway.join()
    assert len(answers) > 1
    assert set(answers) == {2}


def test_more_threads_than_sandboxes_take_turns(jq):
    answers: list[int] = []

    def ask(number: int) -> None:
        answers.extend(jq.evaluate(". * $by", number, {"by": 2}) for _ in range(20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(number * 2 for number in range(8) for _ in range(20))


def test_a_filter_that_the_clock_ends_each_time_is_given_up(code):
    slow = Jq(JqLimits(timeout_s=0.05, fuel=10**12), cache=code)
    with pytest.raises(HostBusy, match="3 attempts"):
        slow.evaluate("last(range(1e12))", None, {})
    slow.close()


def test_other_limits_hold_from_the_next_call_on(code):
    changed = Jq(SMALL, cache=code)
    assert changed.evaluate("[range(1000)] | length", None, {}) == 1000
    changed.configure(JqLimits(fuel=2_000_000), cache=code)
    with pytest.raises(JqFailed, match="too many steps"):
        changed.evaluate("[range(1000000)] | length", None, {})
    changed.close()


def test_an_expression_with_very_many_variables_is_refused():
    assert len(expression("+".join(f"$v{number}" for number in range(90)) + "|length").variables) == 90
    with pytest.raises(ExpressionInvalid):
        expression("+".join(f"$v{number}" for number in range(150)) + "|length")


def test_data_that_are_too_large_are_refused(jq):
    with pytest.raises(JqFailed, match="too large"):
        jq.evaluate("length", "x" * (5 << 20), {})


@pytest.mark.parametrize("text", ["$ENV", "env", "$ENV | length", "[$ENV.PATH, env.HOME]"])
def test_an_expression_sees_no_environment(text, monkeypatch):
    monkeypatch.setenv("HOME", "/nobody/should/see")
    assert expression(text)(None, {}) in ({}, 0, [None, None])


def test_an_expression_writes_to_nothing():
    assert expression('debug | debug("x") | stderr')(1, {}) == 1
    assert expression("input_filename")(1, {}) is None
    with pytest.raises(ExpressionInvalid, match="not found"):
        expression('include "other"; 1')


def test_what_was_computed_for_one_is_unseen_by_the_next(jq):
    jq.evaluate("$secret | ascii_downcase", None, {"secret": "TOP"})
    with pytest.raises(JqFailed, match="secret is not defined"):
        jq.evaluate("$secret", None, {})


def test_what_is_put_around_a_filter_cannot_be_broken_out_of():
    for text in (".) | (1", ".)) | ((1", "1 # )) | $__now", "$__now", "$v0"):
        try:
            made = expression(text)
        except ExpressionInvalid:
            continue
        if made.variables:
            with pytest.raises(Fault, match="failed"):
                made(None, {"now": 5})
        else:
            assert made(None, {}) == 1
