"""The Model Context Protocol over HTTP: `/mcp`, where each function is a tool. The protocol itself is a room beside."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import inf
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from omnicore.access.principal import Role
from omnicore.api import calls
from omnicore.api.audit_calls import note_call, who_asks
from omnicore.api.exchange import Exchange
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import Parts
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.rooms import Rooms
from omnicore.errors import ToolMissing, Unavailable

__all__ = ["OPERATIONS"]

_PATH = "/mcp"
_EVENTS = "text/event-stream"
_LISTEN = b"subscriptions/listen"
_GRACE_S = 2.0


class _Endpoint:
    """The ASGI application of every method of `/mcp`: reads a bounded body and hands it to whoever speaks MCP."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        parts: Parts = scope["app"].state.parts
        exchange: Exchange = scope["exchange"]
        if parts.rooms.mcp is None:
            raise Unavailable("this host does not speak MCP", remedy="ask one that `omnicore run` serves")
        body = await exchange.read_body()
        if _is_endless(scope):
            exchange.streams, exchange.due = True, inf
        else:
            exchange.due += _GRACE_S  # the call inside has the same deadline, and an answer that says so
        scope["principal"] = principal_of(HTTPConnection(scope))
        scope["note_call"] = partial(_note, parts.rooms, scope)
        try:
            await parts.rooms.mcp(scope, _replayed(body, exchange), exchange.send)
        except ToolMissing as error:
            raise RefusalError(Problem(501, error.code, error.fact, error.remedy)) from error


def _is_endless(scope: Scope) -> bool:
    """Whether the answer is a stream of news, which ends with the client or the server."""
    return scope["method"] == "GET" or (b"mcp-method", _LISTEN) in scope["headers"]


def _replayed(body: bytes, exchange: Exchange) -> Receive:
    """Gives the body, then what the connection says: that the client left."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return first.pop() if first else await exchange.receive()

    return receive


def _note(rooms: Rooms, scope: Scope, plugin: str, function: str, outcome: str) -> None:
    """Records a call as one by REST is recorded: of somebody who logged in, where calls are."""
    target = f"plugin:{plugin}.{function}"
    if outcome != "refused":
        note_call(rooms.audit, scope, _CALL.name, target, outcome)
    elif rooms.audit is not None:
        rooms.audit.refuse(**who_asks(scope), action=_CALL.name, target=target, outcome=outcome)


def _operation(method: Any, name: str, summary: str, replies: Mapping[int, Reply], **more: Any) -> Operation:
    # Whoever was let in may speak; which tools there are, the rights for each plugin decide.
    return Operation(method, _PATH, _endpoint, name, summary, "calls", replies=replies, needs=Role.nobody, **more)


_endpoint = _Endpoint()
_CALL = calls.OPERATIONS[0]
_RPC = ref("RpcMessage")
_NO_SESSION = Reply("No such session, or one of somebody else: begin again with `initialize`.", schema=_RPC)
_NOT_TAKEN = Reply("The client must accept JSON and `text/event-stream`.", schema=_RPC)
OPERATIONS = (
    _operation(
        "POST",
        "sendMcpMessage",
        "Takes one message of the Model Context Protocol; each function is a tool",
        {
            200: Reply("The answer: JSON, or as the last event of a stream.", schema=_RPC),
            202: Reply("A notification was taken.", None),
            400: Reply("No such message.", schema=_RPC),
            404: _NO_SESSION,
            406: _NOT_TAKEN,
        },
        body={JSON: _RPC},
        problems=(408, 413, 501, 504),
    ),
    _operation(
        "GET",
        "openMcpStream",
        "News of a session, such as that its tools changed, as events without end",
        {
            200: Reply("One JSON-RPC message an event.", _EVENTS, {"type": "string"}),
            400: Reply("Without the session's id.", schema=_RPC),
            404: _NO_SESSION,
            406: _NOT_TAKEN,
            409: Reply("The session has its stream already.", schema=_RPC),
        },
        problems=(501,),
    ),
    _operation(
        "DELETE",
        "endMcpSession",
        "Ends a session",
        {
            200: Reply("It is over.", None),
            400: Reply("Without the session's id.", schema=_RPC),
            404: _NO_SESSION,
        },
        problems=(501,),
    ),
)
