"""A live run: its progress in memory, what came to it and waits its turn, and what it has under way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from omnicore.quick import quick
from omnicore.workflows.entries import Action, Change, Entry, Outcome, Result
from omnicore.workflows.graph import Graph
from omnicore.workflows.journal_words import NewRun, Signal
from omnicore.workflows.performing import RunContext
from omnicore.workflows.progress import Progress
from omnicore.workflows.registering import result_of

__all__ = ["Came", "Children", "Doing", "LiveRun", "Step"]

_MOST_AT_ONCE = 256
_SETTLING = frozenset({"done", "failed", "fired"})


@quick
@dataclass(frozen=True, slots=True)
class Came:
    """A result of what was done here, and the events that go out with it."""

    result: Result
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True)
class Step:
    """What follows from one or more results, to be kept in one transaction."""

    entries: list[Entry] = field(default_factory=list)
    begin: list[Action] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    taken: list[str] = field(default_factory=list)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    registered: bool = False
    """Who waits at the places that begin is written already: the run was taken up again."""
    again: bool = False
    """It may be that it was, so runs are begun under a key: those of a fork, and of a run that has no row yet."""

    def add(self, change: Change) -> Step:
        """Adds a change. What a later result cuts is not begun at all."""
        self.entries += change.entries
        if change.cut:
            gone = set(change.cut)
            self.begin = [one for one in self.begin if one.place not in gone]
            self.cut += change.cut
        self.begin += change.begin
        self.outcome = change.outcome or self.outcome
        return self


class LiveRun:
    """One run on this host. Belongs to the host's event loop; `progress` is used by one thread at a time."""

    __slots__ = (
        "back_s",
        "began",
        "busy",
        "children",
        "context",
        "graph",
        "hands",
        "id",
        "idle_since",
        "inbox",
        "known",
        "moved",
        "open",
        "over",
        "priority",
        "progress",
        "tasks",
        "timed",
    )

    def __init__(self, context: RunContext, graph: Graph, progress: Progress, priority: int, began: float) -> None:
        self.id = context.run
        self.context, self.graph, self.progress = context, graph, progress
        self.priority, self.began = priority, began
        self.inbox: deque[Came | Signal] = deque()
        self.open: dict[str, Action] = {}
        """What was begun and has no result yet, by place."""
        self.children: dict[str, str] = {}
        """Runs that were begun and are waited for, by place."""
        self.tasks: dict[str, Doing] = {}
        """What is under way here, by place."""
        self.hands: Doing | None = None
        """Who goes on with the run, and can do what follows at once."""
        self.timed: dict[str, int] = {}
        """Attempts whose time is set, by place."""
        self.known: set[str] = set()
        """Signals that were taken up and are not gone from the table yet."""
        self.moved = ""
        """This host, where it has the run from one that was lost, until a row says so."""
        self.busy = False
        self.over = False
        """It has ended, was parked or lost: nothing that comes is for it any more."""
        self.idle_since: float | None = None
        self.back_s = 0.0
        """How far the clock went back behind what the run has seen of it."""

    @property
    def next_due(self) -> float | None:
        """When it has something to do next, at the earliest. Units: Unix seconds."""
        due = self.progress.next_due
        return None if due is None else due - self.back_s

    def first(self) -> Step:
        """Begins. Raises: whatever `Progress` does."""
        change = self.progress.begin()
        self.note(None, change)
        # A run that begins again because its host died has no row yet, but may have begun runs before that.
        return Step(again=True).add(change)

    def replay(self, rows: Iterable[Entry], *, forked: bool) -> Step:
        """Goes on from where the journal ends. Raises: whatever `Progress` does."""
        change = self.progress.replay(rows)
        self.note(None, change)
        step = Step(registered=not forked, again=forked)
        return step.add(change)

    def advance(self, now: float) -> Step:
        """Applies what came, in its order. Raises: whatever `Progress` does."""
        step = Step()
        for _ in range(min(len(self.inbox), _MOST_AT_ONCE)):
            came = self.inbox.popleft()
            result: Result | None
            if isinstance(came, Came):
                result = came.result
                step.events += came.events
            else:
                result = result_of(came, self.open, now)
                step.taken.append(came.id)
            if result is not None:
                self._apply(step, result)
            if step.outcome is not None:
                break
        return step

    def _apply(self, step: Step, result: Result) -> None:
        if self.moved:
            result = replace(result, meta={**result.meta, "taken_over_by": self.moved})
        change = self.progress.apply(result)
        if change.entries:
            self.moved = ""
        step.add(change)
        self.note(result, change)

    def note(self, result: Result | None, change: Change) -> None:
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


class Doing:
    """An action that was begun, or that its task begins next, and the task that does it."""

    __slots__ = ("action", "expired", "following", "live", "task")

    def __init__(self, live: LiveRun, action: Action) -> None:
        self.live, self.action = live, action
        self.task: asyncio.Task[None] | None = None
        self.following: Action | None = None
        """What the task does next."""
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

    async def order(self, live: LiveRun, action: Action) -> NewRun:
        """The run to begin. Raises: OmniError: it cannot be begun."""

    async def told(self, run: str, place: str) -> bool:
        """Whether the end of a run that was begun at a place waits to be taken."""

    async def begun(self, run: str) -> Mapping[str, str]:
        """The runs that a run began and waits for, by place."""
