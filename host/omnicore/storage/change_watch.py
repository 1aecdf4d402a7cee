"""The watch for changes: takes up what other hosts write to a shared database, soon after they wrote it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from omnicore.errors import OmniError

if TYPE_CHECKING:
    from collections.abc import Callable

    from omnicore.storage.store import Changes, Store


_log = logging.getLogger("omnicore.storage")
_QUIET_S = 10.0
"""Time between two looks of a host that is notified: at rest it asks nothing else."""


class ChangeWatch:
    """Looks at the database after each notification of another process, and from time to time without one.

    Args:
        look: reads what is new; runs on a thread. What it raises is logged once, and the next look tries again.
        pause_s: least time between two looks, so that a busy fleet costs a host a bounded number of reads.
        poll_s: time between two looks where nothing is notified.
    """

    def __init__(
        self, name: str, store: Store, look: Callable[[], object], *, pause_s: float, poll_s: float = 1.0
    ) -> None:
        self._name, self._store, self._look = name, store, look
        self._pause_s, self._poll_s = pause_s, poll_s
        self._changes: Changes | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._failing = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begins, with a first look."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name=f"omnicore-{self._name}")

    def stir(self) -> None:
        """Asks for a look at once, from any thread: notifications tell nothing of what this process wrote itself."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._news.set)

    async def stop(self) -> None:
        """Ends it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._changes is not None:
            self._changes.close()
            self._changes = None

    async def _run(self) -> None:
        while True:
            await self._listen()
            self._news.clear()
            await self._looked()
            await asyncio.sleep(self._pause_s)
            with suppress(TimeoutError):
                heard = self._changes is not None and self._changes.works and not self._failing
                async with asyncio.timeout(_QUIET_S if heard else self._poll_s):
                    await self._news.wait()

    async def _looked(self) -> None:
        try:
            await asyncio.to_thread(self._look)
            self._failing = False
        except Exception as error:
            if not self._failing:
                expected = isinstance(error, OmniError)
                _log.warning("%s waits: %s", self._name, error, exc_info=None if expected else error)
            self._failing = True

    async def _listen(self) -> None:
        if self._changes is None or not self._changes.works:
            with suppress(OmniError):
                self._changes = await asyncio.to_thread(self._store.changes)
                if self._changes is not None:
                    self._changes.begin(self._news.set)
