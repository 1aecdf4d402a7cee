"""Guests on the event loop: the engine runs them on stacks of their own and hands control back when they wait.

Every Python function that the engine calls returns before a stack is left, so no Python frame is ever
suspended on one. CPython 3.11 to 3.13 run on foreign stacks; 3.14 measures its C stack by address and does
not, so calls take a thread there.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.extism.exchange import CLOSED
from omnicore.sandbox.extism.reasons import cancelled, overtime

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["FIBERS", "POLLING", "drive"]

FIBERS = (3, 11) <= sys.version_info[:2] <= (3, 13)

POLLING: set[Cell] = set()
"""Cells whose guests run on stacks of their own at this moment."""

_poll = lib.wasmtime_call_future_poll


async def drive(cell: Cell, function: int, *, zeros: int = 0, results: int = 0) -> int:
    """Runs a function until it returns and gives its error pointer; trap and first result go where a
    blocking call puts them.

    A guest that loops gives way to the event loop at every tick; one whose host function waits is polled
    again when that is done. Cancelling this coroutine, or the deadline, drops the guest's stack: the cell
    cannot be used again and says so by `broken`.
    """
    arguments, answer, error = Buffer(4 * max(1, zeros)), Buffer(4), Buffer(1)
    cell.loop, cell.yields, cell.broken = asyncio.get_running_loop(), 1, True
    # The store's deadline may lie ticks back; the first check would give way before the guest has done anything.
    lib.wasmtime_context_set_epoch_deadline(cell.context, 1)
    future = lib.wasmtime_func_call_async(
        *(cell.context, function, arguments.address, zeros, answer.address, results),
        *(cell.trap.address, error.address),
    )
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
    cell.values.words[0] = answer.words[1]
    return error.words[0]


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
