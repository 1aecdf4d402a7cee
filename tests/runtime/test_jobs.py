"""`TaskEngine` in memory: jobs run, so many at a time, and a failing one hurts nobody."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from tests.jobs.conftest import Guests, run

from omnicore.errors import CallCancelled, CapacityReached, InvalidInput, Unavailable
from omnicore.runtime.tasks import JobPool, TaskEngine


async def double(value: int) -> int:
    return value * 2


def test_a_job_s_handle_gives_what_it_returned() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=2)
        await engine.start()
        handle = await engine.submit(double, 21)
        assert await handle == 42
        assert handle.done()
        assert await handle == 42
        await engine.stop()
        assert (engine.finished, engine.failed) == (1, 0)

    run(main())


def test_stop_drains_what_waits_for_a_worker() -> None:
    ran: list[int] = []

    async def main() -> None:
        engine = TaskEngine(workers=2)
        await engine.start()

        async def job(number: int) -> None:
            await asyncio.sleep(0)
            ran.append(number)

        for number in range(20):
            await engine.submit(job, number)
        await engine.stop()

    run(main())
    assert sorted(ran) == list(range(20))


def test_never_more_jobs_run_than_there_are_workers() -> None:
    now = most = 0

    async def main() -> None:
        nonlocal now, most

        async def job() -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1

        engine = TaskEngine(workers=3)
        await engine.start()
        for _ in range(20):
            await engine.submit(job)
        assert engine.waiting + engine.running == 20
        await engine.stop()

    run(main())
    assert (now, most) == (0, 3)


def test_a_failing_job_raises_from_its_handle_and_leaves_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        await engine.start()

        async def bad() -> None:
            raise ValueError("boom")

        failed = await engine.submit(bad)
        after = await engine.submit(double, 1)
        with pytest.raises(ValueError, match="boom"):
            await failed
        assert await after == 2
        await engine.submit(bad)  # nobody awaits this one
        await engine.stop()
        assert engine.failed == 2

    with caplog.at_level(logging.WARNING):
        run(main())
    assert "bad failed: boom" in caplog.text


def test_what_is_submitted_before_the_start_runs_after_it() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        handle = await engine.submit(double, 4)
        assert not handle.done()
        await engine.start()
        assert await handle == 8
        await engine.stop()

    run(main())


def test_an_engine_that_never_started_stops_and_says_so_to_those_who_wait() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        handle = await engine.submit(double, 4)
        await engine.stop()
        with pytest.raises(CallCancelled, match="stopped before the job began"):
            await handle

    run(main())


def test_after_the_drain_time_jobs_are_cancelled() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1, drain_s=0.01)
        await engine.start()
        stuck = await engine.submit(asyncio.Event().wait)
        behind = await engine.submit(double, 1)
        await engine.stop()
        for handle in (stuck, behind):
            with pytest.raises(CallCancelled):
                await handle

    run(main())


def test_a_job_can_be_cancelled_while_it_waits_and_while_it_runs() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        await engine.start()
        runs, waits = await engine.submit(asyncio.Event().wait), await engine.submit(double, 1)
        assert waits.cancel()
        assert runs.cancel()
        assert not runs.cancel()
        for handle in (runs, waits):
            with pytest.raises(CallCancelled, match="was cancelled"):
                await handle
        assert await (await engine.submit(double, 3)) == 6
        await engine.stop()

    run(main())


def test_who_stops_waiting_for_a_job_does_not_end_it() -> None:
    async def main() -> None:
        engine, gate = TaskEngine(workers=1), asyncio.Event()
        await engine.start()
        handle = await engine.submit(gate.wait)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_wait(handle), 0.01)
        gate.set()
        assert await handle is True
        await engine.stop()

    run(main())


async def _wait(handle: Any) -> Any:
    return await handle


def test_a_plain_function_runs_on_a_thread() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        await engine.start()
        assert await (await engine.submit(sum, [1, 2])) == 3
        await engine.stop()

    run(main())


def test_a_stopped_engine_takes_no_jobs_and_can_be_started_again() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        await engine.start()
        await engine.stop()
        with pytest.raises(Unavailable, match="start the engine again"):
            await engine.submit(double, 1)
        await engine.start()
        assert await (await engine.submit(double, 1)) == 2
        await engine.stop()

    run(main())


def test_jobs_that_wait_are_bounded() -> None:
    async def main() -> None:
        pool = JobPool(1, most=2, drain_s=0.0, ended=lambda error: None)
        pool.submit(double, 1)
        pool.submit(double, 1)
        with pytest.raises(CapacityReached, match="2 jobs wait"):
            pool.submit(double, 1)
        await pool.stop()

    run(main())


def test_what_cannot_be_run_is_refused() -> None:
    async def main() -> None:
        engine = TaskEngine(workers=1)
        for job in (None, 7, double(1)):
            with pytest.raises(InvalidInput, match="pass a coroutine function"):
                await engine.submit(job)  # type: ignore[arg-type]
            if asyncio.iscoroutine(job):
                job.close()
        with pytest.raises(InvalidInput, match=r"cannot call text\.count"):
            await engine.submit("text.count", 1)
        with pytest.raises(InvalidInput, match="takes one input"):
            await engine.submit("text.count", 1, 2)

    run(main())
    with pytest.raises(InvalidInput, match="0 workers"):
        TaskEngine(workers=0)


def test_with_a_call_a_plugin_s_function_is_a_job_too() -> None:
    async def main() -> None:
        guests = Guests()
        engine = TaskEngine(workers=1, call=guests)
        await engine.start()
        assert await (await engine.submit("text.echo", {"a": 1})) == {"a": 1}
        await engine.stop()

    run(main())
