"""Guests written as text. Tests' processes import it too, so it imports no pytest, which takes as long as all else."""

from __future__ import annotations

from omnicore.sandbox.capi.code import wat_to_wasm

KIT = """
 (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
 (import "extism:host/env" "length" (func $length (param i64) (result i64)))
 (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
 (import "extism:host/env" "input_offset" (func $input (result i64)))
 (import "extism:host/env" "input_length" (func $size (result i64)))
 (import "extism:host/env" "output_set" (func $output (param i64 i64)))
 (import "extism:host/env" "error_set" (func $error (param i64)))
"""
EMIT = """
 (func $emit (param $v i64) (local $h i64)
  (local.set $h (call $alloc (i64.const 8)))
  (call $store (local.get $h) (local.get $v))
  (call $output (local.get $h) (i64.const 8)))
"""


def module(body: str, imports: str = "") -> bytes:
    """A guest with the kit's imports, `imports`, and `$emit`, which answers with a number."""
    return wat_to_wasm(f"(module {KIT} {imports} {EMIT} {body})".encode())
