"""Runs that stand still at each expression and each task: nothing that they do depends on it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.workflows.flow import simulation
from tests.workflows.flow.simulation import START_AT
from tests.workflows.flow.test_corpus import CORPUS, of, run, told

from omnicore.workflows.entries import JournalEntry, RunChange, Start
from omnicore.workflows.expressions import expression
from omnicore.workflows.expressions.expression import Unanswered, answer_to
from omnicore.workflows.language.graph import WorkflowGraph
from omnicore.workflows.machine import is_mark
from omnicore.workflows.progress import Going, Progress


class Still(Progress):
    """Has no answer at hand, is tired before each task, and has what it has come to kept each time."""

    def __init__(self, graph: WorkflowGraph, start: Start) -> None:
        super().__init__(graph, start)
        self.stands_still(lambda question: None, lambda: True)
        self.pauses = 0

    def begin(self) -> RunChange:
        return self._through(self.beginning())

    def apply(self, result: Any) -> RunChange:
        return self._through(self.applying(result))

    def replay(self, entries: Iterable[JournalEntry]) -> RunChange:
        return self._through(self.replaying(entries))

    def _through(self, going: Going) -> RunChange:
        whole, answers = RunChange(), None
        while True:
            try:
                pause = going.send(answers)
            except StopIteration as stop:
                return joined(whole, stop.value)
            self.pauses += 1
            whole = joined(whole, self.so_far() or RunChange())
            asked = pause.questions if isinstance(pause, Unanswered) else {}
            answers = {number: answer_to(question) for number, question in asked.items()}


def joined(one: RunChange, then: RunChange) -> RunChange:
    begin = tuple(action for action in one.begin if action.place not in then.cut) + then.begin
    return RunChange(one.entries + then.entries, begin, one.cut + then.cut, then.outcome)


def rows(entries: Iterable[JournalEntry]) -> list[tuple[Any, ...]]:
    return [told(replace(one, seq=0)) for one in entries if not is_mark(one)]


@pytest.fixture
def all_by_jq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "plain", lambda filter: None)


@pytest.mark.usefixtures("all_by_jq")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_run_that_stands_still_does_what_one_does_that_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, graph = of(path)
    waited = run(case, graph)
    monkeypatch.setattr(simulation, "Progress", Still)
    still = run(case, graph)
    assert (still.outcome and still.outcome.output, still.status) == (
        waited.outcome and waited.outcome.output,
        waited.status,
    )
    assert rows(still.entries) == rows(waited.entries)
    assert [one.key for one in still.asked] == [one.key for one in waited.asked]


@pytest.mark.usefixtures("all_by_jq")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_run_is_taken_up_in_the_middle_of_a_stretch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, graph = of(path)
    monkeypatch.setattr(simulation, "Progress", Still)
    entries = run(case, graph).entries
    secrets = {name: f"{{{name}}}" for name in graph.secrets}
    start = Start("run_1", case.get("input"), START_AT, {"kind": "manual"}, secrets)
    for number in [one.seq for one in entries if is_mark(one)]:
        again = Still(graph, start)
        more = again.replay(entries[:number]).entries
        assert rows(more) == rows(takewhile(lambda one: not one.fed, entries[number:]))
        assert [one.seq for one in more] == list(range(number + 1, number + 1 + len(more)))
