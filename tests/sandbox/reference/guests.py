"""Guests of these tests, in WAT."""

from __future__ import annotations

from typing import Any

from omnicore.sandbox.abi import Doors, HostFunction

ENV = """
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "log_warn" (func $log_warn (param i64)))
"""

GUEST = f"""(module {ENV}
  (memory (export "memory") 1)
  (func (export "echo") (result i32)
    (call $output_set (call $input_offset) (call $input_length)) (i32.const 0))
  (func (export "fail") (result i32) (call $error_set (call $input_offset)) (i32.const 1))
  (func (export "code") (result i32) (i32.const 3))
  (func (export "trap") (result i32) unreachable)
  (func (export "loop") (loop $again (br $again)))
  (func (export "grow") (result i32) (i32.eq (memory.grow (i32.const 4000)) (i32.const -1)))
  (func (export "log") (result i32)
    (call $log_info (call $input_offset)) (i32.const 0))
  (func (export "warn") (result i32)
    (call $log_warn (call $input_offset)) (i32.const 0))
  (func (export "two") (result i32 i32) (i32.const 0) (i32.const 0)))"""

CALLER = f"""(module {ENV}
  (import "extism:host/user" "door" (func $door (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "run") (result i32) (local $reply i64)
    (local.set $reply (call $door (call $input_offset)))
    (call $output_set (local.get $reply) (call $length (local.get $reply)))
    (i32.const 0))
  (func (export "twice") (result i32)
    (drop (call $door (call $input_offset))) (drop (call $door (call $input_offset))) (i32.const 0)))"""


def door(run: Any, **shape: Any) -> Doors:
    function = HostFunction("extism:host/user", "door", ("i64",), ("i64",), run)
    return Doors(functions=(function,), **shape)
