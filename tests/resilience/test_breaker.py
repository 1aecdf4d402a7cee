"""The breaker's states, moved by a manual clock."""

from __future__ import annotations

import threading

import pytest

from omnicore.clock import ManualClock
from omnicore.resilience.breaker import Breaker


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    return Breaker(failures=3, reset_s=60, clock=clock)


def fail(breaker: Breaker, times: int) -> list[bool]:
    return [breaker.failure() for _ in range(times)]


def test_a_new_breaker_lets_calls_pass(breaker: Breaker) -> None:
    assert breaker.allow()
    assert breaker.state == "closed"
    assert breaker.retry_after_s == 0.0


def test_the_last_of_the_failures_in_a_row_opens_it(breaker: Breaker) -> None:
    assert fail(breaker, 3) == [False, False, True]
    assert breaker.state == "open"
    assert not breaker.allow()


def test_a_success_between_failures_starts_the_count_again(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.success()
    assert fail(breaker, 2) == [False, False]
    assert breaker.allow()


def test_after_the_rest_exactly_one_trial_passes(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.advance(59.9)
    assert not breaker.allow()
    assert breaker.retry_after_s == pytest.approx(0.1)
    clock.advance(0.1)
    assert [breaker.allow() for _ in range(3)] == [True, False, False]
    assert breaker.state == "half-open"


def test_a_trial_that_succeeds_closes_it(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.advance(60)
    breaker.allow()
    breaker.success()
    assert breaker.state == "closed"
    assert fail(breaker, 2) == [False, False]


def test_a_trial_that_fails_opens_it_for_the_whole_rest_again(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.advance(60)
    breaker.allow()
    assert breaker.failure()
    clock.advance(59)
    assert not breaker.allow()
    clock.advance(1)
    assert breaker.allow()


def test_a_trial_that_never_reports_is_given_up(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.advance(60)
    assert breaker.allow()
    clock.advance(60)
    assert breaker.allow()


def test_late_reports_of_calls_from_before_do_not_move_an_open_breaker(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.success()
    assert breaker.failure() is False
    assert breaker.state == "open"


def test_reset_closes_it_at_once(breaker: Breaker) -> None:
    fail(breaker, 3)
    breaker.reset()
    assert breaker.allow()
    assert fail(breaker, 2) == [False, False]


def test_only_one_of_many_threads_gets_the_trial(breaker: Breaker, clock: ManualClock) -> None:
    fail(breaker, 3)
    clock.advance(60)
    together = threading.Barrier(8)
    allowed: list[bool] = []

    def ask() -> None:
        together.wait()
        allowed.append(breaker.allow())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 7 + [True]


@pytest.mark.parametrize(("failures", "reset_s"), [(0, 1.0), (1, -1.0)])
def test_settings_without_sense_are_refused(failures: int, reset_s: float) -> None:
    with pytest.raises(ValueError, match="a breaker needs"):
        Breaker(failures=failures, reset_s=reset_s)
