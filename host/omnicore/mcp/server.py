"""The protocol's requests, answered from the tools: what is listed, what is called, and who is told of changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mcp import MCPError
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    NotificationParams,
    PaginatedRequestParams,
)

from omnicore import __version__
from omnicore.errors import DeadlineExceeded, NotFound, OmniError
from omnicore.mcp.answers import answered, failed
from omnicore.mcp.caller import Caller
from omnicore.mcp.catalogue import ToolCatalogue, may_call
from omnicore.mcp.tools import Tool

__all__ = ["ToolServer"]

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
        """Tells every client that listens that there may be other tools. Waits for none of them."""
        for connection, session in self._listening.items():
            if connection in self._telling:
                continue  # it has not read the last one yet, and will list the tools after it
            task = asyncio.ensure_future(session.send_tool_list_changed())
            self._telling[connection] = task
            task.add_done_callback(partial(self._told, connection))
        await self._bus.publish(ToolsListChanged())

    def close(self) -> None:
        """Ends what waits for clients that do not read."""
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
            _log.debug("a client could not be told of other tools: %s", error)

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
                result = answered(tool, await self._called(ctx, tool, params.arguments or {}))
                outcome = "done"
            except OmniError as error:
                result = failed(error)
            finally:
                caller.note(tool.plugin, tool.function.name, outcome)
            return {**result, **_COMPLETE}

    async def _called(self, ctx: _Context, tool: Tool, arguments: dict[str, Any]) -> Any:
        value = tool.value(arguments)
        beating = asyncio.ensure_future(self._beat(ctx, tool)) if ctx.meta and "progress_token" in ctx.meta else None
        try:
            async with asyncio.timeout(self._call_s):
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
        """Reports the seconds that a call runs already, of those it may."""
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
    """Turns failures into errors of the protocol; what nobody foresaw goes to the log and shows nothing inside."""
    try:
        yield
    except MCPError:
        raise
    except OmniError as error:
        raise MCPError(INVALID_PARAMS, error.fact, {"remedy": error.remedy, "code": error.code}) from error
    except Exception as error:
        _log.exception("a request of an MCP client failed")
        raise MCPError(INTERNAL_ERROR, "the host failed", {"remedy": "see the host's log"}) from error
