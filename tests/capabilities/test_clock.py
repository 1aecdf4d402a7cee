"""Time and random numbers are open to every plugin, and repeatable where its WASI grant says so."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.capabilities.double import CallDouble, House, plugin

from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import WasiGrant


def call(house: House, name: str, value: int, wasi: WasiGrant | None = None, times: int = 1) -> list[Any]:
    doors = house.doors(plugin(wasi=wasi))
    one = next(function for function in doors.functions if function.name == name)
    double = CallDouble()
    results = [one.run(double, value) for _ in range(times)]
    return results if name.startswith("clock") else [double.read(handle) for handle in results]


def test_the_wall_clock_is_the_machines(house: House) -> None:
    before = time.time_ns()
    (now,) = call(house, "clock_now_v1", 0)
    assert before <= now <= time.time_ns()


def test_elapsed_time_grows_and_says_nothing_of_the_machine(house: House) -> None:
    one, other = call(house, "clock_now_v1", 1, times=2)
    assert 0 <= one <= other < 60 * 10**9


def test_a_clock_that_is_not_there_ends_the_call(house: House) -> None:
    with pytest.raises(GuestFailed, match="there is no clock 7"):
        call(house, "clock_now_v1", 7)


def test_random_bytes_are_as_many_as_asked_and_never_the_same(house: House) -> None:
    one, other = call(house, "random_fill_v1", 32, times=2)
    assert len(one) == len(other) == 32
    assert one != other
    assert call(house, "random_fill_v1", 0) == [b""]
    with pytest.raises(GuestFailed, match="at most 65536"):
        call(house, "random_fill_v1", 65_537)
    with pytest.raises(GuestFailed, match="at most 65536"):
        call(house, "random_fill_v1", -1)


def test_a_grant_freezes_the_clock_and_fixes_the_numbers(house: House) -> None:
    grant = WasiGrant(frozen_clock_ns=5, seed=b"seed")
    assert call(house, "clock_now_v1", 0, grant, times=2) == [5, 5]
    drawn = call(house, "random_fill_v1", 8, grant, times=2)
    assert drawn[0] != drawn[1]
    assert call(house, "random_fill_v1", 8, grant, times=2) == drawn
    assert call(house, "random_fill_v1", 8, WasiGrant(seed=b"another"), times=2) != drawn
