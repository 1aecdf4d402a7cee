"""The machine under a run: strands of generators, what is open, and the rows and wishes that come of a result.

A strand is one line of execution, a stack of generators: each yields another generator to be run to its end, a `Join`
to get what the next of its strands gave, or None to wait for the result of what it has asked for. Errors are thrown
down the stack. The stack is explicit, so the depth of a workflow is not Python's.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from omnicore.workflows.entries import Action, Entry, Fault, Result, Start
from omnicore.workflows.flow.frames import Frame, Names
from omnicore.workflows.graph import Graph, Node

__all__ = ["BREATH", "End", "Join", "Machine", "Open", "Steps", "Strand", "Undo", "Use"]

Steps: TypeAlias = Generator[Any, Any, Any]
"""A line of work; see the module."""

Use = Literal["step", "tick", "guard", "listen"]
"""What an answer does: it is the task's own, lets a strand go on, interrupts the task, or is one event of several."""

BREATH = 1_000
"""Tasks in a row without an effect; then the run takes a breath, a timer that is due at once, so that rows are kept
and somebody who wants it to stop is heard."""

_PARKED = frozenset({"timer", "listen", "approval", "run"})
_NONE: deque[Any] = deque(maxlen=0)


class End(Exception):
    """`then: end`: the workflow is done, with this output."""

    def __init__(self, output: Any) -> None:
        super().__init__("end")
        self.output = output


class Open:
    """Something asked for that has no answer yet."""

    __slots__ = ("action", "asked_at", "begun", "events", "frame", "hearing", "level", "use", "wanted")

    def __init__(self, action: Action, frame: Frame, use: Use, level: int) -> None:
        self.action, self.frame, self.use, self.level = action, frame, use, level
        self.asked_at = frame.machine.at
        self.begun = False
        self.wanted = False
        """Of a `listen`: whether its strand stands still until an event comes."""
        self.events: deque[Any] = deque() if use == "listen" else _NONE
        self.hearing: Any = None


class Join:
    """Strands that one task has begun, and what they gave: `(number, output, error)`, in the order of their ends."""

    __slots__ = ("children", "inbox", "owner", "waiting")

    def __init__(self, owner: Frame) -> None:
        self.owner = owner
        self.children: dict[int, Strand] = {}
        self.inbox: deque[tuple[int, Any, BaseException | None]] = deque()
        self.waiting = False
        owner.join = self

    def spawn(self, number: int, strand: Strand, work: Steps) -> None:
        """A strand begins; its turn comes when the others stand still."""
        strand.join, strand.number = self, number
        strand.stack.append(work)
        self.children[number] = strand
        self.owner.machine.ready.append((strand, None, None))


@dataclass(frozen=True, slots=True)
class Undo:
    """A task that was completed and can be undone, with what it had."""

    node: Node
    place: str
    input: Any
    output: Any
    names: Names
    depth: int


class Strand:
    """One line of execution. `steps` holds the outputs of its tasks by name, over those of the strand it came from."""

    __slots__ = ("dead", "frames", "join", "machine", "number", "parent", "stack", "steps")

    def __init__(self, machine: Machine, parent: Strand | None = None) -> None:
        self.machine, self.parent = machine, parent
        self.stack: list[Steps] = []
        self.frames: list[Frame] = []
        self.steps: dict[str, Any] = {}
        self.join: Join | None = None
        self.number = 0
        self.dead = False

    def steps_seen(self) -> dict[str, Any]:
        """`$steps`: a copy, for what an expression gives must not change later."""
        if self.parent is None:
            return dict(self.steps)
        return {**self.parent.steps_seen(), **self.steps}


class Machine:
    """The state of a run, and the moves that change it; `omnicore.workflows.progress` says when."""

    def __init__(self, graph: Graph, start: Start, perform: Callable[[Frame], Steps]) -> None:
        self.graph: Graph = graph
        self.start: Start = start
        self.perform = perform
        self.at: float = start.at
        self.seq = 0
        self.effort = 0
        self.busy = 0
        self.suspended = False
        self.context: Any = {}
        self.open: dict[str, Open] = {}
        self.ready: deque[tuple[Strand, Any, BaseException | None]] = deque()
        self.undo: list[Undo] = []
        self.finished: list[tuple[Strand, Any, BaseException | None]] = []
        self.rows: list[Entry] = []
        self.beginning: dict[str, Action] = {}
        self.cuts: dict[str, None] = {}
        self._due: list[tuple[float, int, Open]] = []
        self._asked = 0

    # What tasks ask for.

    def ask(
        self,
        frame: Frame,
        kind: Any,
        *,
        place: str = "",
        value: Any = None,
        due_at: float | None = None,
        use: Use = "step",
        level: int = 0,
        scope: Mapping[str, Any] | None = None,
    ) -> Open:
        """Something is wanted; while the run is suspended it waits."""
        place, attempt = place or frame.place, frame.tries.attempt
        key = f"{self.start.run}{place}/{attempt}"
        action = Action(kind, place, frame.node, attempt, key, value, due_at, scope or {})
        made = Open(action, frame, use, level)
        self.open[place] = made
        frame.opens.append(made)
        if due_at is not None:
            self._asked += 1
            heapq.heappush(self._due, (due_at, self._asked, made))
        if not self.suspended:
            self._begin(made)
        return made

    def resume(self) -> None:
        """What was asked for while the run was suspended begins."""
        self.suspended = False
        for one in self.open.values():
            if not one.begun:
                self._begin(one)

    def _begin(self, one: Open) -> None:
        one.begun = True
        self.beginning[one.action.place] = one.action
        if one.action.kind not in _PARKED:
            self.busy += 1

    def drop(self, one: Open) -> None:
        """It is not wanted any more: what was begun is cut."""
        self.close(one)
        place = one.action.place
        if self.beginning.get(place) is one.action:
            del self.beginning[place]
        elif one.begun:
            self.cuts[place] = None

    def close(self, one: Open) -> None:
        """It has its answer."""
        if self.open.get(one.action.place) is one:
            del self.open[one.action.place]
            one.frame.opens.remove(one)
            if one.begun and one.action.kind not in _PARKED:
                self.busy -= 1

    def next_due(self) -> float | None:
        """When the earliest of what was begun is due."""
        while self._due and self.open.get(self._due[0][2].action.place) is not self._due[0][2]:
            heapq.heappop(self._due)
        if self.suspended:
            return min((due for due, _, one in self._due if one.begun and self._stands(one)), default=None)
        return self._due[0][0] if self._due else None

    def _stands(self, one: Open) -> bool:
        return self.open.get(one.action.place) is one

    # Rows.

    def row(
        self,
        frame: Frame,
        status: Any,
        *,
        output: Any = None,
        fault: Fault | None = None,
        result: Result | None = None,
        shown: Any = None,
    ) -> None:
        """A row about a task; with a result it is a fed one."""
        node = frame.node
        began_at = frame.began_at if result is None or result.began_at is None else result.began_at
        if result is not None and output is result.output:
            output = None
        self.seq += 1
        self.rows.append(
            Entry(
                self.seq, frame.place, node.path, node.name, node.kind, status, frame.tries.attempt, result is not None,
                self.at, began_at, frame.input if shown is None else shown, result, output, fault,
            )
        )  # fmt: skip

    def note(self, kind: str, status: Any, result: Result, node: Node, began_at: float) -> None:
        """A fed row about something that is no task's own answer: a timer, an event, what a person did."""
        self.seq += 1
        self.rows.append(
            Entry(
                self.seq, result.place, node.path, node.name, kind, status, result.attempt, True,
                self.at, began_at, None, result, None, result.fault,
            )
        )  # fmt: skip

    # Strands.

    def begin(self, strand: Strand, work: Steps) -> None:
        """A strand of nobody's: the run itself, or what undoes it. How it ends is told in `finished`."""
        strand.stack.append(work)
        self.ready.append((strand, None, None))

    def settle(self) -> None:
        """Everything that can go on does, one strand after the other, until all stand still."""
        while self.ready:
            strand, value, error = self.ready.popleft()
            if not strand.dead:
                self._run(strand, value, error)

    def _run(self, strand: Strand, value: Any, error: BaseException | None) -> None:
        stack = strand.stack
        while stack:
            try:
                wish = stack[-1].send(value) if error is None else stack[-1].throw(error)
            except StopIteration as stop:
                stack.pop()
                value, error = stop.value, None
                continue
            except (Fault, End) as raised:
                stack.pop()
                # What it has passed through would hold every frame alive for as long as its row.
                raised.__traceback__ = raised.__context__ = raised.__cause__ = None
                value, error = None, raised
                continue
            error = value = None
            if wish is None:
                return
            if type(wish) is not Join:
                stack.append(wish)
            elif wish.inbox:
                value = wish.inbox.popleft()
            else:
                wish.waiting = True
                return
        self._finish(strand, value, error)

    def _finish(self, strand: Strand, value: Any, error: BaseException | None) -> None:
        strand.dead = True
        join = strand.join
        if join is None:
            self.finished.append((strand, value, error))
            return
        del join.children[strand.number]
        if strand.parent is not None:
            strand.parent.steps.update(strand.steps)
        join.inbox.append((strand.number, value, error))
        if join.waiting:
            join.waiting = False
            self.ready.append((join.owner.strand, join.inbox.popleft(), None))

    def cut(self, strand: Strand) -> None:
        """A strand ends here, with all that it has begun."""
        strand.dead = True
        self.unwind(strand, -1)

    def unwind(self, strand: Strand, level: int) -> None:
        """What stands above a level of a strand's stack is given up, innermost first, each task with a row."""
        while len(strand.stack) > level + 1:
            strand.stack.pop().close()
        while strand.frames and strand.frames[-1].level > level:
            frame = strand.frames.pop()
            self.clear(frame)
            self.row(frame, "cancelled")

    def clear(self, frame: Frame) -> None:
        """All that a task has begun and not ended yet is cut: its strands and what it has asked for."""
        join, frame.join = frame.join, None
        if join is not None:
            for child in list(join.children.values()):
                self.cut(child)
            join.children.clear()
        while frame.opens:
            self.drop(frame.opens[-1])

    def interrupt(self, strand: Strand, level: int, fault: Fault) -> None:
        """What is under way above a level of a strand's stack is given up, and fails there."""
        self.unwind(strand, level)
        self.ready.append((strand, None, fault))
