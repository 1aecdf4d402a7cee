"""Events of hosts on one database: each reaches the functions and triggers that want it once, wherever they can run."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.wiring.test_host import House, subscribe, until

from omnicore.assembly import Host
from omnicore.clock import ManualClock
from omnicore.config.settings import LoopSettings, Settings, StorageSettings
from omnicore.errors import LimitExceeded
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.tables.events import HandedTable

COUNTED = """
document: {dsl: '1.0.3', namespace: default, name: counted, version: 1.0.0}
schedule: {on: {one: {with: {type: order.made}}}}
do:
  - say: {set: {said: true}}
"""


async def test_an_event_is_handled_once_where_its_plugin_can_be_loaded(tmp_path: Path, postgresql_url: str) -> None:
    houses = []
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        houses.append(House(tmp_path / name))
    quick = {"loops": LoopSettings(enabled=False), "storage": StorageSettings(url=postgresql_url)}
    poor = Settings(plugins=tmp_path / "a", data=tmp_path / "data", watch=False, **quick)
    async with AsyncExitStack() as stack:
        hosts = [await stack.enter_async_context(one.host(**quick)) for one in houses]
        a = await stack.enter_async_context(Host(settings=poor))  # without the function that the plugin imports
        await subscribe(hosts[0], "order.*", "hear")
        everyone = [a, *hosts]
        await until(lambda: all(one.deliveries.figures().subscriptions == 1 for one in everyone))
        await a.workflows.apply(COUNTED)
        await until(lambda: all("order.made" in {two.pattern for two in one.bus.subscribers()} for one in everyone))
        for number in range(12):
            everyone[number % 3].bus.publish("order.made", number)
        await until(lambda: sum(len(one.notes) for one in houses) >= 12)
        heard = Counter(note["data"] for one in houses for note in one.notes)
        assert heard == Counter(range(12))
        assert (await asyncio.to_thread(a.plugins.get, "listener")).state == "enabled"

        async def runs() -> list[str]:
            found = await a.workflows.page_runs(workflow="counted", limit=100)
            return [one.status for one in found.items]

        async with asyncio.timeout(20):
            while await runs() != ["completed"] * 12:
                await asyncio.sleep(0.02)
        assert (a.deliveries.figures().delivered, a.deliveries.figures().failed) == (0, 0)


def test_events_that_wait_for_a_host_are_bounded_taken_once_and_forgotten(postgresql_url: str) -> None:
    store, clock = PostgresDatabase.open(postgresql_url), ManualClock(1000.0)
    try:
        table = HandedTable(store, clock, most=3)
        for event in ("e1", "e1", "e2", "e3"):
            table.give("sub", event, {"id": event})
        with pytest.raises(LimitExceeded, match="3 events wait"):
            table.give("sub", "e4", {})
        assert table.waiting() == ["sub"]
        assert table.take("sub", 2) == [{"id": "e1"}, {"id": "e2"}]
        assert table.take("sub", 2) == [{"id": "e3"}]
        assert (table.take("sub", 2), table.waiting()) == ([], [])
        table.give("sub", "late", {})
        clock.advance(61.0)
        assert (table.take("sub", 2), table.waiting()) == ([], [])
        table.give("sub", "new", {})
        assert store.rows("SELECT event FROM event_deliveries") == [("new",)]
    finally:
        store.close()
