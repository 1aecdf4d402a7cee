"""Leases with fencing: who has a task, who takes it over, and whose result counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.jobs.conftest import QUICK, Guests, engine_on, run, until

from omnicore.clock import ManualClock
from omnicore.errors import StorageFailed
from omnicore.events.bus import EventBus
from omnicore.jobs.hosts import SET_BACK_S, SilenceWatch
from omnicore.jobs.tasks import StoredTasks
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.hosts import Silence
from omnicore.storage.tables.tasks import (
    HEADS_SQL,
    READY_SQL,
    Claim,
    Ending,
    Task,
    TaskClaims,
    TaskOrder,
    TaskSweep,
)

NOW = 2_000_000_000.0


def claim(claims: TaskClaims, host: str, free: int = 1) -> Sequence[Task]:
    return claims.turn(host, [], free=free, now=NOW, limits={}).tasks


def end(claims: TaskClaims, host: str, row: Task, state: str = "done") -> Claim:
    return claims.turn(host, [Ending(row.id, row.token, state, NOW, output="1")], free=0, now=NOW, limits={})


@pytest.fixture
def claims(store: Store) -> TaskClaims:
    return TaskClaims(store)


def test_two_hosts_never_have_the_same_task(claims: TaskClaims, stored: StoredTasks) -> None:
    ids = {stored.submit(TaskOrder("a.b")) for _ in range(10)}
    first, second = claim(claims, "one", 6), claim(claims, "two", 6)
    assert (len(first), len(second)) == (6, 4)
    assert {row.id for row in (*first, *second)} == ids
    assert claim(claims, "two") == ()


def test_a_beat_shows_that_a_host_lives_and_what_it_has(claims: TaskClaims, stored: StoredTasks) -> None:
    task = stored.submit(TaskOrder("a.b"))
    assert claims.beat("one", NOW) is None
    (row,) = claim(claims, "one")
    assert claims.beat("one", NOW) == {task: row.token}
    before = claims.others("two")
    claims.beat("one", NOW)
    assert claims.others("two") != before
    assert claims.others("one") == []
    stored.cancel(task)
    assert claims.beat("one", NOW) == {}


def test_a_result_with_an_old_token_is_refused(claims: TaskClaims, stored: StoredTasks) -> None:
    task = stored.submit(TaskOrder("a.b"))
    (old,) = claim(claims, "one")
    (silence,) = claims.others("two")
    claims.take_over(silence, now=NOW, most_lost=5)
    (new,) = claim(claims, "two")
    assert new.token > old.token
    assert end(claims, "one", old).refused == {task}
    assert stored.get(task).state == "running"
    assert end(claims, "two", new).refused == set()
    assert stored.get(task).state == "done"
    for late in (old, new):
        assert end(claims, "one", late, "waiting").refused == {task}
    assert stored.get(task).state == "done"
    assert stored.pending() == 0


def test_a_host_that_shows_itself_in_time_keeps_its_tasks(claims: TaskClaims, stored: StoredTasks) -> None:
    task = stored.submit(TaskOrder("a.b"))
    (row,) = claim(claims, "one")
    (silence,) = claims.others("two")
    claims.beat("one", NOW)
    taken = claims.take_over(silence, now=NOW, most_lost=5)
    assert (taken.waiting, taken.failed) == ((), ())
    assert end(claims, "one", row).refused == set()
    assert stored.get(task).state == "done"


def test_an_attempt_whose_host_died_does_not_count_but_hosts_do_not_die_for_a_task_without_end(
    claims: TaskClaims, stored: StoredTasks
) -> None:
    task = stored.submit(TaskOrder("a.b", attempts=1))
    for lost in range(2):
        assert claim(claims, f"host{lost}")
        claims.take_over(claims.others("me")[0], now=NOW, most_lost=2)
        view = stored.get(task)
        assert (view.state, view.attempts, view.lost) == ("waiting", 0, lost + 1)
    claim(claims, "host2")
    taken = claims.take_over(claims.others("me")[0], now=NOW, most_lost=2)
    assert [row.id for row in taken.failed] == [task]
    assert (stored.get(task).state, stored.get(task).code) == ("failed", "host-lost")
    assert stored.pending() == 0


def test_tasks_of_a_host_that_is_not_known_are_taken_over_too(
    store: Store, claims: TaskClaims, stored: StoredTasks
) -> None:
    stored.submit(TaskOrder("a.b"))
    claim(claims, "one")
    store.apply(lambda session: session.execute("DELETE FROM task_hosts"))
    assert claims.others("two") == [Silence("one", None)]
    assert len(claims.take_over(Silence("one", None), now=NOW, most_lost=5).waiting) == 1


def test_silence_is_timed_on_the_watcher_s_own_clock() -> None:
    watch = SilenceWatch(30)
    old, new = Silence("one", 1), Silence("one", 2)
    assert watch.silent([old], 1000) == []
    assert watch.silent([old], 1029.9) == []
    assert watch.silent([new], 1030) == []
    assert watch.silent([new], 1059.9) == []
    assert watch.silent([new], 1060) == [new]
    assert watch.silent([], 1061) == []
    assert watch.silent([new], 1062) == []


@pytest.mark.parametrize("sql", [READY_SQL, HEADS_SQL], ids=["claim", "look"])
def test_what_hosts_ask_all_the_time_reads_ranges_of_indexes_only(store: Store, sql: str) -> None:
    if store.dialect == "postgresql":
        with store.write() as session:
            # An empty table would be read as a whole, or sorted: it is asked whether neither is needed.
            session.execute("SET LOCAL enable_seqscan = off")
            session.execute("SET LOCAL enable_sort = off")
            plan = "\n".join(row[0] for row in session.execute(f"EXPLAIN {sql}", _values(sql)).fetchall())
        assert plan.count("tasks_ready") == 10, plan
        assert "Sort" not in plan
        return
    plan = "\n".join(row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {sql}", _values(sql)))
    assert plan.count("USING INDEX tasks_ready") + plan.count("USING COVERING INDEX tasks_ready") == 10, plan
    assert "TEMP B-TREE" not in plan
    assert "SCAN tasks" not in plan


def _values(sql: str) -> tuple[object, ...]:
    one = ("", NOW, 5) if "due_at <= ?" in sql else ("", 1)
    return one * 10 + ((5,) if sql.endswith(" LIMIT ?") and len(one) == 3 else ())


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT id, token FROM tasks WHERE state = 'running' AND host = 'h'", "(state=?)"),
        ("SELECT lane, count(*) FROM tasks WHERE state = 'running' AND lane <> '' GROUP BY lane", "(state=?)"),
        (
            "SELECT id FROM tasks WHERE state = 'done' AND finished_at IS NOT NULL AND finished_at <= 1"
            " ORDER BY finished_at LIMIT 9",
            "tasks_over",
        ),
        ("SELECT id FROM tasks WHERE owner = 'a' AND key = 'k'", "tasks_key"),
        ("SELECT name FROM schedules WHERE next_at IS NOT NULL AND next_at <= 1 ORDER BY next_at", "schedules_due"),
    ],
)
def test_other_questions_have_their_index(memory: Database, sql: str, index: str) -> None:
    assert index in "\n".join(row[3] for row in memory.rows(f"EXPLAIN QUERY PLAN {sql}"))


def test_a_dead_host_s_tasks_run_elsewhere_once_its_lease_is_out(store: Store, open_store: Any) -> None:
    async def main() -> None:
        stored, bus = StoredTasks(store, QUICK), EventBus()
        task = stored.submit(TaskOrder("text.echo", "saved", attempts=1))
        claim(TaskClaims(open_store()), "the dead one")
        async with engine_on(store, Guests(), bus=bus) as engine:
            assert await engine.handle(task) == "saved"
        view = stored.get(task)
        assert (view.attempts, view.lost) == (1, 1)

    run(main())


def test_a_host_that_was_taken_for_dead_cuts_its_guests_and_writes_nothing(store: Store, open_store: Any) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, lease_s=0.3) as engine:
            handle = await engine.submit("text.wait", "late")
            await guests.begun.wait()
            other = TaskClaims(open_store())
            taken = 0
            while not taken:  # its beats go on, so the other host has to be quick
                (silence,) = await asyncio.to_thread(other.others, "me")
                taken = len((await asyncio.to_thread(other.take_over, silence, now=NOW, most_lost=5)).waiting)
            await until(lambda: guests.cut == 1)
            guests.gate.set()
            assert await handle == "late"
            assert (await handle.view()).lost == 1

    run(main())


def test_two_hosts_share_the_work_and_nothing_runs_twice(store: Store, open_store: Any) -> None:
    async def main() -> None:
        guests = Guests()
        calm = {"lease_s": 60}  # neither takes the other for dead because the machine does other work
        async with engine_on(store, guests, **calm) as one, engine_on(open_store(), guests, **calm) as two:
            held = [await one.submit("text.wait", n) for n in range(8)]
            await until(lambda: len(guests.calls) == 8)  # each host has four workers: neither can hold all of them
            guests.gate.set()
            handles = [await (one, two)[n % 2].submit("text.echo", n) for n in range(8, 60)]
            assert [await handle for handle in held + handles] == list(range(60))
            assert min(one.finished, two.finished) >= 4
        assert sorted(value for _, value in guests.calls) == list(range(60))

    run(main())


def test_a_clock_that_is_set_back_holds_nothing_up_and_one_that_jumps_ahead_takes_nothing_over(store: Store) -> None:
    async def main() -> None:
        clock, guests = ManualClock(), Guests()
        stored = StoredTasks(store, clock=clock)
        clock.at += 10 * 365 * 86_400.0
        ahead = stored.submit(TaskOrder("text.echo", "from the future"))
        later = stored.submit(TaskOrder("text.echo", "an hour later", delay_s=3600))
        clock.at -= 10 * 365 * 86_400.0
        async with engine_on(store, guests, clock=clock) as engine:
            assert await engine.handle(ahead) == "from the future"
            assert 3600 - SET_BACK_S <= stored.get(later).due_at - clock.now() <= 3600 + SET_BACK_S
            stuck = await engine.submit("text.wait", 1)
            await guests.begun.wait()
            clock.at += 365 * 86_400.0
            engine.wake()
            assert await engine.handle(later) == "an hour later"
            assert (await stuck.view()).state == "running"
            guests.gate.set()
            assert await stuck == 1
        assert guests.counts["text.wait"] == 1

    run(main())


def test_a_database_that_fails_for_a_while_loses_no_result(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests) as engine:
            handle = await engine.submit("text.wait", "kept")
            await guests.begun.wait()
            apply, failures = store.apply, iter(range(3))

            def failing(work: Any, **how: Any) -> Any:
                if next(failures, None) is not None:
                    raise StorageFailed("the disk is full", remedy="free space")
                return apply(work, **how)

            monkeypatch.setattr(store, "apply", failing)
            guests.gate.set()
            await until(lambda: engine.trouble.startswith("the disk is full"))
            assert await handle == "kept"
            await until(lambda: not engine.trouble)
        assert guests.counts["text.wait"] == 1

    run(main())


def test_a_claim_whose_answer_got_lost_is_given_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, lease_s=0.15) as engine:
            apply, lost = store.apply, iter(range(1))

            def losing(work: Any, **how: Any) -> Any:
                result = apply(work, **how)
                if isinstance(result, Claim) and result.tasks and next(lost, None) is not None:
                    raise StorageFailed("the connection broke", remedy="try again")
                return result

            monkeypatch.setattr(store, "apply", losing)
            handle = await engine.order(TaskOrder("text.echo", "found again", attempts=1))
            assert await handle == "found again"
            assert next(lost, None) is None
        assert guests.counts["text.echo"] == 1

    run(main())


def test_old_tasks_go_by_age_and_count_a_batch_at_a_time(store: Store, claims: TaskClaims, stored: StoredTasks) -> None:
    ids = [stored.submit(TaskOrder("a.b", key=str(n))) for n in range(20)]
    for n, row in enumerate(sorted(claim(claims, "one", 20), key=lambda row: ids.index(row.id))):
        ending = Ending(row.id, row.token, "done" if n < 15 else "failed", NOW + n, output="1")
        claims.turn("one", [ending], free=0, now=NOW, limits={})
    sweep = TaskSweep(store)
    assert sweep.sweep("done", before=NOW + 4, most=100, batch=3) == 3
    assert sweep.sweep("done", before=NOW + 4, most=100, batch=3) == 2
    assert sweep.sweep("done", before=NOW + 4, most=100) == 0
    assert sweep.sweep("done", before=0, most=8) == 2
    left = {view.id for view in stored.list(limit=100)[0]}
    assert left == set(ids[7:])
    assert stored.submit(TaskOrder("a.b", key="0")) not in ids


def test_an_engine_clears_what_is_over(store: Store) -> None:
    async def main() -> None:
        async with engine_on(store, Guests(), keep_s=0, keep_failed_s=0, sweep_s=0.05, keep_most=1000) as engine:
            await engine.submit("text.echo", 1)
            await engine.order(TaskOrder("text.refuse"))
            await until(lambda: engine.finished + engine.failed == 2)
            await until(lambda: engine.stored.list()[0] == [])

    run(main())
