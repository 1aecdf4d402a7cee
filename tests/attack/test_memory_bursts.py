"""Guests that want all the memory there is, many at once: the host stays small, others are served, nothing stays."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import ECHO

from omnicore.assembly import Host
from omnicore.config.settings import Settings
from omnicore.errors import MemoryExceeded, Unavailable
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.budget import BUDGET, COOLING, KEPT_BYTES

# Grows by so many pages of 64 KiB and touches each page of the machine's.
HOG = """(module (memory (export "memory") 1)
  (func (export "hog") (result i32) (local $at i32) (local $end i32)
    (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (return (i32.const 1))))
    (local.set $end (i32.mul (memory.size) (i32.const 65536)))
    (loop $on
      (i32.store8 (local.get $at) (i32.const 1))
      (br_if $on (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (local.get $end))))
    (i32.const 0)))"""

MODEST = f"[limits]\nmemory_bytes = {8 * MIB}\n"


@pytest.fixture(autouse=True)
def budget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The budget is the process's: sandboxes of other tests do not count here, and they get theirs back."""
    monkeypatch.setattr(BUDGET, "_used", 0)
    yield
    BUDGET.resize(None)
    COOLING.kept_bytes = KEPT_BYTES


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def host_with(folder: Path, files: dict[str, str], **changes: Any) -> Host:
    plugins = folder / "plugins"
    plugins.mkdir(parents=True)
    for name, text in {"echo.wat": ECHO, "echo.toml": MODEST, **files}.items():
        (plugins / name).write_text(text)
    kept = {"plugins": plugins, "data": folder / "data", "watch": False, "port": 0, "threads": 6}
    return Host(settings=dataclasses.replace(Settings(), **{**kept, **changes}))


async def until(holds: Callable[[], bool], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return holds()


@pytest.mark.parametrize("warm", [0, 6])
async def test_a_burst_stays_within_the_budget_keeps_others_served_and_leaves_nothing(
    tmp_path: Path, warm: int
) -> None:
    limits = Limits(memory_bytes=256 * MIB, timeout_s=60.0)
    files = {"hog.wat": HOG.format(pages=3900), "hog.toml": f"threads = true\nwarm = {warm}\n"}
    settings = {"limits": limits, "sandbox_memory_bytes": 400 * MIB, "sandbox_wait_s": 1.0}
    async with host_with(tmp_path, files, **settings) as host:
        assert await host.call("echo.echo", b"x") == b"x"
        before = highest = resident()
        calls = [asyncio.ensure_future(host.call("hog.hog")) for _ in range(6)]
        while not all(call.done() for call in calls):
            assert await host.call("echo.echo", b"x") == b"x"
            highest = max(highest, resident())
            await asyncio.sleep(0.01)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert highest - before < 400 * MIB
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        assert len(failed) < 6
        for error in failed:
            assert isinstance(error, Unavailable)
            assert error.details["limit"] == "sandbox_memory_bytes"
            assert error.details["retry_after_s"] >= 1
            assert "raise sandbox_memory_bytes" in error.remedy
        gc.collect()
        assert await until(lambda: resident() - before < 64 * MIB, seconds=5)


async def test_guests_that_together_grow_too_far_are_cut_and_not_blamed(tmp_path: Path) -> None:
    # Each is within its own, ordinary, limit. Together they are not.
    spinning = HOG.replace("    (i32.const 0)))", "    (loop $spin (br $spin)) (i32.const 0)))").format(pages=900)
    files = {"hog.wat": spinning, "hog.toml": "threads = true\n"}
    settings = {"limits": Limits(timeout_s=60.0), "sandbox_memory_bytes": 128 * MIB, "sandbox_wait_s": 0.1}
    async with host_with(tmp_path, files, **settings) as host:
        calls = [asyncio.ensure_future(host.call("hog.hog", timeout_s=4.0)) for _ in range(6)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(one, Unavailable) for one in outcomes) >= 3
        assert BUDGET.use().refused >= 3
        assert host.plugins.get("hog").state == "enabled"


async def test_a_guests_own_limit_is_still_its_own_fault(tmp_path: Path) -> None:
    files = {"hog.wat": HOG.format(pages=600)}
    async with host_with(tmp_path, files, limits=Limits(memory_bytes=32 * MIB, timeout_s=60.0)) as host:
        with pytest.raises(MemoryExceeded):
            await host.call("hog.hog")


async def test_what_is_kept_warm_makes_room_before_anybody_is_refused(tmp_path: Path) -> None:
    hog = HOG.format(pages=1600)
    files = {
        f"hog-{number}.{ending}": text for number in (1, 2) for ending, text in (("wat", hog), ("toml", "warm = 1"))
    }
    limits = Limits(memory_bytes=160 * MIB, timeout_s=60.0)
    settings = {"limits": limits, "sandbox_memory_bytes": 250 * MIB, "warm_memory_bytes": 1024 * MIB}
    async with host_with(tmp_path, files, **settings) as host:
        await host.call("hog-1.hog")
        assert BUDGET.use().used_bytes > 100 * MIB
        refused = BUDGET.use().refused
        await host.call("hog-2.hog")
        assert 100 * MIB < BUDGET.use().used_bytes < 130 * MIB
        assert BUDGET.use().refused == refused
