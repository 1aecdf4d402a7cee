"""An event loop on a thread of its own, where all connectors live.

Guests are called from many loops and threads, and a pool of connections belongs to one loop. So the calls come to
the connections: a hop costs 60 us, once, and pools, rates and bounds hold for the whole process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from omnicore.errors import Unavailable

__all__ = ["Lane"]

_T = TypeVar("_T")


class Lane:
    """Runs coroutines. The thread begins with the first one and ends with `stop`; it can begin again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._loop is not None

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs `work` there and waits; cancelling the wait cancels the work."""
        loop = self._begun(work)
        if loop is asyncio.get_running_loop():
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def run_blocking(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The same for a thread without a loop."""
        return asyncio.run_coroutine_threadsafe(work, self._begun(work)).result()

    def stop(self) -> None:
        """Cancels what runs, and ends the thread; a second time does nothing."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _begun(self, work: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                try:
                    self._thread.start()
                except RuntimeError as error:  # the machine has no thread to give
                    work.close()
                    self._loop.close()
                    self._loop = None
                    raise Unavailable(f"no thread for {self._name}: {error}", remedy="try again later") from error
            return self._loop


async def _cancel_all() -> None:
    loop = asyncio.get_running_loop()
    rest = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
