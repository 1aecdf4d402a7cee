"""Four pieces of work stay short to follow: what they enter has a budget of files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.journey import Journey

from omnicore import Host
from omnicore.capabilities import doors

DIST = Path(__file__).parents[2] / "plugins"
WORKFLOW = """
document: {dsl: '1.0.3', namespace: default, name: one, version: '1.0.0'}
do:
  - count: {call: text.count_vowels, with: hello}
"""


@pytest.fixture
def journey() -> Iterator[Journey]:
    journey = Journey()
    yield journey
    journey.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    for name in ("text", "counter"):
        shutil.copy(DIST / name / "dist" / f"{name}.wasm", folder)
    return folder


def show(files: set[str]) -> str:
    return f"{len(files)} files: " + " ".join(sorted(files))


async def least(journey: Journey, work: Callable[[], Awaitable[Any]]) -> set[str]:
    """The files of the shortest of three turns: another part of the host may wake up during one."""
    turns = []
    for _ in range(3):
        with journey.noted() as files:
            await work()
        turns.append(set(files))
    return min(turns, key=len)


def test_a_warm_call_enters_few_files(journey: Journey, folder: Path, tmp_path: Path) -> None:
    async def run() -> set[str]:
        async with Host(plugins=folder, data=tmp_path / "data") as host:
            for _ in range(3):
                await host.call("text.count_vowels", "hello")
            return await least(journey, lambda: host.call("text.count_vowels", "hello"))

    files = asyncio.run(run())
    assert len(files) <= 10, show(files)


def test_a_call_that_uses_a_capability_enters_few_files(
    journey: Journey, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_BURST_S", 60.0)  # on a busy machine the share of the loop is used up, and turns begin

    async def run() -> set[str]:
        async with Host(plugins=folder, data=tmp_path / "data") as host:
            host.plugins.grant("counter", "kv", who="tests")
            for _ in range(3):
                await host.call("counter.add", {"name": "n"})
            return await least(journey, lambda: host.call("counter.add", {"name": "n"}))

    files = asyncio.run(run())
    assert len(files) <= 17, show(files)


def test_a_run_of_one_step_enters_few_files(journey: Journey, folder: Path, tmp_path: Path) -> None:
    async def run() -> set[str]:
        async with Host(plugins=folder, data=tmp_path / "data") as host:
            await host.workflows.apply(WORKFLOW)
            await host.workflows.run("one", {})
            return await least(journey, lambda: host.workflows.run("one", {}))

    files = asyncio.run(run())
    assert len(files) <= 38, show(files)


def test_a_file_that_is_dropped_enters_few_files(journey: Journey, folder: Path, tmp_path: Path) -> None:
    async def run() -> set[str]:
        async with Host(plugins=folder, data=tmp_path / "data", watch=False) as host:
            with host.bus.subscribe("plugin.added") as events:
                shutil.copy(DIST / "csv" / "dist" / "csv.wasm", folder / "csv.wasm")
                with journey.noted() as files:
                    await asyncio.to_thread(host.plugins.scan)  # as the watch does, and nothing else on the way
                assert (await anext(aiter(events))).data["name"] == "csv"
            return set(files)

    files = asyncio.run(asyncio.wait_for(run(), 60))
    assert len(files) <= 30, show(files)
