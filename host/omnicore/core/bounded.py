"""Other people's code, run for a while: plain functions on a thread, coroutines on the loop, both with a deadline.

Nothing can end a thread from outside. One whose function does not return is left behind as a daemon, so that it
holds up neither the application nor the end of the process, and a fresh thread takes its place.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a piece of work: a value, an error, or neither in time."""

    value: Any = None
    error: BaseException | None = None
    overdue: bool = False

    @property
    def ended_well(self) -> bool:
        """True when there is a value."""
        return self.error is None and not self.overdue


_Work = Callable[[], Any]
_Order = tuple[_Work, "Future[Outcome]"]


class Side:
    """Runs work beside the loop: plain functions one after the other on one thread, which the first one starts.

    Errors come back as values: an exception such as SystemExit must not end the loop on its way.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._orders: SimpleQueue[_Order | None] | None = None

    async def run(self, work: _Work, timeout_s: float) -> Outcome:
        """Calls `work`, and awaits its result if that is awaitable; both within `timeout_s`."""
        due = monotonic() + timeout_s
        if inspect.iscoroutinefunction(work):
            return await _awaited(work(), timeout_s)
        outcome = await self._on_thread(work, timeout_s)
        if outcome.ended_well and inspect.isawaitable(outcome.value):
            return await _awaited(outcome.value, max(0.0, due - monotonic()))
        return outcome

    def close(self) -> None:
        """Lets the thread end once it has nothing to do."""
        if self._orders is not None:
            self._orders.put(None)
            self._orders = None

    async def _on_thread(self, work: _Work, timeout_s: float) -> Outcome:
        if self._orders is None:
            self._orders = SimpleQueue()
            threading.Thread(target=_serve, args=(self._orders,), name=self._name, daemon=True).start()
        promise: Future[Outcome] = Future()
        self._orders.put((work, promise))
        waiting = asyncio.wrap_future(promise)
        try:
            await asyncio.wait((waiting,), timeout=timeout_s)
        except asyncio.CancelledError:
            waiting.cancel()
            self.close()
            raise
        if waiting.done():
            return waiting.result()
        waiting.cancel()  # or the thread would tell a loop that may be closed by then
        self.close()  # it is stuck; the next function gets another one
        return Outcome(overdue=True)


def within(timeout_s: float, work: _Work) -> Outcome:
    """Calls a plain function on a thread of its own and waits for it, without a loop."""
    orders: SimpleQueue[_Order | None] = SimpleQueue()
    promise: Future[Outcome] = Future()
    orders.put((work, promise))
    orders.put(None)
    threading.Thread(target=_serve, args=(orders,), name="omnicore-bounded", daemon=True).start()
    try:
        return promise.result(timeout_s)
    except TimeoutError:  # the promise itself never raises: errors are values of it
        return Outcome(overdue=True)


async def _awaited(work: Awaitable[Any], timeout_s: float) -> Outcome:
    """In a task of its own: work that swallows its cancellation is left behind, too."""
    task = asyncio.ensure_future(_settled(work))
    try:
        await asyncio.wait((task,), timeout=timeout_s)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.done():
        return Outcome(error=asyncio.CancelledError()) if task.cancelled() else task.result()
    task.cancel()
    await asyncio.sleep(0)  # it learns of it first
    return Outcome(overdue=True)


async def _settled(work: Awaitable[Any]) -> Outcome:
    try:
        return Outcome(await work)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return Outcome(error=error)


def _serve(orders: SimpleQueue[_Order | None]) -> None:
    while (order := orders.get()) is not None:
        work, promise = order
        try:
            outcome = Outcome(work())
        except BaseException as error:
            outcome = Outcome(error=error)
        with suppress(Exception):  # cancelled: its caller has gone
            promise.set_result(outcome)
        del order, work, promise, outcome  # nothing is kept alive while the thread waits
