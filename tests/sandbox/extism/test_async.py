from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from omnicore.errors import CallCancelled, Conflict, DeadlineExceeded, InstanceBusy
from omnicore.sandbox.abi import Doors, HostFunction

WAIT = '(import "h" "wait" (func $wait (param i64) (result i64)))'
CALL = '(func (export "f") (call $emit (call $wait (i64.const 20))))'
LOOP = '(func (export "loop") (loop $l (br $l)))'


def waiting(run):
    return Doors(functions=(HostFunction("h", "wait", ("i64",), ("i64",), run),))


def test_a_host_coroutine_is_awaited_on_the_callers_loop(load):
    loops = []

    async def wait(_call, value):
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return value + 1

    template = load(CALL, WAIT, doors=waiting(wait))

    async def main():
        output = await template.instance(on_loop=True).call_async("f", b"")
        assert loops == [asyncio.get_running_loop()]
        return output

    assert asyncio.run(main())[0] == 21


def test_a_host_coroutine_serves_a_blocking_call_too(load):
    async def wait(_call, value):
        await asyncio.sleep(0)
        return value * 2

    assert load(CALL, WAIT, doors=waiting(wait)).instance().call("f", b"")[0] == 40


def test_what_a_host_coroutine_raises_reaches_the_caller_as_itself(load):
    async def wait(_call, _value):
        await asyncio.sleep(0)
        raise LookupError("later")

    template = load(CALL, WAIT, doors=waiting(wait))
    with pytest.raises(LookupError, match="later"):
        asyncio.run(template.instance(on_loop=True).call_async("f", b""))
    with pytest.raises(LookupError, match="later"):
        template.instance().call("f", b"")


def test_an_endless_loop_lets_the_event_loop_run(load):
    template = load(LOOP, timeout_s=0.2)

    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        with pytest.raises(DeadlineExceeded):
            await template.instance(on_loop=True).call_async("loop", b"")
        ticking.cancel()
        return ticks

    assert asyncio.run(main()) >= 2  # the guest took none of these turns away


def test_wait_for_cancels_an_endless_loop(load):
    template = load(LOOP, timeout_s=60)

    async def main():
        instance = template.instance(on_loop=True)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(instance.call_async("loop", b""), 0.05)
        assert not instance.healthy
        with pytest.raises(Conflict):
            await instance.call_async("loop", b"")
        instance.close()

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 20


def test_wait_for_cancels_a_suspended_call_and_its_host_coroutine(load):
    ended = []

    async def wait(call, _value):
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(Conflict):
                call.write(b"too late")  # the sandbox is gone: an error, no crash
            ended.append(True)

    template = load(CALL, WAIT, doors=waiting(wait), timeout_s=60)

    async def main():
        instance = template.instance(on_loop=True)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(instance.call_async("f", b""), 0.05)
        instance.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert ended == [True]


def test_the_deadline_covers_waiting_in_host_functions(load):
    async def wait(_call, _value):
        await asyncio.Event().wait()

    template = load(CALL, WAIT, doors=waiting(wait), timeout_s=0.05)
    with pytest.raises(DeadlineExceeded):
        asyncio.run(template.instance(on_loop=True).call_async("f", b""))
    with pytest.raises(DeadlineExceeded):
        template.instance().call("f", b"")


def test_cancel_from_another_thread_ends_a_suspended_call(load):
    suspended = threading.Event()

    async def wait(_call, _value):
        suspended.set()
        await asyncio.Event().wait()

    template = load(CALL, WAIT, doors=waiting(wait), timeout_s=60)

    async def main():
        instance = template.instance(on_loop=True)
        threading.Thread(target=lambda: (suspended.wait(), instance.cancel())).start()
        with pytest.raises(CallCancelled):
            await instance.call_async("f", b"")

    asyncio.run(main())


def test_one_instance_serves_one_call_at_a_time(load):
    async def wait(_call, value):
        await asyncio.sleep(0.01)
        return value

    template = load(CALL, WAIT, doors=waiting(wait))

    async def main():
        instance = template.instance(on_loop=True)
        results = await asyncio.gather(
            instance.call_async("f", b""), instance.call_async("f", b""), return_exceptions=True
        )
        assert sorted(type(result) for result in results if isinstance(result, Exception)) == [InstanceBusy]
        assert instance.healthy

    asyncio.run(main())


def test_the_start_section_may_wait_too(load):
    async def wait(_call, value):
        await asyncio.sleep(0)
        return value

    template = load("(func $s (drop (call $wait (i64.const 1)))) (start $s) " + CALL, WAIT, doors=waiting(wait))
    assert asyncio.run(template.instance(on_loop=True).call_async("f", b""))[0] == 20


THOUSAND = """
import asyncio, resource
from omnicore.sandbox.abi import Doors, HostFunction, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.capi.code import wat_to_wasm

WASM = wat_to_wasm(b'''(module (import "h" "wait" (func $wait (param i64) (result i64)))
  (memory (export "memory") 1) (func (export "f") (result i32) (i32.wrap_i64 (call $wait (i64.const 0)))))''')

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

async def main():
    gate, arrived = asyncio.Event(), 0
    async def wait(_call, value):
        nonlocal arrived
        arrived += 1
        await gate.wait()
        return value
    doors = Doors(functions=(HostFunction("h", "wait", ("i64",), ("i64",), wait),))
    template = ExtismEngine(instances=1100).load([("main", WASM)], Limits(timeout_s=60), doors)
    template.instance(on_loop=True).close()
    before = resident()
    instances = [template.instance(on_loop=True) for _ in range(1000)]
    tasks = [asyncio.create_task(instance.call_async("f", b"")) for instance in instances]
    while arrived < 1000:
        await asyncio.sleep(0)
    grown = resident() - before
    gate.set()
    assert await asyncio.gather(*tasks) == [b""] * 1000
    print(grown)

asyncio.run(main())
"""


def test_a_thousand_suspended_calls_take_less_than_100_mb():
    ran = subprocess.run([sys.executable, "-c", THOUSAND], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 100 * 1024 * 1024


def test_an_instance_for_threads_awaits_host_coroutines_without_holding_the_loop(load):
    async def wait(_call, value):
        await asyncio.sleep(0)
        return value

    template = load(CALL, WAIT, doors=waiting(wait))
    instance = template.instance()
    assert asyncio.run(instance.call_async("f", b""))[0] == 20
    assert instance.call("f", b"")[0] == 20, "the loop of the call before is closed"


def test_a_host_coroutine_that_outlives_its_call_finds_the_call_over(load):
    found, over = [], threading.Event()

    async def wait(call, _value):
        try:
            await asyncio.Event().wait()
        finally:
            try:
                call.write(b"late")
            except Conflict:
                found.append("conflict")
            over.set()

    instance = load(CALL, WAIT, doors=waiting(wait), timeout_s=0.05).instance()
    with pytest.raises(DeadlineExceeded):
        instance.call("f", b"")
    assert over.is_set(), "the call waits until its coroutine has noticed"
    instance.close()
    assert found == ["conflict"]
