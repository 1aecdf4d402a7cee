"""Whatever the bytes, the reader answers or refuses; nothing else comes out."""

from __future__ import annotations

import contextlib

import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnicore.errors import ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import admit, harmless, inspect, with_visible_limits

SEEDS = tuple(
    wasmtime.wat2wasm(source)
    for source in (
        "(module)",
        '(module (import "a" "f" (func (param i64 v128) (result i32 f64))) (import "a" "m" (memory 1 2))'
        ' (table 3 funcref) (global (export "g") (mut i64) (i64.const 77))'
        ' (func $f (export "run") (local i32 i64) (loop (br_if 0 (i32.const 0)))) (start $s) (func $s)'
        ' (elem (i32.const 0) $f) (data (i32.const 5) "abcdef"))',
        "(module (memory 1) " + "".join(f'(func (export "f{n}"))' for n in range(140)) + ")",
    )
)


def _engine() -> wasmtime.Engine:
    # With garbage collection on, wasmtime's binding aborts the process when it is asked for an anyref's type.
    config = wasmtime.Config()
    for feature in ("gc", "exceptions", "function_references", "threads", "memory64"):
        setattr(config, f"wasm_{feature}", False)
    return wasmtime.Engine(config)


def _answers_or_refuses(data: bytes) -> None:
    with contextlib.suppress(ModuleRejected):
        info = inspect(data)
        harmless(info)
        admit(info, Limits())
        inspect(with_visible_limits(data, info))


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_random_bytes_behind_a_header_are_answered_or_refused(tail: bytes) -> None:
    _answers_or_refuses(b"\0asm\x01\0\0\0" + tail)


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_and_truncated_modules_are_answered_or_refused(seed: bytes, data: st.DataObject) -> None:
    mutant = bytearray(seed)
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(8, len(mutant)))
        piece = data.draw(st.binary(max_size=5))
        mutant[place : place + data.draw(st.integers(0, 5))] = piece
    _answers_or_refuses(bytes(mutant[: data.draw(st.integers(0, len(mutant)))]))


@given(st.sampled_from(SEEDS), st.integers(8, 10_000), st.integers(0, 255))
@settings(max_examples=600)
def test_a_changed_byte_is_never_read_differently_from_wasmtime(seed: bytes, place: int, value: int) -> None:
    mutant = bytearray(seed)
    mutant[8 + place % max(1, len(mutant) - 8) if len(mutant) > 8 else 7] = value
    try:
        module = wasmtime.Module(_engine(), bytes(mutant))
    except wasmtime.WasmtimeError:
        return
    with contextlib.suppress(ModuleRejected):
        info = inspect(bytes(mutant))
        assert [one.name for one in info.exports] == [one.name for one in module.exports]
        assert [(one.module, one.name) for one in info.imports] == [(one.module, one.name) for one in module.imports]
