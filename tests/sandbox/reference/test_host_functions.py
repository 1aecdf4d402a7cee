"""Host functions under the reference engine: blocks, numbers, exceptions, coroutines."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.sandbox.reference.guests import CALLER, door

from omnicore.errors import (
    CallCancelled,
    DeadlineExceeded,
    GuestFailed,
)
from omnicore.sandbox.abi import Doors, HostFunction, Limits


def test_a_host_function_reads_writes_frees_and_sees_the_context(load: Any) -> None:
    def run(call: Any, handle: int) -> int:
        data = call.read(handle)
        call.free(handle)
        assert call.read(0) == b""
        assert call.write(b"") == 0
        assert not call.interrupted()
        assert call.deadline > time.monotonic()
        return call.write(data.upper() + call.host_context)

    assert load(CALLER, doors=door(run)).call("run", b"abc", host_context=b"!") == b"ABC!"


def test_numbers_of_every_type_go_through_a_host_function(load: Any) -> None:
    seen: list[Any] = []

    def run(_call: Any, *arguments: Any) -> int:
        seen.extend(arguments)
        return 0xFFFFFFFF

    function = HostFunction("other", "f", ("i32", "i64", "f32", "f64"), ("i32",), run)
    guest = load(
        '(module (import "other" "f" (func $f (param i32 i64 f32 f64) (result i32)))'
        '(func (export "f") (result i32)'
        "(call $f (i32.const -1) (i64.const -1) (f32.const 1.5) (f64.const -2.5))))",
        doors=Doors(functions=(function,)),
    )
    with pytest.raises(GuestFailed, match="Error code: -1"):
        guest.call("f", b"")
    assert seen == [0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 1.5, -2.5]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), OSError(5)])
def test_what_a_host_function_raises_reaches_the_caller_as_itself(load: Any, error: BaseException) -> None:
    calls = []

    def run(_call: Any, _handle: int) -> int:
        calls.append(1)
        raise error

    with pytest.raises(type(error)) as caught:
        load(CALLER, doors=door(run)).call("twice", b"")
    assert caught.value is error
    assert calls == [1]


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, "text", (1, 2)])
def test_a_value_that_does_not_fit_is_an_error_and_not_another_number(load: Any, value: Any) -> None:
    with pytest.raises((OverflowError, TypeError)):
        load(CALLER, doors=door(lambda call, handle: value)).call("run", b"")


def test_blocks_that_are_not_there_and_the_guests_memory_are_refused(load: Any) -> None:
    def run(call: Any, _handle: int) -> int:
        for attempt in (lambda: call.read(2**40), lambda: call.load(0, 1), lambda: call.store(0, b"x")):
            with pytest.raises(GuestFailed):
                attempt()
        return 0

    assert load(CALLER, doors=door(run)).call("run", b"") == b""


def test_host_functions_may_be_coroutines_from_a_thread_and_from_a_loop(load: Any) -> None:
    loops, calls = [], []

    async def run(call: Any, handle: int) -> int:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        calls.append(call)
        return call.write(call.read(handle) + b"!")

    guest = load(CALLER, doors=door(run))
    assert guest.call("run", b"a") == b"a!"

    async def main() -> None:
        assert await guest.call_async("run", b"b") == b"b!"
        assert loops[-1] is asyncio.get_running_loop()

    asyncio.run(main())
    with ThreadPoolExecutor() as pool, pytest.raises(GuestFailed, match="over"):
        pool.submit(calls[0].read, 5).result()


def test_a_waiting_coroutine_ends_at_the_deadline_by_a_cancel_and_by_wait_for(load: Any) -> None:
    ended = []

    async def run(call: Any, _handle: int) -> int:
        try:
            if call.host_context is not None:
                call.host_context()
            await asyncio.Event().wait()
        finally:
            ended.append(1)
        return 0

    with pytest.raises(DeadlineExceeded):
        load(CALLER, doors=door(run)).call("run", b"", timeout_s=0.05)
    guest = load(CALLER, doors=door(run))
    with pytest.raises(CallCancelled):
        guest.call("run", b"", host_context=guest.cancel)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(load(CALLER, doors=door(run)).call_async("run", b""), 0.05)

    asyncio.run(main())
    assert len(ended) >= 1


def test_a_host_function_that_is_late_is_a_timeout(load: Any) -> None:
    def run(call: Any, _handle: int) -> int:
        while time.monotonic() <= call.deadline:
            time.sleep(0.005)
        return 0

    with pytest.raises(DeadlineExceeded):
        load(CALLER, Limits(timeout_s=0.05), door(run)).call("run", b"")
