"""Stored tasks, from the order to the end, on each database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.jobs.conftest import Guests, engine_on, run, until

from omnicore.clock import ManualClock
from omnicore.config.settings import TaskSettings
from omnicore.errors import CallCancelled, Conflict, GuestFailed, InvalidInput, LimitExceeded, NotFound, StorageFailed
from omnicore.events.bus import EventBus
from omnicore.jobs.tasks import PluginTasks, StoredTasks
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.tasks import TaskClaims, TaskOrder, TasksTable

NO_WAIT = {"backoff_s": (0.0,)}


def test_a_stored_task_runs_and_its_handle_gives_the_output(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests) as engine:
            handle = await engine.submit("text.echo", {"a": [1, None, "ü"]})
            assert await handle == {"a": [1, None, "ü"]}
            view = await handle.view()
            assert (view.state, view.attempts, view.owner, view.error) == ("done", 1, "@host", None)
            assert view.created_at <= view.started_at <= view.finished_at
        assert guests.contexts[0].task == handle.id
        assert (guests.contexts[0].attempt, guests.contexts[0].owner) == (1, "@host")

    run(main())


def test_a_task_that_was_stored_without_workers_runs_once_they_are_there(store: Store, stored: StoredTasks) -> None:
    task = stored.submit(TaskOrder("text.echo", 1))
    assert stored.get(task).state == "waiting"

    async def main() -> None:
        async with engine_on(store, Guests()) as engine:
            assert await engine.handle(task) == 1

    run(main())


def test_a_failing_task_is_tried_again_until_its_attempts_are_used_up(store: Store) -> None:
    async def main() -> None:
        guests, bus = Guests(), EventBus()
        async with engine_on(store, guests, bus=bus) as engine:
            handle = await engine.order(TaskOrder("text.fail", attempts=3, **NO_WAIT))
            with pytest.raises(GuestFailed, match="it said no") as caught:
                await handle
            assert caught.value.details == {"task": handle.id, "reason": "guest-failed"}
            view = await handle.view()
            assert (view.state, view.attempts, view.code) == ("failed", 3, "guest-failed")
            assert engine.failed == 1
        assert guests.counts["text.fail"] == 3
        topics = [event.topic for event in bus.history("task.*", 100)]
        again = ["task.started", "task.failed"]
        assert topics == ["task.submitted", *again, *again, *again, "task.dead"]
        assert all(event.data["id"] == handle.id for event in bus.history("task.*", 100))

    run(main())


def test_a_task_that_succeeds_at_last_is_done(store: Store) -> None:
    async def main() -> None:
        async with engine_on(store, Guests()) as engine:
            handle = await engine.order(TaskOrder("text.twice", attempts=5, **NO_WAIT))
            assert await handle == "at last"
            assert (await handle.view()).attempts == 3

    run(main())


def test_what_can_never_succeed_is_not_tried_again(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests) as engine:
            handle = await engine.order(TaskOrder("text.refuse", attempts=5, **NO_WAIT))
            with pytest.raises(GuestFailed):
                await handle
            view = await handle.view()
            assert (view.state, view.attempts, view.code) == ("failed", 1, "invalid-input")
        assert guests.counts["text.refuse"] == 1

    run(main())


def test_a_dead_letter_begins_again_with_all_its_attempts(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests) as engine:
            handle = await engine.order(TaskOrder("text.fail", attempts=1))
            with pytest.raises(GuestFailed):
                await handle
            assert [view.id for view in engine.stored.list(state="failed")[0]] == [handle.id]
            engine.stored.retry(handle.id)
            await until(lambda: guests.counts["text.fail"] == 2)
            with pytest.raises(GuestFailed):
                await handle
        with pytest.raises(NotFound):
            engine.stored.retry("task_" + "0" * 26)

    run(main())


def test_only_what_is_over_and_not_done_begins_again(stored: StoredTasks) -> None:
    task = stored.submit(TaskOrder("text.echo"))
    with pytest.raises(Conflict, match="is waiting"):
        stored.retry(task)
    assert stored.cancel(task)
    assert stored.retry(task).state == "waiting"


def test_a_delayed_task_waits_for_its_time(store: Store) -> None:
    async def main() -> None:
        guests, clock = Guests(), ManualClock()
        async with engine_on(store, guests, clock=clock) as engine:
            handle = await engine.order(TaskOrder("text.echo", "late", delay_s=60))
            assert await (await engine.submit("text.echo", "now")) == "now"
            assert (await handle.view()).state == "waiting"
            clock.advance(60)
            engine.wake()
            assert await handle == "late"
        assert [value for _, value in guests.calls] == ["now", "late"]

    run(main())


def test_waits_after_failures_are_the_task_s_own_or_those_that_were_asked_for(store: Store) -> None:
    async def main() -> None:
        guests, clock = Guests(), ManualClock()
        async with engine_on(store, guests, clock=clock) as engine:
            own = await engine.order(TaskOrder("text.fail", backoff_s=(100.0, 200.0)))
            asked = await engine.order(TaskOrder("text.away", 500))
            plain = await engine.order(TaskOrder("text.fail"))
            await until(lambda: all(engine.stored.get(one.id).error for one in (own, asked, plain)))
            waits = [engine.stored.get(one.id).due_at - clock.now() for one in (own, asked, plain)]
        assert 70 <= waits[0] <= 130
        assert waits[1] == 500
        assert 0.07 <= waits[2] <= 0.13

    run(main())


def test_higher_priorities_go_first_and_equals_in_the_order_they_came(store: Store, stored: StoredTasks) -> None:
    for priority, value in ((5, "c"), (0, "f"), (9, "a"), (5, "d"), (7, "b"), (5, "e")):
        stored.submit(TaskOrder("text.echo", value, priority=priority))

    async def main() -> list[Any]:
        guests = Guests()
        async with engine_on(store, guests, workers=1):
            await until(lambda: len(guests.calls) == 6)
        return [value for _, value in guests.calls]

    order = run(main())
    assert "".join(order[:2] + order[-1:]) == "abf"
    assert sorted(order[2:5]) == ["c", "d", "e"]


def test_a_queue_with_a_limit_runs_no_more_at_once_and_holds_up_nobody(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, workers=8, queues=("mail=2", "held=0")) as engine:
            mails = [await engine.order(TaskOrder("mail.wait", n, queue="mail", priority=9)) for n in range(5)]
            held = await engine.order(TaskOrder("mail.echo", queue="held", priority=9))
            others = [await engine.submit("text.echo", n) for n in range(5)]
            assert [await other for other in others] == list(range(5))
            await until(lambda: guests.counts["mail.wait"] == 2)
            found = {one["queue"]: one for one in engine.stored.queues()}
            assert found["mail"] == {"queue": "mail", "limit": 2, "waiting": 3, "running": 2}
            guests.gate.set()
            assert sorted([await mail for mail in mails]) == list(range(5))
            assert (await held.view()).state == "waiting"

    run(main())


def test_a_limit_that_comes_or_goes_applies_to_what_waits_already(store: Store) -> None:
    async def main() -> None:
        stored = StoredTasks(store)
        task = stored.submit(TaskOrder("text.echo", 1, queue="held"))
        guests = Guests()
        async with engine_on(store, guests, queues=("held=0",)) as engine:
            assert await (await engine.submit("text.echo", 2)) == 2
            assert stored.get(task).state == "waiting"
        async with engine_on(store, guests) as engine:
            assert await engine.handle(task) == 1

    run(main())


def test_an_attempt_has_a_deadline(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests) as engine:
            handle = await engine.order(TaskOrder("text.wait", attempts=2, timeout_s=0.02, **NO_WAIT))
            with pytest.raises(GuestFailed, match="took longer than it may"):
                await handle
            view = await handle.view()
            assert (view.code, view.attempts) == ("deadline-exceeded", 2)
        assert guests.cut == 2

    run(main())


def test_a_task_that_expired_never_begins(store: Store) -> None:
    async def main() -> None:
        guests, clock, bus = Guests(), ManualClock(), EventBus()
        stored = StoredTasks(store, clock=clock)
        late = stored.submit(TaskOrder("text.echo", "late", expires_s=5))
        soon = stored.submit(TaskOrder("text.echo", "soon", expires_s=50))
        clock.advance(10)
        async with engine_on(store, guests, clock=clock, bus=bus) as engine:
            assert await engine.handle(soon) == "soon"
            with pytest.raises(GuestFailed, match="expired before it could begin"):
                await engine.handle(late)
        assert [value for _, value in guests.calls] == ["soon"]
        assert [event.data["id"] for event in bus.history("task.dead", 9)] == [late]

    run(main())


def test_a_waiting_task_is_cancelled_at_once(stored: StoredTasks) -> None:
    task = stored.submit(TaskOrder("text.echo"))
    assert stored.cancel(task)
    assert stored.get(task).state == "cancelled"
    assert not stored.cancel(task)
    assert not stored.cancel("nothing")
    assert stored.pending() == 0


def test_cancelling_a_running_task_cuts_the_guest(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, workers=1) as engine:
            handle = await engine.submit("text.wait")
            await guests.begun.wait()
            assert await handle.cancel()
            with pytest.raises(CallCancelled):
                await handle
            assert await (await engine.submit("text.echo", 1)) == 1
        assert guests.cut == 1

    run(main())


def test_another_process_cancels_a_running_task_too(store: Store, open_store: Any) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, workers=1) as engine:
            handle = await engine.submit("text.wait")
            await guests.begun.wait()
            assert await asyncio.to_thread(StoredTasks(open_store()).cancel, handle.id)
            await until(lambda: guests.cut == 1)
            with pytest.raises(CallCancelled):
                await handle

    run(main())


def test_stop_lets_running_tasks_finish(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests) as engine:
            handle = await engine.submit("text.wait", "kept")
            await guests.begun.wait()
            asyncio.get_running_loop().call_later(0.02, guests.gate.set)
        assert (await handle.view()).output == "kept"

    run(main())


def test_after_the_drain_time_running_tasks_are_given_back_without_an_attempt(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, drain_s=0.01, lease_s=600) as engine:
            handle = await engine.order(TaskOrder("text.wait", attempts=1))
            await guests.begun.wait()
        view = await handle.view()
        assert (view.state, view.attempts, view.host) == ("waiting", 0, None)
        assert guests.cut == 1
        guests.gate.set()
        async with engine_on(store, guests, lease_s=600) as engine:  # no lease has to run out first
            await engine.handle(handle.id)
        assert (await handle.view()).attempts == 1

    run(main())


def test_the_same_key_is_the_same_task_for_one_owner(stored: StoredTasks) -> None:
    first = stored.submit(TaskOrder("text.echo", 1, key="once"))
    assert stored.submit(TaskOrder("text.fail", 2, key="once")) == first
    assert stored.submit(TaskOrder("text.echo", 1, key="once"), owner="mail") != first
    assert stored.submit(TaskOrder("text.echo", 1)) != stored.submit(TaskOrder("text.echo", 1))
    assert stored.get(first).input == 1
    assert stored.pending() == 4


def test_a_plugin_has_a_quota_of_its_own(stored: StoredTasks) -> None:
    service = PluginTasks(stored)
    ids = [service.submit("mail", TaskOrder("text.echo", key=str(n)), max_pending=2) for n in range(2)]
    with pytest.raises(LimitExceeded, match="mail may have 2 tasks") as caught:
        service.submit("mail", TaskOrder("text.echo"), max_pending=2)
    assert caught.value.details == {"limit": "max_pending", "allowed": 2}
    assert service.submit("mail", TaskOrder("text.echo", key="0"), max_pending=2) == ids[0]
    assert service.submit("news", TaskOrder("text.echo"), max_pending=1)
    assert service.cancel("mail", ids[0])
    assert service.submit("mail", TaskOrder("text.echo"), max_pending=2)


def test_a_plugin_sees_its_own_tasks_only(stored: StoredTasks) -> None:
    service = PluginTasks(stored)
    mine, other = (service.submit(owner, TaskOrder("text.echo"), max_pending=9) for owner in ("mail", "news"))
    assert service.get("mail", mine) is not None
    assert service.get("mail", other) is None
    assert [task.id for task in service.list("mail")[0]] == [mine]
    assert not service.cancel("mail", other)
    assert stored.get(other).state == "waiting"
    assert service.get("mail", "task_\0") is None


@pytest.mark.parametrize("wanted", [{}, {"owner": "a"}, {"state": "waiting"}, {"owner": "a", "state": "waiting"}])
def test_pages_go_through_all_tasks_once_newest_first(stored: StoredTasks, wanted: dict[str, Any]) -> None:
    ids = {stored.submit(TaskOrder("text.echo", n), owner="ab"[n % 2]) for n in range(25)}
    cancelled = {task for task in sorted(ids)[::5] if stored.cancel(task)}
    found: list[str] = []
    cursor = None
    while True:
        views, cursor = stored.list(limit=4, cursor=cursor, **wanted)
        assert 0 < len(views) <= 4
        found += [view.id for view in views]
        if cursor is None:
            break
    expected = {
        task
        for task in ids
        if ("owner" not in wanted or stored.get(task).owner == "a") and ("state" not in wanted or task not in cancelled)
    }
    assert found == sorted(expected, reverse=True)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_deep_values_are_stored_and_shown_and_deeper_ones_are_refused(memory: Database) -> None:
    stored = StoredTasks(memory)
    task = stored.submit(TaskOrder("text.echo", nested(512)))
    assert json.dumps(stored.get(task).to_json()["input"]).count("[") == 512
    for depth in (513, 5_000):
        with pytest.raises(InvalidInput, match=r"deeper than 512|recursion"):
            stored.submit(TaskOrder("text.echo", nested(depth)))


def test_a_page_of_large_tasks_is_a_short_one(memory: Database) -> None:
    stored = StoredTasks(memory, TaskSettings(input_bytes=2_000_000))
    ids = sorted((stored.submit(TaskOrder("text.echo", "x" * 1_500_000)) for _ in range(5)), reverse=True)
    first, cursor = stored.list()
    assert [view.id for view in first] == ids[:3]
    rest, end = stored.list(cursor=cursor)
    assert ([view.id for view in rest], end) == (ids[3:], None)


@pytest.mark.parametrize(
    "wrong", [{"state": "lost"}, {"cursor": "x"}, {"cursor": "task_" + "é" * 26}, {"owner": "\0"}, {"owner": ""}]
)
def test_a_list_that_cannot_be_is_refused(memory: Database, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        StoredTasks(memory).list(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"function": ""},
        {"function": "a\0b"},
        {"function": 7},
        {"queue": ""},
        {"queue": "q" * 65},
        {"priority": 10},
        {"priority": True},
        {"attempts": 0},
        {"attempts": 21},
        {"delay_s": -1},
        {"delay_s": float("nan")},
        {"delay_s": None},
        {"timeout_s": 0},
        {"timeout_s": 301},
        {"expires_s": float("inf")},
        {"key": ""},
        {"key": "\ud800"},
        {"backoff_s": (1.0,) * 21},
        {"backoff_s": ("1",)},
        {"input": object()},
        {"input": float("nan")},
    ],
)
def test_an_order_that_cannot_be_is_refused_and_not_stored(memory: Database, wrong: dict[str, Any]) -> None:
    stored = StoredTasks(memory)
    with pytest.raises(InvalidInput):
        stored.submit(TaskOrder(**{"function": "text.echo", **wrong}))
    assert stored.pending() == 0


def test_inputs_and_outputs_are_bounded(store: Store) -> None:
    async def main() -> None:
        guests = Guests()
        async with engine_on(store, guests, input_bytes=1000, output_bytes=500) as engine:
            with pytest.raises(LimitExceeded, match=r"1002 bytes, 1000 are allowed"):
                await engine.submit("text.echo", "x" * 1000)
            handle = await engine.submit("text.echo", "x" * 600)
            with pytest.raises(GuestFailed, match=r"602 bytes, 500 are allowed"):
                await handle
            view = await handle.view()
            assert (view.state, view.attempts, view.output) == ("failed", 1, None)

    run(main())


def test_what_a_guest_says_cannot_break_the_row(store: Store) -> None:
    class Rude(Guests):
        async def fail(self, value: Any) -> Any:
            raise GuestFailed("\0\ud800 " + "x" * 100_000)

    async def main() -> None:
        async with engine_on(store, Rude()) as engine:
            handle = await engine.order(TaskOrder("text.fail", attempts=1))
            with pytest.raises(GuestFailed):
                await handle
            assert len((await handle.view()).error or "") <= 4096

    run(main())


def test_without_workers_tasks_are_stored_and_wait(store: Store) -> None:
    async def main() -> None:
        engine = TaskEngine(0, call=Guests(), stored=StoredTasks(store))
        await engine.start()
        handle = await engine.submit("text.echo", 1)
        await engine.stop()
        assert (await handle.view()).state == "waiting"

    run(main())


def test_all_tasks_of_one_owner_are_forgotten_and_no_others(store: Store, stored: StoredTasks) -> None:
    for owner, count in (("gone", 7), ("stays", 2)):
        for number in range(count):
            stored.submit(TaskOrder("text.echo", key=str(number)), owner=owner)
    table = TasksTable(store)
    cancelled = stored.find(stored.submit(TaskOrder("text.echo", key="0"), owner="gone"))
    assert cancelled is not None
    stored.cancel(cancelled.id)
    assert len(table.forget("gone", batch=3)) == 6
    assert table.forget("gone") == []
    assert [one.owner for one in stored.list()[0]] == ["stays", "stays"]
    assert stored.pending() == 2


def test_an_engine_whose_start_failed_can_be_started_again_or_stopped(store: Store, stored: StoredTasks) -> None:
    async def main() -> None:
        engine = TaskEngine(2, call=Guests(), stored=stored)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TaskClaims, "lay_lanes", away)
            for _ in range(2):
                with pytest.raises(StorageFailed):
                    await engine.start()
        await engine.stop()
        await engine.start()
        assert await engine.handle(stored.submit(TaskOrder("text.echo", 1))) == 1
        await engine.stop()

    def away(self: TaskClaims, limited: Any) -> None:
        raise StorageFailed("the database does not answer")

    run(main())


def test_tasks_are_found_by_their_label(stored: StoredTasks) -> None:
    ids = [
        stored.submit(TaskOrder("text.echo", n, label=["red", "blue", None][n % 3]), owner="ab"[n % 2])
        for n in range(12)
    ]
    cancelled = ids[0]
    assert stored.cancel(cancelled)
    red = [task for n, task in enumerate(ids) if n % 3 == 0]
    assert [task.id for task in stored.list(label="red")[0]] == sorted(red, reverse=True)
    assert [task.id for task in stored.list(label="red", state="cancelled")[0]] == [cancelled]
    assert {task.owner for task in stored.list(label="blue", owner="a")[0]} == {"a"}
    assert stored.get(red[1]).label == "red"
    assert stored.list(label="green") == ([], None)


@pytest.mark.parametrize("label", ["", "x" * 201, "\0", 7])
def test_a_label_is_short_text(memory: Database, label: Any) -> None:
    with pytest.raises(InvalidInput, match=r"label of the task cannot be used; pass text of 1 to 200 characters"):
        StoredTasks(memory).submit(TaskOrder("text.echo", label=label))
