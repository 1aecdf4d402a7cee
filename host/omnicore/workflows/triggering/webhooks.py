"""Webhooks that begin runs: first the runs, then the delivery: a kill between them repeats and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from omnicore.connectors.hooks.service import Offer, Taken
from omnicore.storage.tables.workflow_wants import WantRow, WantsTable
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_words import NewRun
from omnicore.workflows.triggering.beginning import Beginnings
from omnicore.workflows.triggering.documents import Trigger
from omnicore.workflows.waiting import Seats

__all__ = ["WebhookTaker"]


class _Handle(Protocol):
    id: str

    def __await__(self) -> Any: ...


class WebhookTaker:
    """Takes deliveries for the triggers that name their webhook; see `omnicore.connectors.hooks.service.Taker`.

    Args: told: has a delivery published once it is kept.
    """

    def __init__(
        self, beginnings: Beginnings, journal: Journal, wants: WantsTable, told: Callable[[Offer], None]
    ) -> None:
        self._beginnings, self._journal, self._wants, self._told = beginnings, journal, wants, told
        self._seats = Seats()

    def wanted(self, hook: str) -> Sequence[WantRow]:
        """The triggers that name a webhook; from the database, so that a definition counts at once on every host."""
        return self._wants.of("webhook", hook)

    async def take(self, offer: Offer, wanted: Sequence[WantRow]) -> Taken | None:
        """Begins the runs and keeps the delivery; then waits for the result where a trigger answers that.

        Raises: WorkflowFailed, CallCancelled: of a run whose result was waited for. OmniError: nothing was kept.
        """
        orders, unfit = await self._orders(offer, wanted)
        started = await asyncio.gather(*(self._journal.start(new) for _, new in orders))
        begun = [
            (trigger, self._beginnings.adopt(order, one))
            for (trigger, order), one in zip(orders, started, strict=True)
            if not one.refused
        ]
        keeping = asyncio.create_task(self._kept(offer))
        try:
            answer = await _answer(begun, self._seats, unfit=unfit)
        finally:
            new = await keeping
        again = not new and not any(one.new for one in started)
        return None if again and answer.status == 202 else answer

    async def _kept(self, offer: Offer) -> bool:
        new = await self._journal.apply(offer.keep)
        if new:
            self._told(offer)
        return new

    async def _orders(self, offer: Offer, wanted: Sequence[WantRow]) -> tuple[list[tuple[Trigger, NewRun]], bool]:
        """The runs to begin, and whether a payload broke the schema of a workflow's input."""
        about = {
            **{"kind": "webhook", "webhook": offer.hook.name, "delivery": offer.row.id, "event": offer.row.event},
            "connector": offer.hook.connector,
        }
        found: list[tuple[Trigger, NewRun]] = []
        unfit = False
        for want in wanted:
            trigger = await self._beginnings.trigger(want.workflow, want.place)
            if trigger is None or trigger.kind != "webhook":  # changed since
                continue
            key = f"webhook:{want.place}:{offer.hook.id}:{offer.row.dedupe}"
            by = f"webhook:{offer.hook.name}"
            new = await self._beginnings.order(want.workflow, want.place, offer.payload, about, key=key, by=by)
            if new is None:
                unfit = True
            else:
                found.append((trigger, new))
        return found, unfit


async def _answer(begun: Sequence[tuple[Trigger, _Handle]], seats: Seats, *, unfit: bool) -> Taken:
    if not begun and unfit:  # kept all the same: it may be delivered again once the workflow takes it
        return Taken({"status": "unfit", "detail": "the payload breaks the schema of the workflow's input"}, status=422)
    if not begun:
        return Taken({"status": "ok"})
    waited = next(((trigger, handle) for trigger, handle in begun if trigger.waits), None)
    if waited is not None:
        trigger, handle = waited
        with seats.taken() as seated, suppress(TimeoutError):
            async with asyncio.timeout(trigger.seconds if seated else 0):
                return Taken(await handle)
        return Taken({"status": "running", "run": handle.id}, status=202)
    runs = [handle.id for _, handle in begun]
    return Taken({"status": "accepted", "run": runs[0], **({"runs": runs} if len(runs) > 1 else {})}, status=202)
