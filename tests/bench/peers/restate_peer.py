"""Restate: `python restate_peer.py SERVER FOLDER RUNS AT_ONCE` prints `{"runs_per_s", "p50_ms"}`.

The server keeps its journal in the folder; the workflow is served by this process with Restate's own package, and begun
over HTTP, which is the only way in.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
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


async def _measured(client: httpx.AsyncClient, url: str, runs: int, at_once: int) -> dict[str, float]:
    gate = asyncio.Semaphore(at_once)
    taken: list[float] = []

    async def one(number: int) -> None:
        async with gate:
            began = time.perf_counter()
            answer = await client.post(url, json=number)
            assert answer.json() == number + 3, answer.text
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(one(number) for number in range(at_once)))
    taken.clear()
    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(runs)))
    took = time.perf_counter() - began
    return {"runs_per_s": runs / took, "p50_ms": statistics.median(taken) * 1e3}


async def main(server: str, folder: str, runs: int, at_once: int) -> None:
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
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        try:
            await _ready(client, f"http://127.0.0.1:{admin}/health")
            found = await client.post(f"http://127.0.0.1:{admin}/deployments", json={"uri": f"http://127.0.0.1:{own}"})
            assert found.status_code == 201, found.text
            await _ready(client, f"http://127.0.0.1:{ingress}/restate/health")
            print(
                json.dumps(await _measured(client, f"http://127.0.0.1:{ingress}/chain/three", runs, at_once)),
                flush=True,
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            ended.set()
            await serving


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
