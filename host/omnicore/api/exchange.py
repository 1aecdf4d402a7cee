"""Requests in progress: one exchange each, and all of them as traffic that a stop can drain.

An exchange bounds the body, adds the headers that every answer has, and can be cut. `Answers` keeps the answers to
writes with an `Idempotency-Key`: one that is sent twice happens once. `prefixed` serves the host below a path: mounted
in another application, or behind a proxy.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnicore.api.problems import MEDIA, Problem, RefusalError
from omnicore.errors import CapacityReached, Conflict, InvalidInput, OmniError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omnicore.access.principal import Principal
    from omnicore.connectors.vault import Vault
    from omnicore.storage.tables.answers import AnswersTable

_log = logging.getLogger("omnicore.api")

Header = tuple[bytes, bytes]

SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of all answers except pages: browsers must not interpret JSON, text and bytes as anything else."""

HSTS: Header = (b"strict-transport-security", b"max-age=31536000")
"""Only over https: over http browsers ignore it."""


def completed(headers: Iterable[Header], always: tuple[Header, ...]) -> list[Header]:
    """The headers of an answer, plus those of `always` that it lacks."""
    found = list(headers)
    names = {name for name, _ in found}
    return found + [one for one in always if one[0] not in names]


WHOLE_ANSWER = "omnicore.answer"
"""The extension of the ASGI scope by which our server takes an answer as a whole."""

WholeAnswer = Callable[[int, list[Header], bytes], Awaitable[None]]
Cut = Literal["deadline", "client-left", "stopping", "revoked"]

Handler = Callable[[Request], Awaitable[Response]]
Key = tuple[str, ...]

_LONGEST_KEY = 255
_PREFIX_KEY = "omnicore.prefix"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")
_LINGER_S = 2.0
_CLOSED = {"stopping": 1001, "revoked": 4001}
_ALWAYS = ((b"cache-control", b"no-store"), *SECURITY)
_SECURE = (*_ALWAYS, HSTS)


class Body:
    """The body of a request, bounded. Units: `limit`, `length` (None: not known) and `held` in bytes.

    Args:
        hold: called with the size of each piece; raises when all requests together hold too much.
    """

    __slots__ = ("_hold", "_length", "_limit", "complete", "held")

    def __init__(self, *, limit: int, length: int | None, hold: Callable[[int], None]) -> None:
        self._limit, self._length, self._hold = limit, length, hold
        self.held = 0
        self.complete = length == 0

    def narrow(self, limit: int) -> None:
        """Lowers the limit. Raises: RefusalError: the announced body is larger."""
        self._limit = min(limit, self._limit)
        if (self._length or 0) > self._limit or self.held > self._limit:
            raise self.too_large()

    def take(self, message: Message) -> None:
        """Counts a message of the server. Raises: RefusalError: the body is over the limit; CapacityReached."""
        if size := len(message.get("body", b"")):
            self.held += size
            self._hold(size)
            if self.held > self._limit:
                raise self.too_large()
        # The server sends an empty message at the end; with a known length nothing waits for it.
        if not message.get("more_body") or self.held == self._length:
            self.complete = True

    def too_large(self) -> RefusalError:
        """The refusal of a body over the limit."""
        return RefusalError(
            Problem(
                413,
                "body-too-large",
                f"the body has over {self._limit} bytes",
                "send less; for most requests the setting body_bytes can be raised",
                details={"limit": "body_bytes", "allowed": self._limit},
            )
        )


class Exchange:
    """One HTTP request or WebSocket. Made and used in the task that serves it.

    An endpoint that has read the body and waits for something sets `waiting_since`: from then on a disconnect cuts the
    request. `cut_for` is the reason of a cut. An endpoint whose answer does not end sets `streams`: a stop of the host
    then ends it at once, as it does live connections.

    Args:
        secure: the browser speaks https.

    Units: `due` and `waiting_since` seconds of `time.monotonic`.
    """

    __slots__ = (
        *("_always", "_look", "_receive", "_send", "_start", "_task", "_whole"),
        *("body", "cut_for", "due", "request_id", "scope", "started", "streams", "waiting_since"),
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, request_id: str, body: Body, secure: bool = False
    ) -> None:
        self._always = _SECURE if secure else _ALWAYS
        self._whole: WholeAnswer | None = scope["extensions"].get(WHOLE_ANSWER) if "extensions" in scope else None
        self._start: Message | None = None
        self.scope, self._receive, self._send = scope, receive, send
        self._task = asyncio.current_task()
        self._look: asyncio.Task[None] | None = None
        self.request_id = request_id
        self.body = body
        self.streams = self.started = False
        self.cut_for: Cut | None = None
        self.due = math.inf
        self.waiting_since = math.inf

    @property
    def live(self) -> bool:
        """True for a WebSocket."""
        return bool(self.scope["type"] == "websocket")

    def cut(self, reason: Cut) -> None:
        """Cancels the task of the request once. The guard answers."""
        if self.cut_for is None and self._task is not None:
            self.cut_for = reason
            self._task.cancel()

    def look(self) -> None:
        """Starts to watch for a disconnect. This needs a task, which costs 20 us, so only long requests do it."""
        if self._look is None:
            self._look = asyncio.ensure_future(self._wait_for_leave())

    def end(self) -> None:
        """From here on nothing cuts the exchange."""
        self._task = None
        if self._look is not None:
            self._look.cancel()

    def resume(self) -> None:
        """Undoes the cancellation, so that the task can answer. From here on nothing cuts it."""
        if self.cut_for is not None and self._task is not None:
            self._task.uncancel()
        self._task = None

    async def receive(self) -> Message:
        """The server's next message. Raises: RefusalError: the body is over the limit; CapacityReached."""
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            self.body.take(message)
        elif kind == "http.disconnect" and self.cut_for is None:
            self.cut_for = "client-left"
        return message

    async def read_body(self) -> bytes:
        """The whole body.

        Raises: RefusalError: it is over the limit, or the client left before its end; CapacityReached.
        """
        chunks: list[bytes] = []
        while not self.body.complete:
            message = await self.receive()
            if message["type"] != "http.request":
                raise RefusalError(Problem(400, "client-left", "the connection ended before the body did"))
            if chunk := message.get("body"):
                chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Sends a complete answer."""
        self.started = True
        headers += (*self._always, (b"x-request-id", self.request_id.encode()))
        if self._whole is not None and self.body.complete:
            await self._whole(status, headers, body)
            return
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        end = {"type": "http.response.body", "body": body}
        await (self._send(end) if self.body.complete else self._end_early(end))

    async def send(self, message: Message) -> None:
        """Passes a message to the server, with the headers that every answer has."""
        kind = message["type"]
        if kind == "http.response.start":
            self.started = True
            headers = completed(message.get("headers", ()), self._always)
            headers.append((b"x-request-id", self.request_id.encode()))
            message["headers"] = headers
            if self._whole is not None and self.body.complete and any(name == b"content-length" for name, _ in headers):
                self._start = message  # the body comes at once, and both go out together
                return
        elif kind == "websocket.accept":
            self.started = True
        elif kind == "http.response.body":
            start, self._start = self._start, None
            if start is not None and self._whole is not None:
                if not message.get("more_body"):
                    await self._whole(start["status"], start["headers"], message.get("body", b""))
                    return
                await self._send(start)
            if not self.body.complete and not message.get("more_body"):
                await self._end_early(message)
                return
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answers with a problem, if an answer is still possible."""
        if self.cut_for == "client-left":
            return
        if self._start is not None:
            self.started, self._start = False, None
        if self.started:
            if self.live:
                code = _CLOSED.get(self.cut_for or "", 1011)
                await self._send({"type": "websocket.close", "code": code, "reason": problem.detail[:100]})
            elif self.streams:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return  # half an answer cannot be undone: the server closes the connection
        body = problem.body(self.request_id)
        headers = [
            (b"content-type", MEDIA.encode()),
            (b"content-length", b"%d" % len(body)),
            *problem.headers,
            *([] if self.body.complete or self.scope["http_version"] == "2" else [(b"connection", b"close")]),
        ]
        if self.live:
            headers += self._always
            start = {"type": "websocket.http.response.start", "status": problem.status, "headers": headers}
            await self._send(start)
            await self._send({"type": "websocket.http.response.body", "body": body})
            return
        await self.reply(problem.status, headers, body)

    async def _end_early(self, message: Message) -> None:
        """Ends an answer while the request body is still arriving.

        The rest is read for a short time and dropped. Closing at once would reset the connection, and the client could
        lose the answer. Not reading would leave Hypercorn waiting for room in its queue for ever.
        """
        await self._send({**message, "more_body": True})
        rest = asyncio.ensure_future(self._drop_rest())
        try:
            await asyncio.wait((rest,), timeout=_LINGER_S)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            rest.cancel()

    async def _wait_for_leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.cut("client-left")

    async def _drop_rest(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "http.request" or not message.get("more_body"):
                return


_ANSWER_S = 1.0
_SWEEP_S = 0.05
_WATCH_S = 2.0


class Traffic:
    """The requests in progress. Belongs to one event loop.

    Args:
        most: requests and WebSockets at the same time; further ones are refused.
        most_bytes: bytes of all bodies together; further ones are refused.
    """

    def __init__(self, most: int = 2000, most_bytes: int = 256 * 1024 * 1024) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._held = 0
        self._running: set[Exchange] = set()
        self._changed: asyncio.Event | None = None
        self._sweeping = False
        self.stopping = False
        self.watch: Callable[[Sequence[Exchange]], None] | None = None
        """Shown the connections that have no end of their own: every two seconds, and when `turn` tells another."""
        self.turn: Callable[[], int] = int
        self._turn = 0
        self._watch_due = 0.0
        self.taken = 0

    def __len__(self) -> int:
        return len(self._running)

    def enter(self, exchange: Exchange) -> None:
        """Adds a request."""
        self._running.add(exchange)
        self.taken += 1
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def leave(self, exchange: Exchange) -> None:
        """Removes a request."""
        exchange.end()
        self._held -= exchange.body.held
        self._running.discard(exchange)
        if self._changed is not None:
            self._changed.set()

    def check_room(self) -> None:
        """Raises: Unavailable: the host stops; CapacityReached: too many requests are in progress."""
        if self.stopping:
            raise Unavailable("the host stops", remedy="try again later", retry_after_s=5)
        if len(self._running) > self._most:
            raise CapacityReached(f"{self._most} requests run already", remedy="try again later")

    def check_share(self, scope: Scope, most: int) -> None:
        """Raises: CapacityReached: the caller already holds `most` open connections of this kind."""
        own: Principal | None = scope.get("principal")
        if own is None or own.via in ("owner", "local", "setting"):
            return
        held = sum(one.scope["path"] == scope["path"] and _person(one) == own.person for one in self._running)
        if held > most:
            raise CapacityReached(f"{own.name} holds {most} such connections open", remedy="close one of them")

    def hold(self, size: int) -> None:
        """Adds bytes of a body until its request leaves. Raises: CapacityReached: too many bytes."""
        self._held += size
        if self._held > self._most_bytes:
            raise CapacityReached("the requests that run hold too many bytes", remedy="try again later")

    async def drain(self, timeout_s: float) -> None:
        """Closes live connections, waits for requests to finish, then cuts the rest."""
        self.stopping = True
        for exchange in tuple(self._running):
            if exchange.live or exchange.streams:
                exchange.cut("stopping")
        await self._none_left(timeout_s)
        for exchange in tuple(self._running):
            exchange.cut("stopping")
        await self._none_left(_ANSWER_S)

    def _sweep(self) -> None:
        # One timer for all: two of its own would cost each request 10 us, and most end long before.
        now = monotonic()
        for exchange in tuple(self._running):
            if exchange.due <= now:
                exchange.cut("deadline")
            elif exchange.waiting_since <= now:
                exchange.look()
        turn = self.turn()
        if self.watch is not None and (now >= self._watch_due or turn != self._turn):
            self._watch_due, self._turn = now + _WATCH_S, turn
            self.watch([exchange for exchange in self._running if exchange.live or exchange.streams])
        self._sweeping = bool(self._running)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    async def _none_left(self, timeout_s: float) -> None:
        changed = self._changed = asyncio.Event()
        try:
            async with asyncio.timeout(timeout_s):
                while self._running:
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass
        finally:
            self._changed = None


def _person(exchange: Exchange) -> str:
    principal: Principal | None = exchange.scope.get("principal")
    return "" if principal is None else principal.person


@dataclass(frozen=True, slots=True)
class _Kept:
    """A request's digest and its answer."""

    digest: bytes
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Answers:
    """The answers to the last writes with a key; the oldest are dropped first.

    Units: `most` answers, `most_bytes` bytes of all their bodies.
    """

    def __init__(self, most: int = 1000, most_bytes: int = 8 * 1024 * 1024) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._bytes = 0
        self._running: dict[Key, bytes] = {}
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def begin(self, key: Key, digest: bytes) -> Response | None:
        """The answer of the first request with this key, or None when this is the first.

        Raises:
            InvalidInput: the first request was another one.
            Conflict: the first request still runs.
        """
        kept = self._kept.get(key)
        first = self._running.get(key) if kept is None else kept.digest
        if first is None:
            self._running[key] = digest
            return None
        if first != digest:
            raise InvalidInput(
                "this Idempotency-Key was used for another request", remedy="use a new key for each request"
            )
        if kept is None:
            raise Conflict("the request with this Idempotency-Key still runs", remedy="try again in a moment")
        again = Response(kept.body, kept.status)
        again.raw_headers = [*kept.headers, (b"idempotency-replayed", b"true")]
        return again

    def end(self, key: Key, response: Response | None) -> None:
        """Keeps the answer. Without one the request failed and can be sent again."""
        digest = self._running.pop(key)
        if response is None:
            return
        body = bytes(response.body)
        self._kept[key] = _Kept(digest, response.status_code, tuple(response.raw_headers), body)
        self._bytes += len(body)
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)


_LONGEST_BODY = 64 * 1024
_LONGEST_RUN_S = 600.0


class SharedAnswers:
    """The answers to writes with a key, for all hosts on a database. Its methods block.

    Bodies are sealed by the vault; without its key, and above 64 KiB, only status and location are kept.
    """

    def __init__(self, table: AnswersTable, vault: Vault) -> None:
        self._table, self._vault = table, vault

    def begin(self, key: Key, digest: bytes) -> Response | None:
        """The answer of the first request with this key at any host, or None when this is the first.

        Raises: InvalidInput: the first request was another one. Conflict: it still runs, or its answer is not kept.
        """
        name = _name(key)
        row = self._table.begin(name, digest)
        if row is None:
            return None
        if row.digest != digest:
            raise InvalidInput(
                "this Idempotency-Key was used for another request", remedy="use a new key for each request"
            )
        if row.status == 0:
            lost = self._table.clock.now() - row.at > _LONGEST_RUN_S
            raise Conflict(
                "the request with this Idempotency-Key "
                + ("began at a host that ended before it answered" if lost else "still runs at another host"),
                remedy="look whether it was done, then use a new key" if lost else "try again in a moment",
            )
        found = self._vault.open_aside(row.sealed, about=name) if row.sealed else None
        if found is None:
            raise Conflict(
                f"the request with this Idempotency-Key was done: it was answered with {row.status}",
                remedy=f"see {row.location}" if row.location else "look at what it made",
            )
        head, _, body = found.partition(b"\n")
        again = Response(body, row.status)
        named = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(head)]
        again.raw_headers = [*named, (b"idempotency-replayed", b"true")]
        return again

    def end(self, key: Key, response: Response | None) -> None:
        """Keeps the answer. Without one the request failed and can be sent again."""
        name = _name(key)
        if response is None:
            self._table.drop(name)
            return
        named = [(one.decode("latin-1"), value.decode("latin-1")) for one, value in response.raw_headers]
        body = bytes(response.body)
        plain = json.dumps(named).encode() + b"\n" + body
        sealed = self._vault.seal_aside(plain, about=name) if len(body) <= _LONGEST_BODY else b""
        self._table.keep(
            name, status=response.status_code, location=response.headers.get("location", ""), sealed=sealed
        )


def _name(key: Key) -> str:
    return hashlib.blake2b("\0".join(key).encode(), digest_size=32).hexdigest()


def idempotent(
    endpoint: Handler,
    answers_of: Callable[[Request], Answers],
    shared_of: Callable[[Request], SharedAnswers | None] = lambda _: None,
) -> Handler:
    """The endpoint, run once for each key. Failures are not kept, so the client can retry.

    Args: shared_of: the answers of all hosts, which are asked after this host's own.
    """

    @wraps(endpoint)
    async def once(request: Request) -> Response:
        given = request.headers.get("idempotency-key")
        if given is None:
            return await endpoint(request)
        if not 0 < len(given) <= _LONGEST_KEY:
            raise RefusalError(Problem(422, "invalid-input", "the Idempotency-Key is empty or over 255 characters"))
        who = request.scope.get("principal")  # one's answers are nobody else's
        key = (request.method, request.url.path, given, who.via if who else "", who.name if who else "")
        answers = answers_of(request)
        kept = answers.begin(key, _digest(request, await request.body()))
        if kept is not None:
            return kept
        response = None
        try:
            shared = shared_of(request)
            response = await (endpoint(request) if shared is None else _once_of_all(shared, key, endpoint, request))
        finally:
            answers.end(key, response)
        return response

    return once


async def _once_of_all(shared: SharedAnswers, key: Key, endpoint: Handler, request: Request) -> Response:
    kept = await asyncio.to_thread(shared.begin, key, _digest(request, await request.body()))
    if kept is not None:
        return kept
    response = None
    try:
        response = await endpoint(request)
    finally:
        try:
            await asyncio.shield(asyncio.to_thread(shared.end, key, response))
        except OmniError as error:  # what was done is done; the row says that it runs
            _log.warning("the answer to an Idempotency-Key is not kept for other hosts: %s", error)
    return response


def _digest(request: Request, body: bytes) -> bytes:
    about: list[Any] = [request.url.query, request.headers.get("content-type", "")]
    return hashlib.blake2b("\0".join(about).encode() + b"\0" + body, digest_size=32).digest()


def prefix_of(scope: Scope) -> str:
    """The part that stands before every path of this host in its callers' addresses, such as `/omni`; often empty."""
    found: str = scope.get(_PREFIX_KEY, "")
    return found


def prefixed(app: ASGIApp, forwarded: Callable[[Scope], str]) -> ASGIApp:
    """The application, served below any path: it sees its own paths, and its redirects lead to the callers' ones.

    Args:
        forwarded: the path that a trusted proxy says it serves the host at, or "".
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        mounted: str = scope.get("root_path", "").rstrip("/")
        said = forwarded(scope).rstrip("/")
        prefix = f"{said if _PREFIX.fullmatch(said) else ''}{mounted}"
        if not prefix:
            await app(scope, receive, send)
            return
        path: str = scope["path"]
        # Some frameworks and proxies leave the prefix in the path, others take it away.
        for one in (prefix, mounted, said):
            if one and (path == one or path.startswith(f"{one}/")):
                path = path[len(one) :] or "/"
                break
        inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": "", _PREFIX_KEY: prefix}
        await app(inner, receive, _sending(send, prefix.encode()))

    return serve


def _sending(send: Send, prefix: bytes) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _moved(message.get("headers", ()), prefix)}
        await send(message)

    return sent


def _moved(headers: Sequence[tuple[bytes, bytes]], prefix: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (name, prefix + value) if name.lower() == b"location" and value[:1] == b"/" != value[1:2] else (name, value)
        for name, value in headers
    ]
