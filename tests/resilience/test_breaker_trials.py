"""The breaker that services share: several trials on leases, and calls handed over to it."""

from __future__ import annotations

import asyncio

import pytest

from omnicore.clock import ManualClock
from omnicore.errors import InvalidInput, Unavailable
from omnicore.resilience.breaker import Breaker, BreakerPolicy


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    return Breaker.under(BreakerPolicy(lease_s=10), clock)


def broken() -> None:
    raise OSError("away")


def opened(breaker: Breaker, clock: ManualClock) -> Breaker:
    """The breaker after five failures and its rest."""
    for _ in range(5):
        with pytest.raises(OSError, match="away"):
            breaker.call(broken)
    assert breaker.state == "open"
    clock.advance(60)
    return breaker


def test_five_failures_open_it_and_refusals_say_how_long(breaker: Breaker, clock: ManualClock) -> None:
    opened(breaker, clock)
    clock.advance(-1)
    with pytest.raises(Unavailable) as refused:
        breaker.call(lambda: 1)
    assert refused.value.details["retry_after_s"] == 1.0
    figures = breaker.figures()
    assert (figures.opened, figures.refused, figures.failed, figures.last_failure_s) == (1, 1, 5, 59)


def test_three_trials_pass_at_a_time_and_two_successes_close_it(breaker: Breaker, clock: ManualClock) -> None:
    opened(breaker, clock)
    leases = [breaker.acquire() for _ in range(4)]
    assert [lease is not None for lease in leases] == [True, True, True, False]
    breaker.success(leases[0])
    assert breaker.state == "half-open"
    assert breaker.acquire() is not None
    breaker.success(leases[1])
    assert breaker.state == "closed"


def test_one_failed_trial_opens_it_again(breaker: Breaker, clock: ManualClock) -> None:
    first, second = opened(breaker, clock).acquire(), breaker.acquire()
    breaker.success(first)
    assert breaker.failure(second)
    assert (breaker.state, breaker.figures().opened) == ("open", 2)


def test_trials_that_never_report_are_given_up(breaker: Breaker, clock: ManualClock) -> None:
    opened(breaker, clock)
    assert [breaker.allow() for _ in range(4)] == [True, True, True, False]
    clock.advance(10)
    assert [breaker.allow() for _ in range(4)] == [True, True, True, False]


def test_a_report_from_before_the_last_change_proves_nothing(breaker: Breaker, clock: ManualClock) -> None:
    old = breaker.acquire()
    opened(breaker, clock)
    breaker.acquire()
    breaker.success(old)
    breaker.failure(old)
    assert breaker.state == "half-open"


def test_a_wrong_request_is_no_failure_of_the_service(breaker: Breaker) -> None:
    def wrong() -> None:
        raise InvalidInput("no such table")

    for _ in range(10):
        with pytest.raises(InvalidInput):
            breaker.call(wrong)
    assert breaker.state == "closed"


def test_coroutines_pass_too_and_a_cancelled_one_gives_its_lease_back(breaker: Breaker, clock: ManualClock) -> None:
    async def scene() -> None:
        assert await breaker.call_async(asyncio.sleep, 0, "well") == "well"
        opened(breaker, clock)
        tasks = [asyncio.ensure_future(breaker.call_async(asyncio.sleep, 60)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not breaker.allow()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await breaker.call_async(asyncio.sleep, 0, "well") == "well"
        assert await breaker.call_async(asyncio.sleep, 0, "well") == "well"
        assert breaker.state == "closed"

    asyncio.run(scene())


def test_changes_of_state_are_told() -> None:
    clock = ManualClock()
    told: list[tuple[str, str]] = []
    breaker = Breaker(1, 5, clock, changed=lambda old, new: told.append((old, new)))
    breaker.failure()
    clock.advance(5)
    breaker.allow()
    breaker.success()
    breaker.failure()
    breaker.reset()
    assert told == [
        *(("closed", "open"), ("open", "half-open"), ("half-open", "closed"), ("closed", "open"), ("open", "closed")),
    ]


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 0)])
def test_numbers_without_sense_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="a breaker needs"):
        Breaker(successes=successes, trials=trials)
