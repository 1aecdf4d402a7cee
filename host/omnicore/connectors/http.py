"""HTTP clients: one for the requests of guests, within a policy, and one for a single service.

Built on httpcore, as the client of guests is, with its connections made by `CheckedBackend`: the name is looked up,
all its addresses are checked, and what was checked is what is connected to. A whole client such as httpx2 would add
what must not happen here (redirects that carry credentials, proxies and netrc of the environment, cookies, unpacking of
compressed bodies) and has the same pool inside. Kept connections make a small request cost 0.6 ms of computing at
both ends instead of 1.1 ms, with TLS 0.6 instead of 3.6 ms, and save the round trips of two handshakes.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import certifi
import httpcore

from omnicore.connectors.addresses import (
    CheckedBackend,
    Resolver,
    SystemResolver,
    Url,
    is_private,
    join,
    literal_address,
    parse_url,
)
from omnicore.connectors.kind import temporary
from omnicore.connectors.policy import HttpPolicy, Reserved
from omnicore.errors import (
    CapacityReached,
    DeadlineExceeded,
    InvalidInput,
    LimitExceeded,
    PermissionDenied,
    Unavailable,
)
from omnicore.sandbox.abi import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

__all__ = [
    "Base",
    "HttpClient",
    "HttpPolicy",
    "HttpSession",
    "ServiceAnswer",
    "Streamed",
    "base_url",
    "from_guest",
    "from_server",
    "lies_within",
    "method_name",
    "same_origin_only",
]


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_GUEST_FIELDS, _GUEST_BYTES = 100, 16 * 1024
_SERVER_FIELDS, _SERVER_BYTES = 200, 64 * 1024

# The connection is the host's: fields about it, its length and its coding are not a guest's to set.
_HOSTS_OWN = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("host", "content-length", "expect", "accept-encoding", "proxy-authorization", "http2-settings"),
    }
)
_CREDENTIALS = frozenset({"authorization", "cookie", "cookie2"})


def method_name(method: str) -> str:
    """The method in upper case. Raises: InvalidInput for one that is not in `METHODS`."""
    upper = method.upper()
    if upper not in METHODS:
        raise InvalidInput(f"{method[:40]!r} is not an HTTP method", remedy=f"use one of {', '.join(METHODS)}")
    return upper


def from_guest(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields to send, by lower-case name, without those the host sets itself.

    Raises:
        InvalidInput: a name or a value that could break out of its line.
        LimitExceeded: more than 100 fields or 16 KiB.
    """
    clean: dict[str, str] = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or _UNFIT.search(value):
            raise InvalidInput(f"the header {name[:80]!r} holds characters that a header cannot hold")
        if name.lower() not in _HOSTS_OWN:
            clean[name.lower()] = value.strip(" \t")
    _bound("request", clean.items(), _GUEST_FIELDS, _GUEST_BYTES)
    return clean


def from_server(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The answer's fields by lower-case name, repeated ones joined by `, `. Raises: LimitExceeded."""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in fields]
    _bound("response", pairs, _SERVER_FIELDS, _SERVER_BYTES)
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def same_origin_only(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields that may follow a redirect to another origin: all but credentials."""
    return {name: value for name, value in headers.items() if name not in _CREDENTIALS}


def _bound(side: str, pairs: Iterable[tuple[str, str]], fields: int, size: int) -> None:
    sizes = [len(name) + len(value) for name, value in pairs]
    if len(sizes) > fields or sum(sizes) > size:
        raise LimitExceeded(
            f"the {side}'s headers exceed {fields} fields or {size} bytes", limit="http_headers", allowed=size
        )


_REDIRECTS = (301, 302, 303, 307, 308)
_LONGEST_S = 300.0
_BODY_FIELDS = ("content-type", "content-encoding", "content-language", "content-location")


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request on the way: the first one, or where a redirect led."""

    method: str
    url: Url
    headers: Mapping[str, str]
    body: bytes
    max_bytes: int

    def redirected(self, status: int, location: str) -> _Hop:
        """The hop a redirect leads to, with the method and the credentials a browser would send."""
        url = join(self.url, location)
        headers = dict(self.headers) if url.origin == self.url.origin else same_origin_only(self.headers)
        becomes_get = self.method not in ("GET", "HEAD") if status == 303 else self.method == "POST"
        if status in (307, 308) or not becomes_get:
            return replace(self, url=url, headers=headers)
        headers = {name: value for name, value in headers.items() if name not in _BODY_FIELDS}
        return replace(self, method="GET", url=url, headers=headers, body=b"")


class HttpClient:
    """Sends requests on whichever event loop is running. Usable from several loops and threads at once.

    Every request has a connection of its own, closed before `send` returns: no plugin ever speaks over a
    connection that was opened under another one's policy, and no loop is left with open sockets. Proxies and
    credentials of the environment are not looked at.

    Args:
        resolve: looks names up; the operating system by default.
        ssl_context: verifies servers; the roots of certifi by default.
        max_in_flight: how many requests may be under way at once.
        reserved: addresses that only a policy which spells them reaches; None for requests of the host itself.
    """

    def __init__(
        self,
        *,
        resolve: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_in_flight: int = 1000,
        reserved: Reserved | None = None,
    ) -> None:
        self._system = SystemResolver()
        self._resolve = resolve or self._system
        self._ssl = ssl_context
        self._max_in_flight = max_in_flight
        self._reserved = reserved
        self._in_flight = 0
        self._lock = threading.Lock()

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        """Sends a request, follows redirects, and returns the bounded answer, whatever its status.

        Raises:
            InvalidInput: a URL, method or header that cannot be sent.
            PermissionDenied: the policy refuses the host, the method or an address, on any hop.
            LimitExceeded: a body or the headers are over their bound.
            DeadlineExceeded: `timeout_s` passed, name look-up and redirects counted.
            Unavailable: the server cannot be reached or breaks the protocol.
            CapacityReached: too many requests are under way.
        """
        hop = _Hop(
            method_name(request.method),
            parse_url(request.url),
            from_guest(request.headers),
            request.body,
            request.max_bytes,
        )
        _bound_body(request.body, policy.max_request_bytes)
        self._enter()
        try:
            async with asyncio.timeout(min(request.timeout_s, _LONGEST_S)):
                return await self._follow(hop, policy)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"timeout: the HTTP request to {hop.url.host} took longer than {request.timeout_s:g} s",
                limit="timeout_s",
                allowed=request.timeout_s,
            ) from error
        finally:
            self._leave()

    def close(self) -> None:
        """Lets the threads that look names up go; a second time does nothing."""
        self._system.close()

    async def _follow(self, hop: _Hop, policy: HttpPolicy) -> HttpResponse:
        for _ in range(policy.max_redirects + 1):
            policy.check_hop(hop.method, hop.url)
            answer = await self._exchange(hop, policy)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None or not policy.follow:
                return answer
            hop = hop.redirected(answer.status, location)
        raise Unavailable(f"{hop.url.host} redirects more than {policy.max_redirects} times")

    async def _exchange(self, hop: _Hop, policy: HttpPolicy) -> HttpResponse:
        try:
            async with AsyncExitStack() as stack:
                connection = self._connection(hop, policy)
                stack.push_async_callback(connection.aclose)
                response = await connection.handle_async_request(_to_httpcore(hop))
                headers = from_server(response.headers)
                if response.status in _REDIRECTS and "location" in headers:
                    return HttpResponse(response.status, headers, b"")
                return HttpResponse(response.status, headers, await _body(response, headers, hop))
        except httpcore.LocalProtocolError as error:
            raise InvalidInput(f"the request to {hop.url.host} cannot be sent: {error}") from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise Unavailable(f"{hop.url.host} gave no answer: {error or type(error).__name__}") from error

    def _connection(self, hop: _Hop, policy: HttpPolicy) -> httpcore.AsyncHTTPConnection:
        host = hop.url.host

        async def check(address: str) -> None:
            policy.check_address(hop.url, address)
            if self._reserved is not None:
                await self._reserved.check(address, hop.url.port, host=host, spelled=policy.spells(hop.url))

        resolve = self._resolve if literal_address(host) is None else _itself
        return httpcore.AsyncHTTPConnection(
            _to_httpcore(hop).url.origin,
            ssl_context=self._context() if hop.url.scheme == "https" else None,
            network_backend=CheckedBackend(host, resolve, check),
        )

    def _context(self) -> ssl.SSLContext:
        """Made once: reading the roots takes 20 ms."""
        with self._lock:
            if self._ssl is None:
                self._ssl = ssl.create_default_context(cafile=certifi.where())
            return self._ssl

    def _enter(self) -> None:
        with self._lock:
            if self._in_flight >= self._max_in_flight:
                raise CapacityReached(f"{self._max_in_flight} HTTP requests are under way", remedy="try again later")
            self._in_flight += 1

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1


async def _itself(host: str) -> list[str]:
    return [host.strip("[]")]


def _to_httpcore(hop: _Hop) -> httpcore.Request:
    return wire_request(hop.method, hop.url, {**hop.headers, "connection": "close"}, hop.body)


def wire_request(
    method: str, url: Url, headers: Mapping[str, str], body: bytes, *, timeouts_s: Mapping[str, float] | None = None
) -> httpcore.Request:
    """A request as it is sent.

    Args: headers: with names in lower case; over those that every request has, but for what may be encoded.
    """
    fields = {
        "host": url.authority,
        "accept": "*/*",
        "user-agent": "omnicore",
        **headers,
        "accept-encoding": "identity",  # nothing to unpack, so nothing that unpacks to gigabytes
    }
    if body or method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = str(len(body))
    name = url.host.strip("[]")
    return httpcore.Request(
        method.encode(),
        httpcore.URL(scheme=url.scheme, host=name, port=url.port, target=url.target),
        headers=[(field.encode(), value.encode()) for field, value in fields.items()],
        content=body,
        extensions={"sni_hostname": name.removesuffix("."), **({"timeout": timeouts_s} if timeouts_s else {})},
    )


async def _body(response: httpcore.Response, headers: Mapping[str, str], hop: _Hop) -> bytes:
    length = headers.get("content-length", "")
    if hop.method != "HEAD" and length.isascii() and length.isdigit():
        _bound_answer(int(length[:20]), response.status, hop.max_bytes)
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        _bound_answer(len(body), response.status, hop.max_bytes)
    return bytes(body)


def _bound_answer(size: int, status: int, allowed: int) -> None:
    if size > allowed:
        raise LimitExceeded(
            f"HTTP response exceeds the configured maximum number of bytes: {allowed}",
            limit="http_response_bytes",
            allowed=allowed,
            status=status,
        )


def _bound_body(body: bytes, allowed: int) -> None:
    if len(body) > allowed:
        raise LimitExceeded(
            f"HTTP request body exceeds the configured maximum number of bytes: {allowed}",
            limit="http_request_bytes",
            allowed=allowed,
        )


# Its debug lines hold the fields of answers, and some servers send credentials back in them.
logging.getLogger("httpcore").setLevel(logging.INFO)

_IDLE_S = 10.0  # shorter than what servers usually keep, so that it is mostly us who close
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_LONGEST_LINE = 1024 * 1024
_PORT = re.compile(r"^[a-z]+:[/\\]*[^/\\]*:[0-9]+(?:[/\\]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """A whole answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer whose body comes in lines, while its block is open."""

    status: int
    headers: Mapping[str, str]
    lines: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Base:
    """The address of a service, as the settings of a connector write it.

    Args:
        private: whether it names a private address: a literal one, or this machine.
        spelled: whether its port is written out.
    """

    url: Url
    private: bool
    spelled: bool


class HttpSession:
    """Requests to the service at `base`. Used on one event loop.

    Args:
        private: whether the service may be at an address that is not of the public internet.
        reserved: addresses that are reached only when `spelled`: host and port stand in the connector's settings.
        most_bytes: of an answer's body.
        connections: kept and under way at once.
        resolve, ssl_context: for tests; the operating system's resolver and the roots of certifi by default.
    """

    def __init__(
        self,
        base: Url,
        *,
        private: bool,
        most_bytes: int,
        reserved: Reserved | None = None,
        spelled: bool = False,
        connections: int = 10,
        resolve: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.base = base
        self._most_bytes = most_bytes
        self._system = SystemResolver(threads=2)

        async def check(address: str) -> None:
            if not private and is_private(address):
                raise PermissionDenied(
                    f"{base.host} leads to {address}, which is not an address of the public internet",
                    remedy="write the address itself as base_url, or set private_network",
                    capability="http",
                    resource=base.host,
                )
            if reserved is not None:
                await reserved.check(address, base.port, host=base.host, spelled=spelled)

        looked_up = _itself if literal_address(base.host) is not None else (resolve or self._system)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=(ssl_context or _roots()) if base.scheme == "https" else None,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_IDLE_S,
            network_backend=CheckedBackend(base.host, looked_up, check),
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> ServiceAnswer:
        """Sends a request and returns the whole answer, whatever its status.

        Args:
            path: below the base's own path, percent-encoded.

        Raises: InvalidInput, LimitExceeded, Unavailable; PermissionDenied: the address is private.
        """
        request = self._request(method, path, query, headers, body)
        try:
            return await self._answer(request)
        except Unavailable as error:
            # A kept connection may have been closed by the other side just now. What changes nothing, or changes it
            # to the same, is sent once more. Source: RFC 9110, section 9.2.2.
            if not error.details.get("lost") or request.method.decode() not in _IDEMPOTENT:
                raise
        return await self._answer(request)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> AsyncIterator[Streamed]:
        """Sends a request and gives the answer's lines as they come, bounded together as a whole answer is."""
        async with self._exchange(self._request(method, path, None, headers, body)) as (response, fields):
            yield Streamed(response.status, fields, self._lines(response))

    async def close(self) -> None:
        """Closes the connections; a second time does nothing."""
        await self._pool.aclose()
        self._system.close()

    async def _answer(self, request: httpcore.Request) -> ServiceAnswer:
        async with self._exchange(request) as (response, fields):
            return ServiceAnswer(response.status, fields, await self._whole(response, fields, request.method.decode()))

    @asynccontextmanager
    async def _exchange(self, request: httpcore.Request) -> AsyncIterator[tuple[httpcore.Response, dict[str, str]]]:
        host, reached = self.base.host, False
        response: httpcore.Response | None = None
        try:
            response = await self._pool.handle_async_request(request)
            reached = True
            fields = from_server(response.headers)
            if response.status in _REDIRECTS and "location" in fields:
                raise Unavailable(
                    f"{host} redirects to another place", remedy="set the connector's base_url to where it is now"
                )
            yield response, fields
        except httpcore.LocalProtocolError as error:
            raise InvalidInput(f"the request to {host} cannot be sent: {error}") from error
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise temporary(f"{host} cannot be reached: {error or type(error).__name__}", acted=False) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            where = "broke off its answer" if reached else "gave no answer"
            raise temporary(f"{host} {where}: {error or type(error).__name__}", lost=not reached) from error
        finally:
            if response is not None:
                await response.aclose()

    def _request(
        self, method: str, path: str, query: Mapping[str, object] | None, headers: Mapping[str, str] | None, body: bytes
    ) -> httpcore.Request:
        verb = method_name(method)
        fields = {
            "host": self.base.authority,
            "accept": "*/*",
            "user-agent": "omnicore",
            **from_guest(headers or {}),
            "accept-encoding": "identity",  # nothing to unpack, so nothing that unpacks to gigabytes
        }
        if body or verb in ("POST", "PUT", "PATCH"):
            fields["content-length"] = str(len(body))
        name = self.base.host.strip("[]")
        target = lies_within(self.base, path) + (f"?{_encoded(query)}" if query else "")
        return httpcore.Request(
            verb.encode(),
            httpcore.URL(scheme=self.base.scheme, host=name, port=self.base.port, target=target),
            headers=[(field.encode(), value.encode()) for field, value in fields.items()],
            content=body,
            extensions={"sni_hostname": name.removesuffix(".")},
        )

    async def _whole(self, response: httpcore.Response, fields: Mapping[str, str], method: str) -> bytes:
        length = fields.get("content-length", "")
        if method.upper() != "HEAD" and length.isascii() and length.isdigit():
            self.bound(int(length[:20]), response.status)
        body = bytearray()
        async for chunk in response.aiter_stream():
            body += chunk
            self.bound(len(body), response.status)
        return bytes(body)

    async def _lines(self, response: httpcore.Response) -> AsyncIterator[bytes]:
        total, rest = 0, bytearray()
        async for chunk in response.aiter_stream():
            total += len(chunk)
            self.bound(total, response.status)
            rest += chunk
            *lines, last = bytes(rest).split(b"\n") if b"\n" in chunk else [bytes(rest)]
            for line in lines:
                yield line.rstrip(b"\r")
            if lines:
                rest = bytearray(last)
            if len(rest) > _LONGEST_LINE:
                raise LimitExceeded(
                    f"{self.base.host} sends a line of over {_LONGEST_LINE} bytes", limit="http_line_bytes"
                )
        if rest:
            yield bytes(rest).rstrip(b"\r")

    def bound(self, size: int, status: int = 200) -> None:
        """Raises: LimitExceeded: an answer, or several together, are too large."""
        if size > self._most_bytes:
            raise LimitExceeded(
                f"{self.base.host} answered with more than {self._most_bytes} bytes",
                remedy="ask for less, or raise the connector's limit output_bytes",
                limit="connector_output_bytes",
                allowed=self._most_bytes,
                status=status,
            )


def base_url(text: str) -> Base:
    """The address of a service. Raises: InvalidInput: no URL, one with a password, a query or a fragment."""
    if "@" in text.partition(":")[2].lstrip("/\\").replace("\\", "/").partition("/")[0]:
        raise InvalidInput("the base_url holds a user or a password", remedy="give them as credentials")
    if "?" in text or "#" in text:
        raise InvalidInput("the base_url holds a query", remedy="give it with each request")
    url = parse_url(text)
    address = literal_address(url.host)
    named = is_private(address) if address is not None else url.host in ("localhost", "localhost.")
    return Base(url, named, _PORT.search(text) is not None)


def lies_within(base: Url, path: str) -> str:
    """The path below the base's own, which "" is. Raises: InvalidInput for one that would lead out of it."""
    if not path:
        return base.target
    if "?" in path or "#" in path or "\\" in path or any(ord(char) <= 32 or ord(char) == 127 for char in path):
        raise InvalidInput("the path contains a space, a backslash, ? or #", remedy="percent-encode it; use `query`")
    decoded = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    # Some servers drop what stands behind a semicolon before they look at the dots, and end a path at a zero.
    parts = {part.partition(";")[0] for part in decoded.split("/")}
    if parts & {".", ".."} or "//" in decoded or "%00" in decoded:
        raise InvalidInput("the path holds . or .. or an empty part", remedy="write the path itself")
    return base.target.rstrip("/") + "/" + quote(path.lstrip("/"), safe="!$&'()*+,-./:;=@_~%")


def _encoded(query: Mapping[str, object]) -> str:
    """The query as forms write it; lists repeat their name, null is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in values if one is not None]
    return urlencode(pairs)


@cache
def _roots() -> ssl.SSLContext:
    """Made once: reading the roots takes 20 ms."""
    return ssl.create_default_context(cafile=certifi.where())
