"""Calls of a plugin on another host, against request and reply of plain nats-py over the same server in the same run.

The host that calls and the one that serves are two processes, as are the two sides of the plain echo.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nats
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_most
from tests.fleet.fleets import SECRET
from tests.plugins.guests import ECHO
from tests.services.servers import nats_server

from omnicore.assembly import Host
from omnicore.config.settings import FleetSettings, LoopSettings, Settings

__all__ = ["fleet_calls"]

_CALLS, _PIPELINED, _AT_ONCE = 300, 2000, 64
_AIM_MS = 1.5
_DATA = b"x" * 100
_Ask = Callable[[], Awaitable[Any]]


def fleet_calls(effort: Effort) -> Iterator[Row]:
    """One call after the other, then 64 at once."""
    with tempfile.TemporaryDirectory() as place:
        server = nats_server(Path(place))
        server.start()
        context = multiprocessing.get_context("spawn")
        ready = context.Semaphore(0)
        sides = [context.Process(target=one, args=(server.url, place, ready), daemon=True) for one in (_host, _echo)]
        try:
            for side in sides:
                side.start()
            for _ in sides:
                assert ready.acquire(timeout=60)
            ours, plain = asyncio.run(_measured(server.url, Path(place), max(1, effort.rounds // 3)))
        finally:
            for side in sides:
                side.terminate()
                side.join()
            server.stop()
    note = "two processes on each side, 100 bytes, one nats-server"
    for at, (work, unit, rate) in enumerate(
        (("a call of a plugin on another host, p50", "ms", False), ("pipelined calls of it, 64 at once", "/s", True))
    ):
        target = None if rate else at_most(_AIM_MS)
        peer = Figure.of(plain[at])
        yield Row(f"{work}, against nats-py alone", Figure.of(ours[at]), peer, unit, target, rate=rate, note=note)


async def _measured(url: str, place: Path, rounds: int) -> tuple[tuple[list[float], ...], tuple[list[float], ...]]:
    ours: tuple[list[float], ...] = ([], [])
    plain: tuple[list[float], ...] = ([], [])
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(Host(settings=_settings(url, place / "a")))
        client = await stack.enter_async_context(await nats.connect(url))
        assert host.nats is not None
        while not host.nats.directory.places("echo"):
            await asyncio.sleep(0.01)
        calls: tuple[tuple[tuple[list[float], ...], _Ask], ...] = (
            (ours, lambda: host.call("echo.echo", _DATA)),
            (plain, lambda: client.request("bench.echo", _DATA, timeout=10)),
        )
        for _ in range(rounds):
            for taken, ask in calls:
                taken[0].append(await _p50_ms(ask))
                taken[1].append(await _rate(ask))
    return ours, plain


async def _p50_ms(ask: _Ask) -> float:
    times = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - began)
    return sorted(times)[_CALLS // 2] * 1000


async def _rate(ask: _Ask) -> float:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with gate:
            await ask()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(_PIPELINED)))
    return _PIPELINED / (time.perf_counter() - began)


def _settings(url: str, folder: Path) -> Settings:
    (folder / "plugins").mkdir(parents=True, exist_ok=True)
    fleet = FleetSettings(url=url, secret=SECRET)
    quiet = LoopSettings(enabled=False)
    return Settings(plugins=folder / "plugins", data=folder / "data", watch=False, fleet=fleet, loops=quiet)


def _host(url: str, place: str, ready: Any) -> None:
    os.umask(0o077)
    settings = _settings(url, Path(place) / "b")
    (settings.plugins / "echo.wat").write_text(ECHO)

    async def serve() -> None:
        async with Host(settings=settings) as host:
            await host.call("echo.echo", _DATA)
            ready.release()
            await asyncio.Event().wait()

    asyncio.run(serve())


def _echo(url: str, place: str, ready: Any) -> None:
    async def serve() -> None:
        client = await nats.connect(url)

        async def answer(message: Any) -> None:
            await message.respond(message.data)

        await client.subscribe("bench.echo", cb=answer)
        await client.flush()
        ready.release()
        await asyncio.Event().wait()

    asyncio.run(serve())
