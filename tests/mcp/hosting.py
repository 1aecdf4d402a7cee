"""A whole host that serves, whose application tests may look at."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.hosting import Served

from omnicore.api.server import serve
from omnicore.assembly import Host

__all__ = ["McpHost"]


class McpHost(Served):
    """`Served`, with its application and a stop that a test does not wait for."""

    app: Any

    def begin_stop(self) -> None:
        """Does what Ctrl-C does."""
        self._loop.call_soon_threadsafe(self._stop.set)

    @property
    def running(self) -> bool:
        """Whether the server has not stopped yet."""
        return self._thread.is_alive()

    def streams(self) -> int:
        """Streams of news that are open now."""
        return sum(exchange.streams for exchange in tuple(self.app.state.parts.traffic._running))

    def __exit__(self, *_: object) -> None:
        if self.running:
            super().__exit__()
        self.client.close()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Host(settings=self.settings) as self.host:
            self.app = self.host.asgi()
            await serve(self.app, self.settings, stop=self._stop, announce=self._announce)
