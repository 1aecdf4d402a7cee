"""Function calls: bytes in, bytes out, over REST; and over the Model Context Protocol (`omnicore.mcp`) at `/mcp`.

The REST route is the measured one, so it speaks ASGI itself.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnicore.access.principal import Principal
from omnicore.api.audit_record import CALL, judged, note_call, who_asks
from omnicore.api.exchange import Exchange
from omnicore.api.operations import OPERATIONS
from omnicore.api.parts import Parts, Rooms
from omnicore.api.principals import Allowed, principal_of
from omnicore.api.problems import Problem, RefusalError, problem_of
from omnicore.api.schema import TABLE, TEXT, Schemas, object_of
from omnicore.capabilities.capability import CallCosts
from omnicore.errors import InvalidInput, StorageFailed, ToolMissing, Unavailable
from omnicore.plugins.host import PluginHost
from omnicore.plugins.schemas import FunctionSpec

_PATH = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", OPERATIONS[0].path))
_OCTETS = "application/octet-stream"
_MEDIA_KEPT_S = 1.0
_MEDIA_READ_S = 0.25  # longer than the slowest read of a database that answers
_MOST_MEDIA = 10_000
_COST = (b"omnicore-cost", b"1")
_LISTEN = b"subscriptions/listen"
_GRACE_S = 2.0


class _Medias:
    """Media types of function outputs, read from the catalogue at most once a second.

    A call that was made is answered while the database is away: with the type that was known last.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[bytes, float]] = {}
        self._reading: dict[str, asyncio.Future[Sequence[FunctionSpec]]] = {}

    async def of(self, host: PluginHost, plugin: str, function: str) -> bytes:
        known = self._known.get((plugin, function))
        now = monotonic()
        if known is not None and known[1] > now:
            return known[0]
        try:
            async with asyncio.timeout(_MEDIA_READ_S if known else None):
                functions = await asyncio.shield(self._read(host, plugin))
        except (StorageFailed, TimeoutError):
            return known[0] if known is not None else _OCTETS.encode()
        found = [one.output_media for one in functions if one.name == function]
        media = (found[0] if found else _OCTETS).encode()
        if len(self._known) >= _MOST_MEDIA:
            self._known.clear()
        self._known[plugin, function] = (media, now + _MEDIA_KEPT_S)
        return media

    def _read(self, host: PluginHost, plugin: str) -> asyncio.Future[Sequence[FunctionSpec]]:
        """One read at a time for each plugin: those of a silent database would take every thread."""
        reading = self._reading.get(plugin)
        if reading is None:
            reading = self._reading[plugin] = asyncio.ensure_future(asyncio.to_thread(host.functions, plugin))
            reading.add_done_callback(partial(self._ended, plugin))
        return reading

    def _ended(self, plugin: str, reading: asyncio.Future[Sequence[FunctionSpec]]) -> None:
        del self._reading[plugin]
        if not reading.cancelled():
            reading.exception()  # nobody may wait for it any more


class _CallFunction:
    """The ASGI application of `POST .../functions/{function}`."""

    def __init__(self) -> None:
        self._medias = _Medias()

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        parts: Parts = scope["app"].state.parts
        exchange: Exchange = scope["exchange"]
        plugin, function = scope["path_params"]["plugin"], scope["path_params"]["function"]
        timeout_s = read_timeout(scope, _longest(scope, parts)) if scope["query_string"] else None
        data = await exchange.read_body()
        if _COST in scope["headers"]:
            await self._measured(parts, exchange, (plugin, function), data, timeout_s)
            return
        exchange.waiting_since = monotonic()
        output = await parts.host.call(f"{plugin}.{function}", data, timeout_s=timeout_s, raw=True)
        exchange.waiting_since = math.inf
        headers = [
            (b"content-type", await self._medias.of(parts.host, plugin, function)),
            (b"content-length", b"%d" % len(output)),
        ]
        await exchange.reply(200, headers, output)

    async def _measured(
        self, parts: Parts, exchange: Exchange, names: tuple[str, str], data: bytes, timeout_s: float | None
    ) -> None:
        """A call whose cost is returned in a header, also if it fails."""
        costs = CallCosts()
        exchange.waiting_since = monotonic()
        try:
            output = await parts.host.call(
                ".".join(names), data, timeout_s=timeout_s, host_context=costs, raw=True, costs=costs
            )
        except Exception as error:
            problem = problem_of(error, exchange.request_id)
            raise RefusalError(replace(problem, headers=(*problem.headers, _header(costs)))) from error
        exchange.waiting_since = math.inf
        media = await self._medias.of(parts.host, *names)
        length = (b"content-length", b"%d" % len(output))
        await exchange.reply(200, [(b"content-type", media), length, _header(costs)], output)


def _longest(scope: Scope, parts: Parts) -> float:
    """The longest time a call may take in seconds: no bound for a command at the terminal, which Ctrl-C ends."""
    principal: Principal | None = scope.get("principal")
    return math.inf if principal is not None and principal.via == "cli" else parts.settings.request_timeout_s


def _header(costs: CallCosts) -> tuple[bytes, bytes]:
    return b"omnicore-cost", json.dumps(costs.to_json()).encode()


def direct(router: ASGIApp) -> ASGIApp:
    """The router with a shortcut for calls: trying routes in order costs 3 us."""

    def dispatch(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            match = _PATH.fullmatch(scope["path"])
            if match is not None:
                scope["path_params"] = match.groupdict()
                return _allowed(scope, receive, send)
        return router(scope, receive, send)

    return dispatch


def read_timeout(scope: Scope, most_s: float) -> float | None:
    """`timeout_s` of the query. Raises: InvalidInput: not a number, or above the limit of a request."""
    text = parse_qs(scope["query_string"].decode("latin-1")).get("timeout_s", [""])[-1]
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= most_s:
        raise InvalidInput(
            f"timeout_s is not a number of seconds up to {most_s:g}",
            remedy="correct the query",
            path="timeout_s",
        )
    return seconds


call_function = _CallFunction()
_CALL = OPERATIONS[0]
_allowed = judged(Allowed(call_function, _CALL), _CALL)


class _SpeakMcp:
    """The ASGI application of `/mcp`. It reads a bounded body and passes it to the MCP service."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        parts: Parts = scope["app"].state.parts
        exchange: Exchange = scope["exchange"]
        if parts.rooms.mcp is None:
            raise Unavailable("this host does not serve MCP", remedy="ask one that `omnicore run` serves")
        body = await exchange.read_body()
        if _is_endless(scope):
            exchange.streams, exchange.due = True, math.inf
        else:
            exchange.due += _GRACE_S  # the call inside has the same deadline, and an answer that says so
        scope["principal"] = principal_of(HTTPConnection(scope))
        scope["note_call"] = partial(_note, parts.rooms, scope)
        try:
            await parts.rooms.mcp(scope, _replayed(body, exchange), exchange.send)
        except ToolMissing as error:
            raise RefusalError(Problem(501, error.code, error.fact, error.remedy)) from error


def _is_endless(scope: Scope) -> bool:
    """True if the answer is a stream that only the client or the server ends."""
    return scope["method"] == "GET" or (b"mcp-method", _LISTEN) in scope["headers"]


def _replayed(body: bytes, exchange: Exchange) -> Receive:
    """Receives the body again, then the messages of the connection."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return first.pop() if first else await exchange.receive()

    return receive


def _note(rooms: Rooms, scope: Scope, plugin: str, function: str, outcome: str) -> None:
    """Records a call as calls over REST are recorded."""
    target = f"plugin:{plugin}.{function}"
    if outcome != "refused":
        note_call(rooms.audit, scope, CALL, target, outcome)
    elif rooms.audit is not None:
        rooms.audit.refuse(**who_asks(scope), action=CALL, target=target, outcome=outcome)


send_mcp_message = open_mcp_stream = end_mcp_session = _SpeakMcp()


SCHEMAS: Schemas = {
    "RpcMessage": object_of(
        *("id", "method", "params", "result", "error"),
        jsonrpc={"const": "2.0"},
        id={"type": ["string", "integer", "null"]},
        method=TEXT,
        params=TABLE,
        result=TABLE,
        error=object_of("data", code={"type": "integer"}, message=TEXT, data={}),
    ),
}
