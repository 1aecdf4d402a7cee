"""Progress of a run: a pure function of its graph and of the results so far.

`Progress` turns results into rows of the journal and into wishes. It has no clock, no randomness and does nothing
itself: the runner keeps the rows, begins the actions once they are kept, and brings what came of them.

    progress = Progress(graph, start)
    change = progress.begin()
    while progress.outcome is None:
        ...keep change.entries, stop what is in change.cut, then begin change.begin; for one result after the other:
        change = progress.apply(result)

What is cut comes before what begins: a place that is retried can be in both. An open `listen` stays open from event to
event, until its place is in `cut`. Places beyond those of tasks are timers': `/timeout`, `/retry`, `/attempt` and
`/breath` below the place they belong to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from omnicore.errors import JournalMismatch
from omnicore.workflows.entries import Action, Change, Entry, Fault, Outcome, Result, Start, Status
from omnicore.workflows.flow.listening import MOST_EVENTS
from omnicore.workflows.flow.machine import Machine, Open, Strand
from omnicore.workflows.flow.tasks import perform
from omnicore.workflows.flow.whole import root_frame, undo, workflow
from omnicore.workflows.graph import Graph

__all__ = ["Progress"]

_NOTHING = Change()


class Progress:
    """One run of a graph.

    Owns: its state, in memory of the live frames only, and the outputs by name that `$steps` shows. Not for several
    threads at once: results of one run are applied one after the other, on any thread.
    """

    def __init__(self, graph: Graph, start: Start) -> None:
        self._machine = Machine(graph, start, perform)
        self._root = root_frame(self._machine)
        self._begun = False
        self._ending: Outcome | None = None
        self._outcome: Outcome | None = None

    @property
    def status(self) -> Status:
        """`running`, `waiting` (see `in_flight`), `suspended` or how it ended; `pending` before `begin` or `replay`."""
        if self._outcome is not None:
            return self._outcome.status
        if not self._begun:
            return "pending"
        if self._machine.suspended:
            return "suspended"
        return "running" if self.in_flight else "waiting"

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; None while it goes on."""
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
    def open(self) -> Sequence[Action]:
        """The actions that were begun and have no result yet, oldest first; what is cut is not among them.

        While the run is suspended, what waits for `resume` is not among them either.
        """
        return [one.action for one in self._machine.open.values() if one.begun]

    @property
    def next_due(self) -> float | None:
        """When the earliest open action is due: a timer fires, another fails with a timeout. Units: Unix seconds."""
        return self._machine.next_due()

    @property
    def in_flight(self) -> bool:
        """Whether anything is open other than timers, listens, approvals and child runs: then the run cannot park."""
        return self._machine.busy > 0

    def begin(self) -> Change:
        """The first rows and actions. Call it once, for a new run."""
        self._begun = True
        self._machine.begin(self._root.strand, workflow(self._root))
        return self._settled()

    def apply(self, result: Result) -> Change:
        """What follows from a result. One for a place or attempt that is not open is late: the change is empty.

        The first row is the one that the result is fed from; rows after it follow from it.
        """
        if self._outcome is not None or not self._begun:
            return _NOTHING
        self._machine.effort = 0
        taken = self._told(result) if result.kind in ("cancel", "suspend", "resume") else self._answered(result)
        return self._settled() if taken else _NOTHING

    def replay(self, entries: Iterable[Entry]) -> Change:
        """Takes a run up again from its journal, in place of `begin`.

        The results of `fed` rows are applied in order of seq, and the rows that come out are held against those given.

        Returns: no rows but those that the journal did not have yet (none if each change was kept whole), the actions
            that are open now, and the outcome if it has ended.

        Raises: `JournalMismatch` for a row that comes out unlike the one that was kept.
        """
        made = deque(self.begin().entries)
        for entry in entries:
            if not made and entry.fed and entry.result is not None:
                made.extend(self.apply(entry.result).entries)
            again = made.popleft() if made else None
            if again is None or (again.seq, again.place, again.kind) != (entry.seq, entry.place, entry.kind):
                raise _mismatch(self._machine.start.run, entry, again)
        return Change(tuple(made), tuple(self.open), (), self._outcome)

    def _told(self, result: Result) -> bool:
        """A person has said something. False: it changes nothing."""
        machine, kind = self._machine, result.kind
        if not (self._ending is None if kind == "cancel" else machine.suspended is (kind == "resume")):
            return False
        machine.at = result.at
        machine.note(kind, "received", result, machine.graph.root, result.at)
        if kind == "suspend":
            machine.suspended = True
        elif kind == "resume":
            machine.resume()
        else:
            machine.suspended = False
            machine.cut(self._root.strand)
            machine.clear(self._root)
            self._end(Outcome("cancelled"))
        return True

    def _answered(self, result: Result) -> bool:
        """What was asked for has come. False: nobody waits for it."""
        machine = self._machine
        one = machine.open.get(result.place)
        if one is None or not one.begun or one.action.attempt != result.attempt:
            return False
        if one.use == "listen":
            return self._heard(one, result)
        if (result.kind == "fired") is not (one.action.kind == "timer") or result.kind == "event":
            return False
        machine.at = result.at
        machine.close(one)
        if one.use == "step":
            machine.ready.append((one.frame.strand, result, None))
            return True
        machine.note("timer", "fired", result, one.action.node, one.asked_at)
        if one.use == "guard":
            detail = f"{one.action.node.name or 'the workflow'} took longer than it may"
            fault = Fault("timeout", 408, "Timed out", detail, one.frame.place)
            machine.interrupt(one.frame.strand, one.level, fault)
        else:
            machine.ready.append((one.frame.strand, None, None))
        return True

    def _heard(self, one: Open, result: Result) -> bool:
        """An event has come for a `listen`, or the listening has failed."""
        machine, strand, node = self._machine, one.frame.strand, one.action.node
        before, machine.at = machine.at, result.at
        if result.kind == "failed":
            machine.close(one)
            if one.wanted:
                machine.ready.append((strand, result, None))
            else:
                machine.note("listen", "faulted", result, node, one.asked_at)
                machine.interrupt(strand, one.frame.level + 1, result.fault or Fault("runtime", 500))
            return True
        fault: Fault | None = None
        try:
            event = result.kind == "event" and isinstance(result.output, Mapping)
            heard = one.hearing.hear(result.output) if event else "no"
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
            machine.drop(one)
        if one.wanted:
            one.wanted = False
            machine.ready.append((strand, None, None))
        return True

    def _settled(self) -> Change:
        """All that follows follows; then what came of it is handed out."""
        machine = self._machine
        machine.settle()
        while machine.finished:
            strand, output, error = machine.finished.pop()
            if strand is self._root.strand:
                self._end(Outcome("faulted", fault=error) if isinstance(error, Fault) else Outcome("completed", output))
            else:
                self._outcome = self._ending
            machine.settle()
        change = Change(tuple(machine.rows), tuple(machine.beginning.values()), tuple(machine.cuts), self._outcome)
        machine.rows, machine.beginning, machine.cuts = [], {}, {}
        return change

    def _end(self, outcome: Outcome) -> None:
        """The run has come to its end, but for what there is to undo."""
        machine = self._machine
        self._ending = outcome
        if outcome.status == "completed" or not machine.undo:
            self._outcome = outcome
            return
        strand = Strand(machine, self._root.strand)
        machine.begin(strand, undo(machine, strand))


def _mismatch(run: str, kept: Entry, made: Entry | None) -> JournalMismatch:
    what = f"row {made.seq} at {made.place}" if made is not None else "no row"
    return JournalMismatch(
        f"row {kept.seq} of run {run} is at {kept.place or 'the run'} in its journal, its definition gives {what}",
        remedy="one of them was changed from outside: restore it, or cancel the run and start it anew",
        run=run,
        seq=kept.seq,
    )
