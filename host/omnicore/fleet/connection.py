"""The connection of a host to its NATS servers, requests over it, and payloads over what one message may hold.

A server that is away is waited for in the background. Nothing is kept back for later meanwhile: who sends is told.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from omnicore.errors import CapacityReached, FleetRefused, InvalidSetting, LimitExceeded, OmniError, Unavailable
from omnicore.fleet.messages import Parcel, PartOrder
from omnicore.records import from_text, to_text
from omnicore.sandbox.abi import KIB, MIB

if TYPE_CHECKING:
    from omnicore.clock import Clock


_log = logging.getLogger("omnicore.fleet")

Heard = Callable[[Msg], Awaitable[None]]

_PING_S, _SILENT_PINGS = 2, 2
"""A server that is cut off counts as lost after 6 s at most."""
_AGAIN_S = 0.25
_CONNECT_S = 2
_HEADER_BYTES = 64 * KIB
"""Of `max_payload`, which counts headers too."""
_SLOW_EVERY_S = 10.0
_REFUSALS = ("authorization", "authentication", "credentials")
"""In the words of a server, or of the library about a file, for a host that is not let in."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a fleet, and the files that let a host in: those that stand behind `?` in `fleet.url`."""

    urls: tuple[str, ...]
    credentials: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def refusal(self, said: str) -> FleetRefused:
        """The error for servers that do not let the host in, with what they said."""
        shown = said.removeprefix("nats: ").strip("'")[:200]
        if self.credentials is not None:
            has = f"correct the file {self.credentials}, which fleet.url names as credentials"
        elif any("@" in one for one in self.urls):
            has = "correct the name and password, or the token, in fleet.url"
        else:
            has = "give fleet.url a name and password (nats://NAME:PASSWORD@HOST:4222) or ?credentials=FILE"
        return FleetRefused(
            f"the NATS servers do not let this host in: {shown}",
            remedy=f"{has}; the host tries again by itself, and reads a new fleet.url when it is started again",
        )

    def context(self) -> ssl.SSLContext | None:
        """The context of TLS; None where none is wanted. Raises: InvalidSetting: the files cannot be used."""
        if not (self.ca or self.certificate or any(one.startswith(("tls://", "wss://")) for one in self.urls)):
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            fact = f"names certificates that cannot be used: {error}"
            raise _wrong_url(fact, "correct ca, certificate and key") from error
        return context


def servers_of(url: str) -> Servers:
    """The servers that `fleet.url` names. Raises: InvalidSetting.

    >>> servers_of("tls://a:4222,tls://b:4222?credentials=/etc/nats.creds").urls
    ('tls://a:4222', 'tls://b:4222')
    """
    text, _, query = url.partition("?")
    urls = tuple(one.strip() for one in text.split(",") if one.strip())
    if not urls or not all(one.startswith(("nats://", "tls://", "ws://", "wss://")) for one in urls):
        raise _wrong_url("is not a list of NATS servers", "write nats://HOST:4222, several with commas between them")
    files = dict(parse_qsl(query))
    if unknown := sorted(files.keys() - {"credentials", "ca", "certificate", "key"}):
        raise _wrong_url(f"has {unknown[0][:80]!r} after the ?", "credentials, ca, certificate and key are known")
    found = {name: Path(file) for name, file in files.items()}
    for name, file in found.items():
        if not file.is_file():
            raise _wrong_url(f"names a file that is not there: {name}={file}", "correct the path")
    return Servers(urls, **found)


def _wrong_url(fact: str, remedy: str) -> InvalidSetting:
    return InvalidSetting(f"fleet.url {fact}", remedy=remedy, setting="fleet.url")


def no_responder(message: Msg) -> bool:
    """True for the server's answer that nobody hears a subject."""
    return not message.data and message.headers is not None and message.headers.get("Status") == "503"


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that waits for its answer. `heard_at` is when the last sign of life came, `host` who gave it."""

    answer: asyncio.Future[Msg]
    inbox: str
    heard_at: float
    host: str = ""


@dataclass(slots=True)
class _Wish:
    subject: str
    heard: Heard
    queue: str
    made: Subscription | None = None


@dataclass(slots=True)
class _Figures:
    """Counts since the start."""

    connects: int = 0
    lost: int = 0
    slow: int = 0
    slow_at: float = float("-inf")
    refused: FleetRefused | None = None
    logged: str = ""
    subjects: dict[str, _Wish] = field(default_factory=dict)


class NatsConnection:
    """One connection, made again whenever it is lost. Belongs to one event loop.

    `passing` is asked of each message that comes for a waiter: True where it is not the answer yet.

    Args:
        url: the setting `fleet.url`.
        name: shown by the servers' monitoring.

    Raises: InvalidSetting.
    """

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._servers = servers_of(url)
        self._tls = self._servers.context()
        self._client = Client()
        self._figures = _Figures()
        self._inbox = f"_INBOX.{secrets.token_hex(12)}"
        self._numbers = count()
        self._waiting: dict[str, Waiter] = {}
        self._joining: asyncio.Task[None] | None = None
        self.came: list[Callable[[], Awaitable[None]]] = []
        """Called whenever a connection stands."""
        self.passing: Callable[[Waiter, Msg], bool] = lambda waiter, message: False
        self.trouble: str | None = "no NATS server has answered yet"

    @property
    def connected(self) -> bool:
        """True while messages can be sent."""
        return self._client.is_connected

    @property
    def room_bytes(self) -> int:
        """The largest payload of one message."""
        return max(KIB, int(self._client.max_payload) - _HEADER_BYTES) if self.connected else MIB - _HEADER_BYTES

    @property
    def inbox(self) -> str:
        """The beginning of the subjects that only this host hears."""
        return self._inbox

    async def open(self, within_s: float) -> None:
        """Begins to connect, and waits so long for it at most; it goes on in the background."""
        self._joining = asyncio.create_task(self._join(), name="omnicore-fleet-join")
        await asyncio.wait([self._joining], timeout=within_s)

    async def close(self) -> None:
        """Leaves the servers; what was sent before is flushed."""
        joining, self._joining = self._joining, None
        if joining is not None:
            joining.cancel()
            with suppress(asyncio.CancelledError):
                await joining
        with suppress(Exception):  # whatever the library raises: nobody hears from this host any more
            if self.connected:
                await self._client.flush(1)
        with suppress(Exception):
            await self._client.close()
        self._fail_all("the host stops")

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Sends a message. Raises: Unavailable: no server is there; LimitExceeded: too long."""
        await self._send(subject, payload, headers, "")

    async def hear(self, subject: str, heard: Heard, *, queue: str = "") -> None:
        """Hears a subject from now on, again after each loss of the connection; once for each subject."""
        if subject not in self._figures.subjects:
            wish = self._figures.subjects[subject] = _Wish(subject, heard, queue)
            if self.connected:
                await self._subscribe(wish)

    async def leave(self, subject: str) -> None:
        """Hears a subject no more."""
        wish = self._figures.subjects.pop(subject, None)
        if wish is not None and wish.made is not None:
            with suppress(nats.errors.Error):
                await wish.made.unsubscribe()

    async def ask(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> Waiter:
        """Sends a request; the caller waits for `answer`, and must give the waiter to `over`. Raises: Unavailable."""
        token = f"{next(self._numbers):x}"
        waiter = Waiter(asyncio.get_running_loop().create_future(), f"{self._inbox}.{token}", self._clock.monotonic())
        self._waiting[waiter.inbox] = waiter
        try:
            await self._send(subject, payload, headers, waiter.inbox)
        except BaseException:
            self.over(waiter)
            raise
        return waiter

    def over(self, waiter: Waiter) -> None:
        """Waits no more."""
        self._waiting.pop(waiter.inbox, None)
        waiter.answer.cancel()

    async def request(self, subject: str, payload: bytes, timeout_s: float) -> Msg:
        """A request with one answer. Raises: Unavailable: there is none, or not in time."""
        waiter = await self.ask(subject, payload)
        try:
            async with asyncio.timeout(timeout_s):
                message = await waiter.answer
        except TimeoutError:
            raise Unavailable("a host of the fleet does not answer", remedy="try again") from None
        finally:
            self.over(waiter)
        if no_responder(message):
            raise Unavailable("the host has left the fleet", remedy="try again")
        return message

    def silent(self, before: float) -> list[Waiter]:
        """Those who wait and have heard nothing since a moment of the monotonic clock."""
        return [one for one in self._waiting.values() if one.heard_at < before and not one.answer.done()]

    def figures(self) -> Mapping[str, float]:
        """Connections made and lost, messages dropped for slowness, and requests under way."""
        figures = self._figures
        return {
            "connects": figures.connects,
            "lost": figures.lost,
            "slow": figures.slow,
            "waiting": len(self._waiting),
        }

    # -- inner parts

    async def _join(self) -> None:
        while True:
            try:
                await self._client.connect(**self._options())
            except (OSError, nats.errors.Error, TimeoutError, ssl.SSLError, ValueError) as error:
                self._said(error)
                await asyncio.sleep(_AGAIN_S)
            else:
                await self._stands()
                return

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            **{"servers": list(self._servers.urls), "name": self._name},
            **{"allow_reconnect": True, "max_reconnect_attempts": -1, "no_echo": True},
            **{"reconnect_time_wait": _AGAIN_S, "connect_timeout": _CONNECT_S, "ping_interval": _PING_S},
            **{"max_outstanding_pings": _SILENT_PINGS, "drain_timeout": 1, "flush_timeout": 5.0},
            **{"error_cb": self._erred, "disconnected_cb": self._lost, "reconnected_cb": self._again},
            "closed_cb": self._closed,
        }
        if self._servers.credentials is not None:
            options["user_credentials"] = str(self._servers.credentials)
        if self._tls is not None:
            options["tls"] = self._tls
        return options

    async def _stands(self) -> None:
        self._figures.connects += 1
        self._figures.refused = self.trouble = None
        _log.info("the host has joined its fleet at %s", self._shown())
        for wish in list(self._figures.subjects.values()):
            if wish.made is None:
                await self._subscribe(wish)
        if f"{self._inbox}.*" not in self._figures.subjects:
            await self.hear(f"{self._inbox}.*", self._answered)
        for told in self.came:
            await told()

    def _shown(self) -> str:
        url = self._client.connected_url
        return url.netloc.rpartition("@")[2] if url is not None else ""

    async def _subscribe(self, wish: _Wish) -> None:
        with suppress(nats.errors.ConnectionClosedError):
            wish.made = await self._client.subscribe(wish.subject, queue=wish.queue, cb=wish.heard)

    async def _send(self, subject: str, payload: bytes, headers: Mapping[str, str] | None, reply: str) -> None:
        if not self.connected:
            if (refused := self._figures.refused) is not None:
                raise FleetRefused(refused.fact, remedy=refused.remedy)
            raise Unavailable(
                "no NATS server of the fleet is there", remedy="try again; see the part `fleet` of the host's health"
            )
        try:
            await self._client.publish(subject, payload, reply, dict(headers) if headers else None)
        except nats.errors.MaxPayloadError:
            most = self.room_bytes
            raise LimitExceeded(
                f"a message of {len(payload)} bytes is longer than the NATS server takes",
                remedy="send less, or raise max_payload there",
                limit="max_payload",
                allowed=most,
            ) from None
        except (nats.errors.Error, OSError) as error:
            raise Unavailable(
                f"the message cannot be sent to the fleet: {type(error).__name__}", remedy="try again"
            ) from error

    async def _answered(self, message: Msg) -> None:
        waiter = self._waiting.get(message.subject)
        if waiter is None or waiter.answer.done():
            return
        waiter.heard_at = self._clock.monotonic()
        if not self.passing(waiter, message):
            waiter.answer.set_result(message)

    def _fail_all(self, why: str) -> None:
        for waiter in list(self._waiting.values()):
            if not waiter.answer.done():
                waiter.answer.set_exception(Unavailable(why, remedy="try again"))

    def _said(self, error: BaseException) -> None:
        said = str(error) or type(error).__name__
        for one in self._servers.urls:  # the library names addresses, with what lets this host in
            inside = one.partition("://")[2].rpartition("@")[0]
            said = said.replace(inside, "...") if inside else said
        if any(word in said.lower() for word in _REFUSALS):
            refused = self._figures.refused = self._servers.refusal(said)
            if self._figures.logged != str(refused):
                _log.error("%s", refused)
            self.trouble = self._figures.logged = str(refused)
        elif self._figures.refused is None or not isinstance(error, (BrokenPipeError, ConnectionResetError)):
            self._figures.refused = None  # else the library says what happened to the connection after the refusal
            self.trouble = said[:300]

    async def _erred(self, error: Exception) -> None:
        if isinstance(error, nats.errors.SlowConsumerError):
            self._figures.slow += 1
            now = self._clock.monotonic()
            if now - self._figures.slow_at > _SLOW_EVERY_S:
                self._figures.slow_at = now
                _log.warning("messages of the fleet come faster than this host takes them; some are dropped")
        elif not self.connected:
            self._said(error)
        else:
            _log.warning("the fleet's connection: %s", error)

    async def _lost(self) -> None:
        if self._joining is None:  # it is this host that leaves
            return
        self._figures.lost += 1
        self.trouble = "the connection to the NATS servers is lost"
        _log.warning("the connection to the fleet is lost; the host goes on alone and connects again")

    async def _again(self) -> None:
        await self._stands()

    async def _closed(self) -> None:
        """Begins anew after a server has sent the host away, upon which the library gives up."""
        if self._joining is None:
            return
        for wish in self._figures.subjects.values():
            wish.made = None
        self._client = Client()
        self._joining = asyncio.create_task(self._join(), name="omnicore-fleet-join")


_PART_S = 5.0
_AT_ONCE = 4
_HELD_BYTES = 256 * MIB
_SHORTEST_PART = 1024


class Parcels:
    """Payloads that are too long for one message: held here for who fetches them, and fetched from others.

    Owns: the payloads it holds, at most 256 MiB, until they are let go.
    """

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection
        self._held: dict[str, tuple[bytes, int]] = {}
        self._bytes = 0
        self._subject = f"{connection.inbox}.parts.held"

    async def start(self) -> None:
        """Answers requests for parts."""
        await self._connection.hear(self._subject, self._asked)

    def hold(self, data: bytes) -> Parcel:
        """Holds a payload until `drop`. Raises: CapacityReached."""
        if self._bytes + len(data) > _HELD_BYTES:
            raise CapacityReached("too many long payloads wait to be fetched by the fleet", remedy="try again later")
        name, size = secrets.token_hex(16), max(_SHORTEST_PART, self._connection.room_bytes)
        self._held[name] = (data, size)
        self._bytes += len(data)
        digest = hashlib.sha256(data).hexdigest()
        return Parcel(at=self._subject, id=name, bytes=len(data), part_bytes=size, sha256=digest)

    def drop(self, parcel: Parcel) -> None:
        """Lets a payload go; a second time does nothing."""
        found = self._held.pop(parcel.id, None)
        if found is not None:
            self._bytes -= len(found[0])

    async def fetch(self, parcel: Parcel, most: int) -> bytes:
        """A payload of another. Raises: LimitExceeded: over `most` bytes; Unavailable: it is gone or not whole."""
        if parcel.bytes > most:
            raise LimitExceeded(
                f"the payload has {parcel.bytes} bytes", remedy="send less", limit="input_bytes", allowed=most
            )
        parts = -(-parcel.bytes // parcel.part_bytes)
        found: list[bytes] = []
        for start in range(0, parts, _AT_ONCE):
            wanted = range(start, min(start + _AT_ONCE, parts))
            found += await asyncio.gather(*(self._part(parcel, number) for number in wanted))
        data = b"".join(found)
        if len(data) != parcel.bytes or await asyncio.to_thread(_digest, data) != parcel.sha256:
            raise Unavailable("a long payload came in other parts than it was sent in", remedy="try again")
        return data

    async def _part(self, parcel: Parcel, number: int) -> bytes:
        order = to_text(PartOrder(id=parcel.id, part=number)).encode()
        data = (await self._connection.request(parcel.at, order, _PART_S)).data
        if not data or len(data) > parcel.part_bytes:
            raise Unavailable("a long payload is gone before it was fetched", remedy="try again")
        return bytes(data)

    async def _asked(self, message: Msg) -> None:
        part = b""
        with suppress(OmniError):
            order = from_text(PartOrder, message.data[:KIB], "order of a part")
            data, size = self._held.get(order.id, (b"", 1))
            part = data[order.part * size : (order.part + 1) * size]
        if message.reply.startswith("_INBOX"):
            with suppress(OmniError):
                await self._connection.publish(message.reply, part)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
