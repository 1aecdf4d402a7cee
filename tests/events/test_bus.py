"""The bus: patterns, threads, slow subscribers and bounds."""

from __future__ import annotations

import asyncio
import threading

import pytest

from omnicore.clock import ManualClock
from omnicore.errors import CapacityReached, Conflict, InvalidInput, LimitExceeded
from omnicore.events.bus import EventBus, Subscription, check_pattern, topic_matches


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("plugin.added", "plugin.added", True),
        ("plugin.added", "plugin.adde", False),
        ("plugin.*", "plugin.added", True),
        ("plugin.*", "plugin", False),
        ("plugin.*", "plugin.call.failed", False),
        ("*.added", "plugin.added", True),
        ("*", "plugin", True),
        ("*", "plugin.added", False),
        ("**", "plugin.added", True),
        ("plugin.**", "plugin.call.failed", True),
        ("plugin.**", "plugin", False),
        ("plugin.*.**", "plugin.call.failed", True),
        ("Plugin.*", "plugin.added", False),
    ],
)
def test_patterns_match_segment_by_segment(pattern: str, topic: str, matches: bool) -> None:
    assert topic_matches(check_pattern(pattern), topic) is matches


@pytest.mark.parametrize("pattern", ["", ".", "a..b", "a.**.b", "a*", "a b", "***", "x" * 300, "a\n"])
def test_a_pattern_that_cannot_match_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput, match="no topic pattern"):
        check_pattern(pattern)


@pytest.mark.parametrize("topic", ["", "a.", "a.*", "a/b", "ä", "a\n", "x" * 300])
def test_a_topic_that_is_no_dotted_name_is_refused(topic: str) -> None:
    with pytest.raises(InvalidInput, match="no topic"):
        EventBus().publish(topic)


def test_a_passing_event_goes_to_those_who_name_it_and_is_not_kept() -> None:
    bus = EventBus()
    named = [bus.subscribe(pattern) for pattern in ("run.step", "run.*", "run.**")]
    others = [bus.subscribe(pattern) for pattern in ("**", "*.step", "*.**", "other.*")]
    bus.publish("run.step", passing=True)
    assert bus.hears("run.step")
    assert not bus.hears("another.step")
    assert [len(one.drain()) for one in named] == [1, 1, 1]
    assert [len(one.drain()) for one in others] == [0, 0, 0, 0]
    assert bus.history() == []


def test_a_subscriber_queues_only_what_it_asks_for() -> None:
    bus = EventBus()
    events = bus.subscribe("run.*", queue=1, only=lambda event: event.data == 1)
    for number in (1, 2, 3):
        bus.publish("run.step", number)
    assert [one.data for one in events.drain()] == [1]
    assert events.dropped == 0


def test_a_subscriber_gets_what_matches_in_order() -> None:
    clock = ManualClock()
    bus = EventBus(clock=clock)
    with bus.subscribe("plugin.*") as events:
        first = bus.publish("plugin.added", {"name": "text"}, "host")
        bus.publish("other.thing")
        bus.publish("plugin.removed")
        got = events.drain()
    assert [event.topic for event in got] == ["plugin.added", "plugin.removed"]
    assert (got[0].id, got[0].data, got[0].source, got[0].at) == (
        first,
        {"name": "text"},
        "host",
        clock.now(),
    )


def test_a_waiting_subscriber_is_woken_from_another_thread() -> None:
    bus = EventBus()

    async def scene() -> list[int]:
        with bus.subscribe("n.*") as events:
            thread = threading.Thread(target=lambda: [bus.publish("n.x", number) for number in range(100)])
            thread.start()
            got = [(await asyncio.wait_for(anext(events), 60)).data for _ in range(100)]
            thread.join()
            return got

    assert asyncio.run(scene()) == list(range(100))


def test_a_slow_subscriber_loses_the_oldest_and_knows_how_many() -> None:
    bus = EventBus()
    with bus.subscribe("**", queue=3) as slow, bus.subscribe("**") as fast:
        for number in range(10):
            bus.publish("n", number)
        assert [event.data for event in slow.drain()] == [7, 8, 9]
        assert slow.dropped == 7
        assert len(fast.drain()) == 10
        assert fast.dropped == 0


def test_bytes_bound_a_queue_and_the_history() -> None:
    bus = EventBus(history_bytes=10_000)
    with bus.subscribe("**", queue_bytes=10_000) as events:
        for _ in range(100):
            bus.publish("n", "x" * 1000)
        assert len(events.drain()) == 8
    assert len(bus.history()) == 8


def test_the_history_keeps_the_last_events() -> None:
    bus = EventBus(history=3)
    for number in range(5):
        bus.publish("a" if number % 2 else "b", number)
    assert [event.data for event in bus.history()] == [2, 3, 4]
    assert [event.data for event in bus.history("b", 1)] == [4]
    assert bus.history("b", 0) == []


def test_iteration_ends_when_the_subscription_closes() -> None:
    bus = EventBus()

    async def scene() -> list[int]:
        events = bus.subscribe("**")
        bus.publish("n", 1)
        waiting = asyncio.create_task(collect(events))
        await asyncio.sleep(0)
        events.close()
        return await waiting

    async def collect(events: Subscription) -> list[int]:
        return [event.data async for event in events]

    assert asyncio.run(scene()) == [1]


def test_a_cancelled_wait_loses_no_event() -> None:
    bus = EventBus()

    async def scene() -> int:
        with bus.subscribe("**") as events:
            task = asyncio.create_task(anext(events))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            task.cancel()
            bus.publish("n", 7)
            await asyncio.gather(task, return_exceptions=True)
            return (await asyncio.wait_for(anext(events), 60)).data

    assert asyncio.run(scene()) == 7


def test_two_tasks_cannot_wait_on_one_subscription() -> None:
    async def scene() -> None:
        with EventBus().subscribe("**") as events:
            first = asyncio.create_task(anext(events))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            with pytest.raises(Conflict, match="another task"):
                await anext(events)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(scene())


def test_publishing_to_a_subscriber_whose_loop_is_gone_goes_well() -> None:
    bus = EventBus()
    events = bus.subscribe("**")
    loop = asyncio.new_event_loop()
    task = loop.create_task(anext(events))  # type: ignore[arg-type]
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    bus.publish("n", 1)
    bus.publish("n", 2)
    events.close()


def test_a_closed_subscription_gets_nothing_more_and_leaves_the_bus() -> None:
    bus = EventBus(max_subscribers=1)
    events = bus.subscribe("**")
    with pytest.raises(CapacityReached, match="1 subscribers"):
        bus.subscribe("**")
    events.close()
    events.close()
    bus.publish("n")
    assert events.drain() == []
    bus.subscribe("**").close()


def test_data_that_is_no_json_or_too_big_is_refused() -> None:
    bus = EventBus(event_bytes=100)
    bus.publish("n", "x" * 98)
    with pytest.raises(LimitExceeded, match="101 bytes, 100 are allowed"):
        bus.publish("n", "x" * 99)
    with pytest.raises(InvalidInput, match="no JSON value"):
        bus.publish("n", float("nan"))
    with pytest.raises(InvalidInput, match="no JSON value"):
        bus.publish("n", object())


def test_threads_may_publish_at_once() -> None:
    bus = EventBus(history=10_000)
    with bus.subscribe("**", queue=10_000) as events:
        threads = [threading.Thread(target=lambda: [bus.publish("n") for _ in range(500)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({event.id for event in events.drain()}) == 2000
