"""A template's host functions: callbacks and types made once, an extern for each cell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omnicore.errors import EngineFailed
from omnicore.sandbox.abi import HostFunction
from omnicore.sandbox.capi.callbacks import (
    async_function,
    continuation,
    finalizer,
    forwarding_callback,
    function_callback,
    store_continuation,
    store_word,
)
from omnicore.sandbox.capi.faults import take_error
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer, view_at
from omnicore.sandbox.capi.store import EXTERN_WORDS, FUNCTION_AT, FunctionType
from omnicore.sandbox.extism.hosting import (
    CELLS,
    CELLS_BY_CONTEXT,
    callback_for,
    decode,
    is_coroutine,
    to_words,
)
from omnicore.sandbox.extism.interrupt import guarded, shielded
from omnicore.sandbox.reasons import cancelled

if TYPE_CHECKING:
    from omnicore.sandbox.capi.presets import RawEngine
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["Forwarded", "HostFunctions"]

_KIND_OF = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}
_UNCOUNTED = frozenset(("extism:host/env", "wasi_snapshot_preview1"))

Forwarded = tuple[FunctionType, Callable[[int, int, int, int], int | None]]
"""A type and a callback that gets its values as an address: see `instance.py` on commands."""


class HostFunctions:
    """What the plan links from the host. Owns: callbacks, types and the linker of awaited functions."""

    def __init__(
        self, engine: RawEngine, functions: tuple[HostFunction, ...], forwarded: tuple[Forwarded, ...] = ()
    ) -> None:
        self._names = [str(index).encode() for index in range(len(functions))]
        self._functions = functions
        self._types = [FunctionType(function.params, function.results) for function in functions]
        self._awaited = [is_coroutine(function) for function in functions]
        self._callbacks = [
            function_callback(callback_for(function, counted=function.namespace not in _UNCOUNTED))
            for function in functions
        ]
        self._forwarded = [(kind, forwarding_callback(guarded(run))) for kind, run in forwarded]
        self._engine = engine
        self._linker: int = lib.wasmtime_linker_new(engine.pointer)
        self._async = [
            self._define(index, function) for index, function in enumerate(functions) if self._awaited[index]
        ]

    def __del__(self) -> None:
        if self._engine.ours:
            lib.wasmtime_linker_delete(self._linker)

    def provide(self, cell: Cell) -> Buffer:
        """The externs of all functions in the cell's store, in the plan's order, then the forwarded ones."""
        externs = Buffer(EXTERN_WORDS * max(1, len(self._functions) + len(self._forwarded)))
        for index, (kind, callback) in enumerate(zip(self._types, self._callbacks, strict=True)):
            at = externs.address + 32 * index
            if cell.on_loop and self._awaited[index]:
                name = self._names[index]
                lib.wasmtime_linker_get(self._linker, cell.context, b"", 0, name, len(name), at)
                continue
            lib.wasmtime_func_new_unchecked(cell.context, kind.pointer, callback[1], cell.key, None, at + FUNCTION_AT)
        for index, (kind, callback) in enumerate(self._forwarded, len(self._functions)):
            at = externs.address + 32 * index
            lib.wasmtime_func_new_unchecked(cell.context, kind.pointer, callback[1], cell.key, None, at + FUNCTION_AT)
        return externs

    def _define(self, index: int, function: HostFunction) -> Any:
        callback = async_function(_suspending(function))
        name = self._names[index]
        error = lib.wasmtime_linker_define_async_func(
            self._linker, b"", 0, name, len(name), self._types[index].pointer, callback[1], None, None
        )
        if error:
            raise EngineFailed(f"{function.name} cannot be linked: {take_error(error).message}")
        return callback


def _suspending(function: HostFunction) -> Callable[..., None]:
    """The callback that starts a coroutine as a task of the running loop and suspends the guest on it."""

    @shielded  # making a coroutine runs none of its code
    def callback(
        _environment: int,
        caller: int,
        arguments: int,
        count: int,
        results: int,
        _n: int,
        trap: int,
        then: int,
    ) -> None:
        cell = CELLS_BY_CONTEXT[lib.wasmtime_caller_context(caller)]
        try:
            cell.caller = caller
            words = view_at(arguments, 32 * count).cast("q") if count else ()
            values = [decode(kind, words[4 * i + 1]) for i, kind in enumerate(function.params)]
            if function.namespace not in _UNCOUNTED:
                cell.spend_call()
            cell.loop = asyncio.get_running_loop()
            cell.waiter = cell.loop.create_task(function.run(cell, *values))
            cell.answer = (function, results, trap)
        except BaseException as error:
            cell.waiter = None
            store_word(trap, cell.fail(error))
        store_continuation(then, _WHEN_DONE[1], cell.key, _NOTHING[1])

    return callback


@shielded
def _when_done(key: int | None) -> bool:
    cell = CELLS[key or 0]
    waiter = cell.waiter
    if waiter is None:
        return True
    if not waiter.done():
        return False
    cell.waiter = None
    function, results, trap = cell.answer
    try:
        if cell.cancelled and waiter.cancelled():
            raise cancelled()
        for index, word in enumerate(to_words(function, waiter.result())):
            store_word(results + 32 * index, _KIND_OF[function.results[index]])
            store_word(results + 32 * index + 8, word)
    except BaseException as error:
        store_word(trap, cell.fail(error))
    return True


_WHEN_DONE = continuation(_when_done)
_NOTHING = finalizer(guarded(lambda _environment: None))
