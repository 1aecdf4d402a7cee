"""The progress of a run: a pure function of its graph and of the results so far; and the resume plan of a run.

A resume plan (`KeptRows`) names the rows that a new run takes over from another one: up to its failure, or from a
chosen step on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from omnicore.errors import JournalMismatch
from omnicore.jobs.engine import RunStatus
from omnicore.records import replace as changed
from omnicore.workflows.entries import JournalEntry, RunChange, RunOutcome, Start, StepAction, StepResult
from omnicore.workflows.expressions.expression import Answer, JqQuestion, Pause
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import evaluated_seconds
from omnicore.workflows.machine import Attempts, Frame, Open, Recorded, RunMachine, Steps, Strand, WorkflowEnd, answered
from omnicore.workflows.machine_tasks import MOST_EVENTS, admitted, handed_on, perform, placed, run_block

if TYPE_CHECKING:
    from omnicore.workflows.language.graph import WorkflowGraph


_NOTHING = RunChange()

Going: TypeAlias = Generator[Pause, Any, RunChange]
"""A change in the making: what it yields is a reason to stand still, and it is sent the answers."""


class Progress:
    """One run of a graph.

    Owns: its state, in memory of the live frames only, and the outputs by name that `$steps` shows. Not for several
    threads at once: results of one run are applied one after the other, on any thread.
    """

    def __init__(self, graph: WorkflowGraph, start: Start) -> None:
        self._machine = RunMachine(graph, start, perform)
        self._root = root_frame(self._machine)
        self._begun = False
        self._ending: RunOutcome | None = None
        self._undoing: Strand | None = None
        self._outcome: RunOutcome | None = None

    @property
    def status(self) -> RunStatus:
        """`running`, `waiting` (see `in_flight`), `suspended` or how it ended; `pending` before `begin` or `replay`."""
        if self._outcome is not None:
            return self._outcome.status
        if not self._begun:
            return "pending"
        if self._machine.actions.suspended:
            return "suspended"
        return "running" if self.in_flight else "waiting"

    @property
    def outcome(self) -> RunOutcome | None:
        """The end of the run; None while it goes on."""
        return self._outcome

    @property
    def seq(self) -> int:
        """The number of the last row."""
        return self._machine.seq

    @property
    def at(self) -> float:
        """The time of the last result, or of the start: durations count from there. Units: Unix seconds."""
        return self._machine.at

    @property
    def open(self) -> Sequence[StepAction]:
        """The actions that were begun and have no result yet, oldest first; what is cut is not among them.

        While the run is suspended, what waits for `resume` is not among them either.
        """
        return self._machine.actions.begun()

    @property
    def next_due(self) -> float | None:
        """Due time of the earliest open action: a timer fires, others fail with a timeout. Units: Unix seconds."""
        return self._machine.actions.next_due()

    @property
    def in_flight(self) -> bool:
        """True if anything but timers, listens, approvals and child runs is open: then the run cannot park."""
        return self._machine.actions.busy > 0

    @property
    def retaking(self) -> bool:
        """True while the run is being resumed and the end of its journal has not been reached."""
        return self._machine.recorded is not None

    @property
    def known(self) -> frozenset[str]:
        """Places of what was begun before the run was taken up again; the host before has done what that takes."""
        return self._machine.actions.known

    def stands_still(self, at_once: Callable[[JqQuestion], tuple[Answer] | None], tired: Callable[[], bool]) -> None:
        """Has changes in the making yield, instead of waiting for jq.

        Args:
            at_once: the answer to a question where it is at hand, alone in a tuple.
            tired: looked at before each task: whether others are to go on first.
        """
        self._machine.answers.at_once, self._machine.tired = at_once, tired

    def begin(self) -> RunChange:
        """The first rows and actions. Call it once, for a new run."""
        return _whole(self.beginning())

    def beginning(self) -> Going:
        """The same, in the making."""
        self._begun = True
        self._machine.begin(self._root.strand, workflow(self._root))
        return (yield from self._settled())

    def apply(self, result: StepResult) -> RunChange:
        """The consequences of a result. One for a place or attempt that is not open is late: the change is empty.

        The first row is the one that the result is fed from; rows after it follow from it.
        """
        return _whole(self.applying(result))

    def applying(self, result: StepResult) -> Going:
        """The same, in the making. Only a `cancel` may be applied while another change stands still, and ends that."""
        if self._outcome is not None or not self._begun:
            return _NOTHING
        self._machine.effort = 0
        if result.kind in ("cancel", "suspend", "resume"):
            taken = self._told(result)
        else:
            taken = yield from self._answered(result)
        return (yield from self._settled()) if taken else _NOTHING

    def so_far(self) -> RunChange | None:
        """The rows of an unfinished change so far, closed with a row that says so; None: nothing to write yet.

        What it gives in the end is the rest. The result that it follows from is in the first row.
        """
        if not self._machine.rows or self._machine.recorded is not None:
            return None
        self._machine.mark(self._root.place)
        return self._handed_out()

    def replay(self, entries: Iterable[JournalEntry]) -> RunChange:
        """Takes a run up again from its journal, in place of `begin`.

        The results of `fed` rows are applied in order of seq, and the rows that come out are held against those given.

        Returns: no rows but those that the journal did not have yet (none if each change was kept whole), the actions
            that are open now, and the outcome if it has ended.

        Raises: `JournalMismatch` for a row that comes out unlike the one that was kept.
        """
        return _whole(self.replaying(entries))

    def replaying(self, entries: Iterable[JournalEntry]) -> Going:
        """The same, in the making. The entries are read as it goes on."""
        machine = self._machine
        machine.recorded = recorded = Recorded(
            machine.start.run, entries, lambda: frozenset(one.place for one in machine.actions.begun())
        )
        change = yield from self.beginning()
        while machine.recorded is not None and (entry := recorded.fed()) is not None and entry.result is not None:
            change = yield from self.applying(entry.result)
            recorded.pass_fed(entry)
        if machine.recorded is None:
            return change
        machine.end_of_record()
        return self._handed_out()

    def _told(self, result: StepResult) -> bool:
        """A person has said something. False: it changes nothing."""
        machine, kind = self._machine, result.kind
        if kind != "cancel" and machine.actions.suspended is not (kind == "resume"):
            return False
        machine.at = result.at
        machine.note(kind, "received", result, machine.graph.root, result.at)
        if kind == "suspend":
            machine.actions.suspended = True
        elif kind == "resume":
            machine.actions.resume()
        elif self._undoing is not None:
            machine.actions.suspended = False
            machine.cut(self._undoing)
            machine.undo.clear()
            self._outcome = RunOutcome("cancelled")
        else:
            machine.actions.suspended = False
            machine.cut(self._root.strand)
            machine.clear(self._root)
            self._end(RunOutcome("cancelled"))
        return True

    def _answered(self, result: StepResult) -> Generator[Pause, Any, bool]:
        """Delivers an answer. False: nobody waits for it."""
        machine = self._machine
        one = machine.actions.get(result.place)
        if one is None or not one.begun or one.action.attempt != result.attempt:
            return False
        if one.use == "listen":
            return (yield from self._heard(one, result))
        if (result.kind == "fired") is not (one.action.kind == "timer") or result.kind == "event":
            return False
        machine.at = result.at
        machine.actions.close(one)
        if one.use == "step":
            machine.ready.append((one.frame.strand, result, None))
            return True
        machine.note("timer", "fired", result, one.action.node, one.asked_at)
        if one.use == "guard":
            detail = f"{one.action.node.name or 'the workflow'} took longer than it may"
            fault = Fault("timeout", 408, "Timed out", detail, one.frame.place or machine.innermost(one.frame.strand))
            machine.interrupt(one.frame.strand, one.level, fault)
        else:
            machine.ready.append((one.frame.strand, None, None))
        return True

    def _heard(self, one: Open, result: StepResult) -> Generator[Pause, Any, bool]:
        """An event has come for a `listen`, or the listening has failed."""
        machine, strand, node = self._machine, one.frame.strand, one.action.node
        before, machine.at = machine.at, result.at
        if result.kind == "failed":
            machine.actions.close(one)
            if one.wanted:
                machine.ready.append((strand, result, None))
            else:
                machine.note("listen", "faulted", result, node, one.asked_at)
                machine.interrupt(strand, one.frame.level + 1, result.fault or Fault("runtime", 500))
            return True
        fault: Fault | None = None
        try:
            event = result.kind == "event" and isinstance(result.output, Mapping)
            heard = (yield from answered(machine, partial(one.hearing.hear, result.output))) if event else "no"
        except Fault as raised:
            heard, fault = "taken", raised
        if heard == "no":
            machine.at = before
            return False
        machine.note("listen", "received", result, node, one.asked_at)
        if len(one.events) >= MOST_EVENTS:
            fault = Fault("runtime", 500, "Too many events", f"over {MOST_EVENTS} wait for the ones before them")
        if fault is not None:
            machine.interrupt(strand, one.frame.level + 1, fault)
            return True
        if heard == "taken":
            one.events.append(result.output)
        if one.hearing.over:
            machine.actions.drop(one)
        if one.wanted:
            one.wanted = False
            machine.ready.append((strand, None, None))
        return True

    def _settled(self) -> Going:
        """All that follows follows; then what came of it is handed out."""
        machine = self._machine
        yield from machine.settle()
        while machine.finished:
            strand, output, error = machine.finished.pop()
            if strand is self._root.strand:
                self._end(
                    RunOutcome("faulted", fault=error) if isinstance(error, Fault) else RunOutcome("completed", output)
                )
            else:
                self._outcome = self._ending
            yield from machine.settle()
        return self._handed_out()

    def _handed_out(self) -> RunChange:
        machine = self._machine
        actions = machine.actions
        change = RunChange(tuple(machine.rows), tuple(actions.beginning.values()), tuple(actions.cuts), self._outcome)
        machine.rows, actions.beginning, actions.cuts = [], {}, {}
        return change

    def _end(self, outcome: RunOutcome) -> None:
        """The run has come to its end, but for what there is to undo."""
        machine = self._machine
        self._ending = outcome
        if outcome.status == "completed" or not machine.undo:
            self._outcome = outcome
            return
        self._undoing = strand = Strand(machine, self._root.strand)
        machine.begin(strand, undo(machine, strand))


def _whole(going: Going) -> RunChange:
    """The change, of a run that never stands still."""
    try:
        next(going)
    except StopIteration as stop:
        change: RunChange = stop.value
        return change
    raise RuntimeError("the run stands still, and nobody answers")


_UNDOING = "/host/compensate/"
_TASK = re.compile(r"(?:/undo/\d+)?/host/compensate/.*$")
_TIMER = re.compile(r"/(?:timeout|attempt|retry|breath)$")
_STEP = re.compile(r"(?P<branch>/fork/branches/\d+/[^/]+)|(?P<round>/for/\d+)(?=/do/)|/[a-z]+/\d+/[^/]+|/[^/]+")
_VISIT = re.compile(r"~(?:[2-9]|[1-9]\d+)$")


class JournalRow(Protocol):
    """The columns of a journal row that a resume plan needs."""

    @property
    def seq(self) -> int: ...
    @property
    def place(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def fed(self) -> object: ...


@dataclass(frozen=True, slots=True, order=True)
class Lost:
    """The rows at and below a place from a number on. `late`: those too that follow from a row which is kept."""

    unit: str
    start: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The first `until` rows, `without` some. What was not fed goes with the row that it follows from."""

    until: int
    without: tuple[Lost, ...] = ()

    def sieve(self) -> Callable[[int, str, bool], bool]:
        """Tells of each row in turn, by number, place and whether it was fed, whether it is among them."""
        origin = True

        def among(seq: int, place: str, fed: bool) -> bool:
            nonlocal origin
            mine = [one for one in self.without if seq >= one.start and _is_in(place, one.unit)]
            origin = not mine if fed else origin
            return origin and seq <= self.until and not any(one.late for one in mine)

        return among


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row as it is remembered. `began`: the number of the fed row that it follows from, its own if it is one."""

    seq: int
    began: int
    place: str
    path: str
    kind: str
    status: str

    @property
    def fed(self) -> bool:
        return self.began == self.seq

    @property
    def late(self) -> str | None:
        """The task whose time was over, where that is what the row says; empty: the whole run's was."""
        found = self.status == "fired" and self.place.endswith(("/timeout", "/attempt"))
        return _TIMER.sub("", self.place) if found else None


def taken_over(
    rows: Iterable[JournalRow],
    place: str | None = None,
    *,
    status: str = "faulted",
    parallel: Callable[[str], bool] = lambda path: False,
) -> KeptRows | None:
    """The rows that a run keeps which goes on where this one failed, or before `place`; None: nothing happened there.

    A failure that was caught and gone on from is kept; that of a `catch` which raises an error itself is not, what it
    has caught is tried again. What a task had done that was undone since is done again, with all that followed from it;
    unless it was the undoing that failed, which then goes on. A block whose time was over begins anew.

    Args:
        status: how the run ended.
        parallel: whether the rounds of the loop at a path run side by side.
    """
    main, undoing = _seen(rows)
    if place is None and (failed := next((row for row in reversed(undoing) if row.status == "faulted"), None)):
        return KeptRows(_again(undoing, failed).start - 1)
    until, lost = _before_the_end(main, status)
    starts = {(_TASK.sub("", row.place), 0) for row in undoing}
    starts = {(task, _first_in(main, task)) for task, _ in starts}
    if place is not None:
        first = next((row for row in main if _is_in(row.place, place) or row.path == place), None)
        if first is None:
            return None
        starts.add((first.place if first.path == place else place, first.seq))
    lost |= {one for task, start in starts for one in _strands(main, task, start, until, parallel)}
    taken = KeptRows(until, tuple(sorted(lost)))
    among = taken.sieve()
    last = max((row.seq for row in main if among(row.seq, row.place, row.fed)), default=0)
    return KeptRows(last, tuple(one for one in taken.without if one.start <= last))


def checked(
    taken: KeptRows, graph: WorkflowGraph, start: Start, entries: Callable[[], Iterable[JournalEntry]]
) -> KeptRows:
    """The same, or, where what is kept would not follow without what is lost, the rows before the first lost one.

    A strand can have gone another way because of what another one put into the context, or have waited for its end.
    """
    if not taken.without:
        return taken
    try:
        Progress(graph, start).replay(kept_entries(taken, entries()))
    except JournalMismatch:
        return KeptRows(min(one.start for one in taken.without) - 1)
    return taken


def kept_entries(taken: KeptRows, entries: Iterable[JournalEntry]) -> Iterator[JournalEntry]:
    """The entries among some that are taken over, numbered anew."""
    seq, among = 0, taken.sieve()
    for entry in entries:
        if entry.seq > taken.until:
            return
        if among(entry.seq, entry.place, entry.fed):
            seq += 1
            yield changed(entry, seq=seq)


def _seen(rows: Iterable[JournalRow]) -> tuple[list[_Seen], list[_Seen]]:
    """The rows of the run itself, and those that undo; nothing else comes once the undoing has begun."""
    main: list[_Seen] = []
    undoing: list[_Seen] = []
    paths: dict[str, str] = {}  # a loop has many rows of few paths
    began = 0
    for row in rows:
        began = began if row.fed is None else row.seq
        one = _Seen(row.seq, began, row.place, paths.setdefault(row.path, row.path), row.kind, row.status)
        if _UNDOING in row.path:
            undoing.append(one)
        elif not undoing:
            main.append(one)
    return main, undoing


def _before_the_end(main: Sequence[_Seen], status: str) -> tuple[int, set[Lost]]:
    """The number of rows before the end of the run, and the failed tasks, to be tried again."""
    if not main or status == "completed":
        return (main[-1].seq if main else 0), set()
    failed = _cause(main, len(main) - 1)
    if status == "faulted" and failed is not None:
        return failed.seq - 1, {_again(main, failed)}
    first = next((row for row in main if row.seq == main[-1].began), main[0])
    if first.kind == "cancel" or first.late is not None:
        return first.seq - 1, set()
    return main[-1].seq, set()


def _cause(rows: Sequence[_Seen], index: int) -> _Seen | None:
    """The innermost task whose failure led to a row, within what followed from one result."""
    found: _Seen | None = None
    for row in reversed(rows[: index + 1]):
        if row.began != rows[index].began:
            break
        if row.status == "cancelled":
            continue
        if row.status not in ("faulted", "retried") or (found is not None and not _is_in(row.place, found.place)):
            break
        found = row
    return found


def _again(rows: Sequence[_Seen], failed: _Seen) -> Lost:
    """The task to try again, and its first row: the outermost task with attempts, all of which are made afresh."""
    caught = _caught(failed.place)
    if caught is not None and not failed.fed:  # it was raised there: what was caught comes first
        inner = [row for row in rows if row.status == "faulted" and row.fed and _is_in(row.place, f"{caught}/try")]
        again = _again(rows, inner[-1]) if inner else Lost(caught, _first_in(rows, caught))
        return replace(again, unit=caught) if _is_in(again.unit, caught) else again
    around = [
        (index, row)
        for index, row in enumerate(rows)
        if row.status == "retried"
        and _is_in(failed.place, row.place)
        and not _is_in(failed.place, f"{row.place}/catch")
    ]
    if not around:
        return _unless_late(rows, failed.place, failed)
    index, row = min(around, key=lambda one: (len(one[1].place), one[0]))
    return _unless_late(rows, row.place, _cause(rows, index) or row)


def _unless_late(rows: Sequence[_Seen], task: str, failed: _Seen) -> Lost:
    """A failure's own row; or the first one of the block whose time was over, for that time would be over again."""
    first = next((row for row in rows if row.seq == failed.began), failed)
    late = first.late
    return Lost(task, failed.seq if not late or not _is_in(late, task) else _first_in(rows, late))


def _strands(
    rows: Sequence[_Seen], task: str, start: int, until: int, parallel: Callable[[str], bool]
) -> Iterator[Lost]:
    """Rows lost with a task from a row on: all later ones of its strand, and of strands that waited for its end."""
    late = False
    while True:
        strand, owner = _strand(task, parallel)
        yield Lost(strand, start, late)
        above = [row for row in rows if row.place and start < row.seq <= until]
        beyond = [row for row in above if _is_above(_TIMER.sub("", row.place), strand)]
        if not strand or not beyond:
            return
        ended = len(beyond) == 1 and beyond[0].status == "completed" and beyond[0].place == owner
        task, start, late = owner, beyond[0].seq if ended else start, ended


def _strand(task: str, parallel: Callable[[str], bool]) -> tuple[str, str]:
    """The branch or round that a task is in, and the task that began it; empty: the run itself."""
    strand = owner = place = path = ""
    for step in _STEP.finditer(task):
        if step["branch"] or (step["round"] and parallel(path)):
            strand, owner = place + step[0], place
        place += step[0]
        path += "" if step["round"] else _VISIT.sub("", step[0])
    return strand, owner


def _caught(place: str) -> str | None:
    """The innermost `try` whose `catch` a place is in."""
    found, before = None, ""
    for step in _STEP.finditer(place):
        found = before if step[0] == "/catch" else found
        before += step[0]
    return found


def _first_in(rows: Sequence[_Seen], task: str) -> int:
    return next((row.seq for row in rows if _is_in(row.place, task)), 1)


def _is_in(place: str, task: str) -> bool:
    return place == task or place.startswith(f"{task}/")


def _is_above(place: str, task: str) -> bool:
    return place != task and task.startswith(f"{place}/")


def root_frame(machine: RunMachine) -> Frame:
    """The frame of the workflow itself, on a strand of its own."""
    root = machine.graph.root
    return Frame(Strand(machine), root, "", machine.start.input, {}, Attempts(), 0)


_INPUT, _TIMEOUT, _OUTPUT = "/input", "/timeout", "/output"
"""Places of the faults that come up outside of all tasks."""


def workflow(frame: Frame) -> Steps:
    """The output of the workflow. Raises: Fault."""
    machine, data, part = frame.strand.machine, frame.node.data, _INPUT
    try:
        frame.input = yield from answered(machine, partial(admitted, data, frame.raw, frame.scope))
        if machine.graph.timeout_s is not None:
            part = _TIMEOUT
            limit = partial(evaluated_seconds, machine.graph.timeout_s, frame.input, frame.scope)
            due_at = machine.at + (yield from answered(machine, limit))
            machine.ask(frame, "timer", place=f"{frame.place}/timeout", due_at=due_at, use="guard")
        block = machine.graph.root.block
        try:
            output = yield run_block(frame, frame.strand, block, frame.input, frame.place, {}, len(frame.place))
        except WorkflowEnd as end:
            output = end.output
        part = _OUTPUT
        output = yield from answered(machine, partial(handed_on, frame, data, output, frame.scope))
    except Fault as fault:
        error = placed(fault, part)
    else:
        machine.clear(frame)
        return output
    machine.clear(frame)
    raise error


def undo(machine: RunMachine, strand: Strand) -> Steps:
    """Undoes completed tasks, the latest first. An error ends the undoing of that one task only: it has a row."""
    seen: Counter[str] = Counter()
    while machine.undo:
        one = machine.undo.pop()
        seen[one.place] += 1
        prefix = one.place if seen[one.place] == 1 else f"{one.place}/undo/{seen[one.place]}"
        names = {**one.names, "input": one.input, "output": one.output}
        frame = Frame(strand, one.node, prefix, one.output, names, Attempts(), one.depth)
        try:
            yield run_block(frame, strand, one.node.compensate or (), one.output, prefix, names)
        except (Fault, WorkflowEnd):
            continue
