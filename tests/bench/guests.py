"""The guests that are measured: small ones in text, real ones from the repository."""

from __future__ import annotations

from pathlib import Path

import extism
from extism.extism import CompiledPlugin

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.engine import Template
from omnicore.sandbox.extism.engine import ExtismEngine

__all__ = [
    "ECHO",
    "FUNCTIONS",
    "LIMITS",
    "MIB",
    "ROOT",
    "SPIN",
    "asking",
    "echo_numbered",
    "ours",
    "peer",
]

ROOT = Path(__file__).parents[2]
MIB = 1 << 20

LIMITS = Limits(
    timeout_s=60.0,
    memory_bytes=256 * MIB,
    input_bytes=64 * MIB,
    output_bytes=64 * MIB,
    host_calls=10_000_000,
    module_bytes=64 * MIB,
    compile_s=60.0,
)
"""The deadline and every other limit is on; some are wider than the defaults, so that big inputs pass."""

_ECHO = """(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_offset" (func $offset (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "%s")
  (func (export "empty") (result i32) i32.const 0)
  (func (export "echo") (result i32) (call $output (call $offset) (call $length)) i32.const 0))"""

ECHO = wat_to_wasm((_ECHO % "echo").encode())
"""`empty` does nothing; `echo` gives its input back handle to handle, without a copy in the guest."""


def echo_numbered(number: int) -> bytes:
    """An `ECHO` that is another file."""
    return wat_to_wasm((_ECHO % f"echo {number}").encode())


SPIN = wat_to_wasm(b"""(module
  (func (export "spin") (result i32) (local $n i32) (local $x i32)
    (local.set $n (i32.const 4000000))
    (loop $again
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.and (local.get $x) (i32.const 0))))""")
"""A few milliseconds of arithmetic that no compiler takes out."""

FUNCTIONS = wat_to_wasm(b"""(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "next" (func $next (param i64) (result i64)))
  (import "extism:host/user" "upper" (func $upper (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "numbers") (result i32) (local $count i64) (local $at i64)
    (loop $again
      (local.set $count (call $next (local.get $count)))
      (br_if $again (i64.lt_u (local.get $count) (i64.const 1000))))
    (local.set $at (call $alloc (i64.const 8)))
    (call $store (local.get $at) (local.get $count))
    (call $output (local.get $at) (i64.const 8))
    i32.const 0)
  (func (export "strings") (result i32) (local $n i32) (local $text i64) (local $i i64) (local $answer i64)
    (local.set $text (call $alloc (i64.const 64)))
    (loop $fill
      (call $store (i64.add (local.get $text) (local.get $i)) (i64.const 0x6f77206f6c6c6568))
      (br_if $fill (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 8))) (i64.const 64))))
    (local.set $n (i32.const 1000))
    (loop $again
      (call $free (local.get $answer))
      (local.set $answer (call $upper (local.get $text)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $output (local.get $answer) (call $length (local.get $answer)))
    i32.const 0))""")
"""A thousand calls of a host function, with a number and with 64 bytes of text."""

_DOORS = """(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "%s" (func $door (param i64) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\\"id\\":       17}")
  (func (export "ask") (result i32) (local $n i32) (local $request i64) (local $answer i64)
    (local.set $request (call $alloc (i64.const 16)))
    (call $store (local.get $request) (i64.load (i32.const 0)))
    (call $store (i64.add (local.get $request) (i64.const 8)) (i64.load (i32.const 8)))
    (local.set $n (i32.const 1000))
    (loop $again
      (call $free (local.get $answer))
      (local.set $answer (call $door (local.get $request)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $output (local.get $answer) (call $length (local.get $answer)))
    i32.const 0))"""


def asking(function: str) -> bytes:
    """A guest that asks a door a thousand times for the order 17."""
    return wat_to_wasm((_DOORS % function).encode())


def ours(wasm: bytes, doors: Doors | None = None, cache: Path | None = None) -> Template:
    """A guest in the engine under test."""
    return ExtismEngine(cache).load([("main", wasm)], LIMITS, doors or Doors())


def peer(wasm: bytes, functions: list[extism.Function] | None = None, *, wasi: bool = False) -> CompiledPlugin:
    """A guest in the `extism` package, without a deadline: its fastest way."""
    return CompiledPlugin(wasm, wasi=wasi, functions=functions or [])
