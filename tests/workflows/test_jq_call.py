"""One evaluation: what the clock ends is tried again, and only the filter and its data decide what comes of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from omnicore.errors import CallCancelled, CapacityReached, DeadlineExceeded, FuelExhausted, GuestFailed, GuestTrapped
from omnicore.sandbox.abi import Usage
from omnicore.workflows.expressions import jq
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.expressions.jq import (
    SHARED,
    HostBusy,
    Jq,
    JqCall,
    JqFailed,
    JqFigures,
    JqHost,
    JqLimits,
    JqTurns,
)

LATE = DeadlineExceeded("timeout", limit="timeout_s")
FUEL = FuelExhausted("plugin ran out of fuel", limit="fuel")


class Sandbox:
    """Gives what it is told to. `calls` says how much time each call was given."""

    healthy = True

    def __init__(self, rooms: Rooms, script: list[Any]) -> None:
        self.rooms, self.script = rooms, script

    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        self.rooms.times.append(timeout_s)
        what = self.script.pop(0)
        if isinstance(what, Exception):
            raise what
        if what == "until cut":
            self.rooms.begun.set()
            assert self.rooms.cut.wait(30)
            raise CallCancelled("the call was cancelled")
        return bytes(what)

    async def call_async(self, export: str, data: bytes, **_: Any) -> bytes:
        return self.call(export, data)

    def cancel(self) -> None:
        self.rooms.cut.set()

    def usage(self) -> Usage:
        return Usage()

    def close(self) -> None:
        self.rooms.closed += 1


class Rooms:
    def __init__(self, short: Sequence[Any], long: Sequence[Any]) -> None:
        self.short, self.long = list(short), list(long)
        self.times: list[float | None] = []
        self.closed = 0
        self.begun, self.cut = threading.Event(), threading.Event()

    def warm_one(self) -> Sandbox:
        return Sandbox(self, self.short)

    def give_back(self, instance: Any) -> None:
        pass

    def new_one(self) -> Sandbox:
        return Sandbox(self, self.long)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture(autouse=True)
def no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jq, "_RESTS_S", (0.0, 0.0, 0.0))


def call_in(rooms: Rooms, threads: ThreadPoolExecutor, figures: JqFigures | None = None) -> JqCall:
    host = JqHost(rooms, JqTurns(1), JqTurns(1), 0.25, 10.0, lambda: threads, figures or JqFigures())
    return JqCall(host, "run", lambda: b"{}", "run_1")


async def results(rooms: Sequence[Rooms], threads: ThreadPoolExecutor) -> list[Any]:
    """What waiting on a thread and in turn gives, a room each."""
    found: list[Any] = []
    for way, one in zip(("wait", "in turn"), rooms, strict=True):
        call = call_in(one, threads)
        try:
            found.append((call.wait() if way == "wait" else await call.in_turn()).result())
        except (JqFailed, HostBusy) as error:
            found.append(error)
    return found


@pytest.mark.parametrize("first", [LATE, FUEL, GuestTrapped("wasm trap"), CapacityReached("no room"), b"no json"])
async def test_what_a_short_attempt_leaves_open_a_whole_one_decides(first: Any, threads: ThreadPoolExecutor) -> None:
    assert await results([Rooms([first], [b"7"]) for _ in range(2)], threads) == [7, 7]


async def test_what_jq_says_in_a_short_attempt_stands(threads: ThreadPoolExecutor) -> None:
    found = await results([Rooms([GuestFailed("jq: error: no")], []) for _ in range(2)], threads)
    assert [str(one) for one in found] == ["no", "no"]


@pytest.mark.parametrize("late", [LATE, CapacityReached("no room")])
async def test_an_attempt_that_the_host_had_no_time_for_is_made_again(late: Any, threads: ThreadPoolExecutor) -> None:
    assert await results([Rooms([FUEL], [late, late, b"7"]) for _ in range(2)], threads) == [7, 7]


async def test_a_host_that_never_has_time_says_so_and_blames_nobody(threads: ThreadPoolExecutor) -> None:
    rooms, figures = Rooms([FUEL], [LATE, LATE, LATE]), JqFigures()
    with pytest.raises(HostBusy, match="3 attempts"):
        call_in(rooms, threads, figures).wait().result()
    assert (figures.again, figures.given_up, rooms.closed) == (3, 1, 3)
    assert rooms.times == [0.25, 10.0, 10.0, 10.0]


async def test_a_filter_without_an_end_fails_once_its_fuel_is_used_up(threads: ThreadPoolExecutor) -> None:
    found = await results([Rooms([LATE], [LATE, FUEL]) for _ in range(2)], threads)
    assert ["too many steps" in str(one) for one in found] == [True, True]


async def test_who_is_cancelled_cuts_the_sandbox_and_gives_its_turn_back(threads: ThreadPoolExecutor) -> None:
    rooms = Rooms([FUEL], ["until cut"])
    call = call_in(rooms, threads)
    task = asyncio.create_task(call.in_turn())
    await asyncio.to_thread(rooms.begun.wait, 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.to_thread(rooms.cut.wait, 30)
    await asyncio.wait_for(call._host.long.come("another"), 30)


def test_a_short_attempt_is_made_at_once_only_where_nobody_waits(threads: ThreadPoolExecutor) -> None:
    call = call_in(Rooms([b"7"], []), threads)
    assert call._host.short.at_once()
    assert not call.at_once()
    call._host.short.over("another", 0.0)
    assert call.at_once()
    assert call.result() == 7


def test_a_valid_expression_is_never_its_authors_fault_however_little_time_there_is() -> None:
    hurried = Jq(JqLimits(timeout_s=0.001))
    with pytest.raises(HostBusy):
        hurried.evaluate("[range(20000)] | map(. * 2) | add", None, {})
    hurried.close()


def test_fuel_decides_the_same_in_a_sandbox_that_has_served_others_and_in_a_new_one() -> None:
    filter = "[range($n)] | map(. * 2) | add"
    said: list[list[bool]] = []
    for served in (False, True):
        jq = Jq(JqLimits(fuel=100_000_000))
        if served:
            for number in range(40):
                jq.evaluate(f"[range({number})] | length", None, {})
        found = []
        for count in range(1_000, 20_000, 1_000):
            try:
                jq.evaluate(filter, None, {"n": count})
            except JqFailed:
                found.append(False)
            else:
                found.append(True)
        said.append(found)
        jq.close()
    assert said[0] == said[1]
    assert {True, False} == set(said[0])


def test_a_host_without_time_is_a_fault_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = expression("[range(20000)] | map(. * 2) | add")
    SHARED.configure(JqLimits(timeout_s=0.001), cache=None)
    try:
        with pytest.raises(Exception, match="too busy") as failed:
            ask(None, {})
    finally:
        SHARED.configure(JqLimits(), cache=None)
    fault: Any = failed.value
    assert (fault.status, fault.type.rpartition("/")[2], fault.extra["code"]) == (503, "runtime", "host_busy")
