"""The benchmarks measure by turns, judge rows by their targets, and every group still runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.bench.measure import SMOKE, Effort, Figure, interleave, interleave_async
from tests.bench.report import Row, Target, at_least, at_most, record, table, to_json
from tests.bench.run import GROUPS, main, measured

BRIEF = {"await", "calls", "functions", "host", "instances", "rust", "sizes", "storage", "threads", "vectors"}
"""Groups of which a turn takes a second at most."""


def test_both_sides_run_by_turns() -> None:
    order: list[str] = []
    interleave(Effort(rounds=3, turn_s=0.0, scale=1.0), lambda: order.append("a"), lambda: order.append("b"))
    turns = order[4:]  # each side runs twice to find how often it fits into a turn
    assert turns == ["a", "b"] * 3


def test_awaits_and_calls_run_by_turns() -> None:
    order: list[str] = []

    async def awaited() -> None:
        order.append("a")

    effort = Effort(rounds=2, turn_s=0.0, scale=1.0)
    asyncio.run(interleave_async(effort, awaited, lambda: order.append("b"), 1))
    assert order == ["a", "b"] * 3


def test_a_figure_is_the_median_and_the_minimum() -> None:
    assert Figure.of([5.0, 1.0, 2.0]) == Figure(2.0, 1.0)


@pytest.mark.parametrize(
    ("target", "rate", "reached", "verdict"),
    [
        (at_least(2.0), False, 2.0, "pass"),
        (at_least(2.1), False, 2.0, "MISS"),
        (at_least(0.5), True, 0.5, "pass"),
        (at_least(0.6), True, 0.5, "MISS"),
        (at_most(1.0), False, 1.0, "pass"),
        (at_most(0.9), False, 1.0, "MISS"),
        (None, False, 2.0, ""),
    ],
)
def test_a_row_is_judged_by_medians(target: Target | None, rate: bool, reached: float, verdict: str) -> None:
    row = Row("work", Figure(1.0, 0.5), Figure(2.0, 0.1), "us", target, rate=rate)
    assert (row.reached, row.verdict) == (reached, verdict)


def test_the_table_shows_medians_minima_targets_and_verdicts() -> None:
    rows = [Row("a call", Figure(1.0, 0.5), Figure(2.0, 1.5), "us", at_least(3.0)), record("a size", 7.0, "MB")]
    assert table(rows).splitlines()[1:] == [
        "a call  1 (0.5) us  2 (1.5) us  2x       >= 3x   MISS",
        "a size  7 MB",
    ]


def test_json_holds_what_follows_from_the_figures() -> None:
    row = Row("a call", Figure(1.0, 0.5), Figure(2.0, 1.5), "us", at_least(3.0))
    (found,) = json.loads(json.dumps(to_json([row])))
    assert (found["reached"], found["reached_at_best"], found["verdict"]) == (2.0, 3.0, "MISS")


@pytest.mark.parametrize(
    "group",
    [
        name if name in BRIEF else pytest.param(name, marks=(pytest.mark.long, pytest.mark.timeout(400)))
        for name in GROUPS
    ],
)
def test_a_group_still_runs(group: str) -> None:
    failures: list[str] = []
    rows = list(measured([group], SMOKE, failures))
    assert failures == []
    assert rows


def test_what_cannot_be_measured_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(effort: Effort) -> list[Row]:
        raise RuntimeError("no guest")

    monkeypatch.setitem(GROUPS, "calls", broken)  # type: ignore[arg-type]
    written = tmp_path / "figures.json"
    assert main(["--quick", "--json", str(written), "calls"]) == 1
    assert json.loads(written.read_text())["failures"] == ["calls: RuntimeError: no guest"]
