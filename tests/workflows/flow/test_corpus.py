"""The corpus of `tests/workflows/corpus`: each file is a workflow, what happens around it, and what has to come of it.

about: the rule that it shows
workflow: the definition, its `document` head left out
input: the run's input
answers: {task name: [{output | fault, after: seconds}]}, in the order in which they are asked for
happenings: [{at: seconds, event | cancel | suspend | resume}]
expect: any of status, output, fault (members it has), rows ("name status #attempt"), places, asked, keys, took_s
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.workflows.flow.simulation import START_AT, Played, Script, play

from omnicore.workflows.entries import JournalEntry, Start
from omnicore.workflows.language.document import compile_graph
from omnicore.workflows.language.graph import WorkflowGraph

CORPUS = sorted((Path(__file__).parent.parent / "corpus").glob("*.yaml"))
HEAD = {"dsl": "1.0.3", "namespace": "test", "name": "case", "version": "0.1.0"}


def of(path: Path) -> tuple[dict[str, Any], WorkflowGraph]:
    case = yaml.safe_load(path.read_text())
    return case, compile_graph({"document": HEAD, **case["workflow"]})


def run(case: dict[str, Any], graph: WorkflowGraph, *, break_at: int | None = None) -> Played:
    script = Script(case.get("answers", {}), case.get("happenings", ()))
    secrets = {name: f"{{{name}}}" for name in graph.secrets}
    start = Start("run_1", case.get("input"), START_AT, {"kind": "manual"}, secrets)
    return play(graph, script=script, start=start, break_at=break_at)


def shown(entry: JournalEntry) -> str:
    return f"{entry.name if entry.place else entry.kind} {entry.status}" + (
        f" #{entry.attempt}" if entry.attempt > 1 else ""
    )


def told(entry: JournalEntry) -> tuple[Any, ...]:
    fault = entry.fault.to_json() if entry.fault else None
    return entry.seq, entry.place, entry.kind, entry.status, entry.attempt, entry.at, entry.input, entry.output, fault


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_workflow_of_the_corpus_does_what_its_rule_says(path: Path) -> None:
    case, graph = of(path)
    expect, played = case["expect"], run(case, graph)
    outcome, rows = played.outcome, [one for one in played.entries if one.kind != "timer"]
    fault = outcome.fault.to_json() if outcome is not None and outcome.fault else None
    status = expect.get("status", "faulted" if "fault" in expect else "completed")
    assert (played.status, fault and fault.get("detail")) == (status, fault and fault.get("detail"))
    found = {
        "status": played.status,
        "output": outcome.output if outcome else None,
        "fault": {name: fault.get(name) for name in expect.get("fault", {})} if fault else None,
        "rows": [shown(one) for one in rows],
        "places": [one.place for one in rows],
        "asked": [[one.node.name, one.value] for one in played.asked if one.kind not in ("timer", "listen")],
        "keys": [one.key for one in played.asked if one.kind != "timer"],
        "took_s": played.entries[-1].at - START_AT if played.entries else 0,
    }
    assert {name: found[name] for name in expect} == expect


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_workflow_of_the_corpus_can_be_taken_up_after_any_row(path: Path) -> None:
    case, graph = of(path)
    whole = run(case, graph)
    for break_at in range(1, len(whole.entries) + 1):
        broken = run(case, graph, break_at=break_at)
        assert [told(one) for one in broken.entries] == [told(one) for one in whole.entries]
        assert broken.status == whole.status


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 60
