"""Cases 16 to 30: guests that want more than there is."""

from __future__ import annotations

from tests.hostile import wasm_builder as wb
from tests.hostile.wasm_builder import wat

_GROW = "(br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))"


def grow() -> bytes:
    return wat(f'(module (memory (export "memory") 1) (func (export "run") (loop $l {_GROW})))')


def grow_unseen() -> bytes:
    return wat(f'(module (memory 1) (func (export "run") (loop $l {_GROW})))')


def grow_and_touch() -> bytes:
    touch = "(i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)) (i32.const 7))"
    fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))"
    return wat(f'(module (memory 1) (func (export "run") (loop $l {touch} {_GROW}) {fill}))')


def grow_in_one_step() -> bytes:
    return wat(
        '(module (memory 1) (func (export "run") (drop (memory.grow (i32.const 65000)))'
        " (i32.store (i32.const 1073741824) (i32.const 1))))"
    )


def four_gib() -> bytes:
    return wat('(module (memory 65536) (func (export "run")))')


def memory64_huge() -> bytes:
    return wat('(module (memory i64 0x1000000000000) (func (export "run")))')


def memory64_grow() -> bytes:
    return wat(
        '(module (memory i64 1) (func (export "run") (loop $l'
        " (br_if $l (i64.ne (memory.grow (i64.const 100)) (i64.const -1))))))"
    )


def hundred_memories() -> bytes:
    return wb.ModuleBuilder(memories=[wb.limits(1)] * 100).build()


def ninety_large_memories() -> bytes:
    return wb.ModuleBuilder(memories=[wb.limits(65_536)] * 90).build()


def table_grow(kind: str = "func", exported: str = "") -> bytes:
    grow = f"(table.grow 0 (ref.null {kind}) (i32.const 1000000))"
    loop = f"(loop $l (br_if $l (i32.ne {grow} (i32.const -1))))"
    small = loop.replace("1000000", "1")
    return wat(f'(module (table {exported} 1 {kind}ref) (func (export "run") {loop} {small}))')


def table_grow_extern() -> bytes:
    return table_grow("extern")


def table_grow_exported() -> bytes:
    return table_grow(exported='(export "table")')


def huge_table() -> bytes:
    return wat('(module (table 200000000 funcref) (func (export "run")))')


def hundred_tables() -> bytes:
    return wb.ModuleBuilder(tables=[b"\x70" + wb.limits(10_000_000)] * 100).build()


def gc_list() -> bytes:
    return wat(
        '(module (type $n (struct (field (ref null $n)))) (func (export "run") (local (ref null $n))'
        " (loop $l (local.set 0 (struct.new $n (local.get 0))) (br $l))))"
    )


def gc_array() -> bytes:
    return wat(
        '(module (type $a (array (mut i64))) (func (export "run") (drop (array.new_default $a (i32.const 268435455)))))'
    )


def gc_churn() -> bytes:
    return wat(
        '(module (type $a (array (mut i64))) (func (export "run")'
        " (loop $l (drop (array.new_default $a (i32.const 1000))) (br $l))))"
    )


def exnref_table() -> bytes:
    return wat(
        '(module (table 1 exnref) (func (export "run")'
        " (loop $l (drop (table.grow 0 (ref.null exn) (i32.const 1000000))) (br $l))))"
    )


def many_globals(count: int = 900_000) -> bytes:
    return wb.ModuleBuilder(globals=[b"\x7f\1\x41\0\x0b"] * count).build()


def exchange_flood() -> bytes:
    return wat(
        '(module (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))'
        ' (func (export "run")'
        " (loop $l (br_if $l (i64.ne (call $alloc (i64.const 1000000)) (i64.const 0))))))"
    )


def output_flood() -> bytes:
    return wat(
        '(module (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))'
        ' (import "extism:host/env" "output_set" (func $set (param i64 i64)))'
        ' (func (export "run") (call $set (call $alloc (i64.const 20000000)) (i64.const 20000000))))'
    )
