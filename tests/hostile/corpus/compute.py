"""Cases 1 to 15: guests that never stop, stop badly or wait."""

from __future__ import annotations

from tests.hostile import wasm_builder as wb
from tests.hostile.wasm_builder import wat

LOOP = "(loop $l (br $l))"


def loop() -> bytes:
    return wat(f'(module (func (export "run") {LOOP}))')


def tail_calls() -> bytes:
    return wat('(module (func $a (export "run") (return_call $b)) (func $b (return_call $a)))')


def recursion() -> bytes:
    return wat('(module (func $f (export "run") (call $f)))')


def start_loop() -> bytes:
    return wat(f'(module (func $s {LOOP}) (start $s) (func (export "run")))')


def initialize_loop() -> bytes:
    return wat(f'(module (func (export "_initialize") {LOOP}) (func (export "run")))')


def constructor_loop() -> bytes:
    return wat(f'(module (func (export "__wasm_call_ctors") {LOOP}) (func (export "run")))')


def start_trap() -> bytes:
    return wat('(module (func $s unreachable) (start $s) (func (export "run")))')


def throw_loop() -> bytes:
    return wat(
        '(module (tag $t) (func (export "run") (loop $l (block $b (try_table (catch_all $b) (throw $t))) (br $l))))'
    )


def uncaught_throw() -> bytes:
    return wat('(module (tag $t) (func (export "run") (throw $t)))')


def trap_unreachable() -> bytes:
    return wat('(module (func (export "run") unreachable))')


def trap_division() -> bytes:
    return wat('(module (func (export "run") (drop (i32.div_s (i32.const 1) (i32.const 0)))))')


def trap_memory() -> bytes:
    return wat('(module (memory 1) (func (export "run") (drop (i64.load (i32.const 65530)))))')


def trap_indirect() -> bytes:
    return wat('(module (table 1 funcref) (func (export "run") (call_indirect (i32.const 0))))')


def trap_signature() -> bytes:
    return wat(
        "(module (table 1 funcref) (elem (i32.const 0) $f) (func $f (param i32))"
        ' (func (export "run") (call_indirect (i32.const 0))))'
    )


def fill_4_gib() -> bytes:
    fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))"
    return wat(f'(module (memory 65536) (func (export "run") {fill * 5}))')


def fill_for_ever() -> bytes:
    fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 52428800))"
    return wat(f'(module (memory 800) (func (export "run") (loop $l {fill} (br $l))))')


def host_call_flood() -> bytes:
    return wat(
        '(module (import "extism:host/user" "echo" (func $echo (param i64) (result i64)))'
        ' (func (export "run") (loop $l (drop (call $echo (i64.const 0))) (br $l))))'
    )


def config_flood() -> bytes:
    return wat(
        '(module (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))'
        ' (import "extism:host/env" "config_get" (func $get (param i64) (result i64)))'
        ' (func (export "run") (loop $l (drop (call $get (call $alloc (i64.const 5)))) (br $l))))'
    )


def log_flood() -> bytes:
    return wat(
        '(module (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))'
        ' (import "extism:host/env" "log_error" (func $log (param i64)))'
        ' (func (export "run") (loop $l (call $log (call $alloc (i64.const 4000))) (br $l))))'
    )


def wasi_sleep() -> bytes:
    # One relative clock subscription of an hour at 0: userdata, tag 0, clock 1, timeout, precision, flags.
    return wat(
        '(module (import "wasi_snapshot_preview1" "poll_oneoff"'
        " (func $poll (param i32 i32 i32 i32) (result i32)))"
        ' (memory (export "memory") 1) (func (export "run") (i32.store (i32.const 16) (i32.const 1))'
        " (i64.store (i32.const 24) (i64.const 3600000000000))"
        " (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"
    )


def yield_loop() -> bytes:
    return wat(
        '(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))'
        ' (memory (export "memory") 1) (func (export "run") (loop $l (drop (call $yield)) (br $l))))'
    )


def atomic_wait() -> bytes:
    return wat(
        '(module (memory 1 1 shared) (func (export "run")'
        " (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"
    )


def atomic_wait_unshared() -> bytes:
    # wat2wasm would accept it too; the byte form makes sure that no shared memory is declared.
    return wb.run_module(b"\x41\0\x41\0\x42\x7f\xfe\x01\x02\0\x1a")


def blocking_host_function() -> bytes:
    return wat(
        '(module (import "extism:host/user" "block" (func $block (param i64) (result i64)))'
        ' (func (export "run") (drop (call $block (i64.const 0)))))'
    )
