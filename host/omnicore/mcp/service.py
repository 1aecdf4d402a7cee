"""The MCP service of a host. It starts with the first request and then watches the plugins for changed tools.

The `mcp` package is optional: `server` and `stdio`, which need it, are loaded on first use.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from omnicore.access.principal import OWNER
from omnicore.errors import Unavailable
from omnicore.mcp.tools import TOPIC, Caller, ToolCatalogue
from omnicore.optional import optional

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from omnicore.config.settings import McpSettings
    from omnicore.events.bus import EventBus
    from omnicore.mcp.server import HttpFace, ToolServer
    from omnicore.plugins.host import PluginHost


def load(module: Literal["server", "stdio"]) -> ModuleType:
    """A module of this room that needs the package. The first one takes half a second to load.

    Raises: ToolMissing: the package is not installed.
    """
    return optional(f"omnicore.mcp.{module}", extra="mcp")


_log = logging.getLogger("omnicore.mcp")
_LOOK_S = 2.0
_SETTLE_S = 0.05


class McpService:
    """The tools of a host over HTTP and over standard input and output.

    It is the ASGI application of `/mcp`. The scope of a request holds its `principal`, and `note_call`, which is told
    of each call that was made for it or refused.

    Args:
        version: moves when another process wrote to the database.
        call_s: the longest time a call may take.
        body_bytes: the largest message.
        shared: hosts share the database, and any of them may get a client's next request.
    """

    def __init__(
        self,
        host: PluginHost,
        bus: EventBus,
        settings: McpSettings,
        *,
        version: Callable[[], int],
        call_s: float,
        body_bytes: int,
        shared: bool = False,
    ) -> None:
        self._stateless = settings.stateless == "always" or (settings.stateless == "auto" and shared)
        self._host, self._bus, self._settings = host, bus, settings
        self._version = version
        self._call_s, self._body_bytes = call_s, body_bytes
        self._http: HttpFace | None = None
        self._tools: ToolCatalogue | None = None
        self._server: ToolServer | None = None
        self._watching: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._stopped = False

    async def start(self) -> None:
        """Does nothing yet: the library takes half a second to load."""
        self._stopped = False

    async def stop(self) -> None:
        """Ends sessions and streams."""
        self._stopped = True
        async with self._opening:
            await self._close()

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serves one HTTP request. Raises: ToolMissing: the package is not installed; Unavailable."""
        face = self._http
        if face is None or not face.alive:
            face = await self._opened()
        await face(scope, receive, send)

    async def serve_stdio(self, *, ended: asyncio.Event) -> None:
        """Serves standard input and output until the input ends or `ended` is set. Raises: ToolMissing."""
        module = load("stdio")
        server = await self._made(lambda _ctx: Caller(OWNER))
        await module.serve(server.protocol, most_bytes=self._body_bytes, ended=ended)

    async def _opened(self) -> HttpFace:
        async with self._opening:
            if self._http is not None and self._http.alive:
                return self._http
            await self._close()
            module = await asyncio.to_thread(load, "server")
            if self._stopped:
                raise Unavailable("the host stops", remedy="try again later", retry_after_s=5)
            self._http = module.HttpFace(
                await self._made(_caller_of),
                sessions=self._settings.sessions,
                idle_s=self._settings.idle_s,
                body_bytes=self._body_bytes,
                stateless=self._stateless,
            )
            await self._http.start()
            return self._http

    async def _made(self, caller: Callable[[Any], Caller]) -> ToolServer:
        """The server, and the task that notifies its clients of changed tools."""
        self._tools = ToolCatalogue(self._host, self._bus, self._version)
        server: ToolServer = load("server").ToolServer(
            self._tools, self._host.call, caller=caller, call_s=self._call_s, listeners=self._settings.sessions
        )
        try:
            await self._tools.refresh()
        except BaseException:
            self._tools.close()  # gives its place on the bus back
            raise
        self._server = server
        self._watching = asyncio.create_task(self._watch(self._tools, server), name="omnicore-mcp-watch")
        return server

    async def _close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        if self._server is not None:
            self._server.close()
        if self._http is not None:
            await self._http.stop()
        if self._tools is not None:
            self._tools.close()
        self._http = self._tools = self._server = self._watching = None

    async def _watch(self, tools: ToolCatalogue, server: ToolServer) -> None:
        told = tools.edition
        with self._bus.subscribe(TOPIC, queue=1) as news:
            while True:
                heard = False
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        heard = await news.wait()
                if heard:
                    await asyncio.sleep(_SETTLE_S)  # a folder of plugins is one piece of news
                news.drain()
                try:
                    await tools.refresh(look=not heard)
                except Exception:
                    _log.exception("the tools could not be read")  # the next look may succeed
                if tools.edition != told:
                    told = tools.edition
                    await server.tell()


def _caller_of(ctx: Any) -> Caller:
    scope = ctx.request.scope
    return Caller(scope["principal"], scope["note_call"])
