"""The inbox: each event is handed, once, to the runs that listen for it and to the triggers that want it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from omnicore.clock import Clock
from omnicore.errors import HostError, InvalidInput, OmniError
from omnicore.runtime.pause import Pause
from omnicore.storage.store import Session
from omnicore.storage.tables.workflow_events import EventRow, EventsTable
from omnicore.storage.tables.workflow_waits import WaitRow, WaitsTable
from omnicore.storage.tables.workflow_wants import WantRow, WantsTable
from omnicore.workflows.entries import Fault
from omnicore.workflows.graph import Listen
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_words import NewRun
from omnicore.workflows.triggering.beginning import Beginnings, Runs
from omnicore.workflows.triggering.definitions import all_filters
from omnicore.workflows.triggering.documents import Trigger
from omnicore.workflows.triggering.envelopes import MOST_HOPS, hops_of, is_of_bus
from omnicore.workflows.triggering.gathering import Gathering, Set
from omnicore.workflows.triggering.matching import event_correlation, literal_of, match

__all__ = ["DispatchFigures", "Dispatcher", "Going", "Outgoing"]

_log = logging.getLogger("omnicore.workflows")
_BATCH = 100
_PAGE = 500
_MOST_SIGNALS = 10_000  # of one event: more runs than this do not listen for the same
_MOST_LISTENERS = 1000
_TRIES = 3

Going: TypeAlias = tuple[Callable[[Session], None], Callable[[], None]]
"""What keeps an event that goes out, in the transaction that dispatches it, and what to call after the commit."""

Outgoing: TypeAlias = Callable[[EventRow, Mapping[str, Any]], Going | None]
"""What brokers want of an event; None: nothing."""


@dataclass(slots=True)
class DispatchFigures:
    """What became of events since the start. `dropped` ones reached nothing: nobody listened, or not any more."""

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
        events: EventsTable,
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
        self._listeners: OrderedDict[str, Listen | None] = OrderedDict()
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

    async def _decided(self, row: EventRow, keys: Sequence[str]) -> _Found | None:
        """What is to be done about an event. None: not now; one that fails again and again is let go."""
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

    async def _found(self, row: EventRow, keys: Sequence[str]) -> _Found:
        found = _Found()
        event: dict[str, Any] = json.loads(row.envelope)
        if hops_of(event) > MOST_HOPS:
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

    async def _hand_over(self, row: EventRow, found: _Found) -> None:
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

    async def _listening(self, found: _Found, row: EventRow, event: Mapping[str, Any], keys: Sequence[str]) -> None:
        for key in keys:
            node = await self.listener(key)
            if node is None or not any(literal_of(one) in (None, row.type) for one in all_filters(node)):
                continue
            waits = await asyncio.to_thread(self._waiting, key, node, event)
            found.signals += [(wait.run, wait.place, event) for wait in waits]

    def _waiting(self, key: str, node: Listen, event: Mapping[str, Any]) -> list[WaitRow]:
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

    async def listener(self, key: str) -> Listen | None:
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
        self._listeners[key] = node if isinstance(node, Listen) else None
        while len(self._listeners) > _MOST_LISTENERS:
            self._listeners.popitem(last=False)
        return self._listeners[key]

    # -- triggers

    async def _triggered(self, found: _Found, row: EventRow, event: dict[str, Any]) -> None:
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

    def _wanting(self, row: EventRow, event: Mapping[str, Any]) -> list[WantRow]:
        rows = [*self._wants.of("event", row.type), *self._wants.of("event", "")]
        if row.type.startswith("connector.") and is_of_bus(event):
            rows += self._wants.of("connector", row.type.split(".")[1])
        return rows

    async def _trigger(
        self, found: _Found, want: tuple[str, int], trigger: Trigger, row: EventRow, event: dict[str, Any]
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
            "hops": hops_of(event),
        }
        data = event.get("data") if trigger.kind == "connector" else [event]
        if trigger.kind == "connector" and isinstance(data, Mapping) and "payload" in data:
            data = data["payload"]
        new = await self._beginnings.order(*want, data, about, key=f"event:{want[1]}:{row.source}:{row.event}")
        if new is not None:
            found.starts.append(new)


def _slots(trigger: Trigger, event: Mapping[str, Any]) -> list[int]:
    """Which of a trigger's filters an event fits."""
    if trigger.kind == "connector":
        _, _, name = str(event["type"]).removeprefix("connector.").partition(".")
        return [0] if trigger.event in ("*", name) else []
    return [slot for slot, wanted in enumerate(trigger.filters) if _matched(event, wanted, {})]


def _fits(node: Listen, event: Mapping[str, Any], wait: WaitRow) -> bool:
    scope = json.loads(wait.data)
    return any(_matched(event, wanted, scope) for wanted in all_filters(node))


def _matched(event: Mapping[str, Any], wanted: Any, scope: Mapping[str, Any]) -> bool:
    """An expression that fails for this event says that it is for somebody else."""
    try:
        return match(event, wanted, scope) and event_correlation(event, wanted, scope) is not None
    except (Fault, OmniError):
        return False
