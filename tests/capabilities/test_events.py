"""The events door over the real bus."""

from __future__ import annotations

import pytest
from tests.capabilities.double import House, ask, asks, plugin

from omnicore.sandbox.abi import Doors


@pytest.fixture
def doors(house: House) -> Doors:
    return house.doors(plugin(asks("events", {"topics": ["counter.*"]})))


def test_an_event_reaches_subscribers_with_the_plugin_as_its_source(doors: Doors, house: House) -> None:
    with house.bus.subscribe("counter.*") as events:
        reply = ask(doors, "events_publish_v1", {"topic": "counter.changed", "data": {"count": 7}})
        (event,) = events.drain()
    assert (event.id, event.data, event.source) == (reply["id"], {"count": 7}, "text")


def test_null_is_data_too(doors: Doors, house: House) -> None:
    assert "id" in ask(doors, "events_publish_v1", {"topic": "counter.changed", "data": None})


@pytest.mark.parametrize("topic", ["plugin.added", "counter", "counter.a.b", "Counter.a"])
def test_a_topic_that_is_not_granted_is_refused(doors: Doors, house: House, topic: str) -> None:
    error = ask(doors, "events_publish_v1", {"topic": topic, "data": 1})["error"]
    assert (error["code"], error["capability"], error["resource"]) == ("permission-denied", "events", topic)
    assert "omnicore plugins grant text events" in error["remedy"]
    assert house.bus.history() == []


def test_without_a_grant_nothing_is_published(house: House) -> None:
    doors = house.doors(plugin(asks("events", {"topics": ["**"]}), granted=False))
    error = ask(doors, "events_publish_v1", {"topic": "a.b", "data": 1})["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "a.b")
    assert house.bus.history() == []


def test_a_plugin_that_never_asked_is_told_to_ask_first(house: House) -> None:
    error = ask(house.doors(plugin()), "events_publish_v1", {"topic": "a", "data": 1})["error"]
    assert error["remedy"] == "ask for events in its manifest, then run `omnicore plugins grant text events`"


@pytest.mark.parametrize(
    "request_",
    [{"topic": "counter.a"}, {"data": 1}, {"topic": 1, "data": 1}, {"topic": "counter.a b", "data": 1}],
)
def test_a_malformed_event_is_a_value(doors: Doors, request_: dict[str, object]) -> None:
    assert ask(doors, "events_publish_v1", request_)["error"]["code"] == "malformed-request"


def test_data_of_64_kib_passes_and_one_byte_more_does_not(doors: Doors) -> None:
    most = "x" * (64 * 1024 - 2)
    assert "id" in ask(doors, "events_publish_v1", {"topic": "counter.a", "data": most})
    error = ask(doors, "events_publish_v1", {"topic": "counter.a", "data": most + "x"})["error"]
    assert (error["code"], error["limit"]) == ("limit-exceeded", "event_bytes")


def test_a_hundred_events_a_second_pass_and_more_do_not(doors: Doors, house: House) -> None:
    def publish() -> bool:
        return "id" in ask(doors, "events_publish_v1", {"topic": "counter.a", "data": 1})

    assert [publish() for _ in range(101)] == [True] * 100 + [False]
    house.clock.advance(0.05)
    assert [publish() for _ in range(6)] == [True] * 5 + [False]
    house.clock.advance(60)
    assert [publish() for _ in range(101)] == [True] * 100 + [False]
