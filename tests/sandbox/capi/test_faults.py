"""Traps and errors of the engine become values, each freed once."""

from __future__ import annotations

import pytest
from tests.sandbox.child import run_child

from omnicore.sandbox.capi.code import Preset, RawEngine, compile_module, text_to_binary
from omnicore.sandbox.capi.library import (
    EXTERN_WORDS,
    FUNCTION_AT,
    Buffer,
    TrapCode,
    export,
    lib,
    new_error,
    new_trap,
    take_error,
    take_fault,
    take_trap,
)


@pytest.fixture(scope="module")
def engine():
    return RawEngine(Preset(pooled=False))


@pytest.fixture
def fault(engine):
    """Runs a module's `f` and gives the fault it ends with."""
    stores = []

    def run(text: str):
        module = compile_module(engine, text_to_binary(text.encode()))
        stores.append(lib.wasmtime_store_new(engine.pointer, None, None))
        context = lib.wasmtime_store_context(stores[-1])
        lib.wasmtime_context_set_epoch_deadline(context, 1000)
        instance, trap, extern, values = Buffer(2), Buffer(1), Buffer(EXTERN_WORDS), Buffer(2)
        error = lib.wasmtime_instance_new(context, module.pointer, None, 0, instance.address, trap.address)
        if not error and not trap.words[0]:
            assert export(context, instance.address, b"f", extern.address)
            call = lib.wasmtime_func_call_unchecked
            error = call(context, extern.address + FUNCTION_AT, values.address, 1, trap.address)
        return take_fault(error, trap.words[0])

    yield run
    for store in stores:
        lib.wasmtime_store_delete(store)


TRAPS = {
    TrapCode.UNREACHABLE_CODE_REACHED: "unreachable",
    TrapCode.INTEGER_DIVISION_BY_ZERO: "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
    TrapCode.INTEGER_OVERFLOW: "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "(drop (i32.load (i32.const -4)))",
    TrapCode.TABLE_OUT_OF_BOUNDS: "(call_indirect (i32.const 9))",
    TrapCode.INDIRECT_CALL_TO_NULL: "(call_indirect (i32.const 1))",
    TrapCode.BAD_SIGNATURE: "(drop (call_indirect (result i32) (i32.const 0)))",
    TrapCode.BAD_CONVERSION_TO_INTEGER: "(drop (i32.trunc_f32_s (f32.const nan)))",
    TrapCode.STACK_OVERFLOW: "(call $f)",
}


@pytest.mark.parametrize("code", TRAPS)
def test_a_trap_has_its_code_its_text_and_the_guests_frames(fault, code):
    found = fault(f'(module (memory 1) (table 2 funcref) (elem (i32.const 0) $f) (func $f (export "f") {TRAPS[code]}))')
    assert found.code is code
    assert found.message
    assert found.backtrace[0].startswith("f (function 0)")


def test_a_deep_backtrace_is_cut(fault):
    found = fault('(module (func $f (export "f") (call $f)))')
    assert len(found.backtrace) == 20


def test_a_function_without_a_name_is_told_by_its_number(fault):
    assert fault('(module (func (export "f") unreachable))').backtrace == ("<function 0>",)


def test_a_long_name_is_cut(fault):
    (frame,) = fault(f'(module (func ${"n" * 5000} (export "f") unreachable))').backtrace
    assert len(frame) < 250


def test_a_trap_in_a_start_function_is_a_fault_too(fault):
    found = fault('(module (func $s unreachable) (start $s) (func (export "f")))')
    assert "unreachable" in found.message


def test_no_fault_is_none(fault):
    assert fault('(module (func (export "f")))') is None
    assert take_fault(None, 0) is None


def test_errors_and_traps_of_our_own_keep_their_text():
    assert take_error(new_error(b"a text of ours")).message == "a text of ours"
    found = take_trap(new_trap("ünïcode"))
    assert (found.message, found.code, found.backtrace) == ("ünïcode", None, ())


def test_a_text_of_any_length_and_kind_is_taken():
    assert len(take_trap(new_trap("x" * 100_000)).message) <= 4096
    assert take_trap(new_trap("\ud800 alone")).message == "? alone"
    assert take_trap(new_trap("")).message == ""


@pytest.mark.slow
def test_a_hundred_thousand_traps_leave_nothing_behind():
    grown = run_child("""
template = load('(func $deep unreachable) (func (export "f") (call $deep)) ' + ECHO)
instance = template.instance()
def trap(times):
    for _ in range(times):
        try:
            instance.call("f", b"")
        except GuestTrapped:
            continue
trap(5000)
before = resident()
trap(100_000)
print(resident() - before)
""")
    print(f"100,000 traps: {int(grown) // 1024} KB")
    assert int(grown) < 2 * 1024 * 1024
