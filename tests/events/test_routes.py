"""Routes find just the subscribers whose patterns match, however many others there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.clock import ManualClock
from omnicore.errors import CapacityReached
from omnicore.events.bus import HOST_TOPICS, EventBus, Routes, pattern_covers, topic_matches
from omnicore.events.typed import TOPICS

PART = st.sampled_from(["a", "b", "c"])
TOPIC = st.lists(PART, min_size=1, max_size=4).map(".".join)
WILD = st.lists(st.sampled_from(["a", "b", "*"]), max_size=3)
PATTERN = st.tuples(WILD, st.booleans()).map(lambda one: ".".join([*one[0], "**"] if one[1] or not one[0] else one[0]))


@given(st.lists(PATTERN, max_size=20), st.lists(PATTERN, max_size=5), TOPIC)
def test_what_is_found_is_what_matches_one_by_one(patterns: list[str], gone: list[str], topic: str) -> None:
    routes: Routes[tuple[int, str]] = Routes()
    targets = [(number, pattern) for number, pattern in enumerate([*patterns, *gone])]
    for target in targets:
        routes.add(target[1], target)
    for target in targets[len(patterns) :]:
        routes.remove(target[1], target)
        routes.remove(target[1], target)
    assert sorted(routes.find(topic)) == [one for one in targets[: len(patterns)] if topic_matches(one[1], topic)]


@given(PATTERN, PATTERN, TOPIC)
def test_a_covered_pattern_matches_nothing_that_the_wider_one_does_not(wide: str, narrow: str, topic: str) -> None:
    if pattern_covers(wide, narrow) and topic_matches(narrow, topic):
        assert topic_matches(wide, topic)


def test_every_typed_event_is_on_one_of_the_host_s_own_topics() -> None:
    assert {topic.partition(".")[0] for topic in TOPICS.values()} <= HOST_TOPICS


@pytest.mark.parametrize("pattern", ["n.{}", "n{}.*", "*.n{}"])
def test_a_thousand_subscribers_each_get_their_own(pattern: str) -> None:
    bus = EventBus()
    subscriptions = [bus.subscribe(pattern.format(number)) for number in range(1000)]
    with pytest.raises(CapacityReached):
        bus.subscribe("**")
    own = bus.subscribe("**", own=True)
    bus.publish(pattern.format(7).replace("*", "x"))
    assert [len(one.drain()) for one in subscriptions] == [int(number == 7) for number in range(1000)]
    assert len(own.drain()) == 1
    for one in subscriptions:
        one.close()
    assert bus.figures().subscribers == 1


def test_the_bus_remembers_what_closed_subscribers_lost() -> None:
    bus = EventBus()
    slow = bus.subscribe("**", queue=1)
    for _ in range(5):
        bus.publish("a")
    slow.close()
    slow.close()
    assert (bus.figures().published, bus.figures().dropped, bus.figures().subscribers) == (5, 4, 0)


def test_ids_sort_as_events_came_even_when_the_clock_stands_still() -> None:
    bus = EventBus(clock=ManualClock())
    ids = [bus.publish("a") for _ in range(2000)]
    assert ids == sorted(set(ids))


def test_the_history_can_be_cleared() -> None:
    bus = EventBus()
    bus.publish("a")
    bus.clear_history()
    assert bus.history() == []
