"""Modules for the tests of applications: what they note, and how they fail."""

from __future__ import annotations

import asyncio
import threading


class Noting:
    """Notes what is asked of it, in a list shared with others."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def start(self) -> None:
        self.log.append(f"start {self.name}")

    def stop(self) -> None:
        self.log.append(f"stop {self.name}")


class NotingAsync(Noting):
    async def start(self) -> None:
        await asyncio.sleep(0)
        super().start()

    async def stop(self) -> None:
        await asyncio.sleep(0)
        super().stop()


class Failing(Noting):
    """Fails in one of its methods."""

    def __init__(self, name: str, log: list[str], *, at: str, error: BaseException) -> None:
        super().__init__(name, log)
        self.at, self.error = at, error

    def start(self) -> None:
        super().start()
        if self.at == "start":
            raise self.error

    def stop(self) -> None:
        super().stop()
        if self.at == "stop":
            raise self.error


class Hanging(Noting):
    """Does not return from one of its methods until it is let go."""

    def __init__(self, name: str, log: list[str], *, at: str) -> None:
        super().__init__(name, log)
        self.at, self.let_go = at, threading.Event()

    def start(self) -> None:
        super().start()
        if self.at == "start":
            self.let_go.wait()

    def stop(self) -> None:
        super().stop()
        if self.at == "stop":
            self.let_go.wait()


class Deaf(Noting):
    """A coroutine that swallows its being cancelled, once."""

    async def start(self) -> None:
        super().start()

    async def stop(self) -> None:
        super().stop()
        self.over = asyncio.Event()
        try:
            await self.over.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(3600)
