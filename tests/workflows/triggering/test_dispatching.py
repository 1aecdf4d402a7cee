"""The inbox: each event reaches, once, the runs that listen and the triggers that want it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.storage.stores import OpenStore
from tests.workflows.triggering.rooms import NOW, Room, room, workflow

from omnicore.clock import ManualClock
from omnicore.errors import InvalidInput
from omnicore.jobs.engine import NewRun
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_triggers import WaitRow, add_waits
from omnicore.workflows.steps.cloud_events import HOPS


def event(id: str, type: str = "order.placed", **data: Any) -> dict[str, Any]:
    return {"id": id, "source": "/tests", "type": type, "data": data}


async def publish(made: Room, *events: dict[str, Any]) -> None:
    for one in events:
        await made.triggers.publish(one)
    await made.dispatch()


async def waiting(made: Room, digest: str, place: str = "/do/0/hear", correlation: str = "", **scope: Any) -> str:
    """A run that listens, parked."""
    started = await made.journal.start(NewRun("listener", digest), room=False)
    wait = WaitRow(started.run, place, "event", f"{digest}#{place}", correlation, json.dumps(scope), at=NOW)
    made.store.apply(lambda session: add_waits(session, [wait]))
    return started.run


def signals(made: Room) -> list[tuple[str, str, str]]:
    rows = made.store.rows("SELECT run, place, data FROM workflow_signals ORDER BY id")
    return [(run, place, json.loads(data)["id"]) for run, place, data in rows]


LISTENER = workflow(
    "listener", do="- hear: {listen: {to: {one: {with: {type: order.placed, data: '${ .sum > 10 }'}}}}}"
)


async def test_an_event_reaches_the_runs_that_listen_for_it_once(store: Store) -> None:
    async with room(store) as made:
        digest = made.apply(LISTENER)
        run = await waiting(made, digest)
        await publish(made, event("small", sum=5), event("other", "order.paid", sum=50), event("big", sum=50))
        await publish(made, event("big", sum=50))
        assert signals(made) == [(run, "/do/0/hear", "big")]
        assert made.triggers.figures.dropped == 2


async def test_a_run_that_listens_for_any_of_nothing_hears_every_event(store: Store) -> None:
    async with room(store) as made:
        run = await waiting(made, made.apply(workflow("listener", do="- hear: {listen: {to: {any: []}}}")))
        await publish(made, event("1", "order.placed"), event("2", "x"))
        assert sorted(signals(made)) == [(run, "/do/0/hear", "1"), (run, "/do/0/hear", "2")]


async def test_schedule_on_any_of_nothing_begins_a_run_for_each_event(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("all-of-it", more="schedule: {on: {any: []}}\n"))
        await publish(made, event("1", "order.placed"), event("2", "x"))
        assert len(made.begun("all-of-it")) == 2


async def test_an_event_that_comes_when_nobody_listens_any_more_is_counted_and_dropped(store: Store) -> None:
    async with room(store) as made:
        run = await waiting(made, made.apply(LISTENER))
        store.apply(lambda session: session.execute("DELETE FROM workflow_waits"))
        await publish(made, event("late", sum=50))
        assert run
        assert signals(made) == []
        assert made.triggers.figures.dropped == 1
        assert store.rows("SELECT count(*) FROM workflow_events")[0][0] == 0


async def test_of_many_runs_at_one_task_only_those_of_the_same_order_hear(store: Store) -> None:
    filters = "{with: {type: order.paid}, correlate: {order: {from: .data.order, expect: $context.order}}}"
    async with room(store) as made:
        digest = made.apply(workflow("listener", do=f"- hear: {{listen: {{to: {{one: {filters}}}}}}}"))
        mine = await waiting(made, digest, correlation='{"order":7}', context={"order": 7})
        await waiting(made, digest, correlation='{"order":8}', context={"order": 8})
        unsorted = await waiting(made, digest, context={"order": 7})
        await publish(made, event("paid", "order.paid", order=7))
        assert sorted(signals(made)) == sorted([(run, "/do/0/hear", "paid") for run in (mine, unsorted)])


async def test_an_event_begins_a_run_once_however_often_and_wherever_it_comes(
    store: Store, open_store: OpenStore
) -> None:
    clock = ManualClock(at=NOW)
    other = open_store()
    async with room(store, clock) as one, room(other, clock) as two:
        one.apply(workflow("placed", "- {event: {with: {type: order.placed}}}"))
        for number in range(10):
            await asyncio.gather(*(made.triggers.publish(event(f"e{number}", n=number)) for made in (one, two)))
        await asyncio.gather(one.dispatch(), two.dispatch())
        assert sorted(given[0]["data"]["n"] for given in one.inputs()) == list(range(10))
    other.close()


async def test_schedule_on_any_begins_a_run_for_each_event_and_all_for_each_set(store: Store) -> None:
    any_of = "schedule: {on: {any: [{with: {type: a}}, {with: {type: b}}]}}\n"
    tied = "correlate: {order: {from: .data.order}}"
    all_of = f"schedule: {{on: {{all: [{{with: {{type: a}}, {tied}}}, {{with: {{type: b}}, {tied}}}]}}}}\n"
    async with room(store) as made:
        made.apply(workflow("any", more=any_of))
        made.apply(workflow("all", more=all_of))
        await publish(made, event("1", "a", order=1), event("2", "a", order=2), event("3", "b", order=3))
        assert len(made.begun("any")) == 3
        assert made.begun("all") == []
        await publish(made, event("4", "b", order=2))
        assert [[one["id"] for one in given] for given in made.inputs("all")] == [["2", "4"]]
        await publish(made, event("5", "b", order=2))
        assert len(made.begun("all")) == 1
        assert store.rows("SELECT count(*) FROM workflow_partials")[0][0] == 3


async def test_a_set_that_is_not_complete_in_its_time_is_let_go(store: Store) -> None:
    trigger = "- {event: {all: [{with: {type: a}}, {with: {type: b}}]}, within: {minutes: 5}}"
    async with room(store) as made:
        made.apply(workflow("pair", trigger))
        await publish(made, event("1", "a"))
        made.clock.advance(301)
        await publish(made, event("2", "b"))
        assert made.begun() == []
        made.clock.advance(1)
        await made.triggers._gathering.sweep()
        await publish(made, event("3", "a"))
        assert [[one["id"] for one in given] for given in made.inputs()] == [["3", "2"]]


async def test_a_set_that_a_killed_host_left_complete_begins_its_run_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(store) as made:
        made.apply(workflow("pair", "- {event: {all: [{with: {type: a}}, {with: {type: b}}]}}"))
        gathering = made.triggers._gathering

        async def killed(one: Any) -> bool:
            return False

        with monkeypatch.context() as patch:
            patch.setattr(gathering, "complete", killed)
            await publish(made, event("1", "a"), event("2", "b"))
        assert made.begun() == []
        await gathering.sweep()
        await gathering.sweep()
        assert len(made.begun()) == 1


async def test_events_that_lead_to_one_another_come_to_an_end(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("loop", "- {event: {with: {type: order.placed}}}"))
        await made.triggers.publish(event("far"), hops=33)
        await made.triggers.publish(event("near"), hops=4)
        await made.triggers.publish({**event("told"), HOPS: -50})
        await made.dispatch()
        assert sorted(about["hops"] for about in made.about()) == [0, 4]
        assert made.triggers.figures.refused == 1


async def test_of_the_bus_only_what_is_wanted_comes_into_the_inbox(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("failed", "- {event: {with: {type: task.failed}}}"))
        made.apply(workflow("chat", "- {connector: chat, event: message}"))
        await made.triggers.start()
        made.bus.publish("task.finished", {"id": 1})
        made.bus.publish("task.failed", {"id": 2})
        made.bus.publish("connector.chat.message", {"payload": {"text": "hello"}})
        made.bus.publish("connector.chat.typing", {"payload": {}})
        while len(made.begun()) < 2:
            await asyncio.sleep(0.01)
        await made.triggers.stop()
        (failed,) = made.inputs("failed")
        assert (failed[0]["type"], failed[0]["data"]) == ("task.failed", {"id": 2})
        assert made.inputs("chat") == [{"text": "hello"}]
        seen = store.rows("SELECT count(*) FROM workflow_dedupe WHERE scope = '@event'")
        assert seen[0][0] <= 3, "task.finished is nobody's"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"id": "", "source": "s", "type": "t"},
        {"id": "1", "source": 5, "type": "t"},
        {"id": "1", "source": "s", "type": "t" * 2000},
        {"id": "1", "source": "s", "type": "t", "data": float("nan")},
        {"id": "1", "source": "s", "type": "t", "data": "x" * 1_100_000},
        {"id": "1", "source": "s", "type": "t", **{f"a{n}": n for n in range(200)}},
    ],
)
async def test_what_is_no_event_is_refused(tmp_path: Any, store: Store, wrong: dict[str, Any]) -> None:
    async with room(store) as made:
        with pytest.raises(InvalidInput):
            await made.triggers.publish(wrong)


async def test_an_event_that_cannot_be_dispatched_holds_up_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(store) as made:
        made.apply(workflow("placed", "- {event: {with: {type: order.placed}}}"))
        dispatcher = made.triggers._dispatcher
        whole = dispatcher._triggered

        async def broken(found: Any, row: Any, event: Any) -> None:
            if row.event == "bad":
                raise RuntimeError("a bug")
            await whole(found, row, event)

        monkeypatch.setattr(dispatcher, "_triggered", broken)
        await made.triggers.publish(event("bad"))
        await made.triggers.publish(event("good"))
        for _ in range(5):
            await made.dispatch()
        assert [given[0]["id"] for given in made.inputs()] == ["good"]
        assert store.rows("SELECT count(*) FROM workflow_events")[0][0] == 0
