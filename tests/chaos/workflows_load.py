"""Much at once on a real host: ten thousand runs in the queue, a run of ten thousand steps, a loop over 100,000 items.

`python -m tests.chaos.run --only workflows-load`. Each is done by a process of its own, whose memory is measured; that
of the long run is killed in the middle, and another one goes on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.workflows_worker import settings_of
from tests.plugins.guests import ECHO

from omnicore.assembly import Host

__all__ = ["Load", "run"]

_RUNS, _STEPS, _ITEMS = 10_000, 10_000, 100_000
_FLAT_MB = 48.0
_LONGEST_S = 900.0
_HEAD = "document: {{dsl: '1.0.3', namespace: default, name: {name}, version: '1.0.0'}}\n"
_TEXTS = {
    "short": "do: [{a: {call: echo.echo, with: x}}, {b: {call: echo.echo, with: y}}]",
    "long": f"do: [{{each: {{for: {{in: '${{ [range({_STEPS})] }}'}}, do: [{{a: {{call: echo.echo, with: x}}}}]}}}}]",
    "items": (
        f"do: [{{each: {{for: {{in: '${{ [range({_ITEMS})] }}'}}, do: [{{a: {{call: echo.echo, with: x}}}}],"
        " host: {concurrency: 20, collect: false}}}]"
    ),
}


@dataclass
class Load:
    """What came of it, with figures in words."""

    figures: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run(folder: Path, url: str | None) -> Load:
    """Does all three, one after the other."""
    (folder / "plugins").mkdir()
    (folder / "plugins/echo.wat").write_text(ECHO)
    load = Load()
    for name in ("queued", "long", "items"):
        began = time.monotonic()
        if name == "long":
            _begun_and_killed(url, folder, load)
        told = _told_by(name, url, folder)
        took = time.monotonic() - began
        load.figures.append(f"{name}: {took:.0f} s, {told.get('about', 'nothing')}")
        load.problems += [f"{name}: {told['problem']}"] if told.get("problem") else []
    return load


def _told_by(name: str, url: str | None, folder: Path) -> Mapping[str, Any]:
    here, there = multiprocessing.Pipe()
    process = _process(name, url, folder, there)
    there.close()
    try:
        return dict(here.recv()) if here.poll(_LONGEST_S) else {"problem": f"not done within {_LONGEST_S:.0f} s"}
    except EOFError:
        return {"problem": "the host died"}
    finally:
        if process.is_alive():
            process.join(10)
            process.kill()


def _begun_and_killed(url: str | None, folder: Path, load: Load) -> None:
    """The long run gets to a third of its steps, and its host dies."""
    here, there = multiprocessing.Pipe()
    process = _process("begin", url, folder, there)
    there.close()
    if not here.poll(_LONGEST_S):
        load.problems.append("long: it did not begin")
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def _process(name: str, url: str | None, folder: Path, there: Any) -> Any:
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(name, url, str(folder), there))
    process.start()
    return process


def _work(name: str, url: str | None, folder: str, there: Any) -> None:
    work: Callable[[Host, Any], Awaitable[Mapping[str, Any]]] = {
        "queued": _queued,
        "begin": _begin,
        "long": _long,
        "items": _items,
    }[name]

    async def main() -> None:
        if name == "queued":
            async with Host(**settings_of(url, Path(folder), "load"), work=False) as host:
                await _apply(host)
                await _enqueue(host)
        async with Host(**settings_of(url, Path(folder), "load")) as host:
            told = await work(host, there)
            there.send(told)

    asyncio.run(main())


async def _apply(host: Host) -> None:
    for name, text in _TEXTS.items():
        await host.workflows.apply(_HEAD.format(name=name) + text)


async def _enqueue(host: Host) -> None:
    for start in range(0, _RUNS, 500):
        await asyncio.gather(*(host.workflows.start("short", number) for number in range(start, start + 500)))


async def _queued(host: Host, there: Any) -> Mapping[str, Any]:
    before, began = _memory_mb(), time.monotonic()
    while _count(host, "SELECT count(*) FROM workflow_runs WHERE ended_at IS NULL"):
        await asyncio.sleep(0.2)
    took, after = time.monotonic() - began, _memory_mb()
    done = _count(host, "SELECT count(*) FROM workflow_runs WHERE workflow = 'short' AND status = 'completed'")
    about = f"{_RUNS / took:.0f} runs a second once they were queued, {before:.0f} to {after:.0f} MB"
    return {"about": about, "problem": "" if done == _RUNS else f"{done} of {_RUNS} runs were completed"}


async def _begin(host: Host, there: Any) -> Mapping[str, Any]:
    handle = await host.workflows.start("long", key="long")
    while _count(host, "SELECT count(*) FROM workflow_steps WHERE run = ?", handle.id) < _STEPS // 3:
        await asyncio.sleep(0.05)
    there.send({})
    await asyncio.sleep(_LONGEST_S)
    return {}


async def _long(host: Host, there: Any) -> Mapping[str, Any]:
    handle = await host.workflows.start("long", key="long")
    await handle
    rows = _count(host, "SELECT count(*) FROM workflow_steps WHERE run = ? AND kind = 'call'", handle.id)
    again = "SELECT 1 FROM workflow_steps WHERE run = ? GROUP BY place, attempt, kind HAVING count(*) > 1"
    twice = _count(host, f"SELECT count(*) FROM ({again}) AS found", handle.id)
    whole = await host.workflows.audit(handle.id)
    right = rows == _STEPS and not twice and whole["ok"]
    return {"about": f"{_memory_mb():.0f} MB", "problem": "" if right else f"{rows} steps, {twice} twice, {whole}"}


async def _items(host: Host, there: Any) -> Mapping[str, Any]:
    began = time.monotonic()
    handle = await host.workflows.start("items")
    marks: list[float] = []
    ended = asyncio.ensure_future(host.workflows.output(handle.id))
    while not ended.done():
        rows = _count(host, "SELECT coalesce(max(seq), 0) FROM workflow_steps WHERE run = ?", handle.id)
        if rows > _ITEMS // 10:
            marks.append(_memory_mb())
        await asyncio.wait([ended], timeout=0.5)
    await ended
    took = time.monotonic() - began
    rows = _count(host, "SELECT count(*) FROM workflow_steps WHERE run = ? AND kind = 'call'", handle.id)
    first, most = marks[0], max(marks)
    about = f"{_ITEMS / took:.0f} items a second, {first:.0f} MB after a tenth and {most:.0f} MB at most"
    right = rows == _ITEMS and most - first < _FLAT_MB
    return {"about": about, "problem": "" if right else f"{rows} items done, {about}"}


def _count(host: Host, sql: str, *parameters: Any) -> int:
    return int(host.store.rows(sql, parameters)[0][0])


def _memory_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
