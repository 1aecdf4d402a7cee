"""Threads, cancels, siblings and closing under the reference engine."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import wasmtime
from tests.sandbox.reference.guests import CALLER, GUEST, door

from omnicore.errors import (
    CallCancelled,
    Conflict,
    DeadlineExceeded,
    EngineFailed,
    InstanceBusy,
)
from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.engine import Instance
from omnicore.sandbox.reference.engine import ReferenceEngine


def test_a_second_call_on_an_instance_is_refused_and_another_instance_answers(load: Any) -> None:
    template = ReferenceEngine().load(
        [("main", wasmtime.wat2wasm(CALLER))],
        Limits(timeout_s=20),
        door(lambda call, handle: call.write(call.host_context(call))),
    )
    first, second = template.instance(), template.instance()

    def again(_call: Any) -> bytes:
        with pytest.raises(InstanceBusy):
            first.call("run", b"")
        return second.call("run", b"", host_context=lambda _: b"inner") + b" outer"

    assert first.call("run", b"", host_context=again) == b"inner outer"
    first.close()
    second.close()
    template.close()


def test_cancel_cuts_a_call_from_another_thread_and_does_nothing_without_one(guest: Instance) -> None:
    guest.cancel()
    assert guest.call("echo", b"1") == b"1"
    stop = threading.Event()

    def cancel() -> None:
        while not stop.wait(0.01):
            guest.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(CallCancelled):
            guest.call("loop", b"")
    finally:
        stop.set()
        thread.join()


def test_wait_for_cuts_an_endless_loop_and_leaves_nothing_running(guest: Instance) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guest.call_async("loop", b""), 0.05)

    asyncio.run(main())
    assert not guest.healthy
    assert guest.call("echo", b"free again") == b"free again"


def test_a_call_that_a_sibling_took_with_it_is_the_engines_fault(load: Any) -> None:
    template = ReferenceEngine().load([("main", wasmtime.wat2wasm(GUEST))], Limits(timeout_s=20), Doors())
    victim, sibling = template.instance(), template.instance()
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            victim.call("loop", b"")
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        with pytest.raises(DeadlineExceeded):
            sibling.call("loop", b"", timeout_s=0.02)
    thread.join()
    assert isinstance(outcome[0], EngineFailed)
    victim.close()
    sibling.close()
    template.close()


def test_a_closed_instance_says_so_and_closing_in_a_call_waits_for_its_end(load: Any) -> None:
    template = ReferenceEngine().load(
        [("main", wasmtime.wat2wasm(CALLER))],
        Limits(),
        door(lambda call, handle: call.host_context.close() or call.write(b"done")),
    )
    instance = template.instance()
    template.close()
    assert instance.call("run", b"", host_context=instance) == b"done"
    with pytest.raises(Conflict):
        instance.call("run", b"")
    instance.close()
