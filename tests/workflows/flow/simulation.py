"""A world for runs: calls are answered from a script, time passes only when nothing else happens.

`Simulation` does what a runner does, without threads, clocks and databases, and keeps the journal. `break_at` takes the
run up again from its journal in between, as another host would.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from omnicore.workflows.entries import JournalEntry, RunChange, RunOutcome, Start, StepAction, StepResult
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import WorkflowGraph
from omnicore.workflows.progress import Progress

__all__ = ["START_AT", "Answers", "Played", "Script", "play"]

START_AT = 1_000.0
NEVER = None


@dataclass(frozen=True)
class Script:
    """What happens in the world: answers by task name in the order in which they are asked for, events and orders.

    An answer: `{output | fault, after: seconds}`, or `never: true`. What has no answer left gets its last one again,
    or, where there is none at all, what it was called with.
    """

    answers: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    happenings: Sequence[Mapping[str, Any]] = ()
    """`{at: seconds after the start, event: envelope}` or `{at, cancel | suspend | resume: true}`."""


Answers = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass
class Played:
    """A run that came to its end, or to a standstill."""

    outcome: RunOutcome | None
    entries: list[JournalEntry]
    asked: list[StepAction]
    status: str


class Simulation:
    """One run in its world."""

    def __init__(self, graph: WorkflowGraph, start: Start, script: Script, *, break_at: int | None, limit: int) -> None:
        self.graph, self.start, self.script = graph, start, script
        self.break_at, self.limit = break_at, limit
        self.progress = Progress(graph, start)
        self.entries: list[JournalEntry] = []
        self.asked: list[StepAction] = []
        self.now = start.at
        self.count = 0
        self.taken: dict[str, int] = {}
        self.queue: list[tuple[float, int, int, Any]] = []
        for order in script.happenings:
            self._later(START_AT + order["at"], order, first=0)

    def play(self) -> Played:
        """Until the run ends, or until nothing can happen any more."""
        self._follow(self.progress.begin())
        for _ in range(self.limit):
            if self.progress.outcome is not None or not self.queue:
                break
            self.now, _, _, what = heapq.heappop(self.queue)
            self._happen(what)
        return Played(self.progress.outcome, self.entries, self.asked, self.progress.status)

    def _happen(self, what: Any) -> None:
        if isinstance(what, StepResult):
            self._apply(replace(what, at=self.now))
        elif "event" in what:
            for action in [one for one in self.progress.open if one.kind == "listen"]:
                self._apply(StepResult("event", action.place, action.attempt, self.now, what["event"]))
        else:
            kind: Any = next(one for one in ("cancel", "suspend", "resume") if one in what)
            self._apply(StepResult(kind, "", 1, self.now, {"by": "ann"}))

    def _apply(self, result: StepResult) -> None:
        before = len(self.entries)
        self._follow(self.progress.apply(result))
        if self.break_at is not None and before < self.break_at <= len(self.entries):
            self._break()

    def _break(self) -> None:
        """Another host takes the run up; what was in flight goes on and comes in as it would have."""
        again = Progress(self.graph, self.start)
        change = again.replay(iter(self.entries))
        assert change.entries == ()
        assert list(change.begin) == list(self.progress.open)
        assert (again.status, again.seq, again.next_due) == (
            self.progress.status, self.progress.seq, self.progress.next_due,
        )  # fmt: skip
        self.progress = again

    def _follow(self, change: RunChange) -> None:
        assert [one.seq for one in change.entries] == [
            len(self.entries) + number for number in range(1, len(change.entries) + 1)
        ]
        self.entries += change.entries
        for action in change.begin:
            self.asked.append(action)
            self._schedule(action)

    def _schedule(self, action: StepAction) -> None:
        due_at = action.due_at
        if action.kind == "timer":
            assert due_at is not None
            self._later(max(due_at, self.now), StepResult("fired", action.place, action.attempt, 0.0))
            return
        answer = self._answer(action)
        if answer is not None and (due_at is None or self.now + answer.get("after", 0) <= due_at):
            fault = Fault.of(answer["fault"]) if "fault" in answer else None
            kind: Any = "failed" if fault else "done"
            result = StepResult(kind, action.place, action.attempt, 0.0, answer.get("output"), fault)
            self._later(self.now + answer.get("after", 0), result)
        elif due_at is not None:
            fault = Fault("timeout", 408, "Timed out", f"{action.node.name} took longer than it may")
            self._later(max(due_at, self.now), StepResult("failed", action.place, action.attempt, 0.0, None, fault))

    def _answer(self, action: StepAction) -> Mapping[str, Any] | None:
        name = action.node.name
        script = self.script.answers.get(name)
        if script is None:
            return None if action.kind in ("listen", "approval") else {"output": action.value}
        number = self.taken.get(name, 0)
        self.taken[name] = number + 1
        answer = script[min(number, len(script) - 1)]
        return None if answer.get("never") else answer

    def _later(self, at: float, what: Any, first: int = 1) -> None:
        self.count += 1
        heapq.heappush(self.queue, (at, first, self.count, what))


def play(
    graph: WorkflowGraph,
    input: Any = None,
    script: Script | None = None,
    *,
    break_at: int | None = None,
    limit: int = 100_000,
    start: Start | None = None,
) -> Played:
    """Plays a run. With `break_at` it is taken up anew once it has that many rows."""
    start = start or Start("run_1", input, START_AT, {"kind": "manual"}, {})
    return Simulation(graph, start, script or Script(), break_at=break_at, limit=limit).play()
