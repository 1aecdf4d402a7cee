"""Stores, functions and instances: thin names over the C calls that make them, with errors as values."""

from __future__ import annotations

import os

from omnicore.sandbox.capi.faults import Fault, take_error, take_trap
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer

__all__ = ["EXTERN_WORDS", "FUNCTION_AT", "FunctionType", "export", "take_fault"]

EXTERN_WORDS = 4
"""Size of a `wasmtime_extern_t` in 64-bit words: its kind, then the union."""
FUNCTION_AT = 8
"""Where in an extern its function or memory stands. Units: bytes."""

_KINDS = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}


class FunctionType:
    """A `wasm_functype_t`. Owns: the type, which stays allocated in a forked child: an engine may know it."""

    __slots__ = ("_process", "pointer")

    def __init__(self, params: tuple[str, ...], results: tuple[str, ...]) -> None:
        self._process = os.getpid()
        first, second = _vector(params), _vector(results)
        self.pointer: int = lib.wasm_functype_new(first.address, second.address)

    def __del__(self) -> None:
        if self._process == os.getpid():
            lib.wasm_functype_delete(self.pointer)


def _vector(kinds: tuple[str, ...]) -> Buffer:
    values = Buffer(max(1, len(kinds)))
    for index, kind in enumerate(kinds):
        values.words[index] = lib.wasm_valtype_new(_KINDS[kind])
    vector = Buffer(2)
    lib.wasm_valtype_vec_new(vector.address, len(kinds), values.address)
    return vector


def export(context: int, instance_at: int, name: bytes, extern_at: int) -> bool:
    """Looks an export up and writes its extern to `extern_at`; False when there is none."""
    return bool(lib.wasmtime_instance_export_get(context, instance_at, name, len(name), extern_at))


def take_fault(error: int | None, trap: int) -> Fault | None:
    """The fault behind an error or a trap pointer, freed; None when both are null."""
    if error:
        return take_error(error)
    return take_trap(trap) if trap else None
