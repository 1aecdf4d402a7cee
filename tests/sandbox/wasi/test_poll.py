"""Sleeping and waiting: bounded by the deadline, cut by a cancel, and virtual on a frozen clock."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from tests.sandbox.wasi.driver import Call, Guest, clock_subscription, fd_subscription

from omnicore.errors import CallCancelled, DeadlineExceeded
from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.wasi.clocks import Clocks
from omnicore.sandbox.wasi.functions import _sleep
from omnicore.sandbox.wasi.preview1 import BADF, INVAL, NOTSUP
from omnicore.sandbox.wasi.session import WasiSession

HOUR_NS = 3600 * 10**9
OUT = 24576


def test_a_short_sleep_takes_its_time_and_reports_only_the_first_timer() -> None:
    with Guest() as guest:
        started = time.monotonic()
        error, events = guest.poll(clock_subscription(7, HOUR_NS), clock_subscription(8, 30_000_000))
        assert (error, events) == (0, [(8, 0, 0, 0, 0)])
        assert time.monotonic() - started >= 0.030


def test_an_hours_sleep_ends_at_the_deadline() -> None:
    with Guest(timeout_s=0.1) as guest:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="slept"):
            guest.poll(clock_subscription(1, HOUR_NS))
        assert time.monotonic() - started < 20


def test_the_longest_sleep_there_is_ends_at_the_deadline() -> None:
    with Guest(timeout_s=0.05) as guest, pytest.raises(DeadlineExceeded):
        guest.poll(clock_subscription(1, 2**64 - 1), clock_subscription(1, 2**64 - 1, clock=0, absolute=True))


def test_a_sleep_is_cut_by_a_cancel_from_another_thread() -> None:
    with Guest() as guest:
        timer = threading.Timer(0.05, lambda: setattr(guest.call, "cancelled", True))
        timer.start()
        started = time.monotonic()
        with pytest.raises(CallCancelled):
            guest.poll(clock_subscription(1, HOUR_NS))
        assert time.monotonic() - started < 20
        timer.join()


def test_a_sleeping_coroutine_is_cut_by_wait_for_and_needs_no_interrupted() -> None:
    class Bare:
        deadline = time.monotonic() + 20

    async def sleep() -> None:
        clocks = Clocks(wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, frozen_at_ns=None)
        await asyncio.wait_for(_sleep(clocks, Bare(), HOUR_NS), 0.02)  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        asyncio.run(sleep())


def test_sleeping_moves_a_frozen_clock_at_once() -> None:
    with Guest(WasiGrant(frozen_clock_ns=1_000)) as guest:
        started = time.monotonic()
        assert guest.poll(clock_subscription(1, HOUR_NS)) == (0, [(1, 0, 0, 0, 0)])
        assert time.monotonic() - started < 20
        guest.clock_time_get(0, 0, OUT)
        assert guest.u64() == 1_000 + HOUR_NS
        guest.clock_time_get(1, 0, OUT)
        assert guest.u64() == HOUR_NS + 1
        assert guest.poll(clock_subscription(1, 2**64 - 1)) == (0, [(1, 0, 0, 0, 0)])
        guest.clock_time_get(0, 0, OUT)
        assert guest.u64() == 2**63 - 1


def test_an_absolute_time_that_has_passed_does_not_wait() -> None:
    with Guest() as guest:
        assert guest.poll(clock_subscription(1, 5, clock=0, absolute=True)) == (0, [(1, 0, 0, 0, 0)])


def test_streams_are_ready_at_once_and_timers_are_not_waited_for() -> None:
    with Guest(stdin=b"abc", output_limit=100) as guest:
        error, events = guest.poll(
            clock_subscription(1, HOUR_NS),
            fd_subscription(2, 0),
            fd_subscription(3, 1, write=True),
            fd_subscription(4, 77),
            fd_subscription(5, 1),
            clock_subscription(6, 1, clock=2),
        )
        assert error == 0
        assert events == [
            (2, 0, 1, 3, 0),
            (3, 0, 2, 100, 0),
            (4, BADF, 1, 0, 0),
            (5, BADF, 1, 0, 0),
            (6, NOTSUP, 0, 0, 0),
        ]


def test_reading_at_the_end_of_input_is_a_hangup() -> None:
    with Guest() as guest:
        assert guest.poll(fd_subscription(1, 0)) == (0, [(1, 0, 1, 0, 1)])


def test_no_subscriptions_too_many_and_unknown_kinds_are_invalid() -> None:
    with Guest() as guest:
        assert guest.poll_oneoff(0, 0, 0, OUT) == INVAL
        assert guest.poll_oneoff(0, 0, 1025, OUT) == INVAL
        assert guest.poll(b"\0" * 8 + b"\x09" + b"\0" * 39)[0] == INVAL


def test_an_open_file_is_ready(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    with Guest(WasiGrant(preopens=((str(tmp_path), "/d", False),))) as guest:
        _, fd = guest.open("a")
        assert guest.poll(fd_subscription(9, fd)) == (0, [(9, 0, 1, 5, 0)])
        assert guest.poll(fd_subscription(9, 3))[1][0][1] == BADF


def test_a_thousand_guests_sleep_on_one_loop() -> None:
    session = WasiSession(WasiGrant(), output_limit=1)

    async def sleep_all() -> None:
        call = Call(session, time.monotonic() + 20)
        await asyncio.gather(*(_sleep(session.clocks, call, 30_000_000) for _ in range(1000)))  # type: ignore[arg-type]

    asyncio.run(sleep_all())
    session.close()
