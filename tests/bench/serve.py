"""A server to be loaded: `python -m tests.bench.serve ours FOLDER` or `bare FOLDER` prints its URL and serves.
Ours prints the owner's key and an API token behind it.

Both stand on the same Hypercorn with the same settings; `bare` is one Starlette route that echoes. It stops when
its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.bench.hosts import make_folder

from omnicore import Host
from omnicore.access.principal import Role
from omnicore.api.exchange import Traffic
from omnicore.api.parts import Rooms
from omnicore.api.server import serve
from omnicore.config.settings import Settings


def _announce(url: str) -> None:
    print(url, flush=True)


async def _ours(folder: Path) -> None:
    async with Host(plugins=make_folder(folder), data=folder / "data", port=0) as host:
        for name in ("warm", "fresh"):
            host.plugins.grant(name, None, who="bench")
        _, key = host.access.tokens.add("bench", owner=None, role=Role.operator)
        keys = f"{host.access.owner.made()} {key}"
        await serve(host.asgi(), host.settings, stop=_input_ended(), announce=lambda url: _announce(f"{url} {keys}"))


async def _bare(folder: Path) -> None:
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type="application/octet-stream")

    app = Starlette(routes=[Route("/echo", echo, methods=["POST"])])
    app.state.parts = SimpleNamespace(traffic=Traffic(), rooms=Rooms())  # what the server waits for when it stops
    await serve(app, Settings(port=0), stop=_input_ended(), announce=_announce)


def _input_ended() -> asyncio.Event:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    return stop


if __name__ == "__main__":
    asyncio.run({"ours": _ours, "bare": _bare}[sys.argv[1]](Path(sys.argv[2])))
