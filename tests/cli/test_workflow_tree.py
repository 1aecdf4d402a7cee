"""The tree of a run: nested steps with their states, and small however long the run is."""

from __future__ import annotations

from rich.console import Console

from omnicore.cli.run_view import RunTree, open_line, parts_of
from omnicore.jobs.engine import RunView, StepView
from omnicore.workflows.view import OpenView


def run(status: str = "running", due_at: float | None = None) -> RunView:
    times = (1000.0, 1000.0, None, due_at)
    return RunView("run_1", "w", 1, "d", status, {}, "me", *times, 4, None, None, None, None, None, 0, "")


def step(seq: int, place: str, status: str = "completed", **more: object) -> StepView:
    name = place.rpartition("/")[2]
    fault = more.get("fault")
    return StepView(seq, place, place, name, "set", status, 1, 1001.5, 1000.0, None, None, fault, {})


def lines(tree: RunTree, view: RunView) -> list[str]:
    console = Console(width=120, no_color=True, highlight=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(tree.shown(view, 1002.0))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_steps_stand_where_they_are_nested_with_times_retries_and_what_they_wait_for() -> None:
    tree = RunTree()
    fault = {"status": 503, "title": "Away", "detail": "for long"}
    tree.take([step(1, "/do/0/a"), step(2, "/do/1/both/fork/branches/0/left/do/0/x", "retried", fault=fault)], [])
    waits = OpenView("/do/1/both/fork/branches/1/right", "timer", "right", 1, 90_000_000.0)
    tree.take([], [waits, OpenView("/do/2/get", "call", "get", 3, None)])
    shown = lines(tree, run())
    assert shown[0] == "● w  run_1  running  2.0 s"
    assert shown[1] == "├── ✓ a  1.5 s"
    assert [line.lstrip("│├─└ ") for line in shown[2:5]] == [
        "● both",
        "left",
        "↻ x  1.5 s  1 retry  503 Away: for long",
    ]
    assert "◌ right  waits until 1972-11-0" in shown[5]
    assert shown[6] == "└── ● get  runs, attempt 3"


def test_a_long_loop_stays_small_and_what_failed_stays_in_sight() -> None:
    tree = RunTree()
    tree.take([step(1, "/do/0/each/for/0/do/0/x", "faulted", fault={"title": "Bad"})], [])
    for start in range(1, 20_000, 500):
        tree.take([step(seq, f"/do/0/each/for/{seq}/do/0/x") for seq in range(start, start + 500)], [])
    shown = lines(tree, run())
    assert len(shown) < 15
    assert any(line.endswith("#20000") for line in shown)
    assert any("before" in line for line in shown)


def test_what_a_place_or_a_fault_is_called_cannot_steer_the_terminal() -> None:
    tree = RunTree()
    tree.take([step(1, "/do/0/\x1b[2Jx", "faulted", fault={"title": "\x1b[31m"})], [])
    assert "\x1b" not in "".join(lines(tree, run()))


def test_places_of_rounds_visits_and_odd_names_are_told_apart() -> None:
    assert [label for _, label in parts_of("/do/0/a~1b/for/0/do/2/poll~12")] == ["a/b", "#1", "poll (12)"]
    assert [label for _, label in parts_of("")] == []
    assert open_line(OpenView("/do/0/a", "listen", "a", 1, None), 0.0) == "listens"
