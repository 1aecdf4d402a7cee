"""Restate: `python restate_peer.py SERVER FOLDER` prints the URL that begins a run, and serves until its input ends.

The server keeps its journal in the folder. This process serves the workflow with Restate's own package and does nothing
else: the client is the benchmark's, the same as for our server.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

chain = restate.Service("chain")


async def _next(value: int) -> int:
    return value + 1


@chain.handler()
async def three(ctx: restate.Context, value: int) -> int:
    value = await ctx.run_typed("first", _next, value=value)
    value = await ctx.run_typed("second", _next, value=value)
    return await ctx.run_typed("third", _next, value=value)


def _port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def _ready(client: httpx.AsyncClient, url: str) -> None:
    for _ in range(600):
        try:
            if (await client.get(url)).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


async def main(server: str, folder: str) -> None:
    ingress, admin, own = _port(), _port(), _port()
    environment = os.environ | {
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{_port()}",
        "RESTATE_LISTEN_MODE": "tcp",
        "DO_NOT_TRACK": "1",
    }
    with (Path(folder) / "server.log").open("w") as log:
        process = subprocess.Popen([server, "--no-logo", "--base-dir", folder], env=environment, stdout=log, stderr=log)
    ended = asyncio.Event()
    config = Config()
    config.bind, config.loglevel = [f"127.0.0.1:{own}"], "ERROR"
    serving = asyncio.create_task(serve(restate.app([chain]), config, shutdown_trigger=ended.wait))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        try:
            await _ready(client, f"http://127.0.0.1:{admin}/health")
            found = await client.post(f"http://127.0.0.1:{admin}/deployments", json={"uri": f"http://127.0.0.1:{own}"})
            assert found.status_code == 201, found.text
            await _ready(client, f"http://127.0.0.1:{ingress}/restate/health")
            print(f"http://127.0.0.1:{ingress}/chain/three", flush=True)
            await stop.wait()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            ended.set()
            await serving


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
