"""A live run: its progress in memory, the inbox of signals and results, and its open actions.

`Telling` publishes changes of runs and steps on the event bus, without values.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from omnicore.errors import OmniError
from omnicore.jobs.engine import ENDED, NewRun
from omnicore.records import Record, replace
from omnicore.storage.tables.workflow_triggers import WaitRow
from omnicore.workflows.entries import JournalEntry, RunChange, RunContext, RunOutcome, StepAction, StepResult
from omnicore.workflows.expressions.expression import Pause
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal_records import Signal
from omnicore.workflows.language.graph import ApprovalTask, ListenTask, WorkflowGraph
from omnicore.workflows.language.triggers import all_filters, wait_correlation
from omnicore.workflows.machine_tasks import placed
from omnicore.workflows.steps.step import hops_of, marked

if TYPE_CHECKING:
    import asyncio

    from omnicore.clock import Clock
    from omnicore.events.bus import EventBus
    from omnicore.workflows.progress import Going, Progress


REGISTERED = frozenset({"listen", "approval"})
"""Kinds of actions that are rows for others to find."""


def waits_of(
    run: str, graph: WorkflowGraph, begun: Iterable[StepAction], now: float, secrets: Mapping[str, str] | None = None
) -> tuple[WaitRow, ...]:
    """The waits of the actions that begin.

    Args: secrets: placeholder by name, as `Start.secrets`: people are shown the name, and cannot send the other back.
    """
    return tuple(_wait(run, graph, one, now, secrets or {}) for one in begun if one.kind in REGISTERED)


def _wait(run: str, graph: WorkflowGraph, action: StepAction, now: float, secrets: Mapping[str, str]) -> WaitRow:
    approval = action.kind == "approval"
    held = marked(asked(action), secrets) if approval else dict(action.scope)
    return WaitRow(
        run,
        action.place,
        "approval" if approval else "event",
        key=f"{graph.digest}#{action.node.path}",
        correlation=_correlation(action),
        data=json.dumps(held, ensure_ascii=False, separators=(",", ":")),
        due_at=action.due_at,
        at=now,
    )


def _correlation(action: StepAction) -> str:
    return wait_correlation(all_filters(action.node), action.scope) if isinstance(action.node, ListenTask) else ""


def correlates(action: StepAction) -> bool:
    """True if expressions are needed to write down who waits."""
    return isinstance(action.node, ListenTask) and any(one.correlate for one in all_filters(action.node))


def drops_of(entries: Iterable[JournalEntry], cut: Iterable[str], waits: Iterable[WaitRow]) -> tuple[str, ...]:
    """The places whose waits are over: what was waited for came, or is not wanted any more."""
    over = {one.place for one in entries if one.kind in REGISTERED and one.status != "received"} | set(cut)
    return tuple(over.difference(one.place for one in waits)) if over else ()


def asked(action: StepAction) -> dict[str, Any]:
    """The content of an approval: title and text from the run's data, the form and the role that decides."""
    node, value = action.node, action.value
    shown: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    found: dict[str, Any] = {"title": str(shown.get("title") or action.node.name), "text": str(shown.get("text") or "")}
    if isinstance(node, ApprovalTask):
        found |= {"form": dict(node.form), "role": node.role}
    return found


def result_of(signal: Signal, open_: Mapping[str, StepAction], now: float) -> StepResult | None:
    """The result that a signal is for the run it came to; None: its place does not wait any more."""
    match signal.kind:
        case "cancel" | "suspend" | "resume" as kind:
            return StepResult(kind, "", 0, now, output=signal.data)
    action = open_.get(signal.place)
    if action is None:
        return None
    place, attempt = action.place, action.attempt
    if signal.kind == "event":
        return StepResult("event", place, attempt, now, output=signal.data)
    if signal.kind == "approval":
        by = {"by": signal.data.get("by", "")} if isinstance(signal.data, Mapping) else {}
        return StepResult("done", place, attempt, now, output=signal.data, meta=by)
    ended = signal.data if isinstance(signal.data, Mapping) else {}
    meta = {"run": ended.get("run", "")}
    if ended.get("status") == "completed":
        return StepResult("done", place, attempt, now, output=ended.get("output"), meta=meta)
    fault = ended.get("fault") or {"type": "runtime", "status": 500, "title": f"the run was {ended.get('status')}"}
    inside = {"run": meta["run"], "inside": fault["instance"]} if fault.get("instance") else {}
    told = Fault.of({**fault, **inside, "instance": place})  # a place of its own document, not of the child's
    return StepResult("failed", place, attempt, now, fault=told, meta=meta)


def late(action: StepAction, now: float) -> StepResult:
    """The result of an action whose time is over."""
    if action.kind == "timer":
        return StepResult("fired", action.place, action.attempt, now)
    fault = Fault("timeout", 408, "Time is over", "it was not done in its time", instance=action.place)
    return StepResult("failed", action.place, action.attempt, now, fault=fault)


def failed(action: StepAction, fault: Fault, now: float) -> StepResult:
    """The result of an action that cannot be begun."""
    return StepResult("failed", action.place, action.attempt, now, fault=fault)


def broken(error: BaseException, place: str = "") -> RunOutcome:
    """The end of a run that cannot go on: its journal and graph differ, a value is too large, or progress failed.

    Args: place: the step that it was at; one that the error names comes first.
    """
    if isinstance(error, Fault):
        return RunOutcome("faulted", fault=placed(error, place))
    detail = str(error)[:2000] or type(error).__name__
    named = error.details.get("place") if isinstance(error, OmniError) else None
    return RunOutcome("faulted", fault=Fault("runtime", 500, "The run cannot go on", detail, str(named or place)))


_MOST_AT_ONCE = 256
_SETTLING = frozenset({"done", "failed", "fired"})


class Came(Record, frozen=True):
    """A result of what was done here, and the events that go out with it."""

    result: StepResult
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True)
class Step:
    """Consequences of one or more results, to be written in one transaction."""

    entries: list[JournalEntry] = field(default_factory=list)
    begin: list[StepAction] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    outcome: RunOutcome | None = None
    taken: list[str] = field(default_factory=list)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    known: frozenset[str] = frozenset()
    """Places where it began before the run was taken up again: who waits there is written already."""
    again: bool = False
    """It may be that it was, so runs are begun under a key: those of a fork, and of a run that has no row yet."""

    def add(self, change: RunChange) -> Step:
        """Adds a change. What a later result cuts is not begun at all."""
        self.entries += change.entries
        if change.cut:
            gone = set(change.cut)
            self.begin = [one for one in self.begin if one.place not in gone]
            self.cut += change.cut
        self.begin += change.begin
        self.outcome = change.outcome or self.outcome
        return self


Stretch: TypeAlias = Generator[Pause, Any, Step]
"""Work of a run until it waits; it yields for an answer, or to let others go first."""


class LiveRun:
    """One run on this host. Belongs to the host's event loop; `progress` is used by one thread at a time."""

    __slots__ = (
        "back_s",
        "began",
        "busy",
        "children",
        "context",
        "graph",
        "halted",
        "hands",
        "heavy",
        "id",
        "idle_since",
        "inbox",
        "known",
        "made",
        "moved",
        "open",
        "over",
        "place",
        "priority",
        "progress",
        "result",
        "retaken",
        "tasks",
        "timed",
    )

    def __init__(
        self, context: RunContext, graph: WorkflowGraph, progress: Progress, priority: int, began: float
    ) -> None:
        self.id = context.run
        self.context, self.graph, self.progress = context, graph, progress
        self.priority, self.began = priority, began
        self.inbox: deque[Came | Signal] = deque()
        self.open: dict[str, StepAction] = {}
        """Actions without a result yet, by place."""
        self.children: dict[str, str] = {}
        """Runs that were begun and are waited for, by place."""
        self.tasks: dict[str, ActionWork] = {}
        """Actions under way on this host, by place."""
        self.hands: ActionWork | None = None
        """Work that continues the run, and can do the next action at once."""
        self.timed: dict[str, int] = {}
        """Attempts whose time is set, by place."""
        self.known: set[str] = set()
        """Signals that were taken up and are not gone from the table yet."""
        self.moved = ""
        """This host, where it has the run from one that was lost, until a row says so."""
        self.place = ""
        """The task of the latest row, or of what came last."""
        self.made = Step()
        """Consequences of the stretch under way that are not kept yet."""
        self.heavy = self.retaken = False
        """Its last stretch took long; the one under way takes it up again from its journal."""
        self.result: StepResult | None = None
        """Result that it follows from, until something of it was handed on."""
        self.halted: asyncio.Future[None] | None = None
        """Done when the run is not to wait for answers any longer, while it waits for some."""
        self.busy = False
        self.over = False
        """It has ended, was parked or lost: nothing that comes is for it any more."""
        self.idle_since: float | None = None
        self.back_s = 0.0
        """Time by which the clock went back behind the latest that the run has seen."""

    @property
    def next_due(self) -> float | None:
        """The earliest time at which it has something to do. Units: Unix seconds."""
        due = self.progress.next_due
        return None if due is None else due - self.back_s

    def first(self) -> Stretch:
        """Begins. Raises: whatever `Progress` does."""
        # A run that begins again because its host died has no row yet, but may have begun runs before that.
        self.made = Step(again=True)
        return (yield from self._through(self.progress.beginning(), None))

    def replay(self, rows: Iterable[JournalEntry], *, forked: bool) -> Stretch:
        """Goes on from where the journal ends. Raises: whatever `Progress` does."""
        self.made, self.retaken = Step(again=forked), not forked
        change = yield from self.progress.replaying(rows)
        self._add(change)
        self.retaken = False
        return self.made

    def advance(self, now: float) -> Stretch:
        """Applies what came, in its order. Raises: whatever `Progress` does."""
        self.made = Step()
        for _ in range(min(len(self.inbox), _MOST_AT_ONCE)):
            came = self.inbox.popleft()
            yield from self._apply(came, now)
            if self.made.outcome is not None:
                break
        return self.made

    def _apply(self, came: Came | Signal, now: float) -> Stretch:
        result: StepResult | None
        if isinstance(came, Came):
            result = came.result
            self.made.events += came.events
        else:
            result = result_of(came, self.open, now)
            self.made.taken.append(came.id)
        if result is None:
            return self.made
        self.place = result.place or self.place
        if self.moved:
            result = replace(result, meta={**result.meta, "taken_over_by": self.moved})
        return (yield from self._through(self.progress.applying(result), result))

    def _through(self, going: Going, result: StepResult | None) -> Stretch:
        self.result = result
        change = yield from going
        self._add(change)
        return self.made

    def _add(self, change: RunChange) -> None:
        if change.entries and self.result is not None:
            self.moved = ""
        self.made.add(change)
        self.place = next((one.place for one in reversed(change.entries) if one.place), self.place)
        self.note(self.result, change)
        self.result = None
        if self.retaken:
            self.made.known = self.progress.known

    def so_far(self) -> Step | None:
        """The result so far of the current stretch, to be written before it goes on; None: nothing yet."""
        change = self.progress.so_far()
        if change is None:
            return None
        self._add(change)
        made, self.made = self.made, Step(again=self.made.again)
        return made

    @property
    def cancelled(self) -> Signal | None:
        """The signal of a cancellation that can be applied in the middle of a stretch."""
        if not self.inbox or (self.progress.retaking and not self._ends_alone()):
            return None
        return next((one for one in self.inbox if isinstance(one, Signal) and one.kind == "cancel"), None)

    def cancel(self, now: float) -> Stretch | None:
        """Ends the run in the middle of a stretch, where somebody has cancelled it; None: nobody has."""
        signal = self.cancelled
        if signal is None:
            return None
        self.inbox.remove(signal)
        if self.result is not None:
            self.open.pop(self.result.place, None)
        self.retaken = False
        return self._ended_early(signal) if self.progress.retaking else self._apply(signal, now)

    def _ends_alone(self) -> bool:
        """True if nothing has to be undone at its end, and nobody has to be told that it waits no longer."""
        nodes = self.graph.nodes.values()
        return not any(node.compensate or node.kind in ("listen", "approval") for node in nodes)

    def _ended_early(self, signal: Signal) -> Stretch:
        """The end of a run that is being taken up again: its rows stay as they are."""
        self.made = Step(taken=[signal.id], outcome=RunOutcome("cancelled"))
        yield from ()
        return self.made

    def note(self, result: StepResult | None, change: RunChange) -> None:
        """Keeps `open` in step with a change."""
        if result is not None and result.kind in _SETTLING:
            action = self.open.get(result.place)
            if action is not None and action.attempt == result.attempt:
                del self.open[result.place]
                self.children.pop(result.place, None)
        for entry in change.entries:
            if entry.kind == "listen" and entry.status != "received":
                self.open.pop(entry.place, None)
        for place in change.cut:
            self.open.pop(place, None)
        for action in change.begin:
            self.open[action.place] = action


def resting(runs: Iterable[LiveRun], clock: Clock, park_s: float, most: int | None) -> list[LiveRun]:
    """Runs that have had nothing to do for `park_s` and will not for as long; the `most` that rest longest at once."""
    now, moment = clock.now(), clock.monotonic()
    enough_s = park_s if most is None else 0.0
    found: list[tuple[float, LiveRun]] = []
    for live in runs:
        if live.busy or live.inbox or live.idle_since is None or moment - live.idle_since < enough_s:
            continue
        due = live.next_due
        if due is not None and live.progress.at > now:
            continue  # the clock was set back: taken up again, it would wait from the beginning
        if due is None or due > now + park_s:
            found.append((live.idle_since, live))
    found.sort(key=lambda one: one[0])
    return [live for _, live in found[:most]]


class ActionWork:
    """An action that was begun, or that its task begins next, and the task that does it."""

    __slots__ = ("action", "expired", "following", "live", "task")

    def __init__(self, live: LiveRun, action: StepAction) -> None:
        self.live, self.action = live, action
        self.task: asyncio.Task[None] | None = None
        self.following: StepAction | None = None
        """Next action of the task."""
        self.expired = False
        """It took longer than it may."""

    def cut(self) -> bool:
        """Cuts the action; True: it was not begun, and nothing else tells of its end."""
        if self.following is not None:
            self.following = None
            return True
        if self.task is not None:
            self.task.cancel()
        return False


class Children(Protocol):
    """Makes the runs that `run` tasks begin."""

    async def order(self, live: LiveRun, action: StepAction) -> NewRun:
        """The run to begin. Raises: OmniError: it cannot be begun."""

    async def told(self, run: str, place: str) -> bool:
        """True if the end of a run that was begun at a place waits to be taken."""

    async def begun(self, run: str) -> Mapping[str, str]:
        """The runs that a run began and waits for, by place."""


class Telling:
    """Publishes `workflow.run.<status>` and `workflow.approval.asked` or `.over`, and `workflow.step.<status>` while
    somebody listens to topics of workflows.

    `ended` is told the workflow of each run that ended, and `emitted` that the inbox has events.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self.ended: Callable[[str], None] = lambda workflow: None
        self.emitted: Callable[[], None] = lambda: None

    def __call__(self, what: str, live: LiveRun, told: Mapping[str, Any]) -> None:
        """Tells of a run or of its steps."""
        if what == "step":
            self._approvals(live, told["entries"], told["waits"])
            self._steps(live, told["entries"])
            return
        status = told["status"]
        topic = f"workflow.run.{status}"
        fault = told.get("fault")
        about = {"run": live.id, "workflow": live.context.workflow, "trigger": live.context.trigger.get("kind")}
        self._publish(topic, live, {**about, **(_about(fault) if fault is not None else {})})
        if status in ENDED:
            self.ended(live.context.workflow)

    def _approvals(self, live: LiveRun, entries: Sequence[JournalEntry], waits: Sequence[WaitRow]) -> None:
        asked = [("asked", one.place) for one in waits if one.kind == "approval"]
        over = [("over", one.place) for one in entries if one.kind == "approval"]
        for what, place in asked + over:
            about = {"run": live.id, "workflow": live.context.workflow, "place": place}
            self._publish(f"workflow.approval.{what}", live, about)

    def _steps(self, live: LiveRun, entries: Sequence[JournalEntry]) -> None:
        if any(entry.kind == "emit" and entry.status == "completed" for entry in entries):
            self.emitted()
        for entry in entries:
            topic = f"workflow.step.{entry.status}"
            if self._bus.hears(topic):
                self._publish(topic, live, _step(live, entry), passing=True)

    def _publish(self, topic: str, live: LiveRun, data: Mapping[str, Any], *, passing: bool = False) -> None:
        """Counts on from what began the run: a workflow that wants to hear of its own runs comes to an end."""
        self._bus.publish(topic, data, hops=hops_of(live.context.trigger) + 1, passing=passing)


def _about(fault: Fault) -> dict[str, Any]:
    return {"fault": {"type": fault.type, "status": fault.status, "title": fault.title[:200]}}


def _step(live: LiveRun, entry: JournalEntry) -> dict[str, Any]:
    return {
        "run": live.id,
        "workflow": live.context.workflow,
        "seq": entry.seq,
        "place": entry.place,
        "name": entry.name,
        "kind": entry.kind,
        "status": entry.status,
        "attempt": entry.attempt,
        "at": entry.at,
        "took_s": max(0.0, entry.at - entry.began_at),
    }


class Seats:
    """So many callers may wait for the ends of runs at once: each holds a connection for up to a minute."""

    def __init__(self, most: int = 500) -> None:
        self._free = most

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """True if there is a seat; it is held for the block."""
        seated = self._free > 0
        self._free -= seated
        try:
            yield seated
        finally:
            self._free += seated
