"""Python functions that C calls. An exception must never leave one: C would go on with an undefined result.

Each factory returns the callback object, which must be kept alive as long as C may call it, and its address.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

__all__ = [
    "Callback",
    "async_function",
    "component_function",
    "continuation",
    "epoch_callback",
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
