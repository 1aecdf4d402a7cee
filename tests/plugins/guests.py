"""Small guests in WebAssembly text, and modules with sections added."""

from __future__ import annotations

import json
from typing import Any

from omnicore.sandbox.capi.code import wat_to_wasm

_IMPORTS = """
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "length" (func $block_length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))"""


def module(body: str, *, imports: str = "") -> str:
    """A module with the usual imports, helpers and a memory."""
    return f"""(module {_IMPORTS} {imports}
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func $input (result i64) (local $i i64) (local $at i64)
    (local.set $at (call $alloc (call $length)))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (call $length)))
      (call $store (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.get $at))
  (func $say (param $byte i32) (local $at i64)
    (local.set $at (call $alloc (i64.const 1)))
    (call $store (local.get $at) (local.get $byte))
    (call $output (local.get $at) (i64.const 1)))
  {body})"""


def says(letter: str, name: str = "say") -> str:
    """A guest whose function answers with one letter."""
    return module(f'(func (export "{name}") (result i32) (call $say (i32.const {ord(letter)})) (i32.const 0))')


ECHO = module('(func (export "echo") (result i32) (call $output (call $input) (call $length)) (i32.const 0))')
COUNTS = module("""(func (export "count") (result i32)
  (global.set $count (i32.add (global.get $count) (i32.const 1)))
  (call $say (i32.add (i32.const 48) (global.get $count))) (i32.const 0))""")
MOODY = module("""
  (func (export "trap") (result i32) unreachable)
  (func (export "spin") (result i32) (loop $on (br $on)) (i32.const 0))
  (func (export "fail") (result i32) (i32.const 1))
  (func (export "well") (result i32) (call $say (i32.const 119)) (i32.const 0))
  (func (export "maybe") (result i32)
    (if (i64.eqz (call $length)) (then unreachable)) (call $say (i32.const 119)) (i32.const 0))""")


def door(name: str) -> str:
    """A guest that hands its input to a door and answers with the door's reply."""
    return module(
        """(func (export "ask") (result i32) (local $reply i64)
          (local.set $reply (call $door (call $input)))
          (call $output (local.get $reply) (call $block_length (local.get $reply))) (i32.const 0))""",
        imports=f'(import "extism:host/user" "{name}" (func $door (param i64) (result i64)))',
    )


def with_manifest(text: str, manifest: dict[str, Any] | bytes) -> bytes:
    """The module in bytes, its manifest in the custom section `omnicore:manifest`."""
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    name = b"omnicore:manifest"
    section = _leb(len(name)) + name + content
    return wat_to_wasm(text.encode()) + b"\0" + _leb(len(section)) + section


def _leb(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
