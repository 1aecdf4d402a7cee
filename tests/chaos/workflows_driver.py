"""Keeps workflows busy: starts runs, sends them events on time, twice and too late, and takes decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tests.chaos.workflows_documents import LANES, STARTED

from omnicore.assembly import Host
from omnicore.errors import Conflict, NotFound, OmniError, StorageFailed
from omnicore.storage.store import Store

__all__ = ["Driver"]

_REST_S = 0.05
_AGAIN_S = 0.1


class Driver:
    """Uses a host that runs nothing itself. `acknowledged` has each run that was started, with its number."""

    def __init__(self, host: Host, most_open: int) -> None:
        self.host, self._most_open = host, most_open
        self.acknowledged: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._fed: list[str] = []
        self._count = 0
        self.over = False

    @property
    def store(self) -> Store:
        """The database."""
        return self.host.store

    def open(self) -> int:
        """Runs that have not ended; blocking."""
        return int(self.store.rows("SELECT count(*) FROM workflow_runs WHERE ended_at IS NULL")[0][0])

    async def begin(self) -> None:
        """Starts runs until it is over, so many at once."""
        while not self.over:
            with suppress(StorageFailed):
                room = self._most_open - await asyncio.to_thread(self.open)
                for _ in range(min(room, 10)):
                    await self._begin_one()
            await asyncio.sleep(_REST_S)

    async def _begin_one(self) -> None:
        number = self._count = self._count + 1
        name = STARTED[number % len(STARTED)]
        given = {"n": number, "who": f"lane {number // len(STARTED) % LANES}"}
        # With a key: a start of which nobody knows whether it was kept is repeated.
        handle = await _surely(lambda: self.host.workflows.start(name, given, key=f"chaos-{number}"))
        self.acknowledged[handle.id] = number

    async def feed(self) -> None:
        """Gives each run that waits what it waits for, until the end."""
        while True:
            try:
                await self._feed()
            except StorageFailed:
                await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(_REST_S)

    async def _feed(self) -> None:
        waits = await asyncio.to_thread(
            self.store.rows, "SELECT run, kind FROM workflow_waits ORDER BY at DESC LIMIT 500"
        )
        for run, kind in waits:
            number = self.acknowledged.get(run)
            if kind == "event" and number is not None and run not in self._numbers:
                self._numbers[run] = number
                await self._say(run, number)
                await self._say(run, number)
                self._fed.append(run)
        if len(self._fed) > 20:  # long after it was heard
            late = self._fed.pop(0)
            await self._say(f"{late}-late", self._numbers[late])
        for one in (await self.host.workflows.approvals(limit=100)).items:
            with suppress(Conflict, NotFound):
                await self.host.workflows.decide(one.run, one.place, approve=True, by="chaos")

    async def _say(self, name: str, number: int) -> None:
        event: dict[str, Any] = {"specversion": "1.0", "id": name, "source": "https://chaos", "type": "chaos.fed"}
        event["data"] = {"n": number}
        await _surely(lambda: self.host.workflows.engine.journal.emit([event]))


async def _surely(work: Callable[[], Awaitable[Any]]) -> Any:
    """Does it again until it is done; a server may be away for a while."""
    while True:
        try:
            return await work()
        except StorageFailed:
            await asyncio.sleep(_AGAIN_S)
        except OmniError as error:
            if "wait" not in str(error):
                raise
            await asyncio.sleep(_AGAIN_S)
