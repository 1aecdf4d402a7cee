"""Hosts with one PostgreSQL and one NATS: what waits is seen from each, and what is stored wakes all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.fleet.fleets import TEXT, fleet
from tests.fleet.test_waiting import ONE, begun, opened, until_async
from tests.services.conftest import Servers

from omnicore.config.settings import StorageSettings, TaskSettings
from omnicore.storage.tables.tasks import TaskOrder

pytestmark = pytest.mark.services


async def test_work_of_one_database_is_seen_and_taken_up_on_each_host(
    tmp_path: Path, servers: Servers, postgresql_url: str
) -> None:
    storage = StorageSettings(url=postgresql_url)
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a", storage=storage, tasks=TaskSettings(workers=0))
        b = await made.host("b", storage=storage, tasks=TaskSettings(poll_s=3600.0))
        run = await begun(a, ONE % ("one", ""), "one")

        async def seen() -> bool:
            found = await opened(b, run)
            return bool(found and found[0].waits_for)

        await until_async(seen)
        await asyncio.to_thread(b.plugins.install, "text.wasm", TEXT.read_bytes())
        assert (await asyncio.wait_for(b.workflows.engine.ended(run), 20)).output == {"count": 2}
        stored = a.tasks.stored
        assert stored is not None
        task = await asyncio.to_thread(stored.submit, TaskOrder("text.count_vowels", "hello"))

        async def done() -> bool:
            return (await asyncio.to_thread(stored.get, task)).state == "done"

        await until_async(done)  # b looks once an hour by itself
