"""The inbox: each event is delivered once, to the runs that listen for it and to the triggers that want it.

A trigger for several events (`all`) collects them until the last one comes or its time is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from omnicore.errors import HostError, InvalidInput, OmniError
from omnicore.events.subscriptions import MOST_HOPS
from omnicore.jobs.loop import Pause
from omnicore.storage.store import Session
from omnicore.storage.tables.workflow_triggers import (
    PartialRow,
    PartialsTable,
    WorkflowEventRow,
    WorkflowEventsTable,
    add_partial,
    drop_partials,
)
from omnicore.workflows.expressions.expression import Answer, Answered, Unanswered, answer_in_turn
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import Evaluator, ListenTask, WorkflowGraph
from omnicore.workflows.language.triggers import (
    Trigger,
    all_filters,
    correlated,
    event_correlation,
    literal_of,
    match,
    text_of,
    triggers_of,
)
from omnicore.workflows.steps.cloud_events import event_hops, is_of_bus

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.jobs.engine import NewRun, Started
    from omnicore.storage.tables.workflow_triggers import WaitRow, WaitsTable, WantRow, WantsTable
    from omnicore.workflows.journal import Journal


_MOST_KEPT = 1000


class Runs(Protocol):
    """The part of the service that triggers use (`omnicore.workflows.service.Workflows`)."""

    async def graph(self, workflow: str) -> WorkflowGraph | None:
        """The graph of the definition as it stands; None: it was removed or switched off."""

    async def graph_of(self, digest: str) -> WorkflowGraph | None:
        """The graph that runs are pinned to; None: nothing has it any more."""

    async def order(
        self, workflow: str, input: Any, *, trigger: Mapping[str, Any], key: str | None = None, by: str = "trigger"
    ) -> NewRun | None:
        """The run to begin, with everything that the definition says of it; not kept yet.

        `key` becomes its `dedupe`. None, with a log line: the definition is gone or switched off, or the input breaks
        its schema.
        """

    async def ended_at(self, run: str) -> float | None:
        """The time at which a run ended; None: it goes on. Raises: NotFound."""

    def adopt(self, new: NewRun, started: Started) -> Any:
        """Takes up a run once the journal has kept it (`Journal.tick`, `dispatch`, `start`): one that is `owned` begins
        now. Its `RunHandle`: `id`, `duplicate`, awaitable."""


class Beginnings:
    """Makes runs of triggers. Belongs to one event loop."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._kept: OrderedDict[str, tuple[Trigger, ...]] = OrderedDict()
        self.adopt, self.ended_at = runs.adopt, runs.ended_at

    async def triggers(self, workflow: str) -> tuple[Trigger, ...]:
        """The triggers of a workflow as it stands; none when it was removed or switched off."""
        graph = await self._runs.graph(workflow)
        return () if graph is None else self._triggers(graph)

    async def trigger(self, workflow: str, place: int) -> Trigger | None:
        """One of them."""
        found = await self.triggers(workflow)
        return found[place] if 0 <= place < len(found) else None

    async def order(
        self, workflow: str, place: int, data: Any, about: Mapping[str, Any], *, key: str, by: str = "trigger"
    ) -> NewRun | None:
        """The run that a trigger begins: its input is `data`, or what the trigger makes of it. None: there is none.

        Raises: Fault: the trigger's expression failed. InvalidInput.
        """
        trigger = await self.trigger(workflow, place)
        if trigger is None:
            return None
        given = data
        if trigger.input is not None:
            scope = {"trigger": dict(about), "runtime": {"trigger": dict(about)}}
            given = await _input(trigger.input, data, scope, workflow)
        return await self._runs.order(workflow, given, trigger=about, key=key, by=by)

    def _triggers(self, graph: WorkflowGraph) -> tuple[Trigger, ...]:
        found = self._kept.get(graph.digest)
        if found is None:
            found = self._kept[graph.digest] = triggers_of(graph)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


async def _input(input: Evaluator, data: Any, scope: Mapping[str, Any], workflow: str) -> Any:
    """The input that a trigger makes of its data; jq is asked in this workflow's turn, and no thread waits."""
    answers: dict[int, Answer] = {}
    while True:
        try:
            return input(data, Answered(scope, answers))
        except Unanswered as asked:
            for number, question in asked.questions.items():
                answers[number] = await answer_in_turn(question, f"trigger of {workflow}")


Set: TypeAlias = tuple[str, str, str]
"""Workflow, trigger and what its events have in common."""

_log = logging.getLogger("omnicore.workflows")
_MOST = 10_000  # events that one trigger keeps for others to come


class Gathering:
    """Sets of events that belong together. Of two that fit the same filter and set, the first one counts."""

    def __init__(self, beginnings: Beginnings, journal: Journal, partials: PartialsTable, clock: Clock) -> None:
        self._beginnings, self._journal, self._partials, self._clock = beginnings, journal, partials, clock

    def keep(
        self, want: tuple[str, int], trigger: Trigger, slot: int, row: WorkflowEventRow, event: Mapping[str, Any]
    ) -> tuple[Callable[[Session], None], Set] | None:
        """The write that collects an event in the transaction that removes it from the inbox, and its set, or None."""
        tie = correlated(event, trigger.filters[slot], {}, {})
        if tie is None:
            return None
        now = self._clock.now()
        kept = PartialRow(want[0], trigger.id, text_of(tie), slot, row.event, row.envelope, now + trigger.seconds)

        def work(session: Session) -> None:
            if not add_partial(session, kept, most=_MOST, now=now):
                _log.info("the event %s is not kept for %s: there is one like it", row.event, kept.workflow)

        return work, (kept.workflow, kept.trigger, kept.tie)

    async def sweep(self) -> int:
        """Begins what a killed host left complete, and lets go of events whose time is over; how many runs began."""
        while await asyncio.to_thread(self._partials.prune, self._clock.now()):
            pass
        found = await asyncio.to_thread(self._partials.sets)
        return sum([await self.complete((workflow, trigger, tie)) for workflow, trigger, tie, _ in found])

    async def complete(self, one: Set) -> bool:
        """Begins the run of a set if nothing is missing of it."""
        workflow, name, tie = one
        triggers = await self._beginnings.triggers(workflow)
        place = next((at for at, trigger in enumerate(triggers) if trigger.id == name), None)
        began = False
        rows = await asyncio.to_thread(self._partials.of, workflow, name, tie, self._clock.now())
        if place is not None:
            if len(rows) < len(triggers[place].filters):
                return False
            began = await self._begin(workflow, place, rows)
        await self._journal.apply(lambda session: drop_partials(session, workflow, name, tie))
        return began

    async def _begin(self, workflow: str, place: int, rows: list[PartialRow]) -> bool:
        """The key is made of the events: begun again after a kill, it is the same run."""
        events = [json.loads(row.envelope) for row in rows]
        ids = hashlib.sha256(json.dumps([[one["source"], one["id"]] for one in events]).encode()).hexdigest()
        about = {"kind": "event", "ids": [row.event for row in rows], "hops": max(map(event_hops, events))}
        try:
            new = await self._beginnings.order(workflow, place, events, about, key=f"events:{place}:{ids}")
        except (Fault, OmniError) as error:
            _log.warning("%d events begin no run of %s: %s", len(rows), workflow, error)
            return False
        if new is None:
            return False
        started = await self._journal.start(new)
        if not started.refused:
            self._beginnings.adopt(new, started)
        return True


_BATCH = 100
_PAGE = 500
_MOST_SIGNALS = 10_000  # of one event: more runs than this do not listen for the same
_MOST_LISTENERS = 1000
_TRIES = 3

Going: TypeAlias = tuple[Callable[[Session], None], Callable[[], None]]
"""The write that stores an outgoing event in the transaction that dispatches it, and a callback after the commit."""

Outgoing: TypeAlias = Callable[[WorkflowEventRow, Mapping[str, Any]], Going | None]
"""The part of brokers in an event; None: it goes to none of them."""


@dataclass(slots=True)
class DispatchFigures:
    """Counts of events since the start. `dropped` ones reached nothing: nobody listened, or not any more."""

    delivered: int = 0
    began: int = 0
    dropped: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Found:
    signals: list[tuple[str, str, Any]] = field(default_factory=list)
    starts: list[NewRun] = field(default_factory=list)
    keeps: list[Callable[[Session], None]] = field(default_factory=list)
    sets: list[Set] = field(default_factory=list)
    told: Callable[[], None] | None = None


class Dispatcher:
    """Dispatches for as long as `run` does; any number of hosts may at once."""

    def __init__(
        self,
        runs: Runs,
        beginnings: Beginnings,
        journal: Journal,
        gathering: Gathering,
        *,
        events: WorkflowEventsTable,
        waits: WaitsTable,
        wants: WantsTable,
        clock: Clock,
        poll_s: float = 1.0,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._runs, self._beginnings, self._journal, self._gathering = runs, beginnings, journal, gathering
        self._events, self._waits, self._wants = events, waits, wants
        self._clock, self._poll_s, self.outgoing = clock, poll_s, outgoing
        self._failed: dict[str, int] = {}
        self._listeners: OrderedDict[str, ListenTask | None] = OrderedDict()
        self.figures = DispatchFigures()
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        while not self.pause.over:
            self.pause.clear()
            try:
                busy = await self.round()
            except Exception:  # whatever it is: the events stay in the inbox
                _log.warning("events of workflows cannot be dispatched now", exc_info=True)
                busy = False
            if not busy:
                await self.pause.rest(self._poll_s)

    async def round(self) -> bool:
        """Dispatches the oldest events; whether there may be more."""
        rows = await asyncio.to_thread(self._events.next, _BATCH)
        if not rows:
            return False
        # After the events were read: a wait that was there before an event is seen.
        keys = await asyncio.to_thread(self._waits.keys)
        found = [(row, await self._decided(row, keys)) for row in rows]
        await asyncio.gather(*(self._hand_over(row, one) for row, one in found if one is not None))
        return any(one is not None for _, one in found)

    async def _decided(self, row: WorkflowEventRow, keys: Sequence[str]) -> _Found | None:
        """The decision about an event. None: not now; one that fails again and again is dropped."""
        try:
            found = await self._found(row, keys)
        except HostError:  # the database: it stays in the inbox
            raise
        except Exception:
            tries = self._failed[row.id] = self._failed.get(row.id, 0) + 1
            _log.warning("the event %s of %s cannot be dispatched", row.event, row.source, exc_info=True)
            if tries < _TRIES:
                return None
            found = _Found()
        self._failed.pop(row.id, None)
        return found

    async def _found(self, row: WorkflowEventRow, keys: Sequence[str]) -> _Found:
        found = _Found()
        event: dict[str, Any] = json.loads(row.envelope)
        if event_hops(event) > MOST_HOPS:
            self.figures.refused += 1
            _log.warning("the event %s of %s follows from over %d others: dropped", row.event, row.source, MOST_HOPS)
            return found
        await self._listening(found, row, event, keys)
        await self._triggered(found, row, event)
        outgoing = None if self.outgoing is None else self.outgoing(row, event)
        if outgoing is not None:
            found.keeps.append(outgoing[0])
            found.told = outgoing[1]
        return found

    async def _hand_over(self, row: WorkflowEventRow, found: _Found) -> None:
        keeps = tuple(found.keeps)

        def also(session: Session) -> None:
            for keep in keeps:
                keep(session)

        started = await self._journal.dispatch(row.id, found.signals, found.starts, also=also)
        if started is None:  # another host was first
            return
        for new, one in zip(found.starts, started, strict=True):
            if not one.refused:
                self._beginnings.adopt(new, one)
        if found.told is not None:
            found.told()
        self.figures.delivered += len(found.signals)
        self.figures.began += len(started)
        self.figures.dropped += not (found.signals or started or keeps)
        for one_set in found.sets:
            self.figures.began += await self._gathering.complete(one_set)

    # -- runs that listen

    async def _listening(
        self, found: _Found, row: WorkflowEventRow, event: Mapping[str, Any], keys: Sequence[str]
    ) -> None:
        for key in keys:
            node = await self.listener(key)
            if node is None or not any(literal_of(one) in (None, row.type) for one in all_filters(node)):
                continue
            waits = await asyncio.to_thread(self._waiting, key, node, event)
            found.signals += [(wait.run, wait.place, event) for wait in waits]

    def _waiting(self, key: str, node: ListenTask, event: Mapping[str, Any]) -> list[WaitRow]:
        """The runs at a task that this event is for. Expressions may take milliseconds: for a thread."""
        fitting: dict[tuple[str, str], WaitRow] = {}
        texts: set[str] = {""}
        for wanted in all_filters(node):
            try:
                texts.add(event_correlation(event, wanted, {}) or "")
            except Fault:  # it needs the run's variables: those stand under the empty text
                continue
        for text in sorted(texts):
            after = ""
            while page := self._waits.listening(key, text, _PAGE, after):
                fitting |= {(one.run, one.place): one for one in page if _fits(node, event, one)}
                after = page[-1].run
                if len(fitting) >= _MOST_SIGNALS or len(page) < _PAGE:
                    break
        return list(fitting.values())

    async def listened(self) -> Iterable[str]:
        """The filters of waiting runs, by tasks of definitions that may have changed since."""
        found: set[str] = set()
        for key in await asyncio.to_thread(self._waits.keys):
            node = await self.listener(key)
            found |= set() if node is None else {literal_of(one) or "" for one in all_filters(node)}
        return found

    async def listener(self, key: str) -> ListenTask | None:
        """The listening task of a key, `<digest>#<path>`; those that were asked for last are kept."""
        if key in self._listeners:
            self._listeners.move_to_end(key)
            return self._listeners[key]
        digest, _, path = key.partition("#")
        try:
            graph = await self._runs.graph_of(digest)
        except InvalidInput:  # this version of the host cannot run it
            graph = None
        node = None if graph is None else graph.nodes.get(path)
        self._listeners[key] = node if isinstance(node, ListenTask) else None
        while len(self._listeners) > _MOST_LISTENERS:
            self._listeners.popitem(last=False)
        return self._listeners[key]

    # -- triggers

    async def _triggered(self, found: _Found, row: WorkflowEventRow, event: dict[str, Any]) -> None:
        wanted = await asyncio.to_thread(self._wanting, row, event)
        for want in dict.fromkeys((one.workflow, one.place) for one in wanted):
            try:
                trigger = await self._beginnings.trigger(*want)
                if trigger is not None:
                    await self._trigger(found, want, trigger, row, event)
            except (OmniError, Fault) as error:
                if isinstance(error, HostError):  # the database: the event stays in the inbox
                    raise
                _log.warning("the event %s begins no run of %s: %s", row.event, want[0], error)

    def _wanting(self, row: WorkflowEventRow, event: Mapping[str, Any]) -> list[WantRow]:
        rows = [*self._wants.of("event", row.type), *self._wants.of("event", "")]
        if row.type.startswith("connector.") and is_of_bus(event):
            rows += self._wants.of("connector", row.type.split(".")[1])
        return rows

    async def _trigger(
        self, found: _Found, want: tuple[str, int], trigger: Trigger, row: WorkflowEventRow, event: dict[str, Any]
    ) -> None:
        slots = await asyncio.to_thread(_slots, trigger, event)
        if not slots:
            return
        if trigger.kind == "event" and trigger.mode == "all" and len(trigger.filters) > 1:
            for slot in slots:
                kept = self._gathering.keep(want, trigger, slot, row, event)
                if kept is not None:
                    found.keeps.append(kept[0])
                    found.sets.append(kept[1])
            return
        about = {
            **{"kind": trigger.kind, "id": row.event, "source": row.source, "type": row.type},
            "hops": event_hops(event),
        }
        data = event.get("data") if trigger.kind == "connector" else [event]
        if trigger.kind == "connector" and isinstance(data, Mapping) and "payload" in data:
            data = data["payload"]
        new = await self._beginnings.order(*want, data, about, key=f"event:{want[1]}:{row.source}:{row.event}")
        if new is not None:
            found.starts.append(new)


def _slots(trigger: Trigger, event: Mapping[str, Any]) -> list[int]:
    """The filters of a trigger that an event matches."""
    if trigger.kind == "connector":
        _, _, name = str(event["type"]).removeprefix("connector.").partition(".")
        return [0] if trigger.event in ("*", name) else []
    return [slot for slot, wanted in enumerate(trigger.filters) if _matched(event, wanted, {})]


def _fits(node: ListenTask, event: Mapping[str, Any], wait: WaitRow) -> bool:
    scope = json.loads(wait.data)
    return any(_matched(event, wanted, scope) for wanted in all_filters(node))


def _matched(event: Mapping[str, Any], wanted: Any, scope: Mapping[str, Any]) -> bool:
    """An expression that fails for this event says that it is for somebody else."""
    try:
        return match(event, wanted, scope) and event_correlation(event, wanted, scope) is not None
    except (Fault, OmniError):
        return False
