"""A run whose step no host can do waits, says for what, and goes on when a host with the plugin comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.fleets import fleet
from tests.services.conftest import Servers

from omnicore.assembly import Host
from omnicore.config.settings import WorkflowSettings
from omnicore.storage.tables.tasks import TaskOrder

pytestmark = pytest.mark.services

ONE = """
document: {dsl: '1.0.3', namespace: default, name: %s, version: 1.0.0}
do:
  - count: {call: text.count_vowels, with: "hello"%s}
"""
PLAIN = """
document: {dsl: '1.0.3', namespace: default, name: plain, version: 1.0.0}
do:
  - say: {set: {said: true}}
"""


async def begun(host: Host, text: str, name: str) -> str:
    await host.workflows.apply(text)
    return (await host.workflows.start(name, {})).id


async def opened(host: Host, run: str) -> list[Any]:
    return [one for one in await host.workflows.open(run) if one.kind == "call"]


async def until_async(holds: Callable[[], Awaitable[Any]], within_s: float = 20.0) -> Any:
    async with asyncio.timeout(within_s):
        while not (found := await holds()):
            await asyncio.sleep(0.02)
        return found


async def test_a_run_waits_for_a_host_with_the_plugin_and_says_so(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a")
        run = await begun(a, ONE % ("one", ""), "one")

        async def waits() -> bool:
            found = await opened(a, run)
            return bool(found and found[0].waits_for)

        await until_async(waits)
        (one,) = await opened(a, run)
        assert one.waits_for == "no host of the fleet serves 'text.count_vowels' now"

        async def parked() -> bool:
            return (await a.workflows.run_view(run)).status == "waiting" and run not in a.workflows.engine.runner.live

        await until_async(parked)  # it is in nobody's hands, and still says what it waits for
        assert [one.waits_for for one in await opened(a, run)] == [
            "no host of the fleet serves 'text.count_vowels' now"
        ]
        b = await made.host("b", "text")
        ended = await asyncio.wait_for(a.workflows.engine.ended(run), 15)
        assert (ended.status, ended.output) == ("completed", {"count": 2})
        (step,) = (one for one in await a.workflows.engine.results(run) if one.name == "count")
        assert b.nats is not None
        assert (step.meta["host"], step.meta["plugin"]) == (b.nats.host, "text")
        assert await opened(a, run) == []


async def test_a_waiting_step_is_cut_by_its_timeout_and_by_a_cancellation(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a")
        late = await begun(a, ONE % ("late", ", timeout: {after: PT0.5S}"), "late")
        ended = await asyncio.wait_for(a.workflows.engine.ended(late), 15)
        assert (ended.status, (ended.fault or {}).get("status")) == ("faulted", 408)
        run = await begun(a, ONE % ("one", ""), "one")
        await until_async(lambda: opened(a, run))
        await a.workflows.cancel(run)
        assert (await asyncio.wait_for(a.workflows.engine.ended(run), 15)).status == "cancelled"


async def test_runs_that_wait_hold_up_no_others(tmp_path: Path, servers: Servers) -> None:
    crowded = WorkflowSettings(workers=4, actions=2)
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a", workflows=crowded)
        await a.workflows.apply(ONE % ("one", ""))
        await a.workflows.apply(PLAIN)
        stuck = [(await a.workflows.start("one", {})).id for _ in range(12)]
        plain = [(await a.workflows.start("plain", {})).id for _ in range(5)]
        for run in plain:
            assert (await asyncio.wait_for(a.workflows.engine.ended(run), 20)).status == "completed"
        await made.host("b", "text")
        for run in stuck:
            assert (await asyncio.wait_for(a.workflows.engine.ended(run), 20)).output == {"count": 2}


async def test_one_version_is_waited_for_too(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await made.host("a"), await made.host("b", "text")
        here = await asyncio.to_thread(b.plugins.get, "text")
        right = ONE.replace("text.count_vowels", f"text.count_vowels:{here.version}") % ("right", "")
        wrong = ONE.replace("text.count_vowels", "text.count_vowels:9.9.9") % ("wrong", "")
        run = await begun(a, right, "right")
        assert (await asyncio.wait_for(a.workflows.engine.ended(run), 15)).output == {"count": 2}
        run = await begun(a, wrong, "wrong")
        (one,) = await until_async(lambda: opened(a, run))
        await until_async(lambda: _waits(a, run))
        assert one.place


async def _waits(host: Host, run: str) -> bool:
    found = await opened(host, run)
    return bool(found and "9.9.9" in found[0].waits_for)


async def test_a_task_waits_for_a_host_with_its_plugin_and_no_attempt_is_counted(
    tmp_path: Path, servers: Servers
) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a")
        stored = a.tasks.stored
        assert stored is not None
        task = await asyncio.to_thread(stored.submit, TaskOrder("text.count_vowels", "hello", attempts=1))

        async def waits() -> bool:
            return (await asyncio.to_thread(stored.get, task)).code == "not-served"

        await until_async(waits)
        row = await asyncio.to_thread(stored.get, task)
        assert (row.state, row.attempts) == ("waiting", 0)
        assert "no host of the fleet serves 'text.count_vowels'" in (row.error or "")
        await made.host("b", "text")

        async def done() -> bool:
            return (await asyncio.to_thread(stored.get, task)).state == "done"

        await until_async(done)
        assert (await asyncio.to_thread(stored.get, task)).output == {"count": 2}
