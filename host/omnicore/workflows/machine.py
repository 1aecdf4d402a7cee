"""The machine under a run: strands of generators, their frames, and the rows and actions that follow. Pure.

A frame is one occurrence of a task, with the variables its expressions see. When a run is resumed, the rows of its
journal are fed back and the rows that come out again are compared with them. Work that needs an answer runs at once
if the answer is known; otherwise the machine pauses and runs it again with the answer.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from omnicore.errors import JournalMismatch
from omnicore.version import __version__
from omnicore.workflows.entries import JournalEntry, Start, StepAction, StepResult
from omnicore.workflows.expressions.expression import Answer, JqQuestion, Pause, Rest, Unanswered
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import described
from omnicore.workflows.steps.step import seeds

if TYPE_CHECKING:
    from omnicore.workflows.language.graph import Node, WorkflowGraph


_T = TypeVar("_T")


class JqAnswers:
    """Those that the task which is looked at has been given, by the numbers of its questions."""

    __slots__ = ("_given", "_number", "at_once")

    def __init__(self) -> None:
        self.at_once: Callable[[JqQuestion], tuple[Answer] | None] | None = None
        """Answers a question where it can; None: expressions ask nobody, and wait for jq themselves."""
        self._given: dict[int, Answer] = {}
        self._number = 0

    def asked(self, question: JqQuestion) -> Answer:
        """The value. Raises: Fault: the expression failed. Unanswered: it is not known yet."""
        number = self._number
        self._number += 1
        if number not in self._given:
            found = self.at_once(question) if self.at_once is not None else None
            if found is None:
                raise Unanswered({number: question})
            self._given[number] = found[0]
        answer = self._given[number]
        if isinstance(answer, Fault):
            raise Fault.of(answer.to_json())
        return answer

    def forget(self) -> None:
        """Something else asks from now on."""
        self._number = 0
        if self._given:
            self._given = {}

    def know(self, answers: Mapping[int, Answer]) -> None:
        """Takes answers, for the same work to be begun anew."""
        self._number = 0
        self._given.update(answers)


def answered(machine: RunMachine, work: Callable[[], _T]) -> Generator[Unanswered, Mapping[int, Answer], _T]:
    """The result of work that asks questions; it restarts with each answer, so it changes nothing earlier."""
    machine.answers.forget()
    while True:
        try:
            return work()
        except Unanswered as asked:
            unanswered = asked
        unanswered.__traceback__ = None  # what it has passed through would be alive for as long as jq takes
        machine.answers.know((yield unanswered))


DEEPEST = 100
"""The deepest nesting of tasks."""

Names = Mapping[str, Any]
"""Variables of loops and catches by name; never changed once made."""


class Attempts:
    """The number of the attempt within something that can be retried.

    A number is never used twice for one place: what a retry begins anew counts on from the highest number that anything
    inside has reached, so each attempt has an idempotency key of its own.
    """

    __slots__ = ("attempt", "most", "parent")

    def __init__(self, parent: Attempts | None = None) -> None:
        self.parent = parent
        self.attempt: int = parent.attempt if parent else 1
        self.most: int = self.attempt

    def again(self) -> None:
        """The next attempt begins."""
        self.attempt = self.most = self.most + 1
        outer = self.parent
        while outer is not None and outer.most < self.most:
            outer.most = self.most
            outer = outer.parent


_NO_OUTPUTS = (None, None)


class Frame:
    """A task that is under way: one occurrence of a node, with its data.

    `level` is where its generator stands on its strand's stack: what is above belongs to tasks inside of it.
    """

    __slots__ = (
        "began_at", "depth", "due_at", "input", "join", "level", "names", "node", "opens", "outputs", "place", "raw",
        "result", "strand", "tries",
    )  # fmt: skip

    def __init__(
        self, strand: Strand, node: Node, place: str, raw: Any, names: Names, tries: Attempts, depth: int
    ) -> None:
        self.strand = strand
        self.node = node
        self.place = place
        self.raw = raw
        self.names = names
        self.tries = tries
        self.depth = depth
        self.anew()
        self.opens: list[Open] = []
        self.join: Join | None = None
        self.level = 0

    @property
    def scope(self) -> FrameScope:
        """Its variables. Made anew each time: kept here, each frame would be garbage that only a collector finds."""
        return FrameScope(self)

    def anew(self) -> None:
        """As it was before an attempt."""
        self.input: Any = self.raw
        self.began_at: float = self.strand.machine.at
        self.outputs: tuple[Any, Any] = _NO_OUTPUTS
        """The raw output, and the one that is handed on."""
        self.result: StepResult | None = None
        self.due_at: float | None = None

    def inside(self, strand: Strand, node: Node, place: str, raw: Any, names: Names) -> Frame:
        """A frame for a task within this one."""
        return Frame(strand, node, place, raw, names, self.tries, self.depth + 1)


class FrameScope(Mapping[str, Any]):
    """The variables of a frame by name, without `$`; each is made when it is asked for.

    What is not there yet is null. Source: DSL 1.0.3, runtime expression arguments.
    """

    __slots__ = ("_frame", "_more")

    def __init__(self, frame: Frame, more: Names | None = None) -> None:
        self._frame = frame
        self._more = more

    def with_(self, more: Names) -> FrameScope:
        """The same variables and more, which hide those of the same name."""
        return FrameScope(self._frame, {**(self._more or {}), **more})

    @property
    def asked(self) -> Callable[[JqQuestion], Any] | None:
        """Takes what an expression needs jq for; None: it waits for jq itself."""
        answers = self._frame.strand.machine.answers
        return None if answers.at_once is None else answers.asked

    def held(self) -> dict[str, Any]:
        """All variables as they are now."""
        found = Held(self)
        found.asked = self.asked
        return found

    def __getitem__(self, name: str) -> Any:
        if self._more is not None and name in self._more:
            return self._more[name]
        if name in self._frame.names:
            return self._frame.names[name]
        return _MAKERS[name](self._frame)

    def __iter__(self) -> Iterator[str]:
        return iter({**_MAKERS, **self._frame.names, **(self._more or {})})

    def __len__(self) -> int:
        return len({*_MAKERS, *self._frame.names, *(self._more or ())})

    def __contains__(self, name: object) -> bool:
        return name in _MAKERS or name in self._frame.names or (self._more is not None and name in self._more)


class Held(dict[str, Any]):
    """Variables that are kept while their task goes on. `asked`: as a `FrameScope` has it."""

    __slots__ = ("asked",)

    asked: Callable[[JqQuestion], Any] | None


def definition_of(graph: WorkflowGraph, path: str) -> Any:
    """The document at a path, or at that of the task that an extension surrounds; null if there is nothing."""
    found: Any = graph.document
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list | tuple) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:  # what an extension puts around a task is about that task
            return found if name in ("before", "extended", "after") and isinstance(found, Mapping) else None
    return found


def _task(frame: Frame) -> Any:
    return {
        "name": frame.node.name,
        "reference": frame.node.path,
        "definition": definition_of(frame.strand.machine.graph, frame.node.path),
        "input": frame.raw,
        "output": frame.outputs[0],
        "startedAt": described(frame.began_at),
    }


def _workflow(frame: Frame) -> Any:
    start = frame.strand.machine.start
    document = frame.strand.machine.graph.document
    return {"id": start.run, "definition": document, "input": start.input, "startedAt": described(start.at)}


def _runtime(frame: Frame) -> Any:
    return {"name": "omnicore", "version": __version__, "metadata": {}, "trigger": frame.strand.machine.start.trigger}


def _authorization(frame: Frame) -> Any:
    """The scheme alone: what is behind it is put in at the moment of the call, and is in no row."""
    given = getattr(frame.node, "authentication", None) or {}
    scheme = next((name for name in given if name != "use"), None)
    return {"scheme": scheme.capitalize(), "parameter": None} if scheme else None


_MAKERS: Mapping[str, Callable[[Frame], Any]] = {
    "context": lambda frame: frame.strand.machine.context,
    "input": lambda frame: frame.input,
    "output": lambda frame: frame.outputs[1],
    "secrets": lambda frame: frame.strand.machine.start.secrets,
    "authorization": _authorization,
    "task": _task,
    "workflow": _workflow,
    "runtime": _runtime,
    "steps": lambda frame: frame.strand.steps_seen(),
    "now": lambda frame: frame.strand.machine.at,
}


def is_mark(entry: JournalEntry) -> bool:
    """True if a row only says that the consequences of the last result were incomplete when it was written."""
    return entry.kind == "timer" and not entry.fed


class Recorded:
    """Rows in order, one ahead.

    Args:
        run: whose rows, for messages.
        open: the places where something was begun and has no result, as the run stands.
    """

    def __init__(self, run: str, entries: Iterable[JournalEntry], open: Callable[[], frozenset[str]]) -> None:
        self._run, self._entries, self._open = run, iter(entries), open
        self._ahead: JournalEntry | None = None
        self.last = 0
        """The number of the last row that was passed."""
        self.begun: frozenset[str] | None = None
        """Places of what was begun before a mark, if the journal ends after it. None: all open actions were begun."""
        self._marked: frozenset[str] | None = None

    def fed(self) -> JournalEntry | None:
        """The next row that came from a result; None: there are no more rows. Raises: JournalMismatch."""
        entry = self._peek()
        if entry is not None and (not entry.fed or entry.result is None):
            raise _mismatch(self._run, entry, None)
        return entry

    def said(self, place: str, attempt: int) -> JournalEntry | None:
        """The next row, if it says what came of an attempt at this place."""
        entry = self._peek()
        if entry is None or entry.fed or (entry.place, entry.attempt) != (place, attempt):
            return None
        return entry if entry.status in ("completed", "faulted", "retried") else None

    def pass_fed(self, entry: JournalEntry) -> None:
        """Makes sure that a row was made of what was fed. Raises: JournalMismatch."""
        if self._ahead is entry:
            raise _mismatch(self._run, entry, None)

    def pass_marks(self, seq: int) -> int:
        """The number of the row to be made, beyond the marks before it."""
        self._peek()
        return max(seq, self.last + 1)

    def holds(self, made: JournalEntry) -> bool:
        """Takes the next row, which this one must be like; False: there is none. Raises: JournalMismatch."""
        entry = self._peek()
        if entry is None:
            return False
        if (made.seq, made.place, made.kind) != (entry.seq, entry.place, entry.kind):
            raise _mismatch(self._run, entry, made)
        self._ahead = None
        self.last, self._marked = entry.seq, None
        return True

    def _peek(self) -> JournalEntry | None:
        while self._ahead is None:
            entry = next(self._entries, None)
            if entry is None:
                self.begun = self._marked
                return None
            if is_mark(entry):
                self.last, self._marked = entry.seq, self._open()
            else:
                self._ahead = entry
        return self._ahead


def _mismatch(run: str, kept: JournalEntry, made: JournalEntry | None) -> JournalMismatch:
    what = f"row {made.seq} at {made.place}" if made is not None else "no row"
    return JournalMismatch(
        f"row {kept.seq} of run {run} is at {kept.place or 'the run'} in its journal, its definition gives {what}",
        remedy="one of them was changed from outside: restore it, or cancel the run and start it anew",
        run=run,
        seq=kept.seq,
        place=kept.place,
    )


Steps: TypeAlias = Generator[Any, Any, Any]
"""A line of work; see the module."""

Use = Literal["step", "tick", "guard", "listen"]
"""The use of an answer: it is the task's own, lets a strand go on, interrupts the task, or is one event of several."""

BREATH = 1_000
"""Tasks in a row without an effect; then the run takes a breath, a timer that is due at once, so that rows are kept
and somebody who wants it to stop is heard."""

RESTING = Rest()

_PARKED = frozenset({"timer", "listen", "approval", "run"})
_NONE: deque[Any] = deque(maxlen=0)


class WorkflowEnd(Exception):
    """`then: end`: the workflow is done, with this output."""

    def __init__(self, output: Any) -> None:
        super().__init__("end")
        self.output = output


class Open:
    """Something asked for that has no answer yet."""

    __slots__ = ("action", "asked_at", "begun", "events", "frame", "hearing", "level", "use", "wanted")

    def __init__(self, action: StepAction, frame: Frame, use: Use, level: int) -> None:
        self.action, self.frame, self.use, self.level = action, frame, use, level
        self.asked_at = frame.strand.machine.at
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
        self.owner.strand.machine.ready.append((strand, None, None))


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

    def __init__(self, machine: RunMachine, parent: Strand | None = None) -> None:
        self.machine: RunMachine = machine
        self.parent = parent
        self.stack: list[Steps] = []
        self.frames: list[Frame] = []
        self.steps: dict[str, Any] = seeds(machine.start.trigger)[0] if parent is None else {}
        self.join: Join | None = None
        self.number = 0
        self.dead = False

    def steps_seen(self) -> dict[str, Any]:
        """`$steps`: a copy, for what an expression gives must not change later."""
        if self.parent is None:
            return dict(self.steps)
        return {**self.parent.steps_seen(), **self.steps}


class OpenActions:
    """The actions that a run has asked for and that have no answer yet, by place.

    `beginning` and `cuts` have those that are to be begun and cut with the next change. `busy` counts those that keep
    the run from parking. While the run is suspended, further actions wait.
    """

    __slots__ = ("_asked", "_due", "_open", "beginning", "busy", "cuts", "known", "suspended")

    def __init__(self) -> None:
        self.busy = 0
        self.suspended = False
        self.beginning: dict[str, StepAction] = {}
        self.cuts: dict[str, None] = {}
        self.known: frozenset[str] = frozenset()
        """Places of what was begun before the run was taken up again."""
        self._open: dict[str, Open] = {}
        self._due: list[tuple[float, int, Open]] = []
        self._asked = 0

    def add(self, made: Open) -> None:
        """Something is wanted."""
        action = made.action
        self._open[action.place] = made
        made.frame.opens.append(made)
        if action.due_at is not None:
            self._asked += 1
            heapq.heappush(self._due, (action.due_at, self._asked, made))
        if not self.suspended:
            self._begin(made)

    def get(self, place: str) -> Open | None:
        """The action at a place."""
        return self._open.get(place)

    def begun(self) -> list[StepAction]:
        """Those that were begun, oldest first."""
        return [one.action for one in self._open.values() if one.begun]

    def resume(self) -> None:
        """Begins the actions that were requested while the run was suspended."""
        self.suspended = False
        for one in self._open.values():
            if not one.begun:
                self._begin(one)

    def drop(self, one: Open) -> None:
        """It is not wanted any more: if it was begun, it is cut."""
        self.close(one)
        place = one.action.place
        if self.beginning.get(place) is one.action:
            del self.beginning[place]
        elif one.begun:
            self.cuts[place] = None

    def close(self, one: Open) -> None:
        """It has its answer."""
        if self._stands(one):
            del self._open[one.action.place]
            one.frame.opens.remove(one)
            if one.begun and one.action.kind not in _PARKED:
                self.busy -= 1

    def next_due(self) -> float | None:
        """The earliest due time."""
        while self._due and not self._stands(self._due[0][2]):
            heapq.heappop(self._due)
        if self.suspended:
            return min((due for due, _, one in self._due if one.begun and self._stands(one)), default=None)
        return self._due[0][0] if self._due else None

    def _begin(self, one: Open) -> None:
        one.begun = True
        self.beginning[one.action.place] = one.action
        if one.action.kind not in _PARKED:
            self.busy += 1

    def _stands(self, one: Open) -> bool:
        return self._open.get(one.action.place) is one


class RunMachine:
    """The state of a run, and the moves that change it; `omnicore.workflows.progress` says when."""

    def __init__(self, graph: WorkflowGraph, start: Start, perform: Callable[[Frame], Steps]) -> None:
        self.graph: WorkflowGraph = graph
        self.start: Start = start
        self.perform = perform
        self.at: float = start.at
        self.seq = 0
        self.effort = 0
        self.context: Any = seeds(start.trigger)[1]
        self.actions = OpenActions()
        self.ready: deque[tuple[Strand, Any, BaseException | None]] = deque()
        self.undo: list[Undo] = []
        self.finished: list[tuple[Strand, Any, BaseException | None]] = []
        self.rows: list[JournalEntry] = []
        self.recorded: Recorded | None = None
        """The rest of the journal while the run is taken up again: each row that is made is held against it."""
        self.tired: Callable[[], bool] = _never
        """True once a stretch of tasks has taken its time; asked before each task."""
        self.answers = JqAnswers()

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
        action = StepAction(kind, place, frame.node, attempt, key, value, due_at, scope or {})
        made = Open(action, frame, use, level)
        self.actions.add(made)
        return made

    # Rows.

    def row(
        self,
        frame: Frame,
        status: Any,
        *,
        output: Any = None,
        fault: Fault | None = None,
        result: StepResult | None = None,
        shown: Any = None,
    ) -> None:
        """A row about a task; with a result it is a fed one."""
        node = frame.node
        began_at = frame.began_at if result is None or result.began_at is None else result.began_at
        if result is not None and output is result.output:
            output = None
        self._next_seq()
        self._made(
            JournalEntry(
                self.seq, frame.place, node.path, node.name, node.kind, status, frame.tries.attempt, result is not None,
                self.at, began_at, frame.input if shown is None else shown, result, output, fault,
            )
        )  # fmt: skip

    def note(self, kind: str, status: Any, result: StepResult, node: Node, began_at: float) -> None:
        """A fed row about something that is no task's own answer: a timer, an event, what a person did."""
        self._next_seq()
        self._made(
            JournalEntry(
                self.seq, result.place, node.path, node.name, kind, status, result.attempt, True,
                self.at, began_at, None, result, None, result.fault,
            )
        )  # fmt: skip

    def mark(self, place: str) -> None:
        """A row that says: what follows from the last result goes on. The next host finds its place by it."""
        root = self.graph.root
        self.seq += 1
        self.rows.append(
            JournalEntry(
                self.seq, f"{place}/breath", root.path, root.name, "timer", "fired", 1, False, self.at, self.at
            )
        )  # fmt: skip

    def _next_seq(self) -> None:
        self.seq += 1
        if self.recorded is not None:
            self.seq = self.recorded.pass_marks(self.seq)

    def _made(self, entry: JournalEntry) -> None:
        if self.recorded is not None and self.recorded.holds(entry):
            return
        if self.recorded is not None:
            self.end_of_record()
        self.rows.append(entry)

    def end_of_record(self) -> None:
        """The journal has no more rows: what is open is to be begun, what was begun before it stopped is known."""
        recorded, self.recorded = self.recorded, None
        if recorded is None:
            return
        self.seq = max(self.seq, recorded.last)
        self.actions.beginning = {one.place: one for one in self.actions.begun()}
        self.actions.known = frozenset(self.actions.beginning) if recorded.begun is None else recorded.begun

    # Strands.

    def begin(self, strand: Strand, work: Steps) -> None:
        """A strand of nobody's: the run itself, or what undoes it. How it ends is told in `finished`."""
        strand.stack.append(work)
        self.ready.append((strand, None, None))

    def settle(self) -> Generator[Pause, Any, None]:
        """Everything that can go on does, one strand after the other, until all stand still."""
        while self.ready:
            strand, value, error = self.ready.popleft()
            if not strand.dead:
                yield from self._run(strand, value, error)

    def _run(self, strand: Strand, value: Any, error: BaseException | None) -> Generator[Pause, Any, None]:
        stack = strand.stack
        while stack:
            try:
                wish = stack[-1].send(value) if error is None else stack[-1].throw(error)
            except StopIteration as stop:
                stack.pop()
                value, error = stop.value, None
                continue
            except (Fault, WorkflowEnd) as raised:
                stack.pop()
                # What it has passed through would hold every frame alive for as long as its row.
                raised.__traceback__ = raised.__context__ = raised.__cause__ = None
                value, error = None, raised
                continue
            error = value = None
            if wish is None:
                return
            if type(wish) is Unanswered or wish is RESTING:
                value = yield wish
            elif type(wish) is not Join:
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
        """Ends the frames above a level of a strand's stack, innermost first, each task with a row."""
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
            self.actions.drop(frame.opens[-1])

    def innermost(self, strand: Strand) -> str:
        """The place of the task that a strand is at; of several strands side by side, the one of the first."""
        while strand.frames:
            frame = strand.frames[-1]
            if frame.join is None or not frame.join.children:
                return frame.place
            below = frame.join.children[min(frame.join.children)]
            if not below.frames:
                return frame.place
            strand = below
        return ""

    def interrupt(self, strand: Strand, level: int, fault: Fault) -> None:
        """Ends the frames above a level of a strand's stack, and raises a fault there."""
        self.unwind(strand, level)
        self.ready.append((strand, None, fault))


def _never() -> bool:
    return False
