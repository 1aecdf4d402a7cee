"""The HTTP client that sends what guests ask for, within a policy and within bounds."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import certifi
import httpcore

from omnicore.connectors.addresses import literal_address
from omnicore.connectors.headers import from_guest, from_server, method_name, same_origin_only
from omnicore.connectors.policy import HttpPolicy
from omnicore.connectors.resolve import CheckedBackend, Resolver, SystemResolver
from omnicore.connectors.urls import Url, join, parse_url
from omnicore.errors import CapacityReached, DeadlineExceeded, InvalidInput, LimitExceeded, Unavailable
from omnicore.sandbox.abi import HttpRequest, HttpResponse

__all__ = ["HttpClient", "HttpPolicy"]

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
    """

    def __init__(
        self,
        *,
        resolve: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_in_flight: int = 1000,
    ) -> None:
        self._system = SystemResolver()
        self._resolve = resolve or self._system
        self._ssl = ssl_context
        self._max_in_flight = max_in_flight
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

        def check(address: str) -> None:
            policy.check_address(host, address)

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
    return [host]


def _to_httpcore(hop: _Hop) -> httpcore.Request:
    url = hop.url
    fields = {
        "host": url.authority,
        "accept": "*/*",
        "user-agent": "omnicore",
        **hop.headers,
        "accept-encoding": "identity",  # nothing to unpack, so nothing that unpacks to gigabytes
        "connection": "close",
    }
    if hop.body or hop.method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = str(len(hop.body))
    name = url.host.strip("[]")
    return httpcore.Request(
        hop.method.encode(),
        httpcore.URL(scheme=url.scheme, host=name, port=url.port, target=url.target),
        headers=[(field.encode(), value.encode()) for field, value in fields.items()],
        content=hop.body,
        extensions={"sni_hostname": name.removesuffix(".")},
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
