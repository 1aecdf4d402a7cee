"""Functions to call, and engines over one store that stop when the test ends."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from omnicore.clock import Clock
from omnicore.config.settings import TaskSettings
from omnicore.errors import GuestFailed, InvalidInput, Unavailable
from omnicore.events.bus import EventBus
from omnicore.jobs.tasks import StoredTasks
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.database import Database
from omnicore.storage.store import Store

QUICK = TaskSettings(lease_s=0.6, poll_s=0.05, sweep_s=60)


class Guests:
    """Stands for a host's plugins: what is called by which name, and how often."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.contexts: list[Any] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.cut = 0

    @property
    def counts(self) -> Counter[str]:
        return Counter(name for name, _ in self.calls)

    async def __call__(self, ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        self.calls.append((ref, value))
        self.contexts.append(host_context)
        return await getattr(self, ref.partition(".")[2])(value)

    async def echo(self, value: Any) -> Any:
        return value

    async def fail(self, value: Any) -> Any:
        raise GuestFailed("it said no", exit_code=1)

    async def away(self, value: Any) -> Any:
        raise Unavailable("it is in quarantine", retry_after_s=value)

    async def refuse(self, value: Any) -> Any:
        raise InvalidInput("the value is not for me")

    async def twice(self, value: Any) -> Any:
        if host_attempt(self) < 3:
            raise GuestFailed("not yet")
        return "at last"

    async def wait(self, value: Any) -> Any:
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cut += 1
            raise
        return value


def host_attempt(guests: Guests) -> int:
    return int(guests.contexts[-1].attempt)


@asynccontextmanager
async def engine_on(
    store: Store,
    guests: Guests,
    *,
    workers: int = 4,
    clock: Clock | None = None,
    bus: EventBus | None = None,
    drain_s: float = 5.0,
    **changes: Any,
) -> AsyncIterator[TaskEngine]:
    """An engine that runs as long as the block does."""
    stored = StoredTasks(store, dataclasses.replace(QUICK, **changes), clock=clock, bus=bus)
    engine = TaskEngine(workers, call=guests, stored=stored, drain_s=drain_s)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def until(true: Callable[[], object]) -> None:
    """Looks until something is true."""
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 90))


@pytest.fixture
def memory() -> Iterator[Database]:
    """A store in memory, for what is the same on every database."""
    database = Database.open(None)
    yield database
    database.close()


@pytest.fixture
def stored(store: Store) -> StoredTasks:
    return StoredTasks(store, QUICK)
