"""What the runner can rely on: late results, suspending, breaths, limits, cost and memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from tests.workflows.flow.graphs import F, const, graph_of
from tests.workflows.flow.simulation import Script, play

from omnicore.errors import JournalMismatch
from omnicore.workflows.entries import JournalEntry, RunChange, Start, StepResult
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import (
    Block,
    CallTask,
    DoTask,
    EventFilter,
    ForkTask,
    ForTask,
    ListenTask,
    Node,
    RetryRule,
    SetTask,
    SwitchCase,
    SwitchTask,
    WaitTask,
    WorkflowGraph,
)
from omnicore.workflows.machine import BREATH, DEEPEST
from omnicore.workflows.progress import Progress


def call(index: int, name: str, path: str = "/do", **more: Any) -> CallTask:
    return CallTask(f"{path}/{index}/{name}", name, "call", ref="some.function", **more)


def started(graph: WorkflowGraph, input: Any = None) -> tuple[Progress, RunChange]:
    progress = Progress(graph, Start("run", input, 1.0))
    return progress, progress.begin()


def done(place: str, attempt: int = 1, at: float = 2.0, output: Any = None) -> StepResult:
    return StepResult("done", place, attempt, at, output)


def test_a_result_of_another_place_or_attempt_changes_nothing() -> None:
    progress, _ = started(graph_of(call(0, "a")))
    for late in (
        done("/do/0/b"),
        done("/do/0/a", 2),
        done("/do/0/a", 0),
        StepResult("fired", "/do/0/a", 1, 2.0),
        StepResult("event", "/do/0/a", 1, 2.0, {}),
        StepResult("resume", "", 1, 2.0),
    ):
        assert progress.apply(late) == RunChange()
    assert progress.seq == 0
    assert progress.apply(done("/do/0/a", output=1)).outcome is not None
    assert progress.apply(done("/do/0/a", output=2)) == RunChange()
    assert progress.apply(StepResult("cancel", "", 1, 3.0)) == RunChange()


def test_a_timer_is_answered_by_firing_only() -> None:
    progress, change = started(graph_of(WaitTask("/do/0/w", "w", "wait", duration_s=5.0)))
    assert (progress.status, progress.next_due, change.begin[0].due_at) == ("waiting", 6.0, 6.0)
    assert progress.apply(done("/do/0/w")) == RunChange()
    assert progress.apply(StepResult("fired", "/do/0/w", 1, 6.0)).outcome is not None


def test_the_first_row_of_a_change_is_the_one_that_is_fed() -> None:
    branches = (call(0, "a", "/do/0/f/fork/branches"), call(1, "b", "/do/0/f/fork/branches"))
    progress, _ = started(graph_of(ForkTask("/do/0/f", "f", "fork", branches=branches)))
    failed = StepResult("failed", branches[1].path, 1, 2.0, None, Fault("runtime", 500))
    change = progress.apply(failed)
    assert [(one.fed, one.status) for one in change.entries] == [
        (True, "faulted"),
        (False, "cancelled"),
        (False, "faulted"),
    ]
    assert change.cut == (branches[0].path,)
    assert failed.fault is not None
    assert failed.fault.instance == ""  # what was handed in stays as it was


def test_what_begins_and_is_cut_in_one_change_is_in_neither() -> None:
    branches = (call(0, "a", "/do/0/f/fork/branches"), SetTask("/do/0/f/fork/branches/1/b", "b", "set", value=const(1)))
    _, change = started(graph_of(ForkTask("/do/0/f", "f", "fork", branches=branches, compete=True)))
    assert (change.begin, change.cut) == ((), ())
    assert change.outcome is not None
    assert change.outcome.output == 1


def test_a_suspended_run_begins_nothing_and_can_be_cancelled() -> None:
    progress, _ = started(graph_of(call(0, "a"), call(1, "b")))
    progress.apply(StepResult("suspend", "", 1, 2.0, {"by": "ann"}))
    assert progress.apply(StepResult("suspend", "", 1, 2.0)) == RunChange()
    assert progress.apply(done("/do/0/a")).begin == ()
    assert (progress.status, progress.open, progress.in_flight, progress.next_due) == ("suspended", [], False, None)
    assert progress.apply(done("/do/1/b")) == RunChange()  # it was not begun
    change = progress.apply(StepResult("cancel", "", 1, 3.0))
    assert (change.cut, progress.status) == ((), "cancelled")


def test_what_waits_while_a_run_is_suspended_begins_in_its_order() -> None:
    branches = tuple(call(index, f"b{index}", "/do/1/f/fork/branches") for index in range(3))
    progress, _ = started(graph_of(call(0, "a"), ForkTask("/do/1/f", "f", "fork", branches=branches)))
    progress.apply(StepResult("suspend", "", 1, 2.0))
    progress.apply(done("/do/0/a"))
    change = progress.apply(StepResult("resume", "", 1, 9.0))
    assert [one.place for one in change.begin] == [one.path for one in branches]
    assert (progress.status, progress.in_flight) == ("running", True)


def test_a_journal_of_another_definition_is_refused() -> None:
    entries = play(graph_of(call(0, "a"), call(1, "b"))).entries
    for graph, journal in (
        (graph_of(call(0, "a"), call(1, "c")), entries),
        (graph_of(call(0, "a")), entries),
        (graph_of(call(0, "a"), call(1, "b")), entries[1:]),
    ):
        with pytest.raises(JournalMismatch, match="journal"):
            Progress(graph, Start("run_1", None, 1_000.0)).replay(journal)


def test_a_run_without_rows_is_taken_up_from_its_beginning() -> None:
    progress = Progress(graph_of(SetTask("/do/0/s", "s", "set", value=const(1)), call(1, "a")), Start("run", None, 1.0))
    change = progress.replay([])
    assert [one.name for one in change.entries] == ["s"]
    assert [one.place for one in change.begin] == ["/do/1/a"]


def test_a_loop_without_effects_takes_a_breath_and_hears_a_cancel() -> None:
    again = SwitchTask("/do/1/again", "again", "switch", cases=(SwitchCase("on", None, "s"),))
    progress, change = started(graph_of(SetTask("/do/0/s", "s", "set", value=const(1)), again))
    for _ in range(3):
        assert len(change.entries) <= BREATH + 1
        (timer,) = change.begin
        assert (timer.kind, timer.due_at, timer.place.endswith("/breath")) == ("timer", change.entries[-1].at, True)
        change = progress.apply(StepResult("fired", timer.place, timer.attempt, 2.0))
    progress.apply(StepResult("cancel", "", 1, 3.0))
    assert progress.status == "cancelled"


def test_tasks_that_are_nested_too_deep_fault() -> None:
    node: Node = SetTask("/x", "x", "set", value=const(1))
    for _ in range(DEEPEST + 5):
        node = DoTask("/x", "x", "do", block=(node,))
    played = play(graph_of(node))
    assert played.outcome is not None
    assert played.outcome.fault is not None
    assert played.outcome.fault.title == "Too deep"


def test_a_then_that_leads_nowhere_faults() -> None:
    played = play(graph_of(call(0, "a", then="nowhere")))
    assert played.outcome is not None
    assert played.outcome.fault is not None
    assert played.outcome.fault.type.endswith("/configuration")


def test_jitter_is_drawn_from_the_key_and_lies_between_its_bounds() -> None:
    retry = RetryRule(delay_s=10.0, jitter_s=(1.0, 3.0), attempts=5)
    script = Script({"a": [{"fault": {"type": "runtime", "status": 500}}]})
    waits = []
    for _ in range(2):
        played = play(graph_of(call(0, "a", retry=retry)), script=script)
        waits.append([one.due_at for one in played.asked if one.kind == "timer"])
    assert waits[0] == waits[1]
    steps = [due - before for before, due in zip([1000.0, *waits[0]], waits[0], strict=False) if due is not None]
    assert len(set(steps)) == 5
    assert all(11.0 <= step <= 13.0 for step in steps)


def test_backoff_is_bounded_however_often_it_doubles() -> None:
    retry = RetryRule("exponential", 1.0, 60.0, attempts=2_000)
    played = play(graph_of(call(0, "a", retry=retry)), script=Script({"a": [{"fault": {"type": "x:y", "status": 1}}]}))
    assert played.outcome is not None
    assert played.entries[-1].attempt == 2_001


def test_an_event_that_its_filter_cannot_read_is_not_for_the_task() -> None:
    def fail(_data: Any, _scope: Any) -> Any:
        raise Fault("expression", 400)

    node = ListenTask("/do/0/l", "l", "listen", filters=(EventFilter({"type": "a"}, F(fail)),))
    progress, _ = started(graph_of(node))
    assert progress.apply(StepResult("event", "/do/0/l", 1, 2.0, {"type": "a"})) == RunChange()
    assert progress.status == "waiting"


def looped(items: int, *, at_once: int = 1, collect: bool = True, block: Block | None = None) -> WorkflowGraph:
    block = block or (call(0, "a", "/do/0/loop/do"),)
    loop = ForTask(
        "/do/0/loop", "loop", "for", items=const(list(range(items))), block=block, at_once=at_once, collect=collect
    )
    return graph_of(loop)


def walk(progress: Progress, change: RunChange, marks: set[int]) -> tuple[list[int], JournalEntry]:
    """Answers every call at once, oldest first; memory at some rows, and the last row."""
    todo, sizes, last = list(change.begin), [], None
    while todo:
        action = todo.pop(0)
        change = progress.apply(done(action.place, action.attempt, output=action.attempt))
        todo += change.begin
        last = change.entries[-1]
        if progress.seq in marks:
            sizes.append(tracemalloc.get_traced_memory()[0])
    assert last is not None
    return sizes, last


@pytest.mark.parametrize(("at_once", "collect"), [(1, True), (50, False)])
def test_a_loop_over_many_items_keeps_its_memory(at_once: int, collect: bool) -> None:
    progress, change = started(looped(8_000, at_once=at_once, collect=collect))
    tracemalloc.start()
    try:
        sizes, last = walk(progress, change, {1_000, 7_900})
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 150_000  # less than the smallest object for each round
    assert (last.name, last.seq) == ("loop", 8_001)


def test_a_run_of_ten_thousand_steps_keeps_its_memory_and_is_taken_up_again() -> None:
    again = SwitchTask(
        "/do/1/again", "again", "switch", cases=(SwitchCase("on", F(lambda data, _: data < 5_000), "a"),)
    )
    graph = graph_of(call(0, "a"), again)
    progress, change = started(graph)
    entries: list[JournalEntry] = []
    number = 0
    while progress.outcome is None:
        number += 1
        change = progress.apply(done(change.begin[0].place, output=number))
        entries += change.entries
    assert len(entries) == 10_000
    again_progress = Progress(graph, Start("run", None, 1.0))
    again_progress.replay(iter(entries))
    assert again_progress.outcome is not None
    assert again_progress.outcome.output == 5_000


@pytest.mark.parametrize(
    "value", [-1, True, "PT", "5 minutes", {"weeks": 1}, {}, None, float("inf"), 1e300, "P9999999Y"]
)
def test_what_is_no_duration_faults(value: Any) -> None:
    played = play(graph_of(WaitTask("/do/0/w", "w", "wait", duration_s=const(value))))
    assert played.outcome is not None
    assert played.outcome.fault is not None
    assert (played.outcome.fault.title, played.outcome.fault.instance) == ("No duration", "/do/0/w")


@pytest.mark.parametrize("value", [None, True, "tomorrow", 1e300, float("nan"), "99999-01-01"])
def test_what_is_no_moment_faults(value: Any) -> None:
    played = play(graph_of(WaitTask("/do/0/w", "w", "wait", until=const(value))))
    assert played.outcome is not None
    assert played.outcome.fault is not None
    assert played.outcome.fault.title == "No moment"


@pytest.mark.parametrize("event", [None, 5, "text", [], {}])
def test_an_event_that_is_none_changes_nothing(event: Any) -> None:
    progress, _ = started(graph_of(ListenTask("/do/0/l", "l", "listen", filters=(EventFilter({"type": "a"}),))))
    assert progress.apply(StepResult("event", "/do/0/l", 1, 2.0, event)) == RunChange()
