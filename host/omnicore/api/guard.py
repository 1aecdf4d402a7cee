"""The guard: the one middleware. It checks host name and origin, recognises the caller and answers every failure."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from omnicore.api.exchange import Body, Exchange, Traffic
from omnicore.api.principals import OpenPaths, Recogniser, forwarded_host, may_go_on, over_https, unauthenticated
from omnicore.api.problems import Problem, RefusalError, problem_of
from omnicore.errors import InvalidSetting, OmniError, Unavailable
from omnicore.ids import new_id
from omnicore.telemetry.logs import TRACE, trace_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from omnicore.access.principal import Principal
    from omnicore.config.settings import Settings
    from omnicore.telemetry.metrics import Metrics


_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
_ORIGIN = re.compile(rf"(?P<scheme>https?)://{_AUTHORITY.pattern}", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
_ELSEWHERE = frozenset({b"cross-site", b"same-site"})
"""Values of `Sec-Fetch-Site` from pages of other origins; another port of a name is another origin."""

_MOST_REMEMBERED = 64


_Origin = tuple[str, str, int]
"""Scheme, name and port."""


class Admission:
    """Checks the host name and the origin of requests. Names are compared in lower case.

    Raises: InvalidSetting: `access.origins` holds an invalid origin.
    """

    def __init__(self, settings: Settings) -> None:
        self._hosts = frozenset(_names(settings))
        self._proxies = settings.access.trusted_proxies
        self._origins = frozenset(_listed(origin) for origin in settings.access.origins)
        self._passed: set[bytes] = set()

    def check(self, scope: Scope, headers: Mapping[bytes, bytes], *, unsafe: bool) -> None:
        """Raises: RefusalError: 421 for an unknown host name, 403 for a page of another origin.

        Args:
            unsafe: the request could change something, or is a WebSocket, which any page may open.
        """
        host = headers.get(b"host", b"")
        if host not in self._passed:
            self._check_host(host)
        if unsafe:
            origin = headers.get(b"origin")
            if origin is None:
                strange = headers.get(b"sec-fetch-site") in _ELSEWHERE
            else:
                strange = not self._is_ours(_parts(origin.decode("latin-1")), scope, host)
            if strange:
                raise _strange_page()

    def _check_host(self, host: bytes) -> None:
        # Without this a page could have its own name resolve to 127.0.0.1 and so become the same origin.
        text = host.decode("latin-1").lower()
        if not self._is_named(text):
            raise RefusalError(
                Problem(
                    421,
                    "wrong-host",
                    f"this host is not called {text[:80]!r}",
                    "use a name from the setting allowed_hosts, or add this one to it",
                )
            )
        if len(self._passed) < _MOST_REMEMBERED:
            self._passed.add(host)

    def _is_named(self, authority: str) -> bool:
        match = _AUTHORITY.fullmatch(authority)
        return match is not None and bool({match["name"], authority} & self._hosts)

    def _is_ours(self, origin: _Origin | None, scope: Scope, host: bytes) -> bool:
        """True if the page has the scheme, name and port that its request goes to."""
        if origin is None:
            return False
        scheme = "https" if over_https(scope, self._proxies) else "http"
        if origin in self._origins or origin == _parts(f"{scheme}://{host.decode('latin-1')}"):
            return True
        told = forwarded_host(scope, self._proxies)
        return bool(told) and self._is_named(told) and origin == _parts(f"{scheme}://{told}")


def is_unsafe(kind: str, method: str) -> bool:
    """True for requests that may only come from our own pages, or from no page."""
    return kind == "websocket" or method not in _SAFE


def _strange_page() -> RefusalError:
    return RefusalError(
        Problem(
            403,
            "wrong-origin",
            "a page of another origin sent this request",
            "use a page of this host; behind a proxy, name that in access.trusted_proxies, or the page's scheme, name"
            " and port in access.origins",
        )
    )


def _parts(text: str) -> _Origin | None:
    """Scheme, name and port of an origin, with the default port of the scheme. None if it is not an origin."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    return scheme, match["name"].lower(), int(match["port"] or _PORTS[scheme])


def _listed(text: str) -> _Origin:
    found = _parts(text)
    if found is None:
        raise InvalidSetting(
            f"access.origins: {text[:80]!r} is not an origin",
            remedy="write scheme, name and port, such as https://omni.example.org",
            setting="access.origins",
        )
    return found


def _names(settings: Settings) -> list[str]:
    names = [_bracketed(name.lower()) for name in settings.allowed_hosts]
    if settings.fleet.address is not None:  # other hosts of the fleet call this one so
        names.append(_bracketed(urlsplit(settings.fleet.address).hostname or ""))
    try:
        address = ip_address(settings.host.strip("[]"))
    except ValueError:
        return names
    return names if address.is_unspecified else [*names, _bracketed(str(address))]


def _bracketed(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name


class Guard:
    """Admission, the body limit, the deadline, the headers and the problems of an ASGI application.

    It adds about 10 us to a request; middlewares of their own, each with its wrappers, would add three times
    that.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        traffic: Traffic,
        recogniser: Recogniser,
        open_paths: OpenPaths,
        metrics: Metrics,
    ) -> None:
        self._app, self._metrics = app, metrics
        self._admission = Admission(settings)
        self._traffic, self._recogniser, self._open = traffic, recogniser, open_paths
        self._fleet = recogniser.fleet
        self._limit = settings.body_bytes
        self._timeout_s = settings.request_timeout_s
        self._run = new_id("req")[:-8]  # made once: an identifier of its own would cost each request 5 us
        self._count = count(1)
        self._watching: set[asyncio.Future[None]] = set()
        traffic.watch, traffic.turn = self._watch, recogniser.turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._metrics.traced:
            TRACE.set(trace_of(headers.get(b"traceparent")))
        exchange = Exchange(
            scope,
            receive,
            send,
            request_id=f"{self._run}{next(self._count):08x}",
            body=Body(limit=self._limit, length=_length(scope, headers), hold=self._traffic.hold),
            secure=self._recogniser.is_secure(scope),
        )
        scope["exchange"] = exchange
        self._traffic.enter(exchange)
        try:
            problem = await self._serve(scope, exchange, headers)
            if problem is not None:
                exchange.resume()
                await exchange.refuse(problem)
        finally:
            self._traffic.leave(exchange)

    async def _serve(self, scope: Scope, exchange: Exchange, headers: dict[bytes, bytes]) -> Problem | None:
        try:
            path = self._admit(scope, exchange, headers)
            scope["principal"] = await self._recognised(scope, headers, path)
            principal: Principal | None = scope["principal"]
            if not exchange.live and (principal is None or principal.via != "cli"):  # who waits there has Ctrl-C
                exchange.due = monotonic() + self._timeout_s
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if exchange.cut_for is None:
                raise
            return self._cut(exchange)
        except Exception as error:
            return self._cut(exchange) if exchange.cut_for else problem_of(error, exchange.request_id)
        return None

    def _admit(self, scope: Scope, exchange: Exchange, headers: dict[bytes, bytes]) -> str:
        unsafe = is_unsafe(scope["type"], scope.get("method", "GET"))
        path: str = scope["path"]
        self._admission.check(scope, headers, unsafe=unsafe)
        self._traffic.check_room()
        if self._fleet is not None and self._fleet.removed.is_set():
            raise Unavailable(self._fleet.trouble, remedy="ask another host")
        if not exchange.body.complete and int(headers.get(b"content-length", b"0")) > self._limit:
            raise exchange.body.too_large()
        return path

    async def _recognised(self, scope: Scope, headers: dict[bytes, bytes], path: str) -> Principal | None:
        """The caller. Only open operations are passed on without one, whether or not the path exists."""
        asked = (scope.get("method", "GET"), path)
        try:
            principal = await self._recogniser.recognise(scope, headers)
        except (RefusalError, OmniError):
            # To log in again a page needs no CSRF token of the session before, and to say that it lives no database.
            if asked not in self._open:
                raise
            return None
        if principal is None and asked not in self._open:
            raise unauthenticated()
        return principal

    def _watch(self, exchanges: Sequence[Exchange]) -> None:
        """Checks that those who hold a connection still have the right to it."""
        if exchanges and not self._watching:
            task = asyncio.ensure_future(self._end_revoked(exchanges))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)

    async def _end_revoked(self, exchanges: Sequence[Exchange]) -> None:
        for exchange in exchanges:
            try:
                principal = await self._recogniser.recognise(
                    exchange.scope, dict(exchange.scope["headers"]), quiet=True
                )
            except OmniError:
                continue  # the database did not answer, and the next round comes soon
            if not may_go_on(exchange.scope, principal):
                exchange.cut("revoked")

    def _cut(self, exchange: Exchange) -> Problem:
        if exchange.cut_for == "revoked":
            return unauthenticated().problem
        if exchange.cut_for == "stopping":
            return Problem(503, "stopping", "the host stops", "try again later", ((b"retry-after", b"5"),))
        if exchange.body.complete:
            return Problem(
                504,
                "request-deadline",
                f"the request took over {self._timeout_s:g} s",
                "ask for less, or raise the setting request_timeout_s",
            )
        return Problem(
            408,
            "body-too-slow",
            f"the body did not arrive within {self._timeout_s:g} s",
            "send it faster, or raise the setting request_timeout_s",
        )


def _length(scope: Scope, headers: dict[bytes, bytes]) -> int | None:
    """Length of the body. The server has checked that the header is one number."""
    text = headers.get(b"content-length")
    if text is not None:
        return int(text)
    # HTTP/2 needs no header to send a body.
    return None if b"transfer-encoding" in headers or scope["http_version"] == "2" else 0
