"""Who waits for the end of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from omnicore.workflows.entries import Fault, Outcome

__all__ = ["Ended", "Seats", "Waiters"]

Ended = tuple[str, Any, Fault | None]
"""Status, output and fault of a run that is over."""


class Seats:
    """So many callers may wait for the ends of runs at once: each holds a connection for up to a minute."""

    def __init__(self, most: int = 500) -> None:
        self._free = most

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Whether there is a seat; it is held for the block."""
        seated = self._free > 0
        self._free -= seated
        try:
            yield seated
        finally:
            self._free += seated


class Waiters:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[Ended | None]]] = {}

    def watch(self, run: str) -> asyncio.Future[Ended | None]:
        """Has how the run ended, once it ends here; None: it left this host, or may have ended elsewhere."""
        future: asyncio.Future[Ended | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run, set()).add(future)
        future.add_done_callback(partial(self._forget, run))
        return future

    def tell(self, run: str, outcome: Outcome | None) -> None:
        """Ends the waits for a run."""
        for future in tuple(self._waiting.get(run, ())):
            if not future.done():
                future.set_result(None if outcome is None else (outcome.status, outcome.output, outcome.fault))

    def beyond(self, here: Collection[str]) -> Iterator[str]:
        """Runs that somebody waits for and that are not here."""
        return (run for run in tuple(self._waiting) if run not in here)

    def _forget(self, run: str, future: asyncio.Future[Ended | None]) -> None:
        waiting = self._waiting.get(run)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[run]
