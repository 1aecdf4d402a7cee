"""The MCP server: answers the protocol's requests from the tools, over HTTP sessions with an owner and a lifetime."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mcp import MCPError
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, CallToolRequestParams, NotificationParams, PaginatedRequestParams
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS

from omnicore.errors import CapacityReached, DeadlineExceeded, GuestFailed, NotFound, OmniError
from omnicore.mcp.tools import Caller, Tool, ToolCatalogue, is_object, may_call
from omnicore.texts import is_whole
from omnicore.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mcp.server.models import InitializationOptions
    from mcp.server.session import ServerSession

    from omnicore.access.principal import Principal


_JSON = "application/json"


def answered(tool: Tool, output: Any) -> dict[str, Any]:
    """The result of a call. Raises: GuestFailed: the output is not valid Unicode."""
    if isinstance(output, bytes):
        return {"content": [_of_bytes(tool, output)]}
    if not is_whole(output):
        raise GuestFailed(
            f"the output of {tool.reference} is not valid Unicode", remedy="correct the plugin, or answer with bytes"
        )
    text = output if isinstance(output, str) and tool.function.output_media != _JSON else _dumped(output)
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
    schema = tool.function.output
    if schema is not None:
        result["structuredContent"] = output if is_object(schema) else {"result": output}
    elif isinstance(output, dict):
        result["structuredContent"] = output
    return result


def failed(error: OmniError) -> dict[str, Any]:
    """The result of a failed call: fact and remedy as text, and the whole error."""
    document = json.loads(json.dumps(error.to_json(), default=str))
    return {
        "content": [{"type": "text", "text": _harmless(str(error))}],
        "isError": True,
        "_meta": {"omnicore/error": document if is_whole(document) else {"code": error.code}},
    }


def _of_bytes(tool: Tool, output: bytes) -> dict[str, Any]:
    try:
        return {"type": "text", "text": output.decode()}
    except UnicodeDecodeError:
        place = f"omnicore:///{quote(tool.plugin)}/{quote(tool.function.name)}"
        blob = base64.b64encode(output).decode()
        media = tool.function.output_media
        return {"type": "resource", "resource": {"uri": place, "mimeType": media, "blob": blob}}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _harmless(text: str) -> str:
    """The text without unpaired surrogates, which no message can hold."""
    return text.encode("utf-8", "replace").decode()


_log = logging.getLogger("omnicore.mcp")
_Context = ServerRequestContext[Any, Any]
_COMPLETE = {"resultType": "complete"}  # wanted since 2026; the package leaves it out for older clients
_INSTRUCTIONS = (
    "Each tool is a function of a plugin, named plugin.function. A call that fails says what happened and what to do."
)


class ToolServer:
    """A server of the `mcp` package whose tools are the functions of plugins.

    Args:
        call: calls a function by reference.
        caller: who makes a request.
        call_s: the longest time a call may take, beside the plugin's own limit.
        listeners: streams that may wait for news at the same time.
        beat_s: how often a client that asked for progress hears that its call still runs.
    """

    def __init__(
        self,
        tools: ToolCatalogue,
        call: Callable[[str, Any], Awaitable[Any]],
        *,
        caller: Callable[[_Context], Caller],
        call_s: float,
        listeners: int,
        beat_s: float = 1.0,
    ) -> None:
        self._tools, self._call, self._caller = tools, call, caller
        self._call_s, self._beat_s = call_s, beat_s
        self._listening: dict[Any, ServerSession] = {}
        self._telling: dict[Any, asyncio.Task[None]] = {}
        self._bus = InMemorySubscriptionBus()
        self._streams = ListenHandler(self._bus, max_subscriptions=listeners)
        self.protocol: Server[Any] = _Announcing(
            "omnicore",
            version=__version__,
            title="OmniCore",
            instructions=_INSTRUCTIONS,
            cache_hints={"tools/list": CacheHint()},
            get_tool_input_schema=tools.schema,
            on_subscriptions_listen=self._streams,
        )
        self.protocol.add_request_handler("tools/list", PaginatedRequestParams, self._list)
        self.protocol.add_request_handler("tools/call", CallToolRequestParams, self._run)
        self.protocol.add_notification_handler("notifications/initialized", NotificationParams, self._begun)

    async def tell(self) -> None:
        """Notifies every listening client that the tools may have changed, without waiting."""
        for connection, session in self._listening.items():
            if connection in self._telling:
                continue  # it has not read the last one yet, and will list the tools after it
            task = asyncio.ensure_future(session.send_tool_list_changed())
            self._telling[connection] = task
            task.add_done_callback(partial(self._told, connection))
        await self._bus.publish(ToolsListChanged())

    def close(self) -> None:
        """Ends notifications to clients that do not read."""
        self._streams.close()
        for task in tuple(self._telling.values()):
            task.cancel()

    # -- what the protocol asks

    async def _begun(self, ctx: _Context, _params: NotificationParams) -> None:
        connection = ctx.session._connection  # the package shows no other sign that a client left
        if connection not in self._listening:  # a client may say it again and again
            self._listening[connection] = ctx.session
            connection.exit_stack.callback(self._left, connection)

    def _left(self, connection: Any) -> None:
        self._listening.pop(connection, None)
        if (task := self._telling.get(connection)) is not None:
            task.cancel()

    def _told(self, connection: Any, task: asyncio.Task[None]) -> None:
        del self._telling[connection]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.debug("a client could not be notified of changed tools: %s", error)

    async def _list(self, ctx: _Context, params: PaginatedRequestParams) -> dict[str, Any]:
        async with _explained():
            tools, after = await self._tools.page(self._caller(ctx).principal, params.cursor)
        page = {"tools": [tool.listed() for tool in tools], **({"nextCursor": after} if after else {})}
        return {**page, **_COMPLETE}

    async def _run(self, ctx: _Context, params: CallToolRequestParams) -> dict[str, Any]:
        async with _explained():
            caller = self._caller(ctx)
            tool = await self._tools.find(params.name)
            if tool is None or not may_call(caller.principal, tool):
                if tool is not None:
                    caller.note(tool.plugin, tool.function.name, "refused")
                raise NotFound(f"there is no tool {params.name[:200]!r}", remedy="see `tools/list`")
            outcome = "failed"
            try:
                result = answered(tool, await self._called(ctx, caller, tool, params.arguments or {}))
                outcome = "done"
            except OmniError as error:
                result = failed(error)
            finally:
                caller.note(tool.plugin, tool.function.name, outcome)
            return {**result, **_COMPLETE}

    async def _called(self, ctx: _Context, caller: Caller, tool: Tool, arguments: dict[str, Any]) -> Any:
        value = tool.value(arguments)
        beating = asyncio.ensure_future(self._beat(ctx, tool)) if ctx.meta and "progress_token" in ctx.meta else None
        try:
            async with asyncio.timeout(self._call_s):
                with self._tools.callers.of(caller.principal):
                    return await self._call(tool.reference, value)
        except TimeoutError:
            raise DeadlineExceeded(
                f"{tool.reference} took over {self._call_s:g} s",
                remedy="ask for less, or raise the setting request_timeout_s",
                limit="request_timeout_s",
                allowed=self._call_s,
            ) from None
        finally:
            if beating is not None:
                beating.cancel()

    async def _beat(self, ctx: _Context, tool: Tool) -> None:
        """Reports the seconds that a call has taken, and its limit."""
        loop = asyncio.get_running_loop()
        began, most_s = loop.time(), min(tool.timeout_s, self._call_s)
        while True:
            await asyncio.sleep(self._beat_s)
            await ctx.session.report_progress(round(loop.time() - began, 1), most_s, f"{tool.reference} runs")


class _Announcing(Server[Any]):
    """A server that says in its handshake that its tools may change."""

    def create_initialization_options(self, *_: Any, **more: Any) -> InitializationOptions:
        return super().create_initialization_options(NotificationOptions(tools_changed=True), **more)


@asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    """Turns failures into errors of the protocol. Unexpected ones are logged and reveal nothing."""
    try:
        yield
    except MCPError:
        raise
    except OmniError as error:
        raise MCPError(INVALID_PARAMS, error.fact, {"remedy": error.remedy, "code": error.code}) from error
    except Exception as error:
        _log.exception("a request of an MCP client failed")
        raise MCPError(INTERNAL_ERROR, "the host failed", {"remedy": "see the host's log"}) from error


class HttpFace:
    """The streamable HTTP transport of the `mcp` package, between `start` and `stop`. Belongs to one event loop.

    Args:
        sessions: how many may be open at the same time.
        idle_s: after which a session without a request and without a stream ends.
        body_bytes: the largest message.
        stateless: no sessions, so that each request of a client may go to another host. Clients of the protocol's
            versions before 2026 then hear of changed tools only when they list them.
    """

    def __init__(
        self, server: ToolServer, *, sessions: int, idle_s: float, body_bytes: int, stateless: bool = False
    ) -> None:
        self._server = server
        self._manager = StreamableHTTPSessionManager(
            server.protocol,
            session_idle_timeout=idle_s,
            max_request_body_size=body_bytes,
            max_sessions=sessions,
            stateless=stateless,
        )
        self._share = max(sessions // 2, 1)  # so that no client can shut out all others
        self._living: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts to accept requests."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._living = asyncio.create_task(self._live(ready), name="omnicore-mcp-sessions")
        await asyncio.wait((self._living, ready), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            self._living.result()

    @property
    def alive(self) -> bool:
        """True while it accepts requests; a failure inside the package could end that."""
        return self._living is not None and not self._living.done()

    async def stop(self) -> None:
        """Ends every session."""
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait((self._living,))
            if not self._living.cancelled() and (error := self._living.exception()) is not None:
                _log.error("the sessions ended with a failure", exc_info=error)
            self._living = None

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serves a request whose scope has its `principal`. Raises: CapacityReached."""
        self._check_share(scope)
        # The package lets only the user that opened a session use it; this is how it learns who that is.
        token = AccessToken(token="", client_id=_credential(scope), scopes=[])
        await self._manager.handle_request({**scope, "user": AuthenticatedUser(token)}, receive, send)

    def _check_share(self, scope: Any) -> None:
        """Raises: CapacityReached: the caller holds half of all sessions already."""
        principal: Principal = scope["principal"]
        if principal.via in ("owner", "local") or not _opens(scope):
            return
        owners = self._manager._session_owners.values()
        held = sum(owner["client_id"].partition("\n")[0] == principal.person for owner in owners)
        if held >= self._share:
            raise CapacityReached(
                f"{principal.name} has {held} MCP sessions open",
                remedy="end one with DELETE /mcp",
            )

    async def _live(self, ready: asyncio.Future[None]) -> None:
        async with self._manager.run():  # its tasks must end in the task that began them
            ready.set_result(None)
            await asyncio.get_running_loop().create_future()


def _opens(scope: Any) -> bool:
    """True if the package opens a session for a request. Of a repeated header it uses the first, as we do."""
    headers = dict(reversed(scope["headers"]))
    version = headers.get(b"mcp-protocol-version")
    handshake = version is None or version.decode("latin-1") in HANDSHAKE_PROTOCOL_VERSIONS
    return handshake and b"mcp-session-id" not in headers


def _credential(scope: Any) -> str:
    """The caller and their credential: two tokens of one person are two credentials."""
    principal: Principal = scope["principal"]
    return f"{principal.person}\n{principal.via} {principal.key or ''}"
