"""The one middleware: every request passes here first, and every failure is answered here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from omnicore.access.principal import Principal
from omnicore.api.admission import Admission, is_unsafe
from omnicore.api.exchange import Exchange
from omnicore.api.principals import OpenPaths, Recogniser, may_go_on, unauthenticated
from omnicore.api.problems import Problem, RefusalError, problem_of
from omnicore.api.traffic import Traffic
from omnicore.config.settings import Settings
from omnicore.errors import OmniError
from omnicore.ids import new_id

__all__ = ["Guard"]


class Guard:
    """Admission, the body limit, the deadline, the headers and the problems of an ASGI application.

    It adds about 10 us to a request; middlewares of their own, each with its wrappers, would add three times
    that.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, traffic: Traffic, recogniser: Recogniser, open_paths: OpenPaths
    ) -> None:
        self._app = app
        self._admission = Admission(settings)
        self._traffic, self._recogniser, self._open = traffic, recogniser, open_paths
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
        exchange = Exchange(
            scope,
            receive,
            send,
            request_id=f"{self._run}{next(self._count):08x}",
            limit=self._limit,
            length=_length(scope, headers),
            hold=self._traffic.hold,
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
            if not exchange.live:
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
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        self._admission.check(headers, unsafe=unsafe)
        self._traffic.check_room()
        if not exchange.body_read and int(headers.get(b"content-length", b"0")) > self._limit:
            raise RefusalError(exchange.too_large())
        return path

    async def _recognised(self, scope: Scope, headers: dict[bytes, bytes], path: str) -> Principal | None:
        """Who it is; nobody passes but to what is open, whatever stands behind the other paths."""
        is_open = (scope.get("method", "GET"), path) in self._open
        try:
            principal = await self._recogniser.recognise(scope, headers)
        except (RefusalError, OmniError):
            # To log in again a page needs no CSRF token of the session before, and to say that it lives no database.
            if not is_open:
                raise
            return None
        if principal is None and not is_open:
            raise unauthenticated()
        return principal

    def _watch(self, exchanges: Sequence[Exchange]) -> None:
        """Looks whether those who hold a connection may still have it."""
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
        if exchange.body_read:
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
    """Bytes of the body; the server has checked that the header is one number."""
    text = headers.get(b"content-length")
    if text is not None:
        return int(text)
    # HTTP/2 needs no header to send a body.
    return None if b"transfer-encoding" in headers or scope["http_version"] == "2" else 0
