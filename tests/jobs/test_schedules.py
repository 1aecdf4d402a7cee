"""Schedules: one task for each tick, whoever and however many look."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.jobs.conftest import Guests, engine_on, run, until

from omnicore.clock import ManualClock
from omnicore.config.settings import TaskSettings
from omnicore.errors import Conflict, InvalidInput, NotFound
from omnicore.jobs.schedules import Scheduler
from omnicore.jobs.tasks import StoredTasks
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.tasks import ScheduleOrder

HOURLY = ScheduleOrder("hourly", "report.send", "interval", "3600", input={"to": "Ada"})


class Office:
    """Stored tasks with schedules and a clock to move."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.clock = clock
        self.stored = StoredTasks(store, clock=clock)
        self.schedules = Scheduler(self.stored)

    def inputs(self) -> list[Any]:
        return [view.input for view in self.stored.list(limit=500)[0]]


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store, ManualClock())


def test_each_tick_orders_one_task(office: Office) -> None:
    view = office.schedules.add(HOURLY)
    assert view.next_at == office.clock.now() + 3600
    assert office.schedules.tick() == 0
    for hour in range(1, 4):
        office.clock.advance(3600)
        assert office.schedules.tick() == 1
        assert office.schedules.tick() == 0
        assert len(office.inputs()) == hour
    view = office.schedules.get("hourly")
    task = office.stored.get(view.last_task or "")
    assert (task.function, task.owner, task.input) == ("report.send", "@schedules", {"to": "Ada"})
    assert view.last_at == task.created_at == office.clock.now()


def test_hosts_that_tick_at_once_order_one_task(office: Office, open_store: Any) -> None:
    office.schedules.add(HOURLY)
    office.clock.advance(3600)
    others = [Office(open_store(), office.clock) for _ in range(4)]
    gate = threading.Barrier(len(others))

    def tick(other: Office) -> None:
        gate.wait()
        other.schedules.tick()

    threads = [threading.Thread(target=tick, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(office.inputs()) == 1


@pytest.mark.parametrize(("missed", "runs"), [("skip", 0), ("one", 1), ("all", 10)])
def test_what_was_missed_is_made_up_for_as_asked(office: Office, missed: str, runs: int) -> None:
    office.schedules.add(ScheduleOrder("s", "a.b", "interval", "3600", missed=missed))
    office.clock.advance(10 * 3600 + 1800)
    assert office.schedules.tick() == 1
    assert len(office.inputs()) == runs
    assert office.schedules.next_at() == office.clock.now() + 1800


def test_what_is_made_up_for_is_bounded(office: Office) -> None:
    office.schedules.add(ScheduleOrder("s", "a.b", "interval", "1", missed="all"))
    office.clock.advance(1_000_000)
    office.schedules.tick()
    assert len(office.inputs()) == 100


def test_ticks_that_nobody_gets_to_are_left_out_beyond_the_bound_but_for_a_last_one(store: Store) -> None:
    clock = ManualClock()
    stored = StoredTasks(store, TaskSettings(max_pending=3), clock=clock)
    schedules = Scheduler(stored)
    schedules.add(ScheduleOrder("often", "a.b", "interval", "60"))
    schedules.add(ScheduleOrder("last", "a.b", "once", str(clock.now() + 600), input="last"))
    for _ in range(10):
        clock.advance(60)
        schedules.tick()
    assert [view.input for view in stored.list()[0]] == ["last", None, None, None]
    assert schedules.next_at() == clock.now() + 60


def test_a_tick_that_has_run_does_not_run_again_when_the_clock_is_set_back(office: Office) -> None:
    office.schedules.add(HOURLY)
    for _ in range(3):
        office.clock.advance(3600)
        office.schedules.tick()
    office.clock.at -= 2 * 3600
    office.schedules.set_back(60)
    next_at = office.schedules.next_at()
    assert next_at is not None
    assert next_at - office.clock.now() <= 3600
    for _ in range(3):
        office.clock.advance(3600)
        office.schedules.tick()
    assert len(office.inputs()) == 4  # two of the three had their task already


def test_a_single_moment_runs_once_even_when_it_has_passed(office: Office) -> None:
    for name, moment in (("soon", office.clock.now() + 10), ("passed", office.clock.now() - 10)):
        office.schedules.add(ScheduleOrder(name, "a.b", "once", str(moment), input=name))
    office.schedules.tick()
    assert office.inputs() == ["passed"]
    office.clock.advance(10)
    office.schedules.tick()
    assert sorted(office.inputs()) == ["passed", "soon"]
    assert office.schedules.next_at() is None


def test_a_schedule_is_switched_off_and_on(office: Office) -> None:
    office.schedules.add(HOURLY)
    assert office.schedules.switch("hourly", on=False).next_at is None
    office.clock.advance(7200)
    assert office.schedules.tick() == 0
    view = office.schedules.switch("hourly", on=True)
    assert (view.enabled, view.next_at) == (True, office.clock.now() + 3600)


def test_a_schedule_that_was_removed_ticks_no_more(office: Office) -> None:
    office.schedules.add(HOURLY)
    with pytest.raises(Conflict, match="there is a schedule hourly"):
        office.schedules.add(HOURLY)
    office.schedules.remove("hourly")
    office.clock.advance(3600)
    assert office.schedules.tick() == 0
    for change in (office.schedules.remove, office.schedules.get):
        with pytest.raises(NotFound):
            change("hourly")


def test_schedules_are_listed_in_pages_by_name(office: Office) -> None:
    for name in "cabed":
        office.schedules.add(ScheduleOrder(name, "a.b", "interval", "60"))
    first, cursor = office.schedules.list(3)
    rest, end = office.schedules.list(3, cursor)
    assert "".join(view.name for view in (*first, *rest)) == "abcde"
    assert end is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": 7},
        {"kind": None},
        {"spec": 60},
        {"missed": "maybe"},
        {"function": ""},
        {"attempts": 0},
        {"timeout_s": -1},
        {"input": float("nan")},
    ],
)
def test_a_schedule_that_cannot_be_is_refused(memory: Database, wrong: dict[str, Any]) -> None:
    office = Office(memory, ManualClock())
    order = {"name": "s", "function": "a.b", "kind": "interval", "spec": "60", **wrong}
    with pytest.raises(InvalidInput):
        office.schedules.add(ScheduleOrder(**order))
    assert office.schedules.list() == ([], None)


def test_a_schedule_that_cannot_be_any_more_is_switched_off_and_holds_up_no_other(
    memory: Database, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(memory, ManualClock())
    for name in ("broken", "well"):
        office.schedules.add(ScheduleOrder(name, "a.b", "interval", "60", input=name))
    with memory.write() as session:
        session.execute("UPDATE schedules SET timezone = 'Gone/Away' WHERE name = 'broken'")
    office.clock.advance(60)
    office.schedules.tick()
    assert office.inputs() == ["well"]
    assert not office.schedules.get("broken").enabled
    assert "broken is switched off" in caplog.text


def test_an_engine_ticks_and_runs_what_is_due(store: Store) -> None:
    async def main() -> None:
        guests, clock = Guests(), ManualClock()
        async with engine_on(store, guests, clock=clock) as engine:
            engine.schedules.add(ScheduleOrder("s", "text.echo", "cron", "* * * * *", input="tick"))
            clock.advance(60)
            engine.wake()
            await until(lambda: guests.calls == [("text.echo", "tick")])

    run(main())
