"""Clocks that jump: what waits for so long waits no longer than that, and no host is taken for dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.workflows.engines import Steps, crash, text, until, workflows_on

from omnicore.clock import SystemClock
from omnicore.errors import StorageFailed
from omnicore.storage.store import Store

OpenStore = Callable[[], Store]
HOUR = 3600.0
TASKS = "- a: {call: work.echo}\n- b: {wait: {milliseconds: 300}}\n- c: {call: work.echo}"


@dataclass
class JumpingClock(SystemClock):
    """The machine's clock, that somebody sets."""

    ahead: float = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


async def test_a_clock_that_is_set_forward_and_back_holds_no_run_up(store: Store) -> None:
    clock, steps = JumpingClock(), Steps()
    async with workflows_on(store, steps, clock=clock, park_s=0.05) as workflows:
        host = workflows.engine.journal.host
        await workflows.apply(text("waits", TASKS))
        for ahead in (HOUR, 0.0, -HOUR, HOUR):
            handle = await workflows.start("waits", 1)
            await until(lambda: steps.counts["echo"] % 2)
            clock.ahead = ahead
            assert await workflows.output(handle.id, timeout_s=5) == 1
        assert workflows.engine.journal.host == host


async def test_a_timer_that_was_set_in_the_future_is_not_late_after_a_crash(
    open_store: OpenStore, tmp_path: Path
) -> None:
    async def before() -> str:
        async with workflows_on(open_store(), Steps(), tmp_path, clock=JumpingClock(HOUR)) as workflows:
            await workflows.apply(text("waits", TASKS))
            handle = await workflows.start("waits", 1)
            await until(lambda: handle.id in workflows.engine.runner.live)
            await until(lambda: workflows.engine.runner.live[handle.id].timed)
            workflows.engine.journal.close = _gone  # type: ignore[method-assign]
            await crash()
        return handle.id

    run = await asyncio.to_thread(lambda: asyncio.run(before()))
    async with workflows_on(open_store(), Steps(), tmp_path) as workflows:
        assert await workflows.output(run, timeout_s=10) == 1


async def _gone() -> None:
    raise StorageFailed("the process is dead")
