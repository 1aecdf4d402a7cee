"""Only modules that compile at once may be compiled in the host's process."""

from __future__ import annotations

import time

import pytest
import wasmtime
from tests.hostile import wasm_builder as wb

from omnicore.sandbox.inspect import harmless, inspect


def loops(depth: int, changed_locals: int) -> bytes:
    """Nested loops with locals that each of them carries."""
    change = b"".join(b"\x20" + wb.u32(n) + b"\x41\x01\x6a\x21" + wb.u32(n) for n in range(changed_locals))
    return wb.run_module(b"\x03\x40" * depth + change + (b"\x41\0\x0d\0" + wb.END) * depth, [(changed_locals, wb.I32)])


def chain(instruction: bytes, count: int) -> bytes:
    """One instruction after the other, each on the result of the one before."""
    return wb.run_module(b"\x41\0" + instruction * count + b"\x1a")


WORST = {
    "loops with few locals": loops(120, 5),
    "loops with some locals": loops(90, 14),
    "memory.grow": chain(b"\x40\0", 398),
    "bit counting": chain(b"\x69", 4_000),
    "nested loops": wb.run_module(b"\x03\x7f" * 390 + b"\x41\0" + wb.END * 390 + b"\x1a"),
}


@pytest.mark.parametrize("case", WORST)
def test_the_worst_modules_within_the_bounds_compile_quickly(case: str) -> None:
    data = WORST[case]
    assert harmless(inspect(data))
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    config.parallel_compilation = False
    engine = wasmtime.Engine(config)
    # 50 ms on an idle machine; ten times that leaves room for the tests that run beside this one.
    assert min(_seconds(engine, data) for _ in range(3)) < 0.5


def _seconds(engine: wasmtime.Engine, data: bytes) -> float:
    started = time.process_time()
    wasmtime.Module(engine, data)
    return time.process_time() - started


COSTLY = {
    "much code": wb.run_module(b"\x01" * 5_000),
    "many locals in many loops": loops(100, 100),
    "many locals": wb.run_module(b"", [(50_000, wb.I32)]),
    "4 G locals": wb.run_module(b"", [(2**32 - 1, wb.I32)]),
    "many loops": loops(500, 1),
    "a branch table": wb.run_module(b"\x41\0\x0e" + wb.u32(900) + b"\0" * 901, [(30, wb.I32)]),
    "wide types": wb.ModuleBuilder(types=[wb.func_type([wb.I32] * 101)]).build(),
    "many functions": wb.ModuleBuilder(functions=[0] * 257, bodies=[wb.body(b"")] * 257).build(),
    "much data": wb.ModuleBuilder(memories=[wb.limits(40)], data=[b"\1" + wb.text(bytes(1_100_000))]).build(),
    "many memory.grow": chain(b"\x40\0", 500),
    "more local groups than bytes": wb.ModuleBuilder(functions=[0], bodies=[b"\x03\x7f\0\x0b"]).build(),
    "component with another": wasmtime.wat2wasm("(component (component))"),
    "large component": wasmtime.wat2wasm(f'(component (core module (memory 1) (data "{"a" * 20_000}")))'),
    "component with much code": b"\0asm\x0d\0\x01\0" + wb.section(1, wb.run_module(b"\x01" * 5_000)),
}


@pytest.mark.parametrize("case", COSTLY)
def test_whatever_may_be_costly_goes_to_the_compile_child(case: str) -> None:
    assert not harmless(inspect(COSTLY[case]))


def test_a_module_without_code_is_harmless() -> None:
    assert harmless(inspect(wasmtime.wat2wasm("(module (memory 1))")))
