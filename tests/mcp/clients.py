"""The official client of the `mcp` package, over a socket or a process, for one scene of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

__all__ = ["ERAS", "HELLO", "connected", "eventually", "initialize", "message", "played", "text_of"]

ERAS = ("legacy", "auto")
"""The two ways of the protocol: sessions that begin with a handshake, and requests that each stand alone."""

_HEADERS = {"accept": "application/json, text/event-stream"}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


@asynccontextmanager
async def connected(url: str, *, mode: str = "legacy", token: str = "", **more: Any) -> AsyncIterator[Client]:
    """A client of a host's `/mcp`."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode, **more) as client,
    ):
        yield client


def played(scene: Callable[[], Awaitable[None]]) -> None:
    """Plays a scene to its end, at most a minute."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scene()

    asyncio.run(bounded())


async def eventually(true: Callable[[], object]) -> None:
    """Waits for something to become true."""
    while not true():
        await asyncio.sleep(0.005)


def text_of(result: Any) -> str:
    """The text of a result that has nothing else."""
    (block,) = result.content
    return str(block.text)


def message(method: str, params: Any = None, *, id: int | None = 1, **headers: str) -> dict[str, Any]:
    """A plain HTTP request that carries one message, for `httpx.Client.post`."""
    body = {"jsonrpc": "2.0", "method": method, "params": params or {}, **({} if id is None else {"id": id})}
    return {"json": body, "headers": {**_HEADERS, **{key.replace("_", "-"): value for key, value in headers.items()}}}


def initialize(client: Any, **headers: str) -> Any:
    """The answer to a handshake."""
    return client.post("/mcp", **message("initialize", HELLO, **headers))
