"""`Idempotency-Key`: a write that is sent twice happens once, and both requests get the same answer."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.problems import Problem, RefusalError
from omnicore.errors import Conflict, InvalidInput

__all__ = ["Answers", "Endpoint", "Key", "idempotent"]

Endpoint = Callable[[Request], Awaitable[Response]]
Key = tuple[str, ...]

_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class _Kept:
    """A request's digest and its answer."""

    digest: bytes
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Answers:
    """The answers to the last writes that carried a key; the oldest go first.

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
                "this Idempotency-Key came with another request", remedy="use a new key for each request"
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


def idempotent(endpoint: Endpoint, answers_of: Callable[[Request], Answers]) -> Endpoint:
    """The endpoint, run once for each key. Failures are not kept, so the client can retry."""

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
            response = await endpoint(request)
        finally:
            answers.end(key, response)
        return response

    return once


def _digest(request: Request, body: bytes) -> bytes:
    about: list[Any] = [request.url.query, request.headers.get("content-type", "")]
    return hashlib.blake2b("\0".join(about).encode() + b"\0" + body, digest_size=32).digest()
