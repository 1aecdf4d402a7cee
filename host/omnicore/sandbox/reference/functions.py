"""Host functions as callbacks of the C library."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

from omnicore.sandbox.abi import HostFunction, ValueType
from omnicore.sandbox.reference.call import TURN
from omnicore.sandbox.reference.library import CALLBACK, NULL, ffi, lib

__all__ = ["Callbacks"]

_TYPES: Final[dict[ValueType, int]] = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}
_MASKS: Final[dict[ValueType, int]] = {"i32": 0xFFFFFFFF, "i64": 0xFFFFFFFFFFFFFFFF}


class Callbacks:
    """Doors as the library wants them.

    Owns: the callbacks, which must live as long as any plugin that was made with them, and the library's
    function objects, which are needed only until the plugin is compiled.
    """

    def __init__(self, functions: Sequence[HostFunction]) -> None:
        self._kept = [_callback(function) for function in functions]
        self._pointers = [_pointer(function, kept) for function, kept in zip(functions, self._kept, strict=True)]
        self.count = len(self._pointers)
        self.array = ffi.new("ExtismFunction*[]", self._pointers) if self._pointers else NULL

    def release(self) -> None:
        """Frees the function objects; the callbacks stay."""
        pointers, self._pointers = self._pointers, []
        self.array, self.count = NULL, 0
        for pointer in pointers:
            lib.extism_function_free(pointer)


def _pointer(function: HostFunction, callback: Any) -> Any:
    params = [_TYPES[kind] for kind in function.params]
    results = [_TYPES[kind] for kind in function.results]
    pointer = lib.extism_function_new(
        function.name.encode(), params, len(params), results, len(results), callback, NULL, NULL
    )
    lib.extism_function_set_namespace(pointer, function.namespace.encode())
    return pointer


def _callback(function: HostFunction) -> Any:
    run = _awaited(function.run) if inspect.iscoroutinefunction(function.run) else function.run

    def callback(current: Any, inputs: Any, _count: int, outputs: Any, _room: int, _data: Any) -> None:
        call = TURN.call
        values: Sequence[Any] = [0] * len(function.results)
        if call is not None and call.failure is None:
            call.current = current
            try:
                call.count()
                values = _values(function, run(call, *_arguments(function, inputs)))
            except BaseException as error:
                call.failure = error
            finally:
                call.current = NULL
        _return(function, outputs, values)

    return ffi.callback(CALLBACK, callback, onerror=_remember)


def _awaited(run: Callable[..., Any]) -> Callable[..., Any]:
    return lambda call, *arguments: call.wait(run(call, *arguments))


def _remember(_kind: Any, error: BaseException, _trace: Any) -> None:
    """Keeps what was raised before or behind the callback's own `try`, such as KeyboardInterrupt."""
    call = TURN.call
    if call is not None and call.failure is None:
        call.failure = error


def _arguments(function: HostFunction, inputs: Any) -> list[Any]:
    return [
        getattr(inputs[index].v, kind) & _MASKS[kind] if kind in _MASKS else getattr(inputs[index].v, kind)
        for index, kind in enumerate(function.params)
    ]


def _values(function: HostFunction, result: Any) -> Sequence[Any]:
    values = result if isinstance(result, tuple) else (0 if result is None else result,)
    if not function.results:
        return ()
    if len(values) != len(function.results):
        raise TypeError(f"{function.name} returned {len(values)} values, its type has {len(function.results)}")
    return [_fitting(kind, value) for kind, value in zip(function.results, values, strict=True)]


def _fitting(kind: ValueType, value: Any) -> Any:
    """The value as C takes it. Raises: OverflowError, TypeError."""
    if kind not in _MASKS:
        return float(value)
    bits = 32 if kind == "i32" else 64
    if not -(1 << bits - 1) <= value <= _MASKS[kind]:
        raise OverflowError(f"{value} does not fit an {kind}")
    return value - (1 << bits) if value >> bits - 1 > 0 else value


def _return(function: HostFunction, outputs: Any, values: Sequence[Any]) -> None:
    for index, (kind, value) in enumerate(zip(function.results, values, strict=True)):
        outputs[index].t = _TYPES[kind]
        setattr(outputs[index].v, kind, value)
