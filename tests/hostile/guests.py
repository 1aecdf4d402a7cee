"""Well-behaved guests that the tests of the host's side call."""

from __future__ import annotations

from tests.hostile.wasm_builder import wat

_ENV = """
 (import "extism:host/env" "input_offset" (func $offset (result i64)))
 (import "extism:host/env" "input_length" (func $length (result i64)))
 (import "extism:host/env" "output_set" (func $set (param i64 i64)))
 (import "extism:host/env" "length" (func $length_of (param i64) (result i64)))
"""
_USER = '(import "extism:host/user" "ask" (func $ask (param i64) (result i64)))'


def echo() -> bytes:
    """Output is the input."""
    return wat(f'(module {_ENV} (func (export "run") (call $set (call $offset) (call $length))))')


def ask() -> bytes:
    """Output is what the host function `ask` makes of the input."""
    return wat(
        f'(module {_ENV} {_USER} (func (export "run") (local $h i64)'
        " (local.set $h (call $ask (call $offset)))"
        " (call $set (local.get $h) (call $length_of (local.get $h)))))"
    )


def ask_for_ever() -> bytes:
    """Calls the host function `ask` in a loop."""
    return wat(f'(module {_USER} (func (export "run") (loop $l (drop (call $ask (i64.const 0))) (br $l))))')


def loop() -> bytes:
    """Never returns."""
    return wat('(module (func (export "run") (loop $l (br $l))))')


def trap() -> bytes:
    """Traps after some work."""
    return wat(
        '(module (func (export "run") (local i32) (loop $l'
        " (local.set 0 (i32.add (local.get 0) (i32.const 1))) "
        " (br_if $l (i32.lt_u (local.get 0) (i32.const 10000)))) unreachable))"
    )
