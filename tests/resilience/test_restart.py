"""Parts that are restarted, and given up loudly."""

from __future__ import annotations

import asyncio
import logging

import pytest

from omnicore.clock import ManualClock
from omnicore.resilience.retry import RetryPolicy, Supervised


class Part:
    """Fails as often as it is told, then runs until it is stopped."""

    def __init__(self, failures: int, lasts_s: float = 0, retries: int = 3) -> None:
        self.clock = ManualClock()
        self.left, self.lasts_s = failures, lasts_s
        self.pauses: list[float] = []
        self.told: list[tuple[str, str, bool]] = []
        self.runs = asyncio.Event()
        self.over = asyncio.Event()
        self.supervised = Supervised(
            "part",
            self._run,
            policy=RetryPolicy(retries=retries, jitter=0),
            failed=self._failed,
            clock=self.clock,
            sleep=self._sleep,
        )

    async def _run(self) -> None:
        self.clock.advance(self.lasts_s)
        if self.left:
            self.left -= 1
            raise OSError("broken")
        self.runs.set()
        await asyncio.Event().wait()

    def _failed(self, name: str, error: str, last: bool) -> None:
        self.told.append((name, error, last))
        if last:
            self.over.set()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def test_a_failed_part_is_restarted_with_growing_pauses() -> None:
    async def scene() -> None:
        part = Part(3)
        await part.supervised.start()
        async with asyncio.timeout(60):
            await part.runs.wait()
        assert part.pauses == [0.1, 0.2, 0.4]
        assert part.told == [("part", "OSError: broken", False)] * 3
        assert (part.supervised.state, part.supervised.restarts, part.supervised.probe()) == ("running", 3, None)
        await part.supervised.stop()
        assert part.supervised.state == "stopped"

    asyncio.run(scene())


def test_after_too_many_restarts_it_is_given_up_loudly_until_it_is_started(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        part = Part(5)
        await part.supervised.start()
        async with asyncio.timeout(60):
            await part.over.wait()
            await asyncio.sleep(0)
        assert part.supervised.state == "given-up"
        with pytest.raises(RuntimeError, match="part was given up after 3 restarts: OSError: broken"):
            part.supervised.probe()
        await part.supervised.start()
        async with asyncio.timeout(60):
            await part.runs.wait()
        await part.supervised.stop()

    with caplog.at_level(logging.ERROR):
        asyncio.run(scene())
    assert "part was given up" in caplog.text


def test_a_run_that_lasted_makes_the_count_start_again() -> None:
    async def scene() -> None:
        part = Part(20, lasts_s=60)
        await part.supervised.start()
        async with asyncio.timeout(60):
            await part.runs.wait()
        assert part.pauses == [0.1] * 20
        await part.supervised.stop()

    asyncio.run(scene())
