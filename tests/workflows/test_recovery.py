"""Hosts die, are silent, or have no disk left: every run goes on, and what was recorded is not done again."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.guests import ECHO
from tests.workflows.engines import Steps, crash, text, until, workflows_on

from omnicore.assembly import Host
from omnicore.config.settings import Settings, WorkflowSettings
from omnicore.errors import CallCancelled, StorageFailed
from omnicore.storage.database import Database
from omnicore.storage.host_locks import HostLocks
from omnicore.storage.store import Store
from omnicore.workflows.journal_records import Claimed

WAITS = text("waits", "- a: {call: work.echo}\n- b: {call: work.wait}\n- c: {call: work.echo}")
LISTENS = text(
    "listens", "- a: {call: work.echo}\n- b: {listen: {to: {one: {with: {type: 'it.came'}}}}}\n- c: {call: work.echo}"
)
OpenStore = Callable[[], Store]


async def _crashing(store: Store, steps: Steps, locks: Path, found: list[str], runs: int) -> None:
    async with workflows_on(store, steps, locks) as workflows:
        await workflows.apply(WAITS)
        found += [(await workflows.start("waits", number)).id for number in range(runs)]
        await until(lambda: steps.counts["wait"] == runs)
        workflows.engine.journal.close = gone  # type: ignore[method-assign]
        await crash()


def crashed(store: Store, locks: Path, *, runs: int = 1) -> tuple[list[str], Steps]:
    """Runs that were in the middle when their host died, and what it had done."""
    found: list[str] = []
    steps = Steps()
    asyncio.run(_crashing(store, steps, locks, found, runs))
    return found, steps


async def gone() -> None:
    """A process that died says no goodbye."""
    raise StorageFailed("the process is dead")


async def test_a_run_goes_on_after_a_crash_and_repeats_no_recorded_step(open_store: OpenStore, tmp_path: Path) -> None:
    found, before = await asyncio.to_thread(crashed, open_store(), tmp_path, runs=3)
    steps = Steps()
    steps.gate.set()
    async with workflows_on(open_store(), steps, tmp_path / "elsewhere") as workflows:
        assert [await workflows.output(run) for run in found] == [0, 1, 2]
        rows = (await workflows.steps(found[0])).items
        host = workflows.engine.journal.host
    assert [row.meta.get("taken_over_by") for row in rows] == [None, host, None], "the record says who went on"
    assert (before.counts, steps.counts) == ({"echo": 3, "wait": 3}, {"wait": 3, "echo": 3})
    assert len({*before.keys, *steps.keys}) == 9, "what was cut is done again under the same key"


async def test_a_host_that_stops_hands_its_runs_over(open_store: OpenStore, tmp_path: Path) -> None:
    steps = Steps()
    async with workflows_on(open_store(), steps, tmp_path, lease_s=3600) as other:
        async with workflows_on(open_store(), steps, tmp_path / "elsewhere", lease_s=3600) as workflows:
            await workflows.apply(WAITS)
            run = (await workflows.start("waits", 5)).id
            await steps.begun.wait()
        steps.gate.set()
        assert await other.output(run, timeout_s=10) == 5
    assert steps.counts["echo"] == 2


async def test_a_host_that_was_declared_dead_drops_its_runs_and_begins_anew(
    open_store: OpenStore, tmp_path: Path
) -> None:
    steps = Steps()
    async with workflows_on(open_store(), steps, tmp_path, lease_s=3600) as workflows:
        await workflows.apply(WAITS)
        handle = await workflows.start("waits", 1)
        await steps.begun.wait()
        before = workflows.engine.journal.host
        async with workflows_on(open_store(), Steps(), tmp_path / "elsewhere", lease_s=3600, work=False) as other:
            (silence,) = [one for one in await other.engine.journal.others() if one.host == before]
            assert await other.engine.journal.bury(silence) == 1
        await until(lambda: workflows.engine.journal.host != before)
        steps.gate.set()
        assert await handle == 1
    assert steps.counts["echo"] == 2


async def test_a_claim_that_comes_back_after_its_host_was_declared_dead_begins_nothing(
    open_store: OpenStore, tmp_path: Path
) -> None:
    steps, late = Steps(), list[Claimed]()
    async with workflows_on(open_store(), steps, tmp_path) as workflows:
        journal, runner = workflows.engine.journal, workflows.engine.runner
        claim, drop_all, before = journal.claim, runner.drop_all, journal.host

        async def claimed(*given: Any, **more: Any) -> list[Claimed]:
            if journal.host == before:
                late.extend(await claim(*given, **more))
            return []

        def dropped() -> None:
            drop_all()
            if late:
                runner.take_up(late.pop())

        async def settled() -> None:
            await queue_settled()
            for _ in range(100):  # the host is still the old one while what it had queued is refused
                await asyncio.sleep(0)

        queue_settled = journal._queue.settled
        journal.claim, runner.drop_all, journal._queue.settled = claimed, dropped, settled  # type: ignore[method-assign]
        others = Steps()
        async with workflows_on(open_store(), others, tmp_path / "elsewhere", work=False) as other:
            await other.apply(WAITS)
            handle = await other.start("waits", 1)
            await until(lambda: late)
            while journal.host == before:  # until no beat comes in between
                for silence in [one for one in await other.engine.journal.others() if one.host == before]:
                    await other.engine.journal.bury(silence)
        async with workflows_on(open_store(), others, tmp_path / "elsewhere") as other:
            await others.begun.wait()
            await workflows.engine._lease.renewed()
            others.gate.set()
            assert await other.output(handle.id) == 1
    assert (steps.counts, others.counts) == ({}, {"echo": 2, "wait": 1})


async def test_another_process_starts_and_cancels_runs_of_a_host(open_store: OpenStore, tmp_path: Path) -> None:
    steps = Steps()
    async with workflows_on(open_store(), steps, tmp_path) as workflows:
        await workflows.apply(WAITS)
        async with workflows_on(open_store(), Steps(), tmp_path / "elsewhere", work=False) as other:
            handle = await other.start("waits", 1)
            await steps.begun.wait()
            await handle.cancel()
            with pytest.raises(CallCancelled):
                await handle
    assert steps.cut == 1


async def test_a_signal_brings_a_parked_run_back_on_any_host(open_store: OpenStore, tmp_path: Path) -> None:
    steps = Steps()
    async with workflows_on(open_store(), steps, tmp_path, park_s=0.05) as workflows:
        await workflows.apply(LISTENS)
        handle = await workflows.start("listens", 1)
        await until(lambda: steps.counts["echo"] == 1 and not workflows.engine.runner.live)
        (waiting,) = await workflows.open(handle.id)
        event = {"id": "1", "source": "test", "type": "it.came", "specversion": "1.0", "data": {"n": 2}}
        async with workflows_on(open_store(), steps, tmp_path / "elsewhere", work=False) as other:
            assert await other.engine.journal.signal(handle.id, "event", waiting.place, event, key="1")
        assert await handle == [{"n": 2}]
        rows = (await workflows.steps(handle.id)).items
        assert not any("taken_over_by" in row.meta for row in rows), "it was put down, and not lost"


async def test_a_full_disk_holds_runs_up_and_loses_none(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store()
    if store.dialect != "sqlite":
        pytest.skip("the limit on pages is SQLite's")
    assert isinstance(store, Database)
    steps = Steps()
    async with workflows_on(store, steps, tmp_path) as workflows:
        await workflows.apply(WAITS)
        handles = [await workflows.start("waits", "x" * 3000) for _ in range(20)]
        await until(lambda: steps.counts["wait"] == 20)
        with store.write() as session:
            (pages,) = session.execute("PRAGMA page_count").fetchone()
            session.execute(f"PRAGMA max_page_count = {pages}")
        steps.gate.set()
        await until(lambda: workflows.engine.trouble)
        with store.write() as session:
            session.execute("PRAGMA max_page_count = 1000000")
        assert [len(await handle) for handle in handles] == [3000] * 20
        assert not workflows.engine.trouble
    assert steps.counts == {"echo": 40, "wait": 20}


def test_a_lock_tells_whether_a_host_lives(tmp_path: Path) -> None:
    one, other = HostLocks(tmp_path), HostLocks(tmp_path)
    name = "wfh_" + "0" * 26
    assert not other.dead(name)
    one.hold(name)
    assert not other.dead(name)
    assert not one.dead(name)
    assert not other.dead("../" + name)
    one.leave()
    assert not other.dead(name), "a host that left is no dead one"


WORKER = """
import asyncio, sys
from pathlib import Path
from omnicore.assembly import Host
from omnicore.config.settings import Settings, WorkflowSettings

async def main():
    settings = Settings(Path(sys.argv[1]), Path(sys.argv[2]), watch=False, workflows=WorkflowSettings(lease_s=2.0))
    async with Host(settings=settings) as host:
        if len(sys.argv) > 3:
            await host.workflows.apply(sys.argv[3])
            for number in range(50):
                await host.workflows.start("steps", {"n": number})
        print("begun", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_killed_process_leaves_its_runs_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/echo.wat").write_text(ECHO)
    tasks = "\n".join(
        f"- s{n}: {{call: echo.echo, with: '${{ $context // \"x\" }}'}}\n- w{n}: {{wait: {{milliseconds: 20}}}}"
        for n in range(8)
    )
    definition = text("steps", tasks.replace('$context // "x"', '"x"'))
    arguments = [sys.executable, "-c", WORKER, str(tmp_path / "plugins"), str(tmp_path / "data"), definition]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    asyncio.run(_take_over(tmp_path))


async def _take_over(folder: Path) -> None:
    # A lease that never ends: it is seen that the process is gone.
    limits = WorkflowSettings(lease_s=3600.0)
    async with Host(settings=Settings(folder / "plugins", folder / "data", watch=False, workflows=limits)) as host:
        runs = [one.id for one in (await host.workflows.page_runs(limit=100)).items]
        assert len(runs) == 50
        for run in runs:
            await host.workflows.output(run, timeout_s=20)
            assert (await host.workflows.audit(run))["ok"]
            rows = (await host.workflows.steps(run, limit=100)).items
            assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
            done = Counter(row.place for row in rows if row.kind == "call")
            assert sorted(done.values()) == [1] * 8, json.dumps(done)
