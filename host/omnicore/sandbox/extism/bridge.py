"""Coroutine host functions under a guest that blocks its thread: they run on one loop in the background."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omnicore.sandbox.extism.reasons import cancelled, overtime

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["blocking"]

_LOOK_S = 0.02  # how often a waiting call looks whether it was cancelled


class _Background:
    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="omnicore-bridge", daemon=True).start()
            return self._loop


_BACKGROUND = _Background()
os.register_at_fork(after_in_child=_BACKGROUND._forget)


def blocking(run: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function as one that waits for it, until the call's deadline or its cancellation."""

    @functools.wraps(run)
    def wait(cell: Cell, *arguments: Any) -> Any:
        future = asyncio.run_coroutine_threadsafe(run(cell, *arguments), cell.loop or _BACKGROUND.loop())
        try:
            return _result(future, cell)
        finally:
            future.cancel()

    return wait


def _result(future: concurrent.futures.Future[Any], cell: Cell) -> Any:
    while True:
        left = cell.deadline - time.monotonic()
        try:
            return future.result(timeout=max(0.0, min(_LOOK_S, left)))
        except concurrent.futures.TimeoutError:
            if future.done():
                raise  # the coroutine's own TimeoutError
        if cell.cancelled:
            raise cancelled()
        if left <= 0:
            raise overtime()
