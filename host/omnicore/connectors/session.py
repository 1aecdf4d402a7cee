"""HTTP to one service: connections that are kept, one address that credentials go to, bounded answers.

Built on httpcore, as the client of guests is, with its connections made by `CheckedBackend`: the name is looked up,
all its addresses are checked, and what was checked is what is connected to. A whole client such as httpx2 would add
what must not happen here (redirects that carry credentials, proxies and netrc of the environment, cookies, unpacking of
compressed bodies) and has the same pool inside. Kept connections make a small request cost 0.6 ms of computing at
both ends instead of 1.1 ms, with TLS 0.6 instead of 3.6 ms, and save the round trips of two handshakes.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urlencode

import certifi
import httpcore

from omnicore.connectors.addresses import is_private, literal_address
from omnicore.connectors.faults import temporary
from omnicore.connectors.headers import from_guest, from_server, method_name
from omnicore.connectors.policy import HttpPolicy
from omnicore.connectors.resolve import CheckedBackend, Resolver, SystemResolver
from omnicore.connectors.urls import Url, parse_url
from omnicore.errors import InvalidInput, LimitExceeded, PermissionDenied, Unavailable

__all__ = ["Answer", "Session", "Streamed", "base_url", "lies_within"]

# Its debug lines hold the fields of answers, and some servers send credentials back in them.
logging.getLogger("httpcore").setLevel(logging.INFO)

_IDLE_S = 10.0  # shorter than what servers usually keep, so that it is mostly us who close
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_REDIRECTS = (301, 302, 303, 307, 308)
_LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
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


class Session:
    """Requests to the service at `base`. Used on one event loop.

    Args:
        private: whether the service may be at an address that is not of the public internet.
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
        connections: int = 10,
        resolve: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.base = base
        self._most_bytes = most_bytes
        self._system = SystemResolver(threads=2)
        policy = HttpPolicy(hosts=(base.host,), private="named" if private else "deny")

        def check(address: str) -> None:
            try:
                policy.check_address(base.host, address)
            except PermissionDenied as error:
                raise PermissionDenied(
                    f"{base.host} leads to {address}, which is not an address of the public internet",
                    remedy="write the address itself as base_url, or set private_network",
                ) from error

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
    ) -> Answer:
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

    async def _answer(self, request: httpcore.Request) -> Answer:
        async with self._exchange(request) as (response, fields):
            return Answer(response.status, fields, await self._whole(response, fields, request.method.decode()))

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
            self._bound(int(length[:20]), response.status)
        body = bytearray()
        async for chunk in response.aiter_stream():
            body += chunk
            self._bound(len(body), response.status)
        return bytes(body)

    async def _lines(self, response: httpcore.Response) -> AsyncIterator[bytes]:
        total, rest = 0, bytearray()
        async for chunk in response.aiter_stream():
            total += len(chunk)
            self._bound(total, response.status)
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

    def _bound(self, size: int, status: int) -> None:
        if size > self._most_bytes:
            raise LimitExceeded(
                f"{self.base.host} answers with more than {self._most_bytes} bytes",
                remedy="ask for less, or raise the connector's limit output_bytes",
                limit="connector_output_bytes",
                allowed=self._most_bytes,
                status=status,
            )


def base_url(text: str) -> tuple[Url, bool]:
    """The URL of a service, and whether it names a private address: a literal one, or this machine.

    Raises: InvalidInput: no URL, one with a password, a query or a fragment.
    """
    if "@" in text.partition(":")[2].lstrip("/\\").replace("\\", "/").partition("/")[0]:
        raise InvalidInput("the base_url holds a user or a password", remedy="give them as credentials")
    if "?" in text or "#" in text:
        raise InvalidInput("the base_url holds a query", remedy="give it with each request")
    url = parse_url(text)
    address = literal_address(url.host)
    named = is_private(address) if address is not None else url.host in ("localhost", "localhost.")
    return url, named


def lies_within(base: Url, path: str) -> str:
    """The path below the base's own, which "" is. Raises: InvalidInput for one that would lead out of it."""
    if not path:
        return base.target
    if "?" in path or "#" in path or "\\" in path or any(ord(char) <= 32 or ord(char) == 127 for char in path):
        raise InvalidInput("the path holds a blank, a backslash, ? or #", remedy="percent-encode it; use `query`")
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


async def _itself(host: str) -> list[str]:
    return [host.strip("[]")]
