"""Keeps what the bus carries, off the path of whoever publishes: in batches, bounded, some of it lost at a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.errors import StorageFailed
from omnicore.events.bus import Event, EventBus, Subscription

__all__ = ["EventKeeper", "EventLog"]

_BATCH_S = 0.2
_BATCH = 500
_QUEUE = 10_000
_QUEUE_BYTES = 16 * 1024 * 1024
_DAY_S = 86_400.0


class EventKeeper(Protocol):
    """Where events are kept."""

    def append(self, events: Sequence[Event]) -> None:
        """Keeps events; one that is kept already is no matter. Raises: StorageFailed."""

    def trim(self, *, keep: int, before: float) -> int:
        """Forgets all but the newest, and those from before a time."""


class EventLog:
    """Writes events down for as long as `run` does.

    What is published waits up to 0.2 s for its batch, so a killed process loses that much. While the database
    cannot be written the queue fills, then its oldest events go and `dropped` counts them.
    """

    def __init__(
        self, bus: EventBus, keeper: EventKeeper, *, keep: int, days: float, clock: Clock | None = None
    ) -> None:
        self._keeper = keeper
        self._keep, self._days = keep, days
        self._clock = clock or SystemClock()
        self._events: Subscription = bus.subscribe("**", queue=_QUEUE, queue_bytes=_QUEUE_BYTES, own=True)
        self._unwritten: list[Event] = []
        self._since_trim = keep  # the first batch trims what an earlier host left
        self.written = 0
        self.last = ""
        """The id of the last event that was written: those of this host after it still wait."""

    @property
    def dropped(self) -> int:
        """Events that were lost because the database was too slow or away."""
        return self._events.dropped

    async def run(self) -> None:
        """Goes on without end. Raises: StorageFailed; what was not written is tried again by the next run."""
        while True:
            await self.flush()
            await self._events.wait()
            await asyncio.sleep(_BATCH_S)

    async def flush(self) -> None:
        """Writes all that waits. Raises: StorageFailed."""
        while self._unwritten or (taken := self._events.drain(_BATCH)):
            if not self._unwritten:
                self._unwritten = taken
            await asyncio.to_thread(self._write, self._unwritten)

    async def close(self) -> None:
        """Writes what waits, as far as that is possible, and leaves the bus."""
        try:
            await self.flush()
        except StorageFailed:
            pass  # the health of the storage told already; the host stops all the same
        finally:
            self._events.close()

    def _write(self, batch: Sequence[Event]) -> None:
        self._keeper.append(batch)
        self.written += len(batch)
        self.last = batch[-1].id
        self._since_trim += len(batch)
        if self._unwritten is batch:  # a write that was cancelled goes on, while the next one has another batch
            self._unwritten = []
        # Trimming looks at `keep` ids, so it waits until a tenth of them is new.
        if self._since_trim >= max(100, self._keep // 10):
            self._since_trim = 0
            self._keeper.trim(keep=self._keep, before=self._clock.now() - self._days * _DAY_S)
