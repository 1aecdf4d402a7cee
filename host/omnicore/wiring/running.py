"""A part that is started and stopped, as a block of code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

__all__ = ["Running", "running"]


class Running(Protocol):
    """A part that is started and stopped."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@asynccontextmanager
async def running(part: Running) -> AsyncIterator[None]:
    """A part that runs as long as the block does."""
    await part.start()
    try:
        yield
    finally:
        await part.stop()
