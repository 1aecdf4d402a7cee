"""Calls from an event loop, and the watch over the folder."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import COUNTS, ECHO, MOODY, module, says

from omnicore.errors import (
    CapacityReached,
    DeadlineExceeded,
    GuestTrapped,
    LimitExceeded,
    LinkFailed,
    NotFound,
    Unavailable,
)
from omnicore.sandbox.abi import HostCall, HostFunction
from omnicore.sandbox.capi.code import wat_to_wasm

THREADS = "threads = true\n"


def run(rig: Rig, work: Callable[[], Awaitable[None]], *, within_s: float = 90.0) -> None:
    """Starts the host, does the work, stops the host."""

    async def whole() -> None:
        await rig.host.start()
        try:
            await work()
        finally:
            await rig.host.stop()

    asyncio.run(asyncio.wait_for(whole(), within_s))


async def until(fact: Callable[[], object], *, within_s: float = 30.0) -> float:
    """Looks again and again until something is so; returns how long it took."""
    start = time.monotonic()
    while not fact():
        assert time.monotonic() - start < within_s, "it did not come true in time"
        await asyncio.sleep(0.005)
    return time.monotonic() - start


@pytest.mark.parametrize("manifest", ["", THREADS, "warm = 2\n", THREADS + "warm = 2\n"])
def test_tasks_call_plugins(rig: Rig, manifest: str) -> None:
    rig.drop("echo.wat", ECHO)
    rig.drop("echo.toml", manifest)

    async def work() -> None:
        assert await rig.host.call("echo", "hi") == b"hi"
        many = await asyncio.gather(*(rig.host.call("echo.echo", str(n)) for n in range(50)))
        assert many == [str(n).encode() for n in range(50)]
        assert await rig.host.call("echo", b"raw", raw=True) == b"raw"
        with pytest.raises(NotFound):
            await rig.host.call("echo.nope")

    run(rig, work)


@pytest.mark.parametrize("manifest", ["", THREADS])
def test_a_cancelled_task_cuts_the_guest(rig: Rig, manifest: str) -> None:
    rig.drop("moody.wat", MOODY)
    rig.drop("moody.toml", manifest)

    async def work() -> None:
        await rig.host.call("moody.well")
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.host.call("moody.spin", timeout_s=20), 0.1)
        version = rig.host._versions.current("moody")
        assert version is not None
        await until(lambda: version.in_flight == 0)
        assert time.monotonic() - start < 15
        assert await rig.host.call("moody.well") == b"w"

    run(rig, work)


@pytest.mark.parametrize("manifest", ["", THREADS])
def test_failures_of_tasks_count_and_are_told_apart(rig: Rig, manifest: str) -> None:
    rig.drop("moody.wat", MOODY)
    rig.drop("moody.toml", manifest + "[limits]\ntimeout_s = 0.05")

    async def work() -> None:
        with pytest.raises(DeadlineExceeded):
            await rig.host.call("moody.spin")
        for _ in range(4):
            with pytest.raises(GuestTrapped):
                await rig.host.call("moody.trap")
        with pytest.raises(Unavailable, match="in quarantine"):
            await rig.host.call("moody.well")
        assert rig.host.get("moody").state == "quarantined"

    run(rig, work)


def test_a_warm_instance_on_the_loop_remembers(rig: Rig) -> None:
    rig.drop("warm.wat", COUNTS)
    rig.drop("warm.toml", "warm = 1")

    async def work() -> None:
        assert [await rig.host.call("warm") for _ in range(3)] == [b"1", b"2", b"3"]

    run(rig, work)


def test_a_dropped_changed_and_removed_file_takes_effect_within_a_second(rig: Rig) -> None:
    def answer() -> bytes | None:
        try:
            return rig.host.call_blocking("a")
        except (NotFound, Unavailable):
            return None

    async def work() -> None:
        took = []
        file = rig.drop("a.wat", says("1"), age_s=0)
        took.append(await until(lambda: answer() == b"1"))
        rig.drop("a.wat", says("2"), age_s=0)
        took.append(await until(lambda: answer() == b"2"))
        file.unlink()
        took.append(await until(lambda: answer() is None))
        assert max(took) < 1.0, took

    run(rig, work)


def test_a_file_that_arrives_in_pieces_is_taken_when_it_is_whole(rig: Rig) -> None:
    data = wat_to_wasm(ECHO.encode())
    states = set()

    async def work() -> None:
        with (rig.settings.plugins / "slow.wasm").open("wb", buffering=0) as file:
            for start in range(0, len(data), len(data) // 12):
                file.write(data[start : start + len(data) // 12])
                await asyncio.sleep(0.02)
                states.update(view.state for view in rig.host.list())
        await until(lambda: "enabled" in {view.state for view in rig.host.list()})
        assert await rig.host.call("slow", "x") == b"x"

    run(rig, work)
    assert "enabled" not in states


def test_hostile_entries_do_not_stop_the_watch(rig: Rig) -> None:
    async def work() -> None:
        os.mkfifo(rig.settings.plugins / "pipe.wasm")
        with rig.drop("sparse.wasm", b"").open("r+b") as file:
            file.truncate(1 << 40)
        rig.drop("bomb.wat", "(" * 500_000)
        rig.drop("echo.wat", ECHO)
        await until(lambda: "echo" in {view.name for view in rig.host.list() if view.state == "enabled"})
        await until(lambda: len(rig.host.list()) == 4)
        assert {view.name for view in rig.host.list() if view.state == "rejected"} == {
            "bomb",
            "pipe",
            "sparse",
        }

    run(rig, work)


def test_what_a_command_grants_reaches_the_running_host(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    running, command = rig_at(tmp_path), rig_at(tmp_path)
    running.drop("a.wat", says("1"))

    async def work() -> None:
        assert await running.host.call("a") == b"1"
        await asyncio.to_thread(command.host.disable, "a")
        await until(lambda: running.host.get("a").state == "disabled")

        def refused() -> bool:
            try:
                running.host.call_blocking("a")
            except Unavailable:
                return True
            return False

        await until(refused)

    run(running, work)


def test_stop_lets_running_calls_finish_and_cuts_those_that_take_too_long(
    rig_at: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = rig_at(tmp_path, drain_s=0.2)
    rig.drop("moody.wat", MOODY)
    endings: list[BaseException] = []

    async def call(ref: str) -> None:
        try:
            await rig.host.call(ref, timeout_s=20)
        except BaseException as error:
            endings.append(error)

    async def whole() -> None:
        await rig.host.start()
        await rig.host.call("moody.well")
        task = asyncio.create_task(call("moody.spin"))
        version = rig.host._versions.current("moody")
        assert version is not None
        await until(lambda: version.in_flight == 1)
        start = time.monotonic()
        await rig.host.stop()
        await task
        assert time.monotonic() - start < 5
        with pytest.raises(Unavailable, match="shutting down"):
            await rig.host.call("moody.well")

    asyncio.run(asyncio.wait_for(whole(), 60))
    assert len(endings) == 1


def test_without_a_watch_only_a_scan_takes_files_in(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, watch=False)

    async def work() -> None:
        rig.drop("a.wat", says("1"))
        with pytest.raises(NotFound):
            await rig.host.call("a")
        await asyncio.to_thread(rig.host.scan)
        assert await rig.host.call("a") == b"1"

    run(rig, work)


ASKS = module(
    """(func (export "deep") (result i32) (local $reply i64)
      (local.set $reply (call $again (call $input)))
      (call $output (local.get $reply) (call $block_length (local.get $reply))) (i32.const 0))""",
    imports='(import "extism:host/user" "again" (func $again (param i64) (result i64)))',
)


def test_a_plugin_may_call_itself_but_not_without_end(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rigs: list[Rig] = []
    depths: list[int] = []

    def again(call: HostCall, handle: int) -> int:
        left = int(call.read(handle))
        depths.append(left)
        return call.write(b"done" if left == 0 else rigs[0].host.call_blocking("asks", str(left - 1)))

    function = HostFunction("extism:host/user", "again", ("i64",), ("i64",), again)
    rigs.append(rig_at(tmp_path, functions=(function,)))
    rigs[0].drop("asks.wat", ASKS)
    rigs[0].scan()
    assert rigs[0].host.call_blocking("asks", "6", timeout_s=20) == b"done"
    assert depths == [6, 5, 4, 3, 2, 1, 0]
    depths.clear()
    with pytest.raises(LimitExceeded, match="was called from 8 calls inside each other"):
        rigs[0].host.call_blocking("asks", "100", timeout_s=20)
    assert len(depths) == 8
    assert rigs[0].host.call_blocking("asks", "0") == b"done"


def test_a_host_function_that_is_a_coroutine_is_awaited(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    async def again(call: HostCall, handle: int) -> int:
        await asyncio.sleep(0)
        return call.write(call.read(handle).upper())

    function = HostFunction("extism:host/user", "again", ("i64",), ("i64",), again)
    rig = rig_at(tmp_path, functions=(function,))
    rig.drop("asks.wat", ASKS)

    async def work() -> None:
        assert await asyncio.gather(*(rig.host.call("asks", "x") for _ in range(20))) == [b"X"] * 20

    run(rig, work)


def test_the_queue_for_worker_threads_is_bounded(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, threads=1)
    rig.drop("moody.wat", MOODY)
    rig.drop("moody.toml", THREADS)

    async def work() -> None:
        await rig.host.call("moody.well")
        calls = [asyncio.create_task(rig.host.call("moody.spin", timeout_s=20)) for _ in range(66)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [CapacityReached]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    run(rig, work)


def test_files_beyond_the_first_few_are_tried_in_the_background(rig: Rig) -> None:
    for number in range(12):
        rig.drop(f"p{number:02}.wat", says("1"))
    rig.drop("zz.wat", '(module (import "nobody" "knows" (func)) (func (export "f")))')

    async def work() -> None:
        await until(lambda: rig.host.get("zz").state == "rejected", within_s=20)
        assert "nobody" in rig.host.get("zz").reason

    run(rig, work)


def test_a_first_call_that_finds_a_version_unusable_rejects_it(rig: Rig) -> None:
    for number in range(12):
        rig.drop(f"p{number:02}.wat", says("1"))
    rig.drop("zz.wat", '(module (import "extism:host/env" "alloc" (func)) (func (export "f")))')
    rig.scan()
    with pytest.raises(LinkFailed):
        rig.host.call_blocking("zz.f")
    assert rig.host.get("zz").state == "rejected"
    with pytest.raises(Unavailable, match="zz cannot be used"):
        rig.host.call_blocking("zz.f")


@pytest.mark.parametrize("manifest", ["warm = 3\n", ""])
def test_tasks_call_on_while_the_file_changes(rig: Rig, manifest: str) -> None:
    rig.drop("a.wat", says("0"))
    rig.drop("a.toml", manifest)

    async def work() -> None:
        done = False
        answers: set[bytes] = set()

        async def ask() -> None:
            while not done:
                answers.add(await rig.host.call("a", timeout_s=10))
                await asyncio.sleep(0.002)  # a loop that never rests keeps the watch from the interpreter's lock

        tasks = [asyncio.create_task(ask()) for _ in range(8)]
        for letter in "1234":
            rig.drop("a.wat", says(letter))
            await until(lambda letter=letter: letter.encode() in answers)  # type: ignore[misc]
        done = True
        await asyncio.gather(*tasks)
        assert answers <= {b"0", b"1", b"2", b"3", b"4"}

    run(rig, work)
