"""Hosts and their runs: who has them, who takes over, and what reaches them meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest
from tests.storage.stores import OpenStore
from tests.workflows.journals import Told, done, entry, everything, journal_on, new, step

from omnicore.clock import ManualClock
from omnicore.errors import HostLost, RunLost
from omnicore.jobs.engine import NewRun
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_triggers import ScheduleRow, WorkflowSchedulesTable
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal_records import RunRecord


def statuses(store: Store) -> Counter[str]:
    return Counter(row[0] for row in store.rows("SELECT status FROM workflow_runs"))


async def test_a_buried_host_writes_nothing_and_its_runs_go_on_elsewhere(open_store: OpenStore) -> None:
    store = open_store()
    async with journal_on(store) as one, journal_on(open_store()) as two:
        run = (await one.start(new())).run
        await one.keep(step(run, 1, {"a": 1}))
        (silence,) = await two.others()
        assert await one.beat()
        assert await two.bury(silence) == 0
        (silence,) = await two.others()
        assert await two.bury(silence) == 1
        (record,) = store.rows("SELECT actor, action, target, after FROM audit")
        assert tuple(record) == (two.host, "workflow.takeover", silence.host, '{"runs":1}')
        before = everything(store)
        ends = await asyncio.gather(
            one.keep(step(run, 2)), one.start(new()), one.claim(5), one.release([]), return_exceptions=True
        )
        assert [type(end) for end in ends] == [HostLost, HostLost, HostLost, type(None)]
        assert everything(store) == before
        assert not await one.beat()
        with pytest.raises(RunLost):
            await one.keep(step(run, 2))
        (claimed,) = await two.claim(5)
        assert (claimed.run.id, claimed.run.seq, claimed.input) == (run, 1, {"n": 1})
        await two.keep(done(run, 2))
        assert (await two.queries.verify(run)).ok
        assert await one.open() != silence.host
        assert (await one.start(new())).owned


async def test_two_hosts_claim_a_thousand_runs_and_none_twice(open_store: OpenStore) -> None:
    async with journal_on(open_store()) as one, journal_on(open_store()) as two:
        await asyncio.gather(*(one.start(new(), room=False) for _ in range(1000)))
        taken: Counter[str] = Counter()

        async def claiming(journal: Any) -> None:
            while found := await journal.claim(37):
                taken.update(claimed.run.id for claimed in found)

        await asyncio.gather(claiming(one), claiming(two))
        assert len(taken) == 1000
        assert set(taken.values()) == {1}


async def test_what_is_urgent_is_claimed_first_and_what_is_not_due_is_not(store: Store) -> None:
    clock = ManualClock()
    async with journal_on(store, clock) as journal:
        low = (await journal.start(new(priority=1), room=False)).run
        late = (await journal.start(new(priority=9, begin_at=clock.now() + 60))).run
        high = (await journal.start(new(priority=8), room=False)).run
        assert [one.run.id for one in await journal.claim(1)] == [high]
        assert [one.run.id for one in await journal.claim(9)] == [low]
        assert RunsTable(store).next_due() == clock.now() + 60
        clock.advance(61)
        assert [one.run.id for one in await journal.claim(9)] == [late]


async def test_a_host_that_closes_leaves_its_runs_to_be_claimed_at_once(open_store: OpenStore) -> None:
    store = open_store()
    async with journal_on(open_store()) as one:
        runs = {(await one.start(new())).run for _ in range(3)}
        await one.release(sorted(runs)[:1])
        assert statuses(store) == {"pending": 1, "running": 2}
    assert statuses(store) == {"pending": 3}
    assert store.rows("SELECT 1 FROM workflow_hosts") == []
    async with journal_on(store) as two:
        assert {one.run.id for one in await two.claim(10)} == runs


async def test_a_parked_run_is_due_in_time_or_with_a_signal(store: Store) -> None:
    clock, told = ManualClock(), Told()
    async with journal_on(store, clock, told=told) as journal:
        runs = [(await journal.start(new())).run for _ in range(2)]
        await journal.keep(RunRecord(runs[0], (entry(1),), "waiting", due_at=clock.now() + 60))
        await journal.keep(RunRecord(runs[1], (entry(1),), "waiting"))
        assert await journal.claim(9) == []
        assert told.woken == 0
        assert await journal.signal(runs[1], "event", "/p", {"n": 5})
        assert told.woken == 1
        (claimed,) = await journal.claim(9)
        assert [signal.data for signal in claimed.signals] == [{"n": 5}]
        clock.advance(60)
        assert [one.run.id for one in await journal.claim(9)] == [runs[0]]


async def test_a_signal_that_comes_while_a_run_is_being_parked_is_not_slept_through(store: Store) -> None:
    told = Told()
    async with journal_on(store, told=told) as journal:
        for status, kind in (("waiting", "event"), ("suspended", "resume")):
            run = (await journal.start(new())).run
            await asyncio.gather(
                journal.signal(run, kind, "/p"),  # type: ignore[arg-type]
                journal.keep(RunRecord(run, (entry(1),), status)),  # type: ignore[arg-type]
            )
            (claimed,) = await journal.claim(9)
            assert claimed.run.id == run
            await journal.keep(RunRecord(run, (entry(2),), "completed", taken=[one.id for one in claimed.signals]))
        assert told.woken >= 2


async def test_a_suspended_run_goes_on_when_it_is_resumed_or_cancelled_only(store: Store) -> None:
    async with journal_on(store) as journal:
        run = (await journal.start(new())).run
        await journal.keep(RunRecord(run, (entry(1),), "suspended"))
        assert await journal.signal(run, "event", "/p")
        assert await journal.claim(9) == []
        assert await journal.signal(run, "resume", key="resume")
        assert not await journal.signal(run, "resume", key="resume")
        (claimed,) = await journal.claim(9)
        assert [one.kind for one in claimed.signals] == ["event", "resume"]


async def test_signals_reach_the_host_that_has_the_run(open_store: OpenStore) -> None:
    mine, theirs = Told(), Told()
    async with journal_on(open_store(), told=mine) as one, journal_on(open_store(), told=theirs) as two:
        run = (await one.start(new())).run
        big = {"text": "x" * 1000}
        assert await one.signal(run, "event", "/p", {"n": 1})
        assert await one.signal(run, "event", "/p", big)
        while len(mine.signals) < 2:
            await asyncio.sleep(0)
        assert [signal.data for signal in mine.signals] == [{"n": 1}, big]
        assert await two.signal(run, "cancel", data={"by": "ana"})
        assert theirs.signals == []
        known = frozenset(signal.id for signal in mine.signals)
        (found,) = await one.signals(known)
        assert (found.kind, found.data) == ("cancel", {"by": "ana"})
        await one.keep(RunRecord(run, (entry(1),), "cancelled", taken=(found.id,)))
        assert not await two.signal(run, "cancel")
        assert await one.signals() == []
        assert not await two.signal("run_no", "cancel")


async def test_a_run_that_ends_tells_its_parent(store: Store) -> None:
    told = Told()
    async with journal_on(store, told=told) as journal:
        run = (await journal.start(new())).run
        child = NewRun("orders", "d" * 64, parent_run=run, parent_place="/do/1", root=run, depth=1)
        started = await journal.keep(RunRecord(run, (entry(1),), children=(child, child), room=1))
        assert [one.owned for one in started] == [True, False]
        await journal.keep(RunRecord(started[0].run, (entry(1),), "completed", output={"big": "x" * 500}))
        await journal.claim(9)
        await journal.keep(RunRecord(started[1].run, (entry(1),), "faulted", fault=Fault("runtime", 500, "no")))
        while len(told.signals) < 2:
            await asyncio.sleep(0)
        found = sorted(((one.data["status"], one.place, one.data["output"]) for one in told.signals), key=repr)
        assert found == [("completed", "/do/1", {"big": "x" * 500}), ("faulted", "/do/1", None)]


async def test_runs_with_one_key_never_run_together_whoever_runs_them(open_store: OpenStore) -> None:
    store, clock = open_store(), ManualClock()
    async with journal_on(store, clock) as one, journal_on(open_store(), clock) as two:
        keyed = [
            asyncio.ensure_future(journal.start(new(key="k", most=3))) for _ in range(20) for journal in (one, two)
        ]
        started = await asyncio.gather(*keyed)
        running = {run.run: one for run in started if run.owned}
        assert (len(running), sum(run.held for run in started)) == (3, 37)
        ended = 0
        while True:
            active = store.rows("SELECT active FROM workflow_keys")
            mine = [row[0] for row in store.rows("SELECT id FROM workflow_runs WHERE host = ?", (one.host,))]
            for journal, runs in ((one, mine), (two, [])):
                claimed = [claim.run.id for claim in await journal.claim(5)]
                for run in (*runs, *claimed):
                    await journal.keep(done(run, 1))
                    ended += 1
            for row in store.rows("SELECT id FROM workflow_runs WHERE host = ?", (two.host,)):
                await two.keep(done(row[0], 1))
                ended += 1
            if not active:
                break
            assert active[0][0] <= 3
        assert ended == 40
        assert statuses(store) == {"completed": 40}


async def test_a_full_key_refuses_or_cancels_where_it_is_told_to(store: Store) -> None:
    told = Told()
    async with journal_on(store, told=told) as journal:
        first = await journal.start(new(key="k", full="refuse"))
        second = await journal.start(new(key="k", full="refuse", dedupe="again"))
        assert (second.refused, second.new) == (True, False)
        parent = (await journal.start(new())).run
        child = new(key="k", full="refuse", parent_run=parent, parent_place="/c")
        (refused,) = await journal.keep(RunRecord(parent, (entry(1),), children=(child,)))
        assert refused.refused
        assert [(one.kind, one.data["fault"]["status"]) for one in told.signals] == [("child", 409)]
        third = await journal.start(new(key="k", full="cancel"))
        fourth = await journal.start(new(key="k", full="cancel"))
        assert third.held
        assert fourth.held
        assert ("cancel", first.run) in [(one.kind, one.run) for one in told.signals]
        # The one that was held back is ended without ever having had the key.
        (claimed,) = await journal.claim(9)
        assert (claimed.run.id, [one.kind for one in claimed.signals]) == (third.run, ["cancel"])
        await journal.keep(RunRecord(third.run, (entry(1),), "cancelled"))
        assert store.rows("SELECT active FROM workflow_keys") == [(1,)]
        await journal.keep(RunRecord(first.run, (entry(1),), "cancelled"))
        assert [one.run.id for one in await journal.claim(9)] == [fourth.run]
        await journal.keep(done(fourth.run, 1))
        assert store.rows("SELECT active FROM workflow_keys") == []
        assert (await journal.start(new(dedupe="again"))).new


async def test_a_rate_lets_so_many_begin_and_the_others_later(store: Store) -> None:
    clock = ManualClock()
    async with journal_on(store, clock) as journal:
        started = [await journal.start(new(rate=(2, 10.0))) for _ in range(4)]
        assert [one.owned for one in started] == [True, True, False, False]
        assert [one.due_at and one.due_at - clock.now() for one in started] == [None, None, 5.0, 10.0]
        clock.advance(-1000)
        await journal.set_back(60)
        assert len(await journal.claim(9)) == 0
        clock.advance(5.0)
        assert len(await journal.claim(9)) == 1


def test_a_run_with_a_key_begins_once_from_two_threads(open_store: OpenStore) -> None:
    started: list[Any] = []

    def host(store: Store) -> None:
        async def starting() -> None:
            async with journal_on(store) as journal:
                started.extend(await asyncio.gather(*(journal.start(new(dedupe=f"{n % 5}")) for n in range(50))))

        asyncio.run(starting())

    threads = [threading.Thread(target=host, args=(open_store(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 100
    assert sum(one.new for one in started) == 5
    assert len({one.run for one in started}) == 5


async def test_a_key_is_free_again_when_its_time_is_over(store: Store) -> None:
    clock = ManualClock()
    async with journal_on(store, clock) as journal:
        first = await journal.start(new(dedupe="k" * 1000, dedupe_s=60))
        clock.advance(59)
        again = await journal.start(new(dedupe="k" * 1000))
        assert (again.run, again.new, again.status) == (first.run, False, "running")
        clock.advance(2)
        assert (await journal.start(new(dedupe="k" * 1000))).new
        clock.advance(86_401)
        assert await journal.queries.sweep_rest(now=clock.now(), before=0.0) == 1


async def test_a_tick_begins_its_runs_on_one_host(open_store: OpenStore) -> None:
    store, clock = open_store(), ManualClock()
    row = ScheduleRow("orders", 0, "cron", "* * * * *", "UTC", "one", "null", 0.0, 0.0, clock.now())
    WorkflowSchedulesTable(store).replace("orders", [row])
    async with journal_on(store, clock) as one, journal_on(open_store(), clock) as two:
        (due,) = WorkflowSchedulesTable(store).due(clock.now())
        ends = await asyncio.gather(*(host.tick(due, [new()], clock.now() + 60) for host in (one, two)))
        assert sorted(end is None for end in ends) == [False, True]
        (after,) = WorkflowSchedulesTable(store).of("orders")
        assert (after.next_at, after.last_at) == (clock.now() + 60, clock.now())
        assert after.last_run == RunsTable(store).page("orders")[0].id
        assert WorkflowSchedulesTable(store).next_at() == clock.now() + 60


async def test_due_times_move_along_when_the_clock_was_set_back(store: Store) -> None:
    clock = ManualClock()
    async with journal_on(store, clock) as journal:
        run = (await journal.start(new())).run
        await journal.keep(RunRecord(run, (entry(1),), "waiting", due_at=clock.now() + 60))
        clock.advance(-86_400)
        await journal.set_back(60)
        await journal.set_back(60)
        clock.advance(60)
        assert [one.run.id for one in await journal.claim(9)] == [run]
