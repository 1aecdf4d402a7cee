"""WASI guests in the default engine: plain commands, and instances that are called again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from tests.sandbox.wasi.test_programs import FLOOD, GUESTS, SLEEP

from omnicore.errors import CallCancelled, DeadlineExceeded, GuestFailed, LimitExceeded, LinkFailed
from omnicore.sandbox.abi import Doors, Limits, WasiGrant
from omnicore.sandbox.extism.engine import ExtismEngine

ECHO = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 60000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $exit (i32.const 0))))"""

# Opens `f` for appending at the first call and keeps the descriptor; each call adds one letter.
KEEPER = """(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "f")
  (global $fd (mut i32) (i32.const 0))
  (func (export "add") (result i32)
    (if (i32.eqz (global.get $fd)) (then
      (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)
        (i64.const 64) (i64.const 0) (i32.const 1) (i32.const 100)) (then (return (i32.const 99))))
      (global.set $fd (i32.load (i32.const 100)))))
    (i32.store (i32.const 200) (i32.const 0))
    (i32.store (i32.const 204) (i32.const 1))
    (call $write (global.get $fd) (i32.const 200) (i32.const 1) (i32.const 208))))"""


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def make(module: str | bytes, grant: WasiGrant | None, *, on_loop: bool = False, **limits: Any) -> Any:
        wasm = wasmtime.wat2wasm(module) if isinstance(module, str) else module
        doors = Doors(wasi=grant)
        template = ExtismEngine().load([("main", wasm)], Limits(**{"timeout_s": 20.0} | limits), doors)
        instance = template.instance(on_loop=on_loop)
        made.extend([instance, template])
        return instance

    yield make
    for owner in made:
        owner.close()


def open_below(folder: Path) -> set[str]:
    """What this process has open there."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{fd}"))
    return {path for path in found if path.startswith(str(folder))}


def test_without_a_grant_wasi_is_not_linked(make: Callable[..., Any]) -> None:
    with pytest.raises(LinkFailed, match="wasi"):
        make(ECHO, None)


def test_a_command_takes_input_from_standard_input_and_answers_on_standard_output(
    make: Callable[..., Any],
) -> None:
    guest = make(ECHO, WasiGrant())
    assert guest.call("_start", b"one") == b"one"
    assert guest.call("_start", b"two") == b"two"


def test_a_command_answers_on_a_loop_too(make: Callable[..., Any]) -> None:
    async def main() -> bytes:
        return bytes(await make(ECHO, WasiGrant(), on_loop=True).call_async("_start", b"one"))

    assert asyncio.run(main()) == b"one"


def test_a_c_program_that_exits_with_a_code_fails_with_it(make: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello")
    guest = make((GUESTS / "files.wasm").read_bytes(), WasiGrant(preopens=((str(tmp_path), "/data", True),)))
    with pytest.raises(GuestFailed) as caught:
        guest.call("_start", b"")
    assert caught.value.details["exit_code"] == 7
    assert os.listdir(tmp_path) == ["in.txt"]


def test_descriptors_live_as_long_as_the_instance_and_budgets_as_long_as_a_call(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    grant = WasiGrant(preopens=((str(tmp_path), "/d", True),), max_disk_bytes=4097)
    guest = make(KEEPER, grant)
    for _ in range(3):
        assert guest.call("add", b"") == b""
    assert (tmp_path / "f").read_bytes() == b"fff"
    assert open_below(tmp_path) == {str(tmp_path), str(tmp_path / "f")}
    guest.close()
    assert open_below(tmp_path) == set()


def test_a_sleep_ends_at_the_deadline(make: Callable[..., Any]) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        make(SLEEP, WasiGrant(), timeout_s=0.1).call("_start", b"")
    assert time.monotonic() - started < 20


def test_a_sleep_on_a_loop_ends_at_the_deadline_and_by_wait_for(make: Callable[..., Any]) -> None:
    async def main() -> None:
        with pytest.raises(DeadlineExceeded):
            await make(SLEEP, WasiGrant(), on_loop=True, timeout_s=0.1).call_async("_start", b"")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(make(SLEEP, WasiGrant(), on_loop=True).call_async("_start", b""), 0.05)

    asyncio.run(main())


def test_a_sleep_is_cut_by_a_cancel(make: Callable[..., Any]) -> None:
    guest = make(SLEEP, WasiGrant())
    stop = threading.Event()

    def cancel() -> None:
        while not stop.wait(0.01):
            guest.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(CallCancelled):
            guest.call("_start", b"")
    finally:
        stop.set()
        thread.join()


def test_a_flood_of_output_is_a_limit(make: Callable[..., Any]) -> None:
    with pytest.raises(LimitExceeded):
        make(FLOOD, WasiGrant(), output_bytes=100_000).call("_start", b"")
