"""Turns real modules into broken ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.hostile.corpus import binding, compute, memory, wasi
from tests.hostile.wasm_builder import wat

ROOT = Path(__file__).parents[2]
_LARGEST = 300_000
_RICH = """(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $set (param i64 i64)))
  (type $op (func (param i32) (result i32)))
  (memory (export "memory") 2 50) (table $t 4 20 funcref) (global $g (mut i64) (i64.const 7))
  (elem (i32.const 0) $up $down $up) (data (i32.const 100) "some text to begin with") (data $d "passive")
  (func $up (type $op) (i32.add (local.get 0) (i32.const 1)))
  (func $down (type $op) (i32.sub (local.get 0) (i32.const 1)))
  (func (export "run") (result i32) (local $i i64) (local $n i64) (local $h i64)
    (local.set $n (call $length))
    (local.set $h (call $alloc (local.get $n)))
    (block $end (loop $l
      (br_if $end (i64.ge_u (local.get $i) (local.get $n)))
      (call $store (i64.add (local.get $h) (local.get $i))
        (call_indirect (type $op) (call $load (local.get $i))
          (i32.wrap_i64 (i64.rem_u (local.get $i) (i64.const 3)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $l)))
    (memory.init $d (i32.const 10) (i32.const 0) (i32.const 7))
    (i32.store (i32.const 4) (memory.grow (i32.const 1)))
    (global.set $g (i64.extend_i32_u (table.size $t)))
    (call $set (local.get $h) (local.get $n)) (i32.const 0))
  (func (export "float") (result i32) (local f64)
    (block (br_table 0 0 (i32.const 1)))
    (i32.trunc_sat_f64_s (f64.sqrt (f64.convert_i64_s (global.get $g))))))"""


def seeds() -> list[bytes]:
    """Modules to start from: built guests and plugins, and small ones that use much."""
    paths = [*ROOT.glob("tests/guests/**/*.wasm"), *ROOT.glob("plugins/*/dist/*.wasm")]
    built = [path.read_bytes() for path in sorted(paths) if path.stat().st_size <= _LARGEST]
    small = [compute.trap_signature(), memory.table_grow(), memory.grow_and_touch(), compute.recursion()]
    small += [binding.forged_config(), binding.grow_between_calls(), wasi.fill_disk(), compute.log_flood()]
    return [wat(_RICH)] * 4 + small + built


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _change(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8, 40))):
        out[chance.randrange(8, len(out))] = chance.choice((chance.randrange(256), 0, 1, 0x7F, 0x80, 0xFF))
    return bytes(out)


def _step(data: bytes, chance: random.Random) -> bytes:
    # One up or down: indices, sizes and counts that are just off.
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(8, len(out))
        out[place] = (out[place] + chance.choice((-1, 1))) & 0xFF
    return bytes(out)


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(8, len(data))
    return data[:place] + chance.randbytes(chance.choice((1, 2, 5, 100))) + data[place:]


def _remove(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(8, len(data))
    return data[:place] + data[place + chance.choice((1, 1, 2, 5, 100)) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(8, len(data))
    end = min(len(data), start + chance.choice((1, 3, 10, 100)))
    return data[:end] + data[start:end] * chance.choice((1, 5, 200)) + data[end:]


def _swap(data: bytes, chance: random.Random) -> bytes:
    # Same length, so that sizes stay right and more of the mutants are valid.
    length = min(chance.choice((1, 2, 4, 16)), len(data) - 8)
    here, there = (chance.randrange(8, len(data) - length + 1) for _ in range(2))
    out = bytearray(data)
    out[here : here + length] = data[there : there + length]
    return bytes(out)


_WAYS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    *(_truncate, _change, _change, _step, _step, _step),
    *(_insert, _remove, _repeat, _swap, _swap, _swap),
)


def mutant(modules: Sequence[bytes], chance: random.Random) -> bytes:
    """A broken module, the same one for the same state of `chance`."""
    data = chance.choice(modules)
    for _ in range(chance.choice((1, 1, 1, 2))):
        if len(data) > 16:
            data = chance.choice(_WAYS)(data, chance)
    return data
