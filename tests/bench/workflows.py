"""Workflows: what the engine adds to a plugin's step, runs a second, and how late runs begin; each row says what waits
for the disk. NORMAL and FULL are SQLite's; PostgreSQL is as it is installed, with its fsync on.

The peers run the same three steps on the same machine, by turns with ours on the same kind of database; theirs are
plain Python functions, ours are calls into the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace
from tests.bench.commits import commit_s, in_commits, last_row, postgresql_commit_s
from tests.bench.measure import Effort, Figure, interleave
from tests.bench.report import Row, Target, at_least, at_most, record
from tests.bench.workflow_hosts import INPUT, SECRET, child, definition, opened
from tests.bench.workflow_peers import dbos, restate
from tests.storage.postgresql_server import find_binaries, private_server

from omnicore import Host
from omnicore.workflows.expressions.expression import expression

__all__ = ["workflows"]

_RUNS, _AT_ONCE, _STEPS = 3_000, 100, 100
_QUEUED, _STARTS, _REQUESTS, _TICKING = 6_000, 200, 400, 100
_ROUNDS = 3
_PEERS_FROM = 0.05
"""The scale from which peers take part: a smoke test is not about them."""
_NORMAL, _FULL = {"synchronous": "normal"}, {"synchronous": "full"}
_MODES = (("SQLite NORMAL", _NORMAL), ("SQLite FULL", _FULL))
_IN_PROCESS = "both begun by as many tasks in the engine's own process; the peer as it is installed, its steps Python"
_OVER_HTTP = "one client over raw sockets, a connection each; Restate's server and its handlers are two processes"
_EXPRESSIONS = (
    ("a path", "${ .to }"),
    ("plain arithmetic", "${ .number * 2 + 1 }"),
    ("jq in the sandbox", '${ [.[]] | map(tostring) | join("-") }'),
)


def workflows(effort: Effort) -> Iterator[Row]:
    """The rows, a database after the other, then the peers."""
    yield from _expressions(effort)
    with TemporaryDirectory(prefix="omnicore-bench-") as name:
        folder = Path(name)
        for mode, storage in _MODES:
            yield from _steps(effort, folder / mode, mode, storage)
        yield from _webhooks(effort, folder)
        yield from asyncio.run(_throughput(effort, folder / "sqlite", "SQLite FULL", _FULL, 1_500))
        yield from asyncio.run(_lateness(effort, folder / "sqlite"))
        yield from _idle(folder)
        if find_binaries() is not None:
            yield from _on_postgresql(effort, folder)
        if effort.scale >= _PEERS_FROM:
            work = f"3-step runs a second, {_AT_ONCE} at once, SQLite FULL, against DBOS, SQLite"
            ours = partial(_begun_here, effort, folder / "beside", _FULL)
            theirs = partial(_at_dbos, effort, f"sqlite:///{folder}/dbos.db")
            yield _beside(work, ours, theirs, least=5.0, note=_IN_PROCESS)
            work = f"3-step runs a second, {_AT_ONCE} at once over HTTP, SQLite FULL, against Restate's server"
            ours = partial(_begun_over_http, effort, _FULL)
            yield _beside(work, ours, partial(_begun_at_restate, effort), least=1.0, note=_OVER_HTTP)


def _many(number: int, effort: Effort, least: int = 10) -> int:
    return max(least, round(number * effort.scale))


# -- one run at a time


def _steps(effort: Effort, folder: Path, mode: str, storage: Any) -> Iterator[Row]:
    taken = asyncio.run(_step_times(effort, folder, storage))
    targets: list[Target | None] = [at_most(0.3), at_most(1.5)] if mode.endswith("NORMAL") else [None, None]
    for name, value, target in zip(("p50", "p99"), _percentiles(taken), targets, strict=True):
        yield _row(f"engine time of a plugin step, {name}, {mode}", value * 1e3, "ms", target)
    if "url" in storage:
        commit = postgresql_commit_s(storage["url"], "workflow_steps")
    else:
        row = last_row(folder / "data" / "omnicore.db", "workflow_steps")
        commit = commit_s(folder, row, mode.rpartition(" ")[2])
    yield in_commits(f"engine time of a plugin step, p50, {mode}", statistics.median(taken), commit)


async def _step_times(effort: Effort, folder: Path, storage: Any) -> list[float]:
    """From the begin of a step to that of the next, less what the bare call takes. Units: seconds."""
    async with opened(folder, storage) as host:
        await host.workflows.apply(definition("long", _STEPS))
        calls: list[float] = []
        for _ in range(_many(1_000, effort)):
            began = time.perf_counter()
            await host.call("steps.echo", INPUT)
            calls.append(time.perf_counter() - began)
        taken: list[float] = []
        for _ in range(_many(20, effort, 2)):
            handle = await host.workflows.start("long", INPUT)
            await handle
            rows = (await host.workflows.steps(handle.id, limit=_STEPS)).items
            begun = [row.began_at for row in rows]
            taken += [later - earlier for earlier, later in pairwise(begun)]
        bare = statistics.median(calls)
        return [max(0.0, one - bare) for one in taken[_STEPS:] or taken]  # the first run warms up


# -- many at once


async def _throughput(effort: Effort, folder: Path, mode: str, storage: Any, least: float) -> list[Row]:
    rates, cpus = await _rates(effort, folder, storage)
    figure = Figure(statistics.median(rates), min(rates))
    return [
        Row(f"3-step runs a second, {_AT_ONCE} at once, {mode}", figure, None, "/s", _least(least), rate=True),
        _row(f"processor time of a 3-step run, {mode}", statistics.median(cpus) * 1e3, "ms", at_most(1.0)),
    ]


async def _rates(effort: Effort, folder: Path, storage: Any, rounds: int = _ROUNDS) -> tuple[list[float], list[float]]:
    """Runs a second and processor seconds of a run, of each round."""
    runs = _many(_RUNS, effort)
    rates, cpus = [], []
    async with opened(folder, storage) as host:
        await host.workflows.apply(definition("three"))
        await _run_all(host, min(runs, 300))
        for _ in range(rounds):
            began, spent = time.perf_counter(), time.process_time()
            await _run_all(host, runs)
            rates.append(runs / (time.perf_counter() - began))
            cpus.append((time.process_time() - spent) / runs)
    return rates, cpus


async def _run_all(host: Host, runs: int) -> None:
    numbers = iter(range(runs))

    async def worker() -> None:
        for _ in numbers:
            assert await host.workflows.run("three", INPUT) == INPUT

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


# -- over HTTP


def _webhooks(effort: Effort, folder: Path) -> Iterator[Row]:
    """Two servers by turns, one client with a connection that stays open."""
    taken: dict[str, list[float]] = {mode: [] for mode, _ in _MODES}
    with ExitStack() as stack:
        urls = {
            mode: stack.enter_context(child("server", folder / f"hooked {mode}", storage)).said
            for mode, storage in _MODES
        }
        for turn in range(_ROUNDS + 1):
            for mode, url in urls.items():
                times = asyncio.run(_deliver(url, _many(_REQUESTS, effort) // _ROUNDS, turn))
                taken[mode] += times if turn else []  # the first one warms up
    for (mode, _), most in zip(_MODES, (3.0, 6.0), strict=True):
        work = f"webhook over HTTP, 3 plugin steps, answer, p50, {mode}"
        yield _row(work, statistics.median(taken[mode]) * 1e3, "ms", at_most(most))


async def _deliver(url: str, requests: int, turn: int, *, body: Any = INPUT, answer: Any = INPUT) -> list[float]:
    """Posts a document so many times on one connection and checks each answer. Returns: seconds of each."""
    parts, sent = urlsplit(url), json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    taken = []
    for number in range(requests):
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {SECRET}\r\n"
            f"X-Delivery-Id: {turn}-{number}\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + sent)
        told = await reader.readuntil(b"\r\n\r\n")
        length = int(told.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        document = json.loads(await reader.readexactly(length))
        taken.append(time.perf_counter() - began)
        if b" 200 " not in told[:20] or document != answer:
            raise AssertionError(f"{url} answered {told!r} {document!r}")
    writer.close()
    await writer.wait_closed()
    return taken


# -- how late


async def _lateness(effort: Effort, folder: Path) -> list[Row]:
    """In process: from the call of `start` to the first step's begin; and ticks of many schedules each second."""
    async with opened(folder, _NORMAL) as host:
        await host.workflows.apply(definition("three"))
        starts = [await _start_time(host, host) for _ in range(_many(_STARTS, effort))]
        ticks = await _tick_times(host, _many(_TICKING, effort, 5), 10.0 * min(1.0, max(effort.scale, 0.2)))
    return [
        _row("enqueue to start, p50, in process, SQLite NORMAL", statistics.median(starts[5:]) * 1e3, "ms", at_most(3)),
        _row(
            f"cron lateness, p99, {_many(_TICKING, effort, 5)} schedules a second, SQLite NORMAL",
            _percentiles(ticks)[1] * 1e3,
            "ms",
            at_most(250),
        ),
    ]


async def _start_time(asking: Host, running: Host) -> float:
    began = time.time()
    handle = await asking.workflows.start("three", INPUT)
    await handle
    (row,) = (await running.workflows.steps(handle.id, limit=1)).items
    return float(row.began_at) - began


async def _tick_times(host: Host, schedules: int, seconds: float) -> list[float]:
    for number in range(schedules):
        await host.workflows.apply(definition(f"tick{number}", 1, "{triggers: [{cron: '* * * * * *'}]}"))
    begun_at = time.time() + 2
    await asyncio.sleep(seconds + 2)
    taken: list[float] = []
    for number in range(schedules):
        await host.workflows.switch(f"tick{number}", on=False)
        for run in (await host.workflows.page_runs(workflow=f"tick{number}", limit=100)).items:
            full = await host.workflows.run_view(run.id)
            (row,) = (await host.workflows.steps(run.id, limit=1)).items
            if full.input["at"] >= begun_at:
                taken.append(row.began_at - full.input["at"])
    if len(taken) < schedules:
        raise AssertionError(f"{schedules} schedules ticked {len(taken)} times in {seconds:g} s")
    return taken


# -- nothing to do


def _idle(folder: Path) -> Iterator[Row]:
    """A host that runs workflows beside one that leaves them to others, with nothing to do."""
    asyncio.run(_prepare(folder / "still", _NORMAL))
    with child("engine", folder / "still", _NORMAL) as ours, child("bare", folder / "still", _NORMAL) as other:
        busy, idle = ours.facts, other.facts
    work = "the engine at rest, on top of its host"
    yield record(f"{work}: memory", max(0.0, busy["rss_mb"] - idle["rss_mb"]), "MB")
    yield record(f"{work}: threads", max(0, busy["threads"] - idle["threads"]), "")
    yield record(f"{work}: processor time", max(0.0, busy["cpu_ms_per_s"] - idle["cpu_ms_per_s"]), "ms/s")


def _expressions(effort: Effort) -> Iterator[Row]:
    for name, text in _EXPRESSIONS:
        compiled = expression(text)
        (figure,) = interleave(effort, partial(compiled, INPUT, {}))
        yield Row(f"expression: {name}", figure.scaled(1e6), None, "us")


# -- PostgreSQL


def _on_postgresql(effort: Effort, folder: Path) -> Iterator[Row]:
    binaries = find_binaries()
    assert binaries is not None
    with private_server(binaries, memory=False, settings={"max_connections": "100"}) as server:

        def fresh(name: str) -> dict[str, str]:
            server.sql(f"CREATE DATABASE {name}")
            return {"url": server.url(name)}

        stepping = fresh("stepping")
        yield from _steps(effort, folder / "stepping", "PostgreSQL fsync on", stepping)
        for number, least in ((1, 1_500.0), (2, 2_500.0)):
            rates = [
                _queued(effort, folder / f"workers{number}-{turn}", fresh(f"queued{number}_{turn}"), number)
                for turn in range(_ROUNDS if effort.scale >= _PEERS_FROM else 1)
            ]
            work = f"3-step runs a second, queued, {number} worker{'s' * (number > 1)}, PostgreSQL fsync on"
            yield Row(work, Figure.of(rates), None, "/s", _least(least), rate=True)
        starts = asyncio.run(_other_process(effort, folder / "starts", fresh("starts")))
        yield _row("enqueue to start, p50, another process, PostgreSQL fsync on", starts * 1e3, "ms", at_most(10))
        if effort.scale >= _PEERS_FROM:
            server.sql("CREATE DATABASE dbos")
            work = f"3-step runs a second, {_AT_ONCE} at once, PostgreSQL fsync on, against DBOS, PostgreSQL"
            ours = partial(_begun_here, effort, folder / "beside PostgreSQL", fresh("beside"))
            yield _beside(work, ours, partial(_at_dbos, effort, server.url("dbos")), least=5.0, note=_IN_PROCESS)


def _queued(effort: Effort, folder: Path, storage: Any, workers: int) -> float:
    """Runs a second from the moment at which they are due until the last one has ended."""
    runs = _many(_QUEUED, effort)
    asyncio.run(_prepare(folder, storage))
    asyncio.run(_queue(folder, storage, runs))
    with ExitStack() as stack:
        for _ in range(workers):
            stack.enter_context(child("worker", folder, storage))
        return asyncio.run(_drained(folder, storage, runs))


async def _prepare(folder: Path, storage: Any) -> None:
    async with opened(folder, storage, workers=0) as host:
        await host.workflows.apply(definition("three"))


async def _queue(folder: Path, storage: Any, runs: int) -> None:
    """Queues runs that are due tomorrow."""
    async with opened(folder, storage, workers=0) as host:
        new = await host.workflows.order("three", INPUT, trigger={"kind": "manual"})
        assert new is not None
        ones = [replace(new, begin_at=time.time() + 86_400) for _ in range(runs)]
        for place in range(0, runs, 500):
            await asyncio.gather(
                *(host.workflows.engine.journal.start(one, room=False) for one in ones[place : place + 500])
            )


async def _drained(folder: Path, storage: Any, runs: int) -> float:
    """Makes them all due at once; how many a second there were until the last one has ended."""
    async with opened(folder, storage, workers=0) as host:
        due_at = time.time()
        await host.store.apply_async(
            lambda session: (
                session.execute(
                    "UPDATE workflow_runs SET due_at = ?, begin_at = ? WHERE status = 'pending'", (due_at, due_at)
                ).rowcount
            )
        )
        last = "SELECT count(*), max(ended_at) FROM workflow_runs WHERE begin_at = ? AND status = 'completed'"
        for _ in range(2400):
            await asyncio.sleep(0.25)
            ((ended, at),) = await asyncio.to_thread(host.store.rows, last, (due_at,))
            if ended == runs:
                return float(runs / (at - due_at))
    raise RuntimeError(f"{runs} runs do not end")


async def _other_process(effort: Effort, folder: Path, storage: Any) -> float:
    await _prepare(folder, storage)
    with child("worker", folder, storage):
        async with opened(folder, storage, workers=0) as host:
            taken = []
            for _ in range(_many(_STARTS, effort)):
                taken.append(await _start_time(host, host))
                await asyncio.sleep(0.05)
            return statistics.median(taken)


# -- peers


def _beside(work: str, run: Callable[[], float], peer: Callable[[], float], *, least: float, note: str) -> Row:
    """Ours and theirs by turns, each begun in the same way; where a peer cannot be had the row says so."""
    ours: list[float] = []
    theirs: list[float] = []
    try:
        for _ in range(_ROUNDS):
            ours.append(run())
            theirs.append(peer())
    except RuntimeError as error:
        return Row(work, Figure.of(ours), None, "/s", rate=True, note=f"no peer: {error}")
    return Row(work, Figure.of(ours), Figure.of(theirs), "/s", at_least(least), rate=True, note=note)


def _begun_here(effort: Effort, folder: Path, storage: Any) -> float:
    """Runs a second, begun and waited for in one process."""
    rates, _ = asyncio.run(_rates(effort, folder, storage, 1))
    return rates[0]


def _begun_over_http(effort: Effort, storage: Any) -> float:
    """Runs a second, each begun by a delivery to a webhook of a new server that answers with its result."""
    with TemporaryDirectory(prefix="omnicore-bench-") as name, child("server", Path(name), storage) as server:
        return asyncio.run(_posted(server.said, _many(_RUNS, effort)))


def _begun_at_restate(effort: Effort) -> float:
    """Runs a second of Restate's server, begun by the same client over as many connections."""
    with restate() as url:
        return asyncio.run(_posted(url, _many(_RUNS, effort), body=7, answer=10))


def _at_dbos(effort: Effort, url: str) -> float:
    return dbos(url, _many(600, effort), _AT_ONCE)["runs_per_s"]


async def _posted(url: str, runs: int, *, body: Any = INPUT, answer: Any = INPUT) -> float:
    async def post(requests: int, turn: int) -> None:
        await _deliver(url, requests, turn, body=body, answer=answer)

    await asyncio.gather(*(post(1, number) for number in range(_AT_ONCE)))
    each = max(1, runs // _AT_ONCE)
    began = time.perf_counter()
    await asyncio.gather(*(post(each, _AT_ONCE + number) for number in range(_AT_ONCE)))
    return each * _AT_ONCE / (time.perf_counter() - began)


def _least(amount: float) -> Target:
    return Target("at least", amount, ratio=False)


def _percentiles(samples: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(samples)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def _row(work: str, value: float, unit: str, target: Target | None) -> Row:
    return Row(work, Figure(value, value), None, unit, target)
