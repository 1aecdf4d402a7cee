"""Message brokers of a host: incoming messages go into the inbox, outgoing events leave through the outbox.

A message is acknowledged once it is in the inbox. An event is in the outbox from the transaction that dispatches it
until its broker has confirmed it. Both directions are at least once; the inbox drops repeated messages.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.errors import InvalidInput, OmniError, ToolMissing
from omnicore.jobs.loop import Pause
from omnicore.storage.tables.workflow_triggers import OutboxRow, OutboxTable, add_outbox
from omnicore.workflows.steps.cloud_events import ORIGIN, event_hops
from omnicore.workflows.triggers.broker_links import BrokerLink, LinkOrder, Message, event_of, open_link, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.config.brokers import BrokerSettings, Inbound, Outbound
    from omnicore.storage.store import Session, Store
    from omnicore.storage.tables.workflow_triggers import EventRow

__all__ = ["BrokerFigures", "Brokers", "Inbox"]


_log = logging.getLogger("omnicore.workflows.brokers")
_FIRST_S, _LONGEST_S = 0.5, 30.0
_PROBE_S, _ANSWER_S, _MOST_SILENT = 5.0, 3.0, 3
_STOP_S = 10.0
_POLL_S = 1.0
_BATCH = 100


class Inbox(Protocol):
    """The destination of events: `Triggers`."""

    async def publish(self, event: Mapping[str, Any], *, hops: int = 0, origin: str = "") -> bool: ...

    def use_brokers(self, outgoing: Any) -> None: ...


@dataclass(slots=True)
class BrokerFigures:
    """Counts since the start. `dropped`: messages that are no events."""

    received: int = 0
    again: int = 0
    dropped: int = 0
    sent: int = 0


class _Line:
    """One broker: a link that is made again whenever it is lost, and what goes out through it."""

    def __init__(
        self,
        settings: BrokerSettings,
        inbox: Inbox,
        outbox: OutboxTable,
        clock: Clock,
        *,
        consumer: str,
        event_bytes: int,
        opened: Callable[[LinkOrder], BrokerLink],
    ) -> None:
        self.settings, self._inbox, self._outbox, self._clock = settings, inbox, outbox, clock
        self._event_bytes, self._opened = event_bytes, opened
        self._order = LinkOrder(settings, self._take, consumer)
        self._link: BrokerLink | None = None
        self._over = asyncio.Event()
        self._watching = Pause()
        self.sending = Pause()
        self.trouble: str | None = "it is not connected yet"
        self.figures = BrokerFigures()

    async def run(self) -> None:
        """Connects, and again after each loss, until it is ended."""
        wait_s = _FIRST_S
        while not self._watching.over:
            self._watching.clear()
            try:
                await self._connected()
                wait_s = _FIRST_S
            except ToolMissing as error:
                self.trouble = str(error)
                _log.error("the broker %s cannot be used: %s", self.settings.name, error)
                return
            except Exception as error:  # whatever its library raises: the broker may be back later
                self._lost(error)
            if not self._watching.over:
                await self._watching.rest(wait_s)
                wait_s = min(_LONGEST_S, wait_s * 2)

    def end(self) -> None:
        """Has `run` stop."""
        self._over.set()
        self._watching.end()
        self.sending.end()

    async def _connected(self) -> None:
        """One connection from its beginning to its end."""
        link = self._opened(self._order)
        sender: asyncio.Task[None] | None = None
        try:
            await link.start()
            self._link, self.trouble = link, None
            _log.info("the broker %s at %s is connected", self.settings.name, self.settings.shown)
            sender = asyncio.create_task(self._send_all(link))
            await self._watched(link)
        finally:
            self._link = None
            if sender is not None:
                sender.cancel()
                with suppress(asyncio.CancelledError):
                    await sender
            with suppress(Exception):
                async with asyncio.timeout(_STOP_S):
                    await link.stop()

    async def _watched(self, link: BrokerLink) -> None:
        """Returns when the broker has not answered for a while, or this is ended."""
        silent = 0
        while not self._watching.over:
            await self._watching.rest(_PROBE_S)
            self._watching.clear()
            silent = 0 if self._watching.over or await link.alive(_ANSWER_S) else silent + 1
            self.trouble = "it does not answer" if silent else None
            if silent >= _MOST_SILENT:
                raise ConnectionError("it does not answer any more")

    def _lost(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"[:300]
        for part in (self.settings.url, self.settings.url.partition("://")[2].rpartition("@")[0]):
            said = said.replace(part, "...") if part else said  # libraries name the address, with its password
        self.trouble = said
        _log.warning("the broker %s at %s is lost: %s", self.settings.name, self.settings.shown, said)

    # -- in

    async def _take(self, inbound: Inbound, message: Message) -> None:
        """Keeps a message. A database in trouble holds it up; what can be no event is let go."""
        name = self.settings.name
        source = f"omnicore:broker/{name}/{inbound.place}"
        kind = inbound.type or f"broker.{name}"
        try:
            event = event_of(message, source=source, kind=kind, now=self._clock.now(), most_bytes=self._event_bytes)
        except InvalidInput as error:
            self._dropped(inbound, error)
            return
        wait_s = _FIRST_S
        while True:
            try:
                new = await self._inbox.publish(event, hops=event_hops(event), origin=name)
            except InvalidInput as error:
                self._dropped(inbound, error)
                return
            except OmniError as error:
                _log.warning("a message of the broker %s waits for the database: %s", name, error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._over.wait()
                if self._over.is_set():  # the broker keeps it, for the next host
                    raise
                wait_s = min(_LONGEST_S, wait_s * 2)
                continue
            self.figures.received += 1
            self.figures.again += not new
            return

    def _dropped(self, inbound: Inbound, error: InvalidInput) -> None:
        self.figures.dropped += 1
        _log.warning("a message of %s at the broker %s is dropped: %s", inbound.place, self.settings.name, error)

    # -- out

    async def _send_all(self, link: BrokerLink) -> None:
        wait_s = _FIRST_S
        while not self.sending.over:
            self.sending.clear()
            try:
                more = await self._send_some(link)
                wait_s = _FIRST_S
            except Exception as error:  # whatever its library raises: the events stay in the outbox
                _log.warning("events wait for the broker %s: %s", self.settings.name, type(error).__name__)
                more = False
                await self.sending.rest(wait_s)
                wait_s = min(_LONGEST_S, wait_s * 2)
            if not more:
                await self.sending.rest(_POLL_S)

    async def _send_some(self, link: BrokerLink) -> bool:
        rows = await asyncio.to_thread(self._outbox.next, self.settings.name, _BATCH)
        sent: list[str] = []
        try:
            for row in rows:
                to = next((one for one in self.settings.outbound if one.to == row.target), None)
                if to is not None:  # else the settings have changed since
                    await link.send(to, written(_public(row)), row.id)
                    self.figures.sent += 1
                sent.append(row.id)
        finally:
            if sent:
                await asyncio.shield(asyncio.to_thread(self._outbox.sent, sent))
        return len(rows) == _BATCH


class Brokers:
    """All brokers of a host: `start` and `stop`; used on its event loop.

    Args:
        consumer: tells this host from others of its groups.
        work: whether this process connects at all.
    """

    def __init__(
        self,
        settings: Sequence[BrokerSettings],
        inbox: Inbox,
        store: Store,
        clock: Clock,
        *,
        consumer: str,
        work: bool = True,
        event_bytes: int = 1024 * 1024,
        opened: Callable[[LinkOrder], BrokerLink] = open_link,
    ) -> None:
        self._inbox, self._clock, self._work = inbox, clock, work
        outbox = OutboxTable(store)
        self._lines = [
            _Line(one, inbox, outbox, clock, consumer=consumer, event_bytes=event_bytes, opened=opened)
            for one in settings
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins to connect; a broker that is away is waited for in the background."""
        if self._lines and self._work:
            self._inbox.use_brokers(self.outgoing)
            self._tasks = [asyncio.create_task(line.run()) for line in self._lines]

    async def stop(self) -> None:
        """Leaves all brokers."""
        for line in self._lines:
            line.end()
        await asyncio.gather(*self._tasks)
        self._tasks = []

    @property
    def trouble(self) -> str | None:
        """Problems by broker; None: all work. For the probe of the host's health."""
        found = [f"{line.settings.name}: {line.trouble}" for line in self._lines if line.trouble] if self._tasks else []
        return "; ".join(found) or None

    def figures(self) -> Mapping[str, BrokerFigures]:
        """The counts of each broker."""
        return {line.settings.name: line.figures for line in self._lines}

    def outgoing(
        self, row: EventRow, event: Mapping[str, Any]
    ) -> tuple[Callable[[Session], None], Callable[[], None]] | None:
        """The write that stores an event for its brokers, and a callback after the commit; None: it goes nowhere.

        What came from a broker goes out through none.
        """
        if event.get(ORIGIN):
            return None
        lines = [(line, to) for line in self._lines for to in line.settings.outbound if to.fits(row.type)]
        if not lines:
            return None
        rows = [_outgoing(row, line, to) for line, to in lines]

        def told() -> None:
            for line, _ in lines:
                line.sending.wake()

        return partial(add_outbox, rows=rows), told


def _outgoing(row: EventRow, line: _Line, to: Outbound) -> OutboxRow:
    name = f"{row.id}:{line.settings.name}:{to.to}"
    return OutboxRow(name, line.settings.name, to.to, row.type, row.envelope, row.at)


def _public(row: OutboxRow) -> dict[str, Any]:
    """The event as others see it. How many events led to it stays: no circle through a broker is without end."""
    event: dict[str, Any] = json.loads(row.envelope)
    return {name: value for name, value in event.items() if name != ORIGIN}
