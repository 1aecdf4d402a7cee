"""The Model Context Protocol over HTTP at `/mcp`, where each function is a tool. See `omnicore.mcp`."""

from __future__ import annotations

from functools import partial
from math import inf

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from omnicore.api.audit_record import CALL, note_call, who_asks
from omnicore.api.exchange import Exchange
from omnicore.api.parts import Parts, Rooms
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.schema import TABLE, TEXT, Schemas, object_of
from omnicore.errors import ToolMissing, Unavailable

__all__ = ["SCHEMAS", "end_mcp_session", "open_mcp_stream", "send_mcp_message"]

_PATH = "/mcp"
_LISTEN = b"subscriptions/listen"
_GRACE_S = 2.0


class _Endpoint:
    """The ASGI application of `/mcp`. It reads a bounded body and passes it to the MCP service."""

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


send_mcp_message = open_mcp_stream = end_mcp_session = _Endpoint()


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
