"""Host functions as C callbacks: numbers in, numbers out, nothing raised.

One callback serves every instance of a template; the environment it is called with names the cell that runs.
Whatever a host function raises, KeyboardInterrupt and CancelledError too, is kept in the cell and ends the
guest with a trap, so that the caller gets it as itself.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

from omnicore.sandbox.abi import HostFunction, ValueType
from omnicore.sandbox.extism import bridge
from omnicore.sandbox.extism.interrupt import guarded

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["CELLS", "CELLS_BY_CONTEXT", "callback_for", "decode", "is_coroutine", "to_words"]

CELLS: dict[int, Cell] = {}
"""Cells by the number that C hands back to callbacks."""

CELLS_BY_CONTEXT: dict[int, Cell] = {}
"""Cells by their store's context, for callbacks that are given no number."""


def _orphan_cells() -> None:
    """The cells of a parent cannot be used in its child. They stay in `CELLS`: it may have forked in a callback."""
    for cell in CELLS.values():
        cell.orphan()


os.register_at_fork(after_in_child=_orphan_cells)

_ALL = 0xFFFFFFFFFFFFFFFF
_LOW = 0xFFFFFFFF
_MIN = -(1 << 63)
_F64, _F32, _Q, _L = Struct("=d"), Struct("=f"), Struct("=q"), Struct("=I")

_FROM_WORD: dict[ValueType, Callable[[int], Any]] = {
    "i64": lambda word: word & _ALL,
    "i32": lambda word: word & _LOW,
    "f64": lambda word: _F64.unpack(_Q.pack(word))[0],
    "f32": lambda word: _F32.unpack(_L.pack(word & _LOW))[0],
}
_TO_WORD: dict[ValueType, Callable[[Any], int]] = {
    "i64": lambda value: _whole(value, _MIN, _ALL),
    "i32": lambda value: _whole(value, -(1 << 31), _LOW) & _LOW,
    "f64": lambda value: _Q.unpack(_F64.pack(value))[0],
    "f32": lambda value: _L.unpack(_F32.pack(value))[0],
}


def decode(kind: ValueType, word: int) -> Any:
    """A raw word as the number a host function is given."""
    return _FROM_WORD[kind](word)


def is_coroutine(function: HostFunction) -> bool:
    """True for host functions that are awaited."""
    return inspect.iscoroutinefunction(function.run)


def callback_for(function: HostFunction, *, counted: bool) -> Callable[..., int | None]:
    """The callback of a host function; `counted` ones use up `limits.host_calls`.

    A coroutine function blocks the guest's thread while it runs on a loop of its own.
    """
    run = bridge.blocking(function.run) if is_coroutine(function) else function.run
    cost = 1 if counted else 0
    # The common shapes without loops: 0.5 us a call instead of 1.2.
    if function.results == ("i64",) and function.params == ("i64",):
        return _handle_to_handle(run, cost)
    if function.results == ("i64",) and function.params == ("i64", "i64"):
        return _two_handles_to_handle(run, cost)
    return _general(function, run, cost)


def _handle_to_handle(run: Callable[..., Any], cost: int) -> Callable[..., int | None]:
    @guarded
    def callback(key: int, caller: int, values: Any, _count: int) -> int | None:
        cell = CELLS[key]
        try:
            cell.caller = caller
            cell.calls_left -= cost
            if cell.calls_left < 0:
                raise cell.too_many_calls()
            result = run(cell, values[0] & _ALL)
            if result is None:
                result = 0
            elif not _MIN <= result <= _ALL:
                raise OverflowError(f"{result} does not fit an i64")
            values[0] = result
        except BaseException as error:
            return cell.fail(error)
        return None

    return callback


def _two_handles_to_handle(run: Callable[..., Any], cost: int) -> Callable[..., int | None]:
    @guarded
    def callback(key: int, caller: int, values: Any, _count: int) -> int | None:
        cell = CELLS[key]
        try:
            cell.caller = caller
            cell.calls_left -= cost
            if cell.calls_left < 0:
                raise cell.too_many_calls()
            result = run(cell, values[0] & _ALL, values[2] & _ALL)
            if result is None:
                result = 0
            elif not _MIN <= result <= _ALL:
                raise OverflowError(f"{result} does not fit an i64")
            values[0] = result
        except BaseException as error:
            return cell.fail(error)
        return None

    return callback


def _general(function: HostFunction, run: Callable[..., Any], cost: int) -> Callable[..., int | None]:
    decoders = tuple((2 * index, _FROM_WORD[kind]) for index, kind in enumerate(function.params))

    @guarded
    def callback(key: int, caller: int, values: Any, _count: int) -> int | None:
        cell = CELLS[key]
        try:
            cell.caller = caller
            cell.calls_left -= cost
            if cell.calls_left < 0:
                raise cell.too_many_calls()
            result = run(cell, *[read(values[index]) for index, read in decoders])
            for index, word in enumerate(to_words(function, result)):
                values[2 * index] = word
        except BaseException as error:
            return cell.fail(error)
        return None

    return callback


def to_words(function: HostFunction, result: Any) -> list[int]:
    """What a host function returned, as raw words. Raises: TypeError, OverflowError for what does not fit."""
    kinds = function.results
    if not kinds:
        return []
    values = result if isinstance(result, tuple) else (0 if result is None else result,)
    if len(values) != len(kinds):
        raise TypeError(f"{function.name} returned {len(values)} values, its type has {len(kinds)}")
    return [_TO_WORD[kind](value) for kind, value in zip(kinds, values, strict=True)]


def _whole(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a host function returned {type(value).__name__} where a whole number is due")
    if not least <= value <= most:
        raise OverflowError(f"{value} does not fit the result type")
    return value
