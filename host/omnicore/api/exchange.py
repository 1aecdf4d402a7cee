"""One request on its way: a bounded body, the headers every answer has, and a way to cut it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Literal

from starlette.types import Message, Receive, Scope, Send

from omnicore.api.problems import MEDIA, Problem, RefusalError
from omnicore.api.security import HSTS, SECURITY, completed

__all__ = ["Cut", "Exchange"]

Cut = Literal["deadline", "client-left", "stopping", "revoked"]

_LINGER_S = 2.0
_CLOSED = {"stopping": 1001, "revoked": 4001}
_ALWAYS = ((b"cache-control", b"no-store"), *SECURITY)
_SECURE = (*_ALWAYS, HSTS)


class Exchange:
    """One HTTP request or WebSocket. Made and used in the task that serves it.

    An endpoint that has read the body and waits for something sets `waiting_since`: from then on a client that
    goes away cuts the request. Once `cut` was called, `cut_for` says why the task was cancelled. One whose answer has
    no end of its own sets `streams`: when the host stops it is ended at once, as live connections are.

    Args:
        hold: told of each piece of the body; raises when all requests together hold too much.
        secure: the browser speaks https.

    Units: `limit`, `length` (None: not known) and `held` bytes of body; `due` and `waiting_since` seconds of
    `time.monotonic`.
    """

    __slots__ = (
        *("_always", "_hold", "_length", "_limit", "_look", "_receive", "_send", "_task"),
        *(
            "body_read",
            "cut_for",
            "due",
            "held",
            "live",
            "over",
            "request_id",
            "scope",
            "started",
            "streams",
            "waiting_since",
        ),
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        request_id: str,
        limit: int,
        length: int | None,
        hold: Callable[[int], None],
        secure: bool = False,
    ) -> None:
        self._always = _SECURE if secure else _ALWAYS
        self.scope, self._receive, self._send = scope, receive, send
        self._limit, self._length, self._hold = limit, length, hold
        self._task = asyncio.current_task()
        self._look: asyncio.Task[None] | None = None
        self.request_id = request_id
        self.live = scope["type"] == "websocket"
        self.streams = False
        self.held = 0
        self.body_read = length == 0
        self.started = self.over = False
        self.cut_for: Cut | None = None
        self.due = math.inf
        self.waiting_since = math.inf

    def cut(self, reason: Cut) -> None:
        """Cancels the request's task, once; the guard answers for it."""
        if self.cut_for is None and not self.over and self._task is not None:
            self.cut_for = reason
            self._task.cancel()

    def narrow(self, limit: int) -> None:
        """Lowers the limit of the body. Raises: RefusalError: it is announced to be larger."""
        self._limit = min(limit, self._limit)
        if (self._length or 0) > self._limit or self.held > self._limit:
            raise RefusalError(self.too_large())

    def look(self) -> None:
        """Begins to wait for the client's going away. It takes a task, 20 us, so only long requests do it."""
        if self._look is None:
            self._look = asyncio.ensure_future(self._wait_for_leave())

    def end(self) -> None:
        """Nothing cuts it any more."""
        self.over = True
        if self._look is not None:
            self._look.cancel()

    def resume(self) -> None:
        """Takes the cancellation back, so that the task can answer; from here on nothing cuts it."""
        self.over = True
        if self.cut_for is not None and self._task is not None:
            self._task.uncancel()

    async def receive(self) -> Message:
        """The server's next message. Raises: RefusalError: the body is over the limit; CapacityReached."""
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            if size := len(message.get("body", b"")):
                self.held += size
                self._hold(size)
                if self.held > self._limit:
                    raise RefusalError(self.too_large())
            # The server sends an empty message at the end; who knows the length need not wait for it.
            if not message.get("more_body") or self.held == self._length:
                self.body_read = True
        elif kind == "http.disconnect" and self.cut_for is None:
            self.cut_for = "client-left"
        return message

    async def read_body(self) -> bytes:
        """The whole body.

        Raises: RefusalError: it is over the limit, or the client left before its end; CapacityReached.
        """
        chunks: list[bytes] = []
        while not self.body_read:
            message = await self.receive()
            if message["type"] != "http.request":
                raise RefusalError(Problem(400, "client-left", "the connection ended before the body did"))
            if chunk := message.get("body"):
                chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Sends a whole answer."""
        self.started = True
        headers += (*self._always, (b"x-request-id", self.request_id.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        end = {"type": "http.response.body", "body": body}
        await (self._send(end) if self.body_read else self._end_early(end))

    async def send(self, message: Message) -> None:
        """Hands a message to the server, with the headers every answer has."""
        kind = message["type"]
        if kind == "http.response.start":
            self.started = True
            headers = completed(message.get("headers", ()), self._always)
            headers.append((b"x-request-id", self.request_id.encode()))
            message["headers"] = headers
        elif kind == "websocket.accept":
            self.started = True
        elif kind == "http.response.body" and not self.body_read and not message.get("more_body"):
            await self._end_early(message)
            return
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answers with a problem, where an answer is still possible."""
        if self.cut_for == "client-left":
            return
        if self.started:
            if self.live:
                code = _CLOSED.get(self.cut_for or "", 1011)
                await self._send({"type": "websocket.close", "code": code, "reason": problem.detail[:100]})
            elif self.streams:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return  # half an answer cannot be taken back: the server closes the connection
        body = problem.body(self.request_id)
        headers = [
            (b"content-type", MEDIA.encode()),
            (b"content-length", b"%d" % len(body)),
            *problem.headers,
            *([] if self.body_read or self.scope["http_version"] == "2" else [(b"connection", b"close")]),
        ]
        if self.live:
            headers += self._always
            start = {"type": "websocket.http.response.start", "status": problem.status, "headers": headers}
            await self._send(start)
            await self._send({"type": "websocket.http.response.body", "body": body})
            return
        await self.reply(problem.status, headers, body)

    def too_large(self) -> Problem:
        """The problem of a body over the limit."""
        return Problem(
            413,
            "body-too-large",
            f"the body has over {self._limit} bytes",
            "send less; for most requests the setting body_bytes can be raised",
            details={"limit": "body_bytes", "allowed": self._limit},
        )

    async def _end_early(self, message: Message) -> None:
        """Ends an answer whose request is still coming in.

        The rest is read for a while and dropped. To close at once would reset the connection, and the client
        could lose the answer; not to read would leave Hypercorn waiting for room in its queue for ever.
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
