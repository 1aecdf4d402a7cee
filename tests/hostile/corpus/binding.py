"""Cases 59 to 75: types, names, pointers and handles that a host might believe."""

from __future__ import annotations

from tests.hostile import wasm_builder as wb
from tests.hostile.wasm_builder import wat

_KERNEL = """
 (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
 (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
 (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
 (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
 (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
 (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
 (import "extism:host/env" "error_set" (func $error_set (param i64)))
 (import "extism:host/env" "log_error" (func $log (param i64)))
 (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
 (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
 (import "extism:host/env" "input_length" (func $input_length (result i64)))
 (import "extism:host/user" "echo" (func $echo (param i64) (result i64)))
 (import "extism:host/user" "peek" (func $peek (param i32 i32) (result i32)))
"""


def _guest(body: str, rest: str = "", memory: str = '(memory (export "memory") 1)') -> bytes:
    return wat(f'(module {_KERNEL} {memory} {rest} (func (export "run") (local $h i64) {body}))')


def _takes(value: bytes) -> bytes:
    types = [wb.func_type()[:-2] + b"\x01" + value + b"\0"]
    builder = wb.ModuleBuilder(types=types, functions=[0], bodies=[wb.body(b"")])
    builder.exports = [wb.export("run", wb.FUNCTION, 0)]
    return builder.build()


def anyref() -> bytes:
    return _takes(b"\x6e")


def structref() -> bytes:
    return _takes(b"\x6b")


def exnref() -> bytes:
    return _takes(b"\x69")


def typed_function() -> bytes:
    return _takes(b"\x63\0")


def v128_result() -> bytes:
    return wat('(module (func (export "run") (result v128) (v128.const i64x2 1 2)))')


def i31_result() -> bytes:
    return wat('(module (func (export "run") (result (ref i31)) (ref.i31 (i32.const 1))))')


def missing_export() -> bytes:
    return wat('(module (func (export "walk")))')


def export_is_memory() -> bytes:
    return wat('(module (memory (export "run") 1))')


def wrong_signature() -> bytes:
    return wat('(module (memory 1) (func (export "run") (param i32 f64) (i32.store (local.get 0) (i32.const 1))))')


def two_results() -> bytes:
    return wat('(module (func (export "run") (result i64 i64) (i64.const 1) (i64.const 2)))')


def unknown_import() -> bytes:
    return wat('(module (import "elsewhere" "thing" (func)) (func (export "run")))')


def unknown_env_import() -> bytes:
    return wat('(module (import "extism:host/env" "system" (func (param i64))) (func (export "run")))')


def wrong_import_type() -> bytes:
    return wat('(module (import "extism:host/env" "alloc" (func (param i32) (result i32))) (func (export "run")))')


def wrong_user_import_type() -> bytes:
    return wat('(module (import "extism:host/user" "echo" (func (param f64))) (func (export "run")))')


def import_is_memory() -> bytes:
    return wat('(module (import "extism:host/env" "memory" (memory 1)) (func (export "run")))')


def self_import() -> bytes:
    return wat('(module (import "main" "g" (func $g)) (func (export "run")))')


NAMES = (
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "a\0b",
    "\u202egnp.exe",
    "../../etc/passwd",
    " ",
    "",
    "\n",
)


def hostile_names() -> bytes:
    exports = [wb.export(name, wb.FUNCTION, 0) for name in ("run", *NAMES)]
    return wb.ModuleBuilder(functions=[0], exports=exports, bodies=[wb.body(b"")]).build()


def long_name() -> bytes:
    exports = [wb.export("run", wb.FUNCTION, 0), wb.export("x" * 90_000, wb.FUNCTION, 0)]
    return wb.ModuleBuilder(functions=[0], exports=exports, bodies=[wb.body(b"")]).build()


def host_name() -> bytes:
    return wat('(module (memory (export "omnicore:memory") 1) (func (export "run")))')


def negative_pointer() -> bytes:
    return _guest("(drop (call $peek (i32.const -16) (i32.const 8)))")


def huge_length() -> bytes:
    return _guest("(drop (call $peek (i32.const 0) (i32.const -1)))")


def end_overflow() -> bytes:
    return _guest("(drop (call $peek (i32.const 65530) (i32.const 7)))")


def wrapped_sum() -> bytes:
    return _guest("(drop (call $peek (i32.const -8) (i32.const 16)))")


def bad_realloc() -> bytes:
    rest = '(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)'
    rest += '(func (export "malloc") (param i32) (result i32) (i32.const -1))'
    return _guest("(call $output_set (call $alloc (i64.const 3)) (i64.const 3))", rest)


def grow_between_calls() -> bytes:
    return _guest(
        "(i32.store8 (i32.const 9) (i32.const 5)) (drop (call $peek (i32.const 9) (i32.const 1)))"
        " (drop (memory.grow (i32.const 10))) (i32.store8 (i32.const 600000) (i32.const 5))"
        " (if (i32.ne (call $peek (i32.const 600000) (i32.const 1)) (i32.const 5)) (then unreachable))"
    )


def no_memory() -> bytes:
    return _guest("(drop (call $peek (i32.const 0) (i32.const 1)))", memory="")


def memory_is_function() -> bytes:
    memory = '(memory 1) (func (export "memory"))'
    return _guest("(drop (call $peek (i32.const 0) (i32.const 1)))", memory=memory)


def _forge(use: str) -> bytes:
    """Writes over everything around a block that a careless host might keep its length in, then uses it."""
    header = "".join(
        f"(call $store (i64.sub (local.get $h) (i64.const {back})) (i32.const 255))" for back in range(1, 33)
    )
    root = "".join(f"(call $store_u64 (i64.const {at}) (i64.const 0x7fffffffff))" for at in range(1, 80, 8))
    return _guest(f"(local.set $h (call $alloc (i64.const 16))) {header} {root} {use}")


def forged_config() -> bytes:
    return _forge("(drop (call $config_get (local.get $h)))")


def forged_error() -> bytes:
    return _forge("(call $error_set (local.get $h))")


def forged_log() -> bytes:
    return _forge("(call $log (local.get $h))")


def forged_host_function() -> bytes:
    return _forge("(drop (call $echo (local.get $h)))")


def forged_variable() -> bytes:
    return _forge("(call $var_set (local.get $h) (local.get $h))")


def interior_handles() -> bytes:
    return _guest(
        "(local.set $h (call $alloc (i64.const 64)))"
        " (drop (call $echo (i64.add (local.get $h) (i64.const 5)))) (call $error_set (i64.const -1))"
    )


def output_outside() -> bytes:
    return _guest(
        "(call $output_set (i64.const 0x100000000) (i64.const 100))"
        " (call $output_set (i64.const 16) (i64.const -1)) (call $output_set (i64.const -8) (i64.const 16))"
    )


def previous_input() -> bytes:
    """Traps when a byte behind the input is not zero."""
    return _guest(
        "(local.set $h (i64.add (call $input_offset) (call $input_length)))"
        " (loop $l (if (call $load (local.get $h)) (then unreachable))"
        " (local.set $h (i64.add (local.get $h) (i64.const 1)))"
        " (br_if $l (i64.lt_u (local.get $h) (i64.const 70000))))"
    )


def counter() -> bytes:
    """Returns 1 from its second call on, 0 from its first."""
    return wat(
        '(module (global $n (mut i32) (i32.const -1)) (func (export "run") (result i32)'
        " (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"
    )
