"""Schedules of workflows: each tick begins one run, on however many hosts, whatever clocks do."""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.storage.stores import OpenStore
from tests.workflows.triggering.rooms import NOW, room, workflow

from omnicore.clock import ManualClock
from omnicore.storage.store import Store

BERLIN = ZoneInfo("Europe/Berlin")


def at(*parts: int, fold: int = 0) -> float:
    return datetime(*parts, tzinfo=BERLIN, fold=fold).timestamp()  # type: ignore[misc, arg-type]


async def test_a_tick_begins_a_run_and_says_when(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("hourly", "- {cron: '0 * * * *', input: {at: '${ .at }', why: nightly}}"))
        first = made.schedule("hourly")[0]
        assert first is not None
        await made.tick()
        assert not made.begun()
        made.clock.advance(first - made.clock.now())
        await made.tick()
        assert made.inputs() == [{"at": first, "why": "nightly"}]
        assert made.about()[0]["kind"] == "cron"
        assert made.schedule("hourly") == [first + 3600]
        await made.tick()
        assert len(made.begun()) == 1


async def test_two_hosts_on_one_database_begin_one_run_a_tick(store: Store, open_store: OpenStore) -> None:
    clock = ManualClock(at=NOW)
    other = open_store()
    async with room(store, clock) as one, room(other, clock) as two:
        one.apply(workflow("often", "- {every: {seconds: 10}}\n- {cron: '* * * * *'}"))
        for _ in range(12):
            clock.advance(5)
            await asyncio.gather(one.tick(), two.tick())
        assert sorted(each["kind"] for each in one.about()) == ["cron", *["every"] * 6]
        assert len({(each["kind"], each["at"]) for each in one.about()}) == 7
    other.close()


@pytest.mark.parametrize(("missed", "hours"), [("skip", []), ("one", [5]), ("all", [1, 2, 3, 4, 5])])
async def test_ticks_that_were_missed_are_skipped_or_made_up_for(store: Store, missed: str, hours: list[int]) -> None:
    begin = at(2026, 6, 1, 0, 30)
    async with room(store, ManualClock(at=begin)) as made:
        made.apply(workflow("late", f"- {{cron: '0 * * * *', timezone: Europe/Berlin, missed: {missed}}}"))
        made.clock.advance(5 * 3600)  # nobody ran until 5:30
        await made.tick()
        assert [datetime.fromtimestamp(one["at"], BERLIN).hour for one in made.inputs()] == hours
        assert made.schedule("late") == [at(2026, 6, 1, 6, 0)]


async def test_in_spring_a_time_in_the_gap_comes_when_the_gap_is_over(store: Store) -> None:
    async with room(store, ManualClock(at=at(2026, 3, 28, 12, 0))) as made:
        made.apply(workflow("spring", "- {cron: '30 2 * * *', timezone: Europe/Berlin}"))
        assert made.schedule("spring") == [at(2026, 3, 29, 3, 0)]


async def test_in_autumn_a_time_that_comes_twice_ticks_once(store: Store) -> None:
    async with room(store, ManualClock(at=at(2026, 10, 24, 12, 0))) as made:
        made.apply(workflow("autumn", "- {cron: '30 2 * * *', timezone: Europe/Berlin}"))
        for _ in range(3 * 24 * 2):
            made.clock.advance(1800)
            await made.tick()
        ticks = [one["at"] for one in made.inputs()]
        assert ticks == [at(2026, 10, 25, 2, 30), at(2026, 10, 26, 2, 30), at(2026, 10, 27, 2, 30)]


async def test_after_counts_from_the_end_of_the_run_before(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("again", more="schedule: {after: {seconds: 60}}\n"))
        made.clock.advance(60)
        await made.tick()
        (run,) = made.begun()
        made.clock.advance(500)
        await made.tick()
        assert len(made.begun()) == 1, "it has not ended"
        ended = made.clock.now()
        store.apply(
            lambda session: session.execute("UPDATE workflow_runs SET ended_at = ? WHERE id = ?", (ended, run.id))
        )
        await made.tick()
        assert made.schedule("again") == [ended + 60]
        made.clock.advance(60)
        await made.tick()
        assert len(made.begun()) == 2


async def test_a_clock_that_was_set_back_repeats_no_tick_and_waits_no_hour(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("back", "- {every: {seconds: 60}}"))
        for _ in range(3):
            made.clock.advance(60)
            await made.tick()
        before = len(made.begun())
        made.clock.at -= 3600
        await made.tick()
        ahead = made.schedule("back")[0]
        assert ahead is not None
        assert 0 < ahead - made.clock.now() <= 60
        made.clock.at = NOW + 60  # the first tick comes for the second time
        await made.tick()
        assert len(made.begun()) == before


async def test_a_definition_that_is_off_or_gone_ticks_no_more_and_begins_afresh(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("off", "- {every: {seconds: 60}, missed: all}"))
        made.switch("off", on=False)
        assert made.schedule("off") == []
        made.clock.advance(600)
        made.switch("off", on=True)
        await made.tick()
        assert made.begun() == []
        assert made.schedule("off") == [made.clock.now() + 60]


async def test_what_a_change_leaves_alone_goes_on_as_it_stood(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("same", "- {every: {seconds: 100}}"))
        made.clock.advance(50)
        made.apply(workflow("same", "- {every: {seconds: 30}}\n- {every: {seconds: 100}}"))
        assert made.schedule("same") == [NOW + 80, NOW + 100]


async def test_the_clock_rests_until_the_next_tick_and_no_longer(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("soon", "- {every: {seconds: 10}}"))
        made.clock.advance(9.75)
        assert await made.tick() == pytest.approx(0.25, abs=0.001)
