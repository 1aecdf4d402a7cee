"""A host that was stopped for longer than its lease begins nothing of what another host has done meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.clock import SystemClock
from omnicore.errors import HostLost, StorageFailed
from omnicore.storage.store import Session, Store
from omnicore.workflows.service import Workflows

OpenStore = Callable[[], Store]
TASKS = "- a: {call: work.wait}\n- b: {call: work.echo}"
TWO = text("two", TASKS)
MANY = text(
    "many",
    "- each: {for: {in: '${ [1, 2, 3, 4, 5, 6] }'}, do: [{a: {call: work.wait}}], host: {concurrency: 6}}",
)
LONG_S = 3600.0


class StoppableClock(SystemClock):
    """The clock of a process that can be stopped: when it goes on, so much time has passed."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed_s

    def now(self) -> float:
        return super().now() + self.passed_s


async def _taken_over(workflows: Workflows, other: Workflows) -> None:
    (silence,) = [one for one in await other.engine.journal.others() if one.host == workflows.engine.journal.host]
    await other.engine.journal.bury(silence)


def _silent(workflows: Workflows) -> asyncio.Event:
    """Its beats are held back until the event is set: the process was stopped, and has just gone on."""
    goes_on, beat = asyncio.Event(), workflows.engine.journal.beat

    async def held() -> bool:
        await goes_on.wait()
        return await beat()

    workflows.engine.journal.beat = held  # type: ignore[method-assign]
    return goes_on


async def test_actions_that_wait_their_turn_are_not_begun_by_a_host_that_was_stopped(
    open_store: OpenStore, tmp_path: Path
) -> None:
    clock, steps, others = StoppableClock(), Steps(), Steps()
    others.gate.set()
    async with workflows_on(open_store(), steps, tmp_path, clock=clock, lease_s=LONG_S, run_actions=2) as workflows:
        await workflows.apply(MANY)
        handle = await workflows.start("many", 1)
        await until(lambda: steps.counts["wait"] == 2)
        goes_on = _silent(workflows)
        async with workflows_on(open_store(), others, tmp_path / "elsewhere", lease_s=2 * LONG_S) as other:
            await _taken_over(workflows, other)
            await other.output(handle.id, timeout_s=10)
            assert others.counts["wait"] == 6
            clock.passed_s = LONG_S
            keep, refused = workflows.engine.journal.keep, asyncio.Event()

            async def kept(one: Any) -> Any:
                try:
                    return await keep(one)
                except HostLost:
                    refused.set()
                    raise

            workflows.engine.journal.keep = kept  # type: ignore[method-assign]
            steps.gate.set()  # what was in its hands ends, and lets the next of the queue through
            await refused.wait()
            goes_on.set()
            before = workflows.engine.journal.host
            await until(lambda: workflows.engine.journal.host != before)
            assert await handle is not None
    assert steps.counts["wait"] == 2, "an action was begun that another host had recorded"


async def test_a_step_that_was_kept_before_the_host_was_stopped_is_not_followed_by_the_next(
    open_store: OpenStore, tmp_path: Path
) -> None:
    clock, steps, others = StoppableClock(), Steps(), Steps()
    others.gate.set()
    async with workflows_on(open_store(), steps, tmp_path, clock=clock, lease_s=LONG_S) as workflows:
        await workflows.apply(TWO)
        handle = await workflows.start("two", 1)
        await steps.begun.wait()
        goes_on = _silent(workflows)
        keep, is_kept, answered = workflows.engine.journal.keep, asyncio.Event(), asyncio.Event()

        async def kept(one: Any) -> Any:
            found = await keep(one)
            is_kept.set()
            await answered.wait()
            return found

        workflows.engine.journal.keep = kept  # type: ignore[method-assign]
        steps.gate.set()
        await is_kept.wait()
        async with workflows_on(open_store(), others, tmp_path / "elsewhere", lease_s=2 * LONG_S) as other:
            await _taken_over(workflows, other)
            assert await other.output(handle.id, timeout_s=10) == 1
        clock.passed_s = LONG_S
        answered.set()
        await until(lambda: workflows.engine.runner.actions or steps.counts["echo"])
        goes_on.set()
        before = workflows.engine.journal.host
        await until(lambda: workflows.engine.journal.host != before)
        assert await handle == 1
    assert (steps.counts["echo"], others.counts["echo"]) == (0, 1)


@pytest.mark.parametrize("at", ["graph", "rows"])
async def test_a_run_that_was_being_taken_up_when_its_host_was_stopped_is_let_go(
    open_store: OpenStore, tmp_path: Path, at: str
) -> None:
    steps, others = Steps(), Steps()
    async with workflows_on(open_store(), steps, tmp_path / "first", lease_s=LONG_S) as first:
        await first.apply(text("three", f"- z: {{call: work.echo}}\n{TASKS}"))
        handle = await first.start("three", 1)
        await steps.begun.wait()
    async with workflows_on(open_store(), steps, tmp_path, lease_s=LONG_S) as workflows:
        await until(lambda: steps.counts["wait"] == 2)
        reached, goes_on = _slow(workflows, at)
        await workflows.engine.journal.release([handle.id])
        workflows.engine.runner.drop_all()
        workflows.engine.wake()
        await reached.wait()
        workflows.engine._claiming.end()
        before = workflows.engine.journal.host
        async with workflows_on(open_store(), others, tmp_path / "elsewhere", lease_s=2 * LONG_S) as other:
            await _taken_over(workflows, other)
            await others.begun.wait()
            await until(lambda: workflows.engine.journal.host != before)
            if at == "graph":
                await _settled(workflows, goes_on)
            others.gate.set()
            await other.output(handle.id, timeout_s=10)
            await _settled(workflows, goes_on)
    assert steps.counts == {"echo": 1, "wait": 2}, "a step was begun that another host had in its hands, or recorded"


async def _settled(workflows: Workflows, goes_on: asyncio.Event) -> None:
    runner = workflows.engine.runner
    goes_on.set()
    await until(lambda: not runner._taking and not runner._driving)
    assert not runner.live


def _slow(workflows: Workflows, at: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Has a run's graph, or its rows, come only when it is told so; whether they are asked for, and that."""
    reached, goes_on = asyncio.Event(), asyncio.Event()
    graphs, journal = workflows.engine.definitions.graphs, workflows.engine.journal
    get, rows = graphs.get, journal.queries.rows

    async def slow_get(digest: str) -> Any:
        reached.set()
        await goes_on.wait()
        return await get(digest)

    async def slow_rows(run: str) -> AsyncIterator[Any]:
        found = [one async for one in rows(run)]
        reached.set()
        await goes_on.wait()
        for one in found:
            yield one

    if at == "graph":
        graphs.get = slow_get  # type: ignore[method-assign]
    else:
        journal.queries.rows = slow_rows  # type: ignore[method-assign]
    return reached, goes_on


class AwayStore:
    """A store whose server is away while it is told so."""

    def __init__(self, store: Store) -> None:
        self._store, self.away = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def there(self) -> None:
        if self.away:
            raise StorageFailed("the server does not answer", remedy="start it")

    async def apply_async(self, work: Callable[[Session], Any]) -> Any:
        self.there()
        return await self._store.apply_async(work)

    def write(self, **how: Any) -> Any:
        self.there()
        return self._store.write(**how)


class Reading(Steps):
    """Steps that look something up in the host's database."""

    def __init__(self, store: AwayStore) -> None:
        super().__init__()
        self.store, self.failed = store, 0

    async def echo(self, value: Any) -> Any:
        try:
            self.store.there()
        except StorageFailed:
            self.failed += 1
            raise
        return value


async def test_a_database_that_is_away_while_a_step_looks_something_up_is_no_failure_of_the_step(
    store: Store, tmp_path: Path
) -> None:
    away = AwayStore(store)
    steps = Reading(away)
    async with workflows_on(away, steps, tmp_path) as workflows:  # type: ignore[arg-type]
        await workflows.apply(TWO)
        handle = await workflows.start("two", 1)
        await steps.begun.wait()
        perform = steps.perform

        async def performed(action: Any, run: Any) -> Any:
            away.away = away.away or (not steps.failed and action.place.endswith("b"))
            return await perform(action, run)

        steps.perform = performed  # type: ignore[method-assign]
        steps.gate.set()
        await until(lambda: steps.failed)
        away.away = False
        assert await handle == 1
        rows = (await workflows.steps(handle.id)).items
        assert [(row.name, row.status, row.attempt) for row in rows] == [("a", "completed", 1), ("b", "completed", 1)]
    assert steps.failed == 1
    assert len(set(steps.keys)) == 2


async def test_a_step_whose_data_the_database_never_gives_fails_in_the_end(store: Store, tmp_path: Path) -> None:
    away = AwayStore(store)
    steps = Reading(away)
    steps.store = AwayStore(store)
    steps.store.away = True
    async with workflows_on(away, steps, tmp_path, lease_s=0.6) as workflows:  # type: ignore[arg-type]
        await workflows.apply(text("one", "- a: {call: work.echo}"))
        handle = await workflows.start("one", 1)
        await until(lambda: steps.failed >= 5)
        await until(lambda: handle.id not in workflows.engine.runner.live)
        view = await workflows.run_view(handle.id)
        assert view.fault is not None
        assert (view.status, view.fault["status"]) == ("faulted", 503)
    assert steps.failed == 5


async def test_a_run_that_is_claimed_while_its_host_ends_is_given_back(open_store: OpenStore, tmp_path: Path) -> None:
    steps = Steps()
    tasks = "- a: {call: work.echo, with: '${ [., 1] | add }'}"
    async with workflows_on(open_store(), steps, tmp_path / "first", work=False) as first:
        await first.apply(text("one", tasks))
        async with workflows_on(open_store(), steps, tmp_path, workers=1) as workflows:
            assert await workflows.run("one", 1) == 2  # its graph is at hand from now on
            journal, runner, claimed = workflows.engine.journal, workflows.engine.runner, asyncio.Event()
            claim, stop, close, stopped = journal.claim, runner.stop, journal.close, asyncio.Event()

            async def slow(*given: Any, **more: Any) -> Any:
                found = await claim(*given, **more)
                if found:
                    claimed.set()
                    await stopped.wait()
                return found

            async def ended() -> None:
                await stop()
                stopped.set()

            async def closed() -> None:  # the database is slow just then
                await until(lambda: not runner._driving)
                await close()

            journal.claim, runner.stop, journal.close = slow, ended, closed  # type: ignore[method-assign]
            handle = await first.start("one", 1)
            await claimed.wait()
        async with workflows_on(open_store(), steps, tmp_path / "elsewhere") as other:
            assert await other.output(handle.id, timeout_s=10) == 2
