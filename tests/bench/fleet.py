"""Calls of a plugin on another host, against request and reply of plain nats-py over the same server in the same run.

The host that calls and the one that serves are two processes, as are the two sides of the plain echo. Then the calls
that two hosts of a fleet do at once, each on a core of its own, against those that one of them does.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import nats
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_least, at_most
from tests.fleet.fleets import SECRET
from tests.plugins.guests import ECHO
from tests.services.servers import nats_server
from tests.storage.postgresql_server import find_binaries, private_server

from omnicore.assembly import Host
from omnicore.config.settings import FleetSettings, LoopSettings, Settings, StorageSettings

__all__ = ["fleet_calls"]

_CALLS, _PIPELINED, _AT_ONCE = 300, 2000, 64
_AIM_MS, _AIM_OF_TWO = 1.5, 1.7
_TURN_S = 0.5
_DATA = b"x" * 100
_Ask = Callable[[], Awaitable[Any]]


def fleet_calls(effort: Effort) -> Iterator[Row]:
    """One call after the other, then 64 at once; two hosts against one where there are two cores and PostgreSQL."""
    yield from _remote(effort)
    binaries = find_binaries()
    if len(os.sched_getaffinity(0)) > 1 and binaries is not None:
        yield _two_hosts(effort, binaries)


def _remote(effort: Effort) -> Iterator[Row]:
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


def _two_hosts(effort: Effort, binaries: Path) -> Row:
    context = multiprocessing.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as place, private_server(binaries) as database:
        server = nats_server(Path(place))
        server.start()
        pipes = [context.Pipe() for _ in cores]
        urls = database.url(), server.url
        hosts = [
            context.Process(target=_counting, args=(core, *urls, f"{place}/{core}", pipe[1]), daemon=True)
            for core, pipe in zip(cores, pipes, strict=True)
        ]
        sides = [pipe[0] for pipe in pipes]
        try:
            for host, side in zip(hosts, sides, strict=True):
                host.start()
                assert side.poll(60)
                side.recv()
            one, two = [], []
            for number in range(max(2, effort.rounds)):
                one.append(_at_once(sides[number % 2 : number % 2 + 1], _TURN_S * effort.scale))
                two.append(_at_once(sides, _TURN_S * effort.scale))
        finally:
            for host in hosts:
                host.terminate()
                host.join()
            server.stop()
    note = "host.call of a plugin that both have; PostgreSQL and NATS are theirs in common"
    work = "calls of two hosts of a fleet, a core each, against one of them"
    return Row(work, Figure.of(two), Figure.of(one), "/s", at_least(_AIM_OF_TWO), rate=True, note=note)


def _at_once(sides: Sequence[Any], seconds: float) -> float:
    for side in sides:
        side.send(seconds)
    return sum(float(side.recv()) for side in sides)


def _counting(core: int, database: str, url: str, place: str, pipe: Any) -> None:
    os.sched_setaffinity(0, {core})
    os.umask(0o077)
    settings = replace(_settings(url, Path(place)), storage=StorageSettings(url=database))
    (settings.plugins / "echo.wat").write_text(ECHO)

    async def serve() -> None:
        async with Host(settings=settings) as host:
            await host.call("echo.echo", _DATA)
            pipe.send("ready")
            while True:
                seconds = await asyncio.to_thread(pipe.recv)
                pipe.send(await _done_in(host, seconds) / seconds)

    asyncio.run(serve())


async def _done_in(host: Host, seconds: float) -> int:
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        await host.call("echo.echo", _DATA)
        done += 1
    return done


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
