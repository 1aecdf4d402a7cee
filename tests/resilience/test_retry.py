"""Retries: pauses, what ends them, and what the other side asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.clock import ManualClock
from omnicore.errors import InvalidInput, Unavailable
from omnicore.resilience.retry import Retry, RetryPolicy, may_pass, pause_s, read_retry_after


class Trial:
    """Work that fails a number of times, with pauses that only move a clock."""

    def __init__(self, *failures: Exception, policy: RetryPolicy | None = None, chance: float = 0.5) -> None:
        self.clock = ManualClock()
        self.pauses: list[float] = []
        self.tries = 0
        self._failures = list(failures)
        self.retry = Retry(
            policy, clock=self.clock, sleep=self._sleep, sleep_blocking=self._pause, chance=lambda: chance
        )

    def work(self) -> str:
        self.tries += 1
        if self._failures:
            raise self._failures.pop(0)
        return "well"

    async def work_async(self) -> str:
        return self.work()

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)

    async def _sleep(self, seconds: float) -> None:
        self._pause(seconds)


def run_blocking(trial: Trial) -> str:
    return trial.retry.run_blocking(trial.work)


def run_async(trial: Trial) -> str:
    return asyncio.run(trial.retry.run(trial.work_async))


both = pytest.mark.parametrize("run", [run_blocking, run_async])


@both
def test_three_retries_with_pauses_that_double(run: Callable[[Trial], str]) -> None:
    trial = Trial(*[ConnectionError()] * 3)
    assert run(trial) == "well"
    assert trial.pauses == pytest.approx([0.1, 0.2, 0.4])


@both
def test_the_fourth_failure_is_raised_itself(run: Callable[[Trial], str]) -> None:
    trial = Trial(*[ConnectionError(str(number)) for number in range(9)])
    with pytest.raises(ConnectionError, match="3"):
        run(trial)
    assert trial.tries == 4


@both
def test_what_will_not_pass_is_not_tried_again(run: Callable[[Trial], str]) -> None:
    trial = Trial(InvalidInput("wrong"))
    with pytest.raises(InvalidInput):
        run(trial)
    assert trial.tries == 1


@both
def test_no_pause_begins_that_would_end_after_the_deadline(run: Callable[[Trial], str]) -> None:
    trial = Trial(*[TimeoutError()] * 9, policy=RetryPolicy(retries=9, deadline_s=1.0))
    with pytest.raises(TimeoutError):
        run(trial)
    assert trial.pauses == pytest.approx([0.1, 0.2, 0.4])


@both
def test_the_other_side_s_wish_is_respected(run: Callable[[Trial], str]) -> None:
    trial = Trial(Unavailable("busy", retry_after_s=7))
    assert run(trial) == "well"
    assert trial.pauses == [7.0]


@both
def test_a_wish_beyond_the_longest_pause_ends_the_tries(run: Callable[[Trial], str]) -> None:
    trial = Trial(Unavailable("busy", retry_after_s=3600))
    with pytest.raises(Unavailable):
        run(trial)
    assert trial.pauses == []


def test_a_cancelled_try_is_not_repeated() -> None:
    async def scene() -> None:
        tries = 0

        async def work() -> None:
            nonlocal tries
            tries += 1
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await Retry().run(work)
        assert tries == 1

    asyncio.run(scene())


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_stays_within_its_bounds(tried: int, chance: float) -> None:
    policy = RetryPolicy()
    plain = min(30.0, 0.1 * 2.0 ** min(tried - 1, 64))
    assert plain * 0.699 <= policy.delay_s(tried, chance) <= min(30.0, plain * 1.301)


def test_the_decision_is_a_function_of_values() -> None:
    policy = RetryPolicy(retries=1)
    assert pause_s(policy, 1, elapsed_s=0, wanted_s=0, chance=0.5) == pytest.approx(0.1)
    assert pause_s(policy, 2, elapsed_s=0, wanted_s=0, chance=0.5) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("1" * 400, 111_111_111.0),
    ],
)
def test_a_retry_after_header_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert read_retry_after(text, 1_700_000_000.0) == seconds


@pytest.mark.parametrize("wrong", [{"retries": -1}, {"factor": 0.5}, {"jitter": 1.0}, {"first_s": -1}])
def test_a_policy_without_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]


def test_busy_and_broken_connections_may_pass() -> None:
    assert may_pass(Unavailable("x"))
    assert may_pass(ConnectionResetError())
    assert not may_pass(KeyError())
