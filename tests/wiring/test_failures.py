"""A part of a whole host that fails: subscribers are told, health names it, and it goes on by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from omnicore.assembly import Host
from omnicore.errors import StorageFailed
from omnicore.events.typed import OmegaEvent, Receiver
from omnicore.resilience.status import HealthStatus
from omnicore.storage.tables.events import EventsTable


async def test_a_part_of_a_host_that_fails_is_told_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: EventsTable, *given: Any) -> Any:
        raise StorageFailed("the database is away")

    async def next_error() -> OmegaEvent.ErrorOccurred:
        while not isinstance(event := await receiver.recv(), OmegaEvent.ErrorOccurred):
            assert event is not None
        return event

    async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host, asyncio.timeout(60):
        receiver = Receiver(host.bus)
        with monkeypatch.context() as patch:
            patch.setattr(EventsTable, "append", away)
            host.bus.publish("order.made", {"n": 7})
            told = await next_error()
            assert (told.component, "the database is away" in told.error) == ("event-log", True)
            report = await host.health.check()
            assert report.subsystems["event-log"] is HealthStatus.Degraded
            assert "the database is away" in report.reasons["event-log"]
        assert [one.data for one in host.events.history("order.made")[0]] == [{"n": 7}]  # and it is not written yet
        while "event-log" in (await host.health.check()).reasons:
            await asyncio.sleep(0.01)
        kept = EventsTable(host.store)
        while not (rows := kept.newest("order.made", None, 10)):
            await asyncio.sleep(0.01)
        assert rows[0].data == {"n": 7}  # what it could not write at first
