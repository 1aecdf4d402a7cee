"""Function types, externs, and Python functions that C calls.

An exception must never leave a Python function that C calls: C would go on with an undefined result. Each factory
returns the callback object, which must be kept alive as long as C may call it, and its address.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

from omnicore.sandbox.capi.library import Buffer, lib

__all__ = [
    "EXTERN_WORDS",
    "FUNCTION_AT",
    "Callback",
    "FunctionType",
    "async_function",
    "component_function",
    "continuation",
    "epoch_callback",
    "export",
    "finalizer",
    "forwarding_callback",
    "function_callback",
    "resource_destructor",
    "store_continuation",
    "store_word",
]


Callback = tuple[Any, int]

# (environment, caller, arguments and results as 16-byte raw values, their count) -> trap or null
_FUNCTION = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, POINTER(c_int64), c_size_t)
# (context, data, *epoch delta, *what to do) -> error or null
_EPOCH = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, POINTER(c_uint64), POINTER(c_uint8))
# (environment, caller, arguments, count, results, count, *trap, *continuation)
_ASYNC = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p)
# The same as _FUNCTION with the values as an address, to hand on to another call
_FORWARD = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_size_t)
# (environment, context, type, arguments, their count, results, their count) -> error or null
_COMPONENT = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)
# (environment, context, the host's number) -> error or null
_DESTRUCTOR = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_uint32)
_CONTINUATION = ctypes.CFUNCTYPE(c_bool, c_void_p)
_FINALIZER = ctypes.CFUNCTYPE(None, c_void_p)


def _made(kind: Any, function: Callable[..., Any]) -> Callback:
    made = kind(function)
    address = ctypes.cast(made, c_void_p).value
    assert address is not None  # noqa: S101  a callback always has an address
    return made, address


def function_callback(function: Callable[..., int | None]) -> Callback:
    """`function(environment, caller, values, count)`; value `i` is `values[2 * i]`. Returns a trap or None."""
    return _made(_FUNCTION, function)


def forwarding_callback(function: Callable[..., int | None]) -> Callback:
    """`function(environment, caller, values_at, count)`, for one that passes its values on as they are."""
    return _made(_FORWARD, function)


def component_function(function: Callable[..., int | None]) -> Callback:
    """`function(environment, context, type, arguments, count, results, count)`. Returns an error or None."""
    return _made(_COMPONENT, function)


def resource_destructor(function: Callable[..., int | None]) -> Callback:
    """`function(environment, context, number)` when a guest drops a resource. Returns an error or None."""
    return _made(_DESTRUCTOR, function)


def epoch_callback(function: Callable[..., int | None]) -> Callback:
    """`function(context, data, delta, kind)` at an epoch deadline. Returns an error to end the call, or None."""
    return _made(_EPOCH, function)


def async_function(function: Callable[..., None]) -> Callback:
    """`function(environment, caller, arguments, count, results, count, trap, continuation)`, all addresses."""
    return _made(_ASYNC, function)


def continuation(function: Callable[[int | None], bool]) -> Callback:
    """`function(environment) -> done`, asked at every poll of a suspended call."""
    return _made(_CONTINUATION, function)


def finalizer(function: Callable[[int | None], None]) -> Callback:
    """`function(environment)`, called when C lets go of an environment."""
    return _made(_FINALIZER, function)


def store_word(address: int, value: int) -> None:
    """Writes a signed 64-bit word for C to read."""
    c_int64.from_address(address).value = value


def store_continuation(address: int, function: int, environment: int, done: int) -> None:
    """Fills a `wasmtime_async_continuation_t`: callback, environment, finalizer."""
    (c_void_p * 3).from_address(address)[:] = [function, environment, done]


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
