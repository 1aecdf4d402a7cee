"""A few open connections to one server, lent out one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

__all__ = ["Pooled"]

_T = TypeVar("_T")


class Pooled(Generic[_T]):
    """Connections on one event loop. One that was used comes back only when `reset` has cleaned it.

    Args:
        most: how many may be open at once; further users wait.
        reset: takes away what the last user left (session settings, locks, temporary tables); False drops it.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[_T]],
        reset: Callable[[_T], Awaitable[bool]],
        close: Callable[[_T], Awaitable[None]],
        *,
        most: int,
    ) -> None:
        self._connect, self._reset, self._close = connect, reset, close
        self._room = asyncio.Semaphore(most)
        self._idle: list[_T] = []
        self._closed = False

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[_T]:
        """A connection; one whose block fails or is cancelled is closed and never lent again."""
        async with self._room:
            one = self._idle.pop() if self._idle else await self._connect()
            good = False
            try:
                yield one
                good = not self._closed and await self._reset(one)
            finally:
                if good:
                    self._idle.append(one)
                else:
                    await asyncio.shield(self._close(one))

    async def close(self) -> None:
        """Closes those that nobody uses; the others go when they come back."""
        self._closed = True
        while self._idle:
            await self._close(self._idle.pop())
