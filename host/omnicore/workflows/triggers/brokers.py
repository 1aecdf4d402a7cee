"""Message brokers of a host: incoming messages go into the inbox, outgoing events leave through the outbox.

A message is acknowledged once it is in the inbox. An event is in the outbox from the transaction that dispatches it
until its broker has confirmed it. Both directions are at least once; the inbox drops repeated messages.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from omnicore.config.brokers import BrokerSettings, Inbound, Outbound
from omnicore.errors import InvalidInput, OmniError, ToolMissing
from omnicore.jobs.loop import Pause
from omnicore.optional import optional
from omnicore.storage.tables.workflow_triggers import OutboxRow, OutboxTable, add_outbox
from omnicore.texts import is_whole
from omnicore.workflows.steps.cloud_events import ORIGIN, event_hops

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store
    from omnicore.storage.tables.workflow_triggers import WorkflowEventRow


_log = logging.getLogger("omnicore.workflows.brokers")
STRUCTURED = "application/cloudevents+json"
_PREFIXES = ("ce-", "ce_", "cloudevents:", "cloudevents_")
_NEEDED = ("id", "source", "type")
_MOST_ATTRIBUTES = 50
_LONGEST_TEXT = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message from a broker. `id` is the broker's own name for it, the same when it is delivered again."""

    body: bytes
    id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    media: str = ""


def event_of(message: Message, *, source: str, kind: str, now: float, most_bytes: int) -> dict[str, Any]:
    """The event of a message. Raises: InvalidInput: it is too large, or no text can hold it."""
    if len(message.body) > most_bytes:
        raise InvalidInput(
            f"a message of {source} has {len(message.body)} bytes", remedy=f"send {most_bytes} at most, or a reference"
        )
    data = _data(message.body)
    structured = message.media.startswith(STRUCTURED)
    if isinstance(data, dict) and (structured or "specversion" in data) and _is_event(data):
        return dict(data)
    attributes = _attributes(message.headers)
    if _is_event(attributes):
        return {**attributes, **_of_data(message.body, data)}
    at = datetime.fromtimestamp(now, UTC).isoformat()
    wrapped = {"specversion": "1.0", "id": message.id, "source": source, "type": kind, "time": at}
    return {**wrapped, **_of_data(message.body, data)}


def written(event: Mapping[str, Any]) -> bytes:
    """An event in structured mode."""
    return json.dumps({"specversion": "1.0", **event}, separators=(",", ":")).encode()


def _attributes(headers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in headers.items():
        low = str(name).lower()
        prefix = next((one for one in _PREFIXES if low.startswith(one)), None)
        if prefix is not None and len(found) < _MOST_ATTRIBUTES:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            found[low.removeprefix(prefix)] = text[:_LONGEST_TEXT]
    return found


def _is_event(found: Mapping[str, Any]) -> bool:
    return all(isinstance(found.get(name), str) and 0 < len(found[name]) <= _LONGEST_TEXT for name in _NEEDED)


def _data(body: bytes) -> Any:
    """The value of a JSON body, else its text, else None."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text
    return value if is_whole(value) else text


def _of_data(body: bytes, data: Any) -> dict[str, Any]:
    if data is None and body != b"null":
        return {"data_base64": base64.b64encode(body).decode()}
    return {"data": data}


def _no_number(text: str) -> Any:
    raise ValueError(text)


Take: TypeAlias = Callable[[Inbound, Message], Awaitable[None]]
"""Keeps a message durably; the broker hears that it has arrived only after this returns."""


@dataclass(frozen=True, slots=True)
class LinkOrder:
    """The settings of a link. `consumer` distinguishes this host from others of its group."""

    settings: BrokerSettings
    take: Take
    consumer: str
    reclaim_s: float = 60.0
    """The time after which another host takes over a message from a silent one (Redis)."""


class BrokerLink(Protocol):
    """A connection to one broker, used on one event loop; once stopped another one is made."""

    async def start(self) -> None:
        """Connects and begins to hand over. Raises: whatever its library raises."""

    async def stop(self) -> None:
        """Ends it; what was not kept yet stays with the broker."""

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """Sends an event; the broker has it on record when this returns. Raises: whatever its library raises."""

    async def alive(self, within_s: float) -> bool:
        """True if the broker answers."""


class FastLink:
    """A connection by FastStream; one class below for each kind of broker."""

    def __init__(self, order: LinkOrder, broker: Any) -> None:
        self.order, self.broker = order, broker

    async def start(self) -> None:
        """See `BrokerLink`."""
        await self.broker.start()

    async def stop(self) -> None:
        """See `BrokerLink`."""
        await self.broker.stop()

    async def alive(self, within_s: float) -> bool:
        """See `BrokerLink`."""
        return bool(await self.broker.ping(within_s))

    def hear(self, inbound: Inbound, content: Callable[[Any], Message], *place: Any, **options: Any) -> None:
        """Subscribes to a place. A message is acknowledged once `order.take` has returned."""
        library: Any = _library()
        given = library.Context("message", cast=False)

        async def take(message: Any = given) -> None:
            await self.order.take(inbound, content(message))

        self.broker.subscriber(*place, ack_policy=library.AckPolicy.NACK_ON_ERROR, **options)(take)


def _library(kind: str = "") -> ModuleType:
    return optional(f"faststream.{kind}".rstrip("."), extra="brokers")


_BODIES = (b"event", b"data", b"body", b"payload")
_POLL_MS = 500


class RedisLink(FastLink):
    """Redis streams with consumer groups.

    What a killed host had taken and not acknowledged is handed to another one after a while.
    """

    def __init__(self, order: LinkOrder) -> None:
        self._library: Any = _library("redis")
        super().__init__(order, self._library.RedisBroker(order.settings.url, logger=_log))
        for inbound in order.settings.inbound:
            self._hear(inbound, None)
            self._hear(inbound, max(1, round(order.reclaim_s * 1000)))

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `BrokerLink`."""
        client = await self.broker.connect()
        await client.xadd(to.to, {"event": body})

    def _hear(self, inbound: Inbound, idle_ms: int | None) -> None:
        stream = self._library.StreamSub(
            inbound.place,
            group=inbound.group,
            consumer=self.order.consumer,
            max_records=inbound.prefetch,
            min_idle_time=idle_ms,
            polling_interval=_POLL_MS,
        )
        self.hear(inbound, _from_redis, stream=stream, parser=_parsed)


def _from_redis(message: Any) -> Message:
    raw = message.raw_message
    body, headers = _content(raw["fields"], message.body, message.headers)
    return Message(body, raw["message_ids"][0].decode(), headers, str(headers.get("content-type", "")))


async def _parsed(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    """The library's message, which has to be text, with the entry's fields as they came."""
    fields = message["data"]
    try:
        return await original({**message, "fields": fields, "data": {b"__data__": fields.get(b"__data__", b"-")}})
    except Exception:  # not what it seemed to be: its bytes are the body
        return await original({**message, "fields": fields, "data": {b"__data__": b"-"}})


def _content(fields: Any, body: Any, headers: Any) -> tuple[bytes, dict[str, Any]]:
    """An entry's one body among its fields; else what a FastStream program wrote; else all fields as an object."""
    if b"__data__" in fields:
        return bytes(fields[b"__data__"] if body == b"-" else body), dict(headers)
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    for name in _BODIES:
        if name in fields:
            return bytes(fields[name]), {one: text for one, text in texts.items() if one != name.decode()}
    return json.dumps(texts).encode(), {}


class KafkaLink(FastLink):
    """Kafka: consumer groups whose offsets move after the insert, and idempotent publishing to all replicas."""

    def __init__(self, order: LinkOrder) -> None:
        parts = urlsplit(order.settings.url)
        security = None
        if parts.username:
            plain: Any = optional("faststream.security", extra="brokers")
            security = plain.SASLPlaintext(username=parts.username, password=parts.password or "")
        library: Any = _library("kafka")
        servers = parts.netloc.rpartition("@")[2].split(",")
        broker = library.KafkaBroker(servers, acks="all", enable_idempotence=True, security=security, logger=_log)
        super().__init__(order, broker)
        for inbound in order.settings.inbound:
            options = {"auto_offset_reset": "earliest", "max_poll_records": inbound.prefetch}
            self.hear(inbound, _from_kafka, inbound.place, group_id=inbound.group, **options)

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `BrokerLink`."""
        await self.broker.publish(body, to.to, key=key.encode(), headers={"content-type": STRUCTURED})


def _from_kafka(message: Any) -> Message:
    raw = message.raw_message
    name = f"{raw.topic}:{raw.partition}:{raw.offset}"
    return Message(bytes(message.body), name, dict(message.headers), message.content_type or "")


_FOR_EVER = -1
_PUBLISH_S = 10.0


class NatsLink(FastLink):
    """NATS JetStream: durable pull consumers, and publishing that waits for the stream's acknowledgement.

    Streams are the operator's: a missing one is created for subscriptions only.
    """

    def __init__(self, order: LinkOrder) -> None:
        library: Any = _library("nats")
        broker = library.NatsBroker(order.settings.url, max_reconnect_attempts=_FOR_EVER, logger=_log)
        super().__init__(order, broker)
        for inbound in order.settings.inbound:
            self.hear(
                inbound,
                _from_nats,
                inbound.place,
                stream=library.JStream(str(inbound.stream)),
                durable=inbound.group,
                pull_sub=library.PullSub(batch_size=inbound.prefetch),
            )

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `BrokerLink`. JetStream drops a second one of the same key within its window."""
        headers = {"content-type": STRUCTURED, "Nats-Msg-Id": key}
        await self.broker.publish(body, to.to, headers=headers, stream=to.stream, timeout=_PUBLISH_S)


def _from_nats(message: Any) -> Message:
    place = message.raw_message.metadata
    name = f"{place.stream}:{place.sequence.stream}"
    kind = message.content_type or str(message.headers.get("Content-Type", ""))
    return Message(bytes(message.body), name, dict(message.headers), kind)


_CONFIRM_S = 30.0


class RabbitLink(FastLink):
    """RabbitMQ: durable queues, acknowledgements after the insert, and publishing with confirms."""

    def __init__(self, order: LinkOrder) -> None:
        self._library: Any = _library("rabbit")
        channel = self._library.Channel
        confirmed = channel(publisher_confirms=True, on_return_raises=True)
        super().__init__(order, self._library.RabbitBroker(order.settings.url, default_channel=confirmed, logger=_log))
        for inbound in order.settings.inbound:
            queue = self._library.RabbitQueue(inbound.place, durable=True)
            self.hear(inbound, _from_rabbit, queue, channel=channel(prefetch_count=inbound.prefetch))

    async def start(self) -> None:
        """See `BrokerLink`."""
        await super().start()
        for outbound in self.order.settings.outbound:
            await self.broker.declare_queue(self._library.RabbitQueue(outbound.to, durable=True))

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `BrokerLink`."""
        name = hashlib.sha256(key.encode()).hexdigest()
        await self.broker.publish(
            body,
            to.to,
            persist=True,
            mandatory=True,
            timeout=_CONFIRM_S,
            content_type=STRUCTURED,
            message_id=name,
        )


def _from_rabbit(message: Any) -> Message:
    name = message.raw_message.message_id or message.message_id
    return Message(bytes(message.body), str(name), dict(message.headers), message.content_type or "")


_LINKS: Mapping[str, Callable[[LinkOrder], BrokerLink]] = {
    "redis": RedisLink,
    "kafka": KafkaLink,
    "nats": NatsLink,
    "rabbit": RabbitLink,
}


def open_link(order: LinkOrder) -> BrokerLink:
    """A link for a broker's kind, not started yet. Raises: ToolMissing: its library is not installed."""
    return _LINKS[order.settings.kind](order)


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
        self._reached = False
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
            self._reached = False
            try:
                await self._connected()
            except ToolMissing as error:
                self.trouble = str(error)
                _log.error("the broker %s cannot be used: %s", self.settings.name, error)
                return
            except Exception as error:  # whatever its library raises: the broker may be back later
                self._lost(error)
            if self._reached:
                wait_s = _FIRST_S
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
            self._link, self._reached, self.trouble = link, True, None
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
        self, row: WorkflowEventRow, event: Mapping[str, Any]
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


def _outgoing(row: WorkflowEventRow, line: _Line, to: Outbound) -> OutboxRow:
    name = f"{row.id}:{line.settings.name}:{to.to}"
    return OutboxRow(name, line.settings.name, to.to, row.type, row.envelope, row.at)


def _public(row: OutboxRow) -> dict[str, Any]:
    """The event as others see it. How many events led to it stays: no circle through a broker is without end."""
    event: dict[str, Any] = json.loads(row.envelope)
    return {name: value for name, value in event.items() if name != ORIGIN}
