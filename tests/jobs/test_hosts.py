"""Loops, the clock watch and a host's membership, with work that a test does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.jobs.conftest import run, until

from omnicore.clock import ManualClock, SystemClock
from omnicore.jobs.hosts import ClockWatch, Membership
from omnicore.jobs.loop import Loop
from omnicore.storage.tables.hosts import Silence


def test_a_loop_rests_longer_and_longer_until_it_is_woken_and_goes_on_after_an_error() -> None:
    async def main() -> None:
        rounds, errors = 0, []

        async def turn() -> float:
            nonlocal rounds
            rounds += 1
            if rounds == 3:
                raise OSError("the disk is full")
            return 0.0 if rounds < 3 else 60.0

        def failed(error: Exception) -> float:
            errors.append(str(error))
            return 0.0

        loop = Loop("test", turn, failed)
        loop.start()
        await until(lambda: rounds == 4)
        loop.wake()
        await until(lambda: rounds == 5)
        await loop.stop()
        assert errors == ["the disk is full"]
        assert rounds == 5

    run(main())


def test_a_loop_that_is_busy_goes_on_after_its_end() -> None:
    async def main() -> None:
        left = 3

        async def turn() -> float:
            nonlocal left
            left -= 1
            return 0.0

        loop = Loop("test", turn, lambda error: 0.0, busy=lambda: left > 0)
        loop.start()
        await loop.stop()
        assert left == 0

    run(main())


def test_a_clock_that_is_set_back_is_seen_once_and_one_that_jumps_ahead_is_not() -> None:
    clock = ManualClock()
    watch = ClockWatch(clock)
    assert watch.look() == 0.0
    clock.at += 3600
    assert watch.look() is None
    clock.at -= 7200
    assert watch.look() == 7200
    assert watch.look() is None


class Work:
    """One host's work beside that of a host that never beats."""

    def __init__(self) -> None:
        self.lives, self.away = True, False
        self.lost_count, self.beats = 0, 0
        self.over: list[str] = []
        self.sweeps = 0

    async def beat(self) -> bool:
        self.beats += 1
        if self.away:
            raise OSError("the database is away")
        return self.lives

    def lost(self) -> None:
        self.lost_count += 1
        self.lives = True

    async def others(self) -> Sequence[Silence]:
        return [one for one in (Silence("silent", 1), Silence("gone", 1)) if one.host not in self.over]

    def dead(self, host: str) -> bool:
        return host == "gone"

    async def take_over(self, silence: Silence) -> None:
        self.over.append(silence.host)

    async def set_back(self, seconds: float) -> None: ...

    async def looked(self) -> None: ...

    async def sweep(self) -> None:
        self.sweeps += 1


def test_a_member_takes_over_from_the_silent_and_gives_up_when_it_was_silent_itself() -> None:
    async def main() -> None:
        work = Work()
        member = Membership("test", work, clock=SystemClock(), lease_s=0.3, sweep_s=0.05)
        member.start()
        await until(lambda: work.over == ["gone", "silent"] and member.lease.sure and work.sweeps)
        work.lives = False
        await until(lambda: work.lost_count == 1)
        work.away = True
        await until(lambda: work.lost_count == 2 and not member.lease.sure)
        await member.stop()
        beats = work.beats
        await asyncio.sleep(0)
        assert work.beats == beats

    run(main())
