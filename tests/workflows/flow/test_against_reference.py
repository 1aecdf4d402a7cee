"""Whatever the graph and whatever happens: rows and outcome are those of the reference interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.workflows.flow.graphs import graphs, size
from tests.workflows.flow.reference import Row, interpret
from tests.workflows.flow.simulation import START_AT, Played, Script, Simulation

from omnicore.workflows.entries import JournalEntry, Start, StepAction
from omnicore.workflows.language.graph import WorkflowGraph


def answer_of(seed: int, place: str, attempt: int) -> tuple[float, Any, Mapping[str, Any] | None]:
    """What a call at a place gives, and when: the same whoever asks."""
    drawn = Random(f"{seed} {place} {attempt}")
    after, luck = drawn.uniform(0.001, 5.0), drawn.random()
    if luck < 0.3:
        return after, None, {"type": "https://x.example/down", "status": 503 if luck < 0.2 else 400, "title": "Down"}
    return after, {"n": drawn.randrange(12)}, None


class Drawn(Simulation):
    """A world whose answers are drawn by place."""

    seed = 0

    def _answer(self, action: StepAction) -> Mapping[str, Any] | None:
        after, output, fault = answer_of(self.seed, action.place, action.attempt)
        return {"after": after, **({"fault": fault} if fault else {"output": output})}


def played(
    graph: WorkflowGraph,
    seed: int,
    input: Any,
    *,
    cancel: float | None,
    break_at: int | None,
    rest: tuple[float, float] | None = None,
) -> Played:
    orders = [] if cancel is None else [{"at": cancel, "cancel": True}]
    if rest is not None:
        orders += [{"at": rest[0], "suspend": True}, {"at": rest[0] + rest[1], "resume": True}]
    script = Script(happenings=orders)
    world = Drawn(graph, Start("run", input, START_AT), script, break_at=break_at, limit=20_000)
    world.seed = seed
    return world.play()


def row_of(entry: JournalEntry) -> Row:
    output = entry.result.output if entry.output is None and entry.result is not None else entry.output
    fault = entry.fault.to_json() if entry.fault else None
    return entry.place, entry.kind, entry.status, entry.attempt, entry.at, entry.input, output, fault


def fault_of(fault: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A fault as both tell it: of the workflow's own time limit, the reference does not know the task it met."""
    own = fault is not None and fault.get("detail") == "the workflow took longer than it may"
    return {**fault, "instance": ""} if fault is not None and own else fault


def told(rows: list[Row]) -> list[str]:
    """Rows as texts, in an order of their own."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 3), st.one_of(st.none(), st.none(), st.floats(0.01, 15.0)))
def test_a_run_is_what_the_reference_makes_of_it(
    drawn: tuple[WorkflowGraph, int], number: int, cancel: float | None
) -> None:
    graph, seed = drawn
    run = played(graph, seed, {"n": number}, cancel=cancel, break_at=None)
    wanted = interpret(
        graph, {"n": number}, lambda place, attempt: answer_of(seed, place, attempt), START_AT, cancel_after=cancel
    )
    assert run.outcome is not None
    event(run.outcome.status)
    ours = [row_of(one) for one in run.entries if one.kind not in ("timer", "cancel")]
    assert told(ours) == told(wanted.rows)
    assert (run.outcome.status, run.outcome.output) == (wanted.status, wanted.output)
    assert fault_of(run.outcome.fault.to_json() if run.outcome.fault else None) == fault_of(wanted.fault)
    keys = [one.key for one in run.asked]
    assert len(set(keys)) == len(keys)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    graphs(),
    st.integers(0, 3),
    st.one_of(st.none(), st.floats(0.01, 15.0)),
    st.one_of(st.none(), st.tuples(st.floats(0.0, 9.0), st.floats(0.1, 9.0))),
    st.data(),
)
def test_a_run_that_is_taken_up_anywhere_goes_on_as_if_nothing_had_been(
    drawn: tuple[WorkflowGraph, int],
    number: int,
    cancel: float | None,
    rest: tuple[float, float] | None,
    data: st.DataObject,
) -> None:
    graph, seed = drawn
    whole = played(graph, seed, {"n": number}, cancel=cancel, break_at=None, rest=rest)
    break_at = data.draw(st.integers(1, max(len(whole.entries), 1)))
    broken = played(graph, seed, {"n": number}, cancel=cancel, break_at=break_at, rest=rest)
    assert [(one.seq, *row_of(one)) for one in broken.entries] == [(one.seq, *row_of(one)) for one in whole.entries]
    assert broken.outcome is not None
    assert whole.outcome is not None
    assert (broken.outcome.status, broken.outcome.output) == (whole.outcome.status, whole.outcome.output)


def test_sizes_of_lists_add_up() -> None:
    assert size([{"n": 2}, [{"n": 3}]]) == 7
