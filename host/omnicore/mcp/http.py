"""MCP over HTTP: sessions that belong to who opened them, bounded in number and in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS

from omnicore.access.principal import Principal
from omnicore.errors import CapacityReached
from omnicore.mcp.server import ToolServer

__all__ = ["HttpFace"]

_log = logging.getLogger("omnicore.mcp")


class HttpFace:
    """The streamable HTTP transport of the `mcp` package, between `start` and `stop`. Belongs to one event loop.

    Args:
        sessions: how many may be open at the same time.
        idle_s: after which a session without a request and without a stream ends.
        body_bytes: the largest message.
    """

    def __init__(self, server: ToolServer, *, sessions: int, idle_s: float, body_bytes: int) -> None:
        self._server = server
        self._manager = StreamableHTTPSessionManager(
            server.protocol,
            session_idle_timeout=idle_s,
            max_request_body_size=body_bytes,
            max_sessions=sessions,
        )
        self._share = max(sessions // 2, 1)  # so that nobody alone can shut out all others
        self._living: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to take requests."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._living = asyncio.create_task(self._live(ready), name="omnicore-mcp-sessions")
        await asyncio.wait((self._living, ready), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            self._living.result()

    @property
    def alive(self) -> bool:
        """Whether it takes requests; a failure of the package's own could end that."""
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
        """Takes one request, whose scope has its `principal`. Raises: CapacityReached."""
        self._check_share(scope)
        # The package lets only the user that opened a session use it; this is how it learns who that is.
        token = AccessToken(token="", client_id=_credential(scope), scopes=[])
        await self._manager.handle_request({**scope, "user": AuthenticatedUser(token)}, receive, send)

    def _check_share(self, scope: Any) -> None:
        """Raises: CapacityReached: somebody who logged in has half of all sessions and would open another."""
        principal: Principal = scope["principal"]
        if principal.via == "local" or not _opens(scope):
            return
        owners = self._manager._session_owners.values()
        held = sum(owner["client_id"].partition("\n")[0] == principal.person for owner in owners)
        if held >= self._share:
            raise CapacityReached(
                f"{principal.name} has {held} MCP sessions open",
                remedy="end one with DELETE /mcp, or raise the setting mcp.sessions",
            )

    async def _live(self, ready: asyncio.Future[None]) -> None:
        async with self._manager.run():  # its tasks must end in the task that began them
            ready.set_result(None)
            await asyncio.get_running_loop().create_future()


def _opens(scope: Any) -> bool:
    """Whether the package opens a session for a request; of a header that came twice it takes the first, too."""
    headers = dict(reversed(scope["headers"]))
    version = headers.get(b"mcp-protocol-version")
    handshake = version is None or version.decode("latin-1") in HANDSHAKE_PROTOCOL_VERSIONS
    return handshake and b"mcp-session-id" not in headers


def _credential(scope: Any) -> str:
    """Stands for who asks and with what: two tokens of one person are two credentials."""
    principal: Principal = scope["principal"]
    return f"{principal.person}\n{principal.via} {principal.key or ''}"
