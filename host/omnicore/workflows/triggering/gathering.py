"""Triggers that want several events (`all`): each is kept until the others have come, or its time is over."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from omnicore.clock import Clock
from omnicore.errors import OmniError
from omnicore.storage.store import Session
from omnicore.storage.tables.workflow_events import EventRow
from omnicore.storage.tables.workflow_partials import PartialRow, PartialsTable, add_partial, drop_partials
from omnicore.workflows.entries import Fault
from omnicore.workflows.journal import Journal
from omnicore.workflows.triggering.beginning import Beginnings
from omnicore.workflows.triggering.documents import Trigger
from omnicore.workflows.triggering.envelopes import hops_of
from omnicore.workflows.triggering.matching import correlated, text_of

__all__ = ["Gathering", "Set"]

Set: TypeAlias = tuple[str, str, str]
"""Workflow, trigger and what its events have in common."""

_log = logging.getLogger("omnicore.workflows")
_MOST = 10_000  # events that one trigger keeps for others to come


class Gathering:
    """Sets of events that belong together. Of two that fit the same filter and set, the first one counts."""

    def __init__(self, beginnings: Beginnings, journal: Journal, partials: PartialsTable, clock: Clock) -> None:
        self._beginnings, self._journal, self._partials, self._clock = beginnings, journal, partials, clock

    def keep(
        self, want: tuple[str, int], trigger: Trigger, slot: int, row: EventRow, event: Mapping[str, Any]
    ) -> tuple[Callable[[Session], None], Set] | None:
        """What keeps an event, in the transaction that takes it out of the inbox, and its set; None: it is in none."""
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
        about = {"kind": "event", "ids": [row.event for row in rows], "hops": max(map(hops_of, events))}
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
