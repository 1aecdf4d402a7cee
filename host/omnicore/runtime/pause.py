"""A rest that ends early when there is something to do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

__all__ = ["Pause"]


class Pause:
    """One loop's waiting between its rounds. Belongs to one event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.over = False

    def wake(self) -> None:
        """Ends the rest, or has the next one not begin."""
        self._event.set()

    def end(self) -> None:
        """Says that no more rounds are wanted."""
        self.over = True
        self._event.set()

    def clear(self) -> None:
        """Begins a round: what wakes from now on wants another one."""
        self._event.clear()

    async def rest(self, seconds: float) -> None:
        """Waits so long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
