"""The extism package behind the engine protocol: calls, errors, limits and what it costs."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from tests.sandbox.reference.guests import CALLER, GUEST, door

from omnicore.errors import (
    DeadlineExceeded,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    LinkFailed,
    MemoryExceeded,
    ModuleRejected,
    NotFound,
)
from omnicore.sandbox.abi import KIB, Doors, Limits
from omnicore.sandbox.budget import BUDGET
from omnicore.sandbox.engine import Instance, SandboxEngine
from omnicore.sandbox.reference.engine import ReferenceEngine


def test_it_is_an_engine_with_a_version_that_lists_callable_exports() -> None:
    engine: SandboxEngine = ReferenceEngine()
    assert engine.name == "extism"
    assert engine.version.count(".") == 2
    template = engine.load([("main", wasmtime.wat2wasm(GUEST))], Limits(), Doors())
    assert "echo" in template.exports
    assert "two" not in template.exports
    template.close()
    template.close()


@pytest.mark.parametrize("data", [b"", b"x", b"\0\xff" * 30_000])
def test_bytes_go_in_and_come_out(guest: Instance, data: bytes) -> None:
    assert guest.call("echo", data) == data


def test_failures_are_told_apart(guest: Instance) -> None:
    with pytest.raises(GuestFailed, match="my words"):
        guest.call("fail", b"my words")
    with pytest.raises(GuestFailed, match="Error code: 3") as caught:
        guest.call("code", b"")
    assert caught.value.details["exit_code"] == 3
    with pytest.raises(NotFound, match="Function not found: nope"):
        guest.call("nope", b"")
    with pytest.raises(NotFound, match="2 results"):
        guest.call("two", b"")
    assert guest.healthy
    with pytest.raises(GuestTrapped) as trapped:
        guest.call("trap", b"")
    assert trapped.value.details["backtrace"]
    assert not guest.healthy


def test_an_endless_loop_ends_at_the_deadline_of_the_template_or_a_shorter_one(load: Any) -> None:
    guest = load(GUEST, Limits(timeout_s=0.1))
    with pytest.raises(DeadlineExceeded):
        guest.call("loop", b"")
    assert not guest.healthy
    guest = load(GUEST)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        guest.call("loop", b"", timeout_s=0.05)
    assert time.monotonic() - started < 20


def test_limits_have_their_errors(load: Any) -> None:
    with pytest.raises(FuelExhausted):
        load(GUEST, Limits(fuel=100_000, timeout_s=20)).call("loop", b"")
    with pytest.raises(MemoryExceeded):
        load(GUEST).call("grow", b"")
    with pytest.raises(InvalidInput, match="input_bytes"):
        load(GUEST, Limits(input_bytes=2)).call("echo", b"123")
    with pytest.raises(LimitExceeded, match="output_bytes"):
        load(GUEST, Limits(output_bytes=2)).call("echo", b"123")
    with pytest.raises(LimitExceeded, match="module_bytes"):
        load(GUEST, Limits(module_bytes=10))
    with pytest.raises(LimitExceeded, match="host_calls"):
        load(CALLER, Limits(host_calls=1), door(lambda call, handle: 0)).call("twice", b"")


@pytest.mark.parametrize(
    ("wat", "error"),
    [
        ('(module (import "a" "b" (func)))', LinkFailed),
        ('(module (import "extism:host/env" "b" (func)))', LinkFailed),
        ('(module (import "extism:host/env" "alloc" (func)))', LinkFailed),
        ("(module (func unreachable) (start 0))", GuestTrapped),
    ],
)
def test_what_cannot_be_linked_or_started_is_told_by_load(wat: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ReferenceEngine().load([("main", wasmtime.wat2wasm(wat))], Limits(), Doors())


def test_what_is_no_module_is_rejected() -> None:
    with pytest.raises(ModuleRejected):
        ReferenceEngine().load([("main", b"\0asm\x01\0\0\0\xff")], Limits(), Doors())


def test_several_modules_are_linked() -> None:
    library = wasmtime.wat2wasm('(module (func (export "three") (result i32) (i32.const 3)))')
    main = wasmtime.wat2wasm(
        '(module (import "lib" "three" (func $three (result i32)))(func (export "f") (result i32) (call $three)))'
    )
    template = ReferenceEngine().load([("lib", library), ("main", main)], Limits(), Doors())
    instance = template.instance()
    with pytest.raises(GuestFailed, match="Error code: 3"):
        instance.call("f", b"")
    instance.close()
    template.close()


def test_usage_counts_host_calls(load: Any) -> None:
    guest = load(CALLER, doors=door(lambda call, handle: 0))
    guest.call("twice", b"")
    assert guest.usage().host_calls == 2


def test_instances_come_and_go_without_growing() -> None:
    template = ReferenceEngine().load([("main", wasmtime.wat2wasm(GUEST))], Limits(), Doors())

    def resident_kib() -> int:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // KIB

    def cycle(times: int) -> None:
        for _ in range(times):
            instance = template.instance()
            instance.call("echo", b"x" * 1000)
            instance.close()

    cycle(100)
    before = resident_kib()
    cycle(400)
    assert resident_kib() - before < 4 * KIB
    template.close()


def test_an_instance_that_nobody_closed_leaves_no_charge() -> None:
    template = ReferenceEngine().load([("main", wasmtime.wat2wasm(GUEST))], Limits(), Doors())
    before = BUDGET.use().used_bytes
    instance = template.instance()
    instance.call("echo", b"")
    assert BUDGET.use().used_bytes > before
    del instance
    gc.collect()
    assert BUDGET.use().used_bytes <= before
    template.instance().close()
    template.close()
