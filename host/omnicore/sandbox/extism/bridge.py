"""Coroutine host functions under a guest that blocks its thread: they run on one loop in the background."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omnicore.sandbox.background import background_loop
from omnicore.sandbox.extism.exchange import CLOSED
from omnicore.sandbox.reasons import cancelled, overtime

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["blocking"]

_LOOK_S = 0.02  # how often a waiting call looks whether it was cancelled
_PARTING_S = 0.2  # how long one that was cut waits for its coroutine to notice


def blocking(run: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function as one that waits for it, until the call's deadline or its cancellation."""

    @functools.wraps(run)
    def wait(cell: Cell, *arguments: Any) -> Any:
        over = threading.Event()

        async def told() -> Any:
            try:
                return await run(cell, *arguments)
            finally:
                over.set()

        future = asyncio.run_coroutine_threadsafe(told(), cell.loop or background_loop())
        try:
            return _result(future, cell)
        finally:
            if not future.done():
                # It may be about to touch memory that is freed when this call ends.
                cell.broken, cell.exchange = True, CLOSED
                future.cancel()
                over.wait(_PARTING_S)

    return wait


def _result(future: concurrent.futures.Future[Any], cell: Cell) -> Any:
    while True:
        left = cell.deadline - time.monotonic()
        try:
            return future.result(timeout=max(0.0, min(_LOOK_S, left)))
        except concurrent.futures.TimeoutError:
            if future.done():  # a moment ago, or with a TimeoutError of its own
                return future.result()
        if cell.cancelled:
            raise cancelled()
        if left <= 0:
            raise overtime()
