"""A small engine with the exports and imports that the snapshotter knows, as WebAssembly text."""

from __future__ import annotations

from omnicore.sandbox.capi.code import wat_to_wasm

__all__ = ["FIRST_SLOT", "engine"]

FIRST_SLOT = 7


def engine(begin: str = "", *, slots: int = 12, stack: int = 1024) -> bytes:
    """`omnicore_begin` keeps the input at 2048 and runs `begin`; `omnicore_call` gives it back with its number."""
    room = "".join(f'(import "omnicore:slot" "s{number}" (func $s{number}))' for number in range(slots))
    uses = "".join(f"(call $s{number})" for number in range(slots))
    return wat_to_wasm(
        f"""(module
 (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
 (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
 (import "extism:host/env" "input_length" (func $length (result i64)))
 (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
 (import "extism:host/env" "output_set" (func $output (param i64 i64)))
 (import "extism:host/env" "error_set" (func $error (param i64)))
 (import "extism:host/env" "length" (func $size (param i64) (result i64)))
 {room}
 (memory (export "memory") 1)
 (data (i32.const 4096) "own data")
 (global $kept (mut i32) (i32.const 0))
 (func (export "omnicore_slot") (param $slot i32) (param $frame i32) {uses})
 (func (export "omnicore_prelude") (result i32) (i32.const 0))
 (func (export "omnicore_begin") (result i32) (local $at i32)
  (i32.store (i32.const 16) (i32.const -1))
  (i32.store (i32.const 2044) (i32.wrap_i64 (call $length)))
  (loop $more
   (if (i32.lt_u (local.get $at) (i32.load (i32.const 2044))) (then
    (i32.store8 (i32.add (i32.const 2048) (local.get $at)) (call $load (i64.extend_i32_u (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $more))))
  {begin}
  (call $say (i32.const 0))
  (i32.const 0))
 (func (export "omnicore_finish") (result i32)
  (i64.store (i32.const 32) (i64.const 65536))
  (i64.store (i32.const 40) (i64.const {stack}))
  (call $slot (i32.const 1) (i32.const 32))
  (i32.const 0))
 (func $slot (param i32 i32) (call 19 (local.get 0) (local.get 1)))
 (func (export "omnicore_call") (param $number i32) (result i32) (call $say (local.get $number)) (i32.const 0))
 (func $say (param $number i32) (local $block i64) (local $at i32) (local $size i32)
  (local.set $size (i32.add (i32.load (i32.const 2044)) (i32.const 1)))
  (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
  (call $store (local.get $block) (i32.add (i32.const 48) (local.get $number)))
  (local.set $at (i32.const 1))
  (loop $more
   (if (i32.lt_u (local.get $at) (local.get $size)) (then
    (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $at)))
     (i32.load8_u (i32.add (i32.const 2047) (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $more))))
  (call $output (local.get $block) (i64.extend_i32_u (local.get $size)))))""".encode()
    )
