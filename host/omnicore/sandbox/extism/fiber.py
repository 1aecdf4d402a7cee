"""Guests on the event loop: the engine runs them on stacks of their own and hands control back when they wait.

Every Python function that the engine calls returns before a stack is left, so no Python frame is ever
suspended on one. CPython 3.11 to 3.13 run on foreign stacks; 3.14 measures its C stack by address and does
not, so calls take a thread there.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from omnicore.sandbox.capi.library import fast_call_async, lib, prepared
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.extism.exchange import CLOSED
from omnicore.sandbox.reasons import cancelled, overtime

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["FIBERS", "POLLING", "Fiber", "drive"]

FIBERS = (3, 11) <= sys.version_info[:2] <= (3, 13)

POLLING: set[Cell] = set()
"""Cells whose guests run on stacks of their own at this moment."""

_poll = lib.wasmtime_call_future_poll


class Fiber:
    """The arguments of one function's C call and where its answer goes, made once for a cell.

    Owns: the buffers that C writes to.
    """

    __slots__ = ("_kept", "answer", "arguments", "error")

    def __init__(self, cell: Cell, function: int, *, zeros: int, results: int) -> None:
        values, answer, error = Buffer(4 * max(1, zeros)), Buffer(4), Buffer(1)
        self._kept = (values, answer, error)
        self.answer, self.error = answer.words, error.words
        self.arguments = prepared(
            *(cell.context, function, values.address, zeros, answer.address, results),
            *(cell.trap.address, error.address),
        )


async def drive(cell: Cell, function: int, *, zeros: int = 0, results: int = 0) -> int:
    """Runs a function until it returns and gives its error pointer; trap and first result go where a
    blocking call puts them.

    A guest that loops gives way to the event loop at every tick; one whose host function waits is polled
    again when that is done. Cancelling this coroutine, or the deadline, drops the guest's stack: the cell
    cannot be used again and says so by `broken`.
    """
    fiber = cell.fibers.get(function)
    if fiber is None:
        fiber = cell.fibers[function] = Fiber(cell, function, zeros=zeros, results=results)
    cell.yields, cell.broken = 1, True
    # The store's deadline may lie ticks back; the first check would give way before the guest has done anything.
    lib.wasmtime_context_set_epoch_deadline(cell.context, 1)
    fiber.error[0] = 0
    future = fast_call_async(*fiber.arguments)
    try:
        while not _polled(cell, future):
            if cell.waiter is None:
                await asyncio.sleep(0)
            else:
                await _settled(cell, cell.waiter)
        cell.broken = False
    finally:
        lib.wasmtime_call_future_delete(future)
        cell.yields = 0
        if cell.broken:
            cell.exchange = CLOSED  # the host coroutine that is cancelled now finds its call over
        _abandon(cell)
    cell.values.words[0] = fiber.answer[1]
    return fiber.error[0]


def _polled(cell: Cell, future: int) -> bool:
    POLLING.add(cell)
    try:
        return bool(_poll(future))
    finally:
        POLLING.discard(cell)


async def _settled(cell: Cell, waiter: asyncio.Task[Any]) -> None:
    await asyncio.wait((waiter,), timeout=max(0.0, cell.seconds_left()))
    if not waiter.done():
        raise cancelled() if cell.cancelled else overtime()


def _abandon(cell: Cell) -> None:
    waiter, cell.waiter = cell.waiter, None
    if waiter is not None:
        waiter.add_done_callback(_forget)
        waiter.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # looked at, so that the loop does not report it: its call is over
