"""The host's bus: events that a trigger or a task wants are put into the inbox, and no others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from omnicore.errors import InvalidInput, OmniError
from omnicore.events.bus import Event, EventBus, Subscription
from omnicore.events.delivery import MOST_HOPS
from omnicore.events.topics import check_topic
from omnicore.runtime.pause import Pause
from omnicore.storage.tables.workflow_wants import WantsTable
from omnicore.workflows.journal import Journal
from omnicore.workflows.triggering.envelopes import of_bus

__all__ = ["Hearing", "patterns_of"]

_log = logging.getLogger("omnicore.workflows")
_QUEUE = 10_000
_QUEUE_BYTES = 16 * 1024 * 1024
_BATCH = 500
_OWN = "workflow"
_EMITTED = "workflow.event"


def patterns_of(types: Iterable[str], connectors: Iterable[str]) -> frozenset[str]:
    """The topics to listen to for these types of events; an empty type may be any of them.

    Of what workflows tell of themselves only what somebody names is heard: a workflow that wants everything would never
    come to rest over its own steps. What they emit is in the inbox already.
    """
    wanted = set(types)
    topics = {one for one in wanted if _is_topic(one) and one != _EMITTED}
    if "" in wanted:
        topics |= {"**"}
    return frozenset({*topics, *(f"connector.{name}.**" for name in connectors)})


def heard(event: Event, patterns: frozenset[str]) -> bool:
    """Whether an event that came through several patterns is for the inbox."""
    return event.topic in patterns or not event.topic.startswith(f"{_OWN}.")


class Hearing:
    """Listens for as long as `run` does. A host's bus forgets: what was not put into the inbox is gone with it.

    Args: more: further types that are wanted, such as those of runs that listen by an older definition.
    """

    def __init__(
        self,
        bus: EventBus,
        journal: Journal,
        wants: WantsTable,
        *,
        more: Callable[[], Awaitable[Iterable[str]]],
        poke: Callable[[], None] = lambda: None,
        refresh_s: float = 1.0,
    ) -> None:
        self._bus, self._journal, self._wants = bus, journal, wants
        self._more, self._poke, self._refresh_s = more, poke, refresh_s
        self._patterns: frozenset[str] = frozenset()
        self._heard: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        try:
            while not self.pause.over:
                self.pause.clear()
                try:
                    await self.refresh()
                except OmniError as error:
                    _log.warning("what workflows want to hear cannot be read now: %s", error)
                await self.pause.rest(self._refresh_s)
        finally:
            await self._leave(tuple(self._heard))

    async def refresh(self) -> None:
        """Subscribes to what is wanted now, and to nothing else."""
        wanted = await asyncio.to_thread(self._wanted, await self._more())
        if wanted == self._patterns:
            return
        self._patterns = wanted
        # With `**` all others would only bring the same events again.
        needed = frozenset({"**"}) if "**" in wanted else wanted
        for pattern in needed - self._heard.keys():
            subscription = self._bus.subscribe(pattern, queue=_QUEUE, queue_bytes=_QUEUE_BYTES, own=True)
            self._heard[pattern] = subscription, asyncio.create_task(self._take(pattern, subscription))
        await self._leave(tuple(self._heard.keys() - needed))

    def _wanted(self, more: Iterable[str]) -> frozenset[str]:
        types = {*self._wants.names("event"), *self._wants.names("listen"), *more}
        return patterns_of(types, self._wants.names("connector"))

    async def _leave(self, patterns: Sequence[str]) -> None:
        gone = [self._heard.pop(pattern) for pattern in patterns]
        for subscription, _ in gone:
            subscription.close()
        await asyncio.gather(*(task for _, task in gone))

    async def _take(self, pattern: str, subscription: Subscription) -> None:
        while await subscription.wait():
            events = [one for one in subscription.drain(_BATCH) if self._is_for_us(pattern, one)]
            if not events:
                continue
            try:
                if await self._journal.emit([of_bus(one) for one in events]):
                    self._poke()
            except OmniError as error:  # the database: the bus promises no more than it does to others
                _log.warning("%d events are lost for workflows: %s", len(events), error)

    def _is_for_us(self, pattern: str, event: Event) -> bool:
        """Each event comes in once, through one of the patterns it fits."""
        if event.topic == _EMITTED or not heard(event, self._patterns):
            return False
        if event.topic.startswith(f"{_OWN}.") and event.hops > MOST_HOPS:
            return False
        return pattern in ("**", event.topic) or event.topic not in self._patterns


def _is_topic(text: str) -> bool:
    try:
        check_topic(text)
    except InvalidInput:
        return False
    return True
