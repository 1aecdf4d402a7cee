"""When lanes run, and that nothing they do hurts the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.loops.lanes import DAY_S, HOUR_S, lanes
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.errors import CapacityReached, Conflict, InvalidInput, Unavailable
from omnicore.events.typed import OmegaEvent, Receiver
from omnicore.loops.lane import CycleInput, Done, LoopType
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.loops import LoopsTable

pytestmark = pytest.mark.timeout(60)


_opened: list[Database] = []


def memory() -> Store:
    _opened.append(Database.open(None))
    return _opened[-1]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Stores in memory end with their test."""
    yield
    while _opened:
        _opened.pop().close()


async def _until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0)


async def test_a_new_host_runs_nothing_until_an_interval_is_over() -> None:
    clock = ManualClock()
    async with lanes(memory(), clock=clock) as here:
        assert await here.due() == []
        clock.advance(5.0)
        assert await here.due() == [LoopType.Reactive]
        clock.advance(1800.0)
        assert sorted(await here.due()) == [LoopType.Adaptive, LoopType.Reactive]


async def test_lanes_that_were_missed_run_once_at_the_next_start() -> None:
    store, clock = memory(), ManualClock()
    async with lanes(store, clock=clock) as first:
        clock.advance(DAY_S)
        await first.due()
    clock.advance(10 * DAY_S)  # the machine was off for ten days: five hundred adaptive cycles were missed
    async with lanes(store, clock=clock) as second:
        await second.engine.idle()
        await _until(lambda: len(second.duties.ran) == 3)
        await second.engine.idle()
        assert sorted(second.duties.ran) == [LoopType.Adaptive, LoopType.Deliberative, LoopType.Reactive]
        assert await second.due() == []


async def test_the_slow_lanes_run_by_themselves_only_when_the_settings_say_so() -> None:
    clock = ManualClock()
    async with lanes(memory(), clock=clock) as here:
        clock.advance(7 * DAY_S)
        assert LoopType.Evolutionary not in await here.due()
    clock = ManualClock()
    async with lanes(memory(), clock=clock, all=True) as here:
        clock.advance(7 * DAY_S)
        assert LoopType.Evolutionary in await here.due()


async def test_nothing_runs_by_itself_where_it_is_switched_off_or_only_asked() -> None:
    for changes in ({"enabled": False}, {"work": False}):
        clock = ManualClock()
        async with lanes(memory(), clock=clock, **changes) as here:  # type: ignore[arg-type]
            clock.advance(DAY_S)
            assert await here.due() == []
            assert (await here.engine.execute_cycle(LoopType.Adaptive)).success
            assert (await here.engine.status(LoopType.Adaptive)).scheduled == ("enabled" not in changes)


async def test_a_clock_that_is_set_back_does_not_stop_a_lane() -> None:
    clock = ManualClock()
    async with lanes(memory(), clock=clock) as here:
        await here.engine.execute_cycle(LoopType.Adaptive)
        clock.at -= 100 * DAY_S
        clock.advance(HOUR_S)
        here.engine.tick()
        await here.engine.idle()
        assert here.duties.ran.count(LoopType.Adaptive) == 1  # not at once...
        due = (await here.engine.status(LoopType.Adaptive)).next_run_at
        assert due is not None
        assert due <= clock.now() + 1800.0  # ...but within an interval
        clock.advance(1800.0)
        assert await here.due() == [LoopType.Reactive, LoopType.Adaptive]


async def test_a_lease_from_before_the_clock_was_set_back_ends_as_early_as_any_other(tmp_path: Path) -> None:
    clock, store = ManualClock(), Database.open(tmp_path / "x.db")
    table = LoopsTable(store)
    async with lanes(store, clock=clock) as here:
        await here.engine.execute_cycle(LoopType.Adaptive)
        await here.engine.execute_cycle(LoopType.Deliberative)
    until = clock.now() + HOUR_S
    assert table.claim("adaptive", "host_dead", now=clock.now(), until=until, due_before=None)
    clock.at -= 100 * DAY_S
    async with lanes(store, clock=clock) as here:
        await here.due()
        for _ in range(3):
            clock.advance(1800.0)
            await here.due()
        assert LoopType.Adaptive in here.duties.ran
    store.close()


async def test_every_lane_runs_when_somebody_asks_and_says_what_it_did() -> None:
    async with lanes(memory()) as here:
        for kind in LoopType:
            done = await here.engine.execute_cycle(kind, CycleInput({"a": 1}, "asked", ["try"]))
            assert (done.loop_type, done.success) == (kind, True)
            assert done.cycle_id.startswith("cyc_")
            status = await here.engine.status(kind)
            assert (status.cycles_completed, status.failures, status.running) == (1, 0, False)
            assert status.last_run_at == here.clock.now()
        assert here.engine.totals() == dict.fromkeys(LoopType, 1)
        whole = await here.engine.status()
        assert (whole.loop_type, whole.cycles_completed) == (None, 7)


async def test_a_cycle_is_told_when_it_begins_and_when_it_ends() -> None:
    async with lanes(memory()) as here:
        receiver = Receiver(here.bus)
        done = await here.engine.execute_cycle(LoopType.Adaptive)
        receiver.close()
        began, ended = await receiver.recv(), await receiver.recv()
        assert began == OmegaEvent.LoopCycleStarted(LoopType.Adaptive, done.cycle_id)
        assert ended == OmegaEvent.LoopCycleCompleted(LoopType.Adaptive, done.cycle_id, True)


async def test_a_duty_that_fails_is_counted_and_told_and_the_lane_goes_on() -> None:
    clock = ManualClock()
    async with lanes(memory(), clock=clock) as here:
        receiver = Receiver(here.bus)

        def boom(kind: LoopType, given: CycleInput) -> Any:
            raise RuntimeError("the disk is on fire")

        here.duties.then = boom
        done = await here.engine.execute_cycle(LoopType.Adaptive)
        assert not done.success
        assert done.results["problem"] == "the disk is on fire"
        receiver.close()
        events = [event async for event in _all(receiver)]
        assert OmegaEvent.ErrorOccurred("loops.adaptive", "the disk is on fire") in events
        here.duties.then = lambda kind, given: None
        clock.advance(1800.0)
        assert LoopType.Adaptive in await here.due()
        status = await here.engine.status(LoopType.Adaptive)
        assert (status.cycles_completed, status.failures) == (2, 1)


async def _all(receiver: Receiver) -> Any:
    while (event := await receiver.recv()) is not None:
        yield event


async def test_a_handler_that_fails_or_overruns_is_cut_and_hurts_nobody() -> None:
    async with lanes(memory(), adaptive={"deadline_s": 0.2, "concurrency": 10}) as here:

        async def good(document: Any) -> Any:
            return {"results": document["data"], "insights": ["all is well"], "next_objectives": ["rest"]}

        async def bad(document: Any) -> Any:
            raise ValueError("no")

        async def endless(document: Any) -> Any:
            await asyncio.Event().wait()

        over = asyncio.Event()

        async def stubborn(document: Any) -> Any:
            try:
                await over.wait()
            except asyncio.CancelledError:
                await over.wait()

        for name, run in {"good": good, "bad": bad, "endless": endless, "stubborn": stubborn}.items():
            here.engine.add_handler(LoopType.Adaptive, name, run)
        async with asyncio.timeout(60):
            done = await here.engine.execute_cycle(LoopType.Adaptive, CycleInput({"n": 1}))
        gave = done.results["handlers"]
        assert done.success
        assert gave["good"]["result"] == {"n": 1}
        assert (gave["bad"]["error"], gave["bad"]["message"]) == ("ValueError", "no")
        assert gave["endless"]["error"] == gave["stubborn"]["error"] == "deadline-exceeded"
        assert done.insights == ({"kind": "note", "description": "all is well", "by": "good"},)
        assert done.next_objectives == ("rest",)
        reflex = await here.engine.execute_cycle(LoopType.Reflexive)
        assert reflex.results["calls_cut"] == 2
        over.set()


async def test_handlers_run_side_by_side_up_to_the_lanes_concurrency() -> None:
    async with lanes(memory(), adaptive={"concurrency": 3}) as here:
        now, most = 0, 0

        async def handler(document: Any) -> Any:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

        for number in range(9):
            here.engine.add_handler(LoopType.Adaptive, f"h{number}", handler)
        assert (await here.engine.execute_cycle(LoopType.Adaptive)).success
        assert most == 3


async def test_two_handlers_of_one_name_are_refused() -> None:
    async def handler(document: Any) -> Any:
        return None

    async with lanes(memory()) as here:
        here.engine.add_handler(LoopType.Adaptive, "a", handler)
        with pytest.raises(Conflict, match="already"):
            here.engine.add_handler(LoopType.Adaptive, "a", handler)


async def test_cycles_of_a_lane_never_overlap_and_those_that_are_asked_for_wait_their_turn() -> None:
    clock = ManualClock()
    async with lanes(memory(), clock=clock) as here:
        go, inside = asyncio.Event(), []

        async def slow(kind: LoopType, given: CycleInput) -> Done:
            inside.append(given.context)
            await go.wait()
            return Done()

        here.duties.then = slow
        first = asyncio.create_task(here.engine.execute_cycle(LoopType.Adaptive, CycleInput(context="1")))
        await _until(lambda: inside)
        clock.advance(DAY_S)
        here.engine.tick()  # due, but one is running: it is not begun a second time
        second = asyncio.create_task(here.engine.execute_cycle(LoopType.Adaptive, CycleInput(context="2")))
        assert (await here.engine.execute_cycle(LoopType.Reflexive)).success  # another lane is not held up
        assert inside.count("1") == 1
        assert "2" not in inside
        assert (await here.engine.status(LoopType.Adaptive)).running
        go.set()
        assert (await first).success
        assert (await second).success
        await here.engine.idle()


async def test_only_so_many_may_wait_for_a_lane() -> None:
    async with lanes(memory()) as here:
        go = asyncio.Event()

        async def slow(kind: LoopType, given: CycleInput) -> Done:
            await go.wait()
            return Done()

        here.duties.then = slow
        waiting = [asyncio.create_task(here.engine.execute_cycle(LoopType.Adaptive)) for _ in range(16)]
        await asyncio.sleep(0)
        with pytest.raises(CapacityReached, match="wait"):
            await here.engine.execute_cycle(LoopType.Adaptive)
        go.set()
        assert all(done.success for done in await asyncio.gather(*waiting))


async def test_one_host_among_several_runs_a_slow_lane(open_store: OpenStore) -> None:
    clock = ManualClock()
    async with lanes(open_store(), clock=clock) as one, lanes(open_store(), clock=clock) as other:
        clock.advance(DAY_S)
        one.engine.tick()
        other.engine.tick()
        await one.engine.idle()
        await other.engine.idle()
        ran = [*one.duties.ran, *other.duties.ran]
        assert ran.count(LoopType.Deliberative) == ran.count(LoopType.Adaptive) == 1
        assert ran.count(LoopType.Reactive) == 2  # each host probes its own health
        assert (await other.engine.status(LoopType.Deliberative)).cycles_completed == 1
        assert LoopType.Deliberative not in [*await one.due(), *await other.due()]


async def test_a_lane_that_another_host_runs_now_is_refused_and_free_again_when_that_host_died(
    open_store: OpenStore,
) -> None:
    clock = ManualClock()
    async with lanes(open_store(), clock=clock) as one, lanes(open_store(), clock=clock) as other:
        inside = asyncio.Event()

        async def endless(kind: LoopType, given: CycleInput) -> Done:
            inside.set()
            await asyncio.Event().wait()
            return Done()

        one.duties.then = endless
        running = asyncio.create_task(one.engine.execute_cycle(LoopType.Adaptive))
        await inside.wait()
        with pytest.raises(Conflict, match="another host"):
            await other.engine.execute_cycle(LoopType.Adaptive)
        clock.advance(300.0 + 31.0)  # as if it had been killed: its lease is over
        assert (await other.engine.execute_cycle(LoopType.Adaptive)).success
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (await other.engine.status(LoopType.Adaptive)).cycles_completed == 1


async def test_a_cycle_that_is_broken_off_while_it_takes_its_lane_gives_it_back(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, taken, go_on = ManualClock(), threading.Event(), threading.Event()
    claim = LoopsTable.claim

    def slow(self: LoopsTable, *values: Any, **more: Any) -> int | None:
        fence = claim(self, *values, **more)
        taken.set()
        assert go_on.wait(60)
        return fence

    async with lanes(open_store(), clock=clock) as one, lanes(open_store(), clock=clock) as other:
        monkeypatch.setattr(LoopsTable, "claim", slow)
        running = asyncio.create_task(one.engine.execute_cycle(LoopType.Adaptive))
        assert await asyncio.to_thread(taken.wait, 10)
        running.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        assert (await other.engine.execute_cycle(LoopType.Adaptive)).success


async def test_a_cycle_that_is_broken_off_gives_its_lane_back() -> None:
    async with lanes(memory()) as here:
        inside = asyncio.Event()

        async def endless(kind: LoopType, given: CycleInput) -> Done:
            inside.set()
            await asyncio.Event().wait()
            return Done()

        here.duties.then = endless
        running = asyncio.create_task(here.engine.execute_cycle(LoopType.Adaptive))
        await inside.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        here.duties.then = lambda kind, given: None
        assert (await here.engine.execute_cycle(LoopType.Adaptive)).success
        assert (await here.engine.status(LoopType.Adaptive)).cycles_completed == 1


async def test_counters_outlive_the_host_those_of_the_fast_lanes_too() -> None:
    store = memory()
    async with lanes(store) as first:
        await first.engine.execute_cycle(LoopType.Reflexive)
        await first.engine.execute_cycle(LoopType.Reactive)
        await first.engine.execute_cycle(LoopType.Evolutionary)
    async with lanes(store) as second:
        totals = second.engine.totals()
        assert [totals[kind] for kind in (LoopType.Reflexive, LoopType.Reactive, LoopType.Evolutionary)] == [1, 1, 1]
        assert (await second.engine.status(LoopType.Evolutionary)).avg_duration >= timedelta()


async def test_when_the_lanes_are_degraded_only_the_two_fastest_run_until_they_are_well() -> None:
    clock = ManualClock()
    async with lanes(memory(), clock=clock) as here:
        here.engine.degrade(True)
        clock.advance(DAY_S)
        assert await here.due() == [LoopType.Reactive]
        with pytest.raises(Unavailable, match="degraded"):
            await here.engine.execute_cycle(LoopType.Adaptive)
        assert (await here.engine.execute_cycle(LoopType.Reactive)).success
        here.engine.degrade(False)
        assert LoopType.Deliberative in await here.due()


async def test_an_event_that_a_rule_looks_at_wakes_the_reflexive_lane_and_others_do_not() -> None:
    async with lanes(memory(), reflexive={"interval_s": 0.01}) as here:
        for _ in range(50):
            here.bus.publish("counter.added", {"n": 1})
            here.bus.publish("memory.stored", {"tier": "semantic", "id": "m"})
        await asyncio.sleep(0.02)
        assert here.engine.totals()[LoopType.Reflexive] == 0
        here.bus.publish("health.changed", {"component": "loops", "old": "Healthy", "new": "Degraded"})
        await _until(lambda: here.engine.essential_only)
        await _until(lambda: here.engine.totals()[LoopType.Reflexive] == 1)
        here.bus.publish("health.changed", {"component": "loops", "old": "Degraded", "new": "Healthy"})
        await _until(lambda: not here.engine.essential_only)


async def test_a_stopped_engine_takes_no_cycles() -> None:
    async with lanes(memory()) as here:
        pass
    with pytest.raises(Unavailable, match="do not run"):
        await here.engine.execute_cycle(LoopType.Adaptive)


@pytest.mark.parametrize(
    "given",
    [
        CycleInput({"blob": "x" * 300_000}),
        CycleInput({"bad": object()}),
        CycleInput({"bad": float("nan")}),
        CycleInput(context="x" * 20_000),
        CycleInput(objectives=["x"] * 101),
        CycleInput(objectives="one text"),
        CycleInput(objectives=["x" * 2_000]),
        CycleInput(data=[1]),  # type: ignore[arg-type]
    ],
)
async def test_an_input_that_is_too_big_or_not_plain_is_refused(given: CycleInput) -> None:
    async with lanes(memory()) as here:
        with pytest.raises(InvalidInput):
            await here.engine.execute_cycle(LoopType.Adaptive, given)
