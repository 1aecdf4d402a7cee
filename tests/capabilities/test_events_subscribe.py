"""The events door's other half: subscriptions, the host's own topics, and loops that are cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.capabilities.double import CallDouble, House, ask, asks, grants, plugin

from omnicore.capabilities.doors import covers, open_doors
from omnicore.events.subscriptions import MOST_HOPS, Handling
from omnicore.sandbox.abi import Doors

ASKED = asks("events", {"topics": ["counter.*"], "subscribe": ["counter.**", "health.changed"]})


@pytest.fixture
def doors(house: House) -> Doors:
    return house.doors(plugin(ASKED))


def subscribe(doors: Doors, topic: str, function: str = "hear") -> dict[str, object]:
    return ask(doors, "events_subscribe_v1", {"topic": topic, "function": function})


def test_a_function_is_subscribed_shown_and_unsubscribed(doors: Doors, house: House) -> None:
    first = subscribe(doors, "counter.*")["id"]
    second = subscribe(doors, "health.changed", "x")["id"]
    assert subscribe(doors, "counter.*")["id"] == first
    assert ask(doors, "events_subscriptions_v1", {})["items"] == [
        {"id": first, "topic": "counter.*", "function": "hear"},
        {"id": second, "topic": "health.changed", "function": "x"},
    ]
    assert ask(doors, "events_unsubscribe_v1", {"id": first}) == {"removed": True}
    assert ask(doors, "events_unsubscribe_v1", {"id": first}) == {"removed": False}
    assert house.stirred == 4


def test_without_a_grant_nothing_is_subscribed(house: House) -> None:
    doors = house.doors(plugin(ASKED, granted=False))
    for verb, request in {
        "subscribe": {"topic": "counter.a", "function": "hear"},
        "unsubscribe": {"id": "x"},
        "subscriptions": {},
    }.items():
        assert ask(doors, f"events_{verb}_v1", request)["error"]["code"] == "permission-denied"
    assert house.subscriptions.of("text") == []


@pytest.mark.parametrize("topic", ["**", "*", "health.*", "counter", "plugin.added"])
def test_what_may_not_be_heard_is_refused(doors: Doors, topic: str) -> None:
    error = subscribe(doors, topic)["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", topic)
    assert "may not subscribe to" in error["message"]


def test_who_may_only_publish_hears_nothing(house: House) -> None:
    doors = house.doors(plugin(asks("events", {"topics": ["counter.*"]})))
    assert subscribe(doors, "counter.a")["error"]["code"] == "permission-denied"


@pytest.mark.parametrize(
    "request_",
    [
        {"topic": "counter.a"},
        {"function": "hear"},
        {"topic": "counter..a", "function": "hear"},
        {"topic": "counter.a", "function": ""},
        {"topic": "counter.a", "function": "nothing"},
        {"topic": "counter.a", "function": "hear", "more": 1},
    ],
)
def test_a_malformed_subscription_is_a_value(doors: Doors, request_: dict[str, object]) -> None:
    assert ask(doors, "events_subscribe_v1", request_)["error"]["code"] == "malformed-request"


def test_a_plugin_has_as_many_subscriptions_as_were_granted_and_not_more(house: House) -> None:
    doors = house.doors(plugin(asks("events", {"subscribe": ["**"], "max_subscriptions": 2})))
    assert ["id" in subscribe(doors, f"a.{n}") for n in range(3)] == [True, True, False]
    error = subscribe(doors, "a.9")["error"]
    assert (error["code"], error["limit"]) == ("limit-exceeded", "subscriptions")


def test_all_plugins_together_meet_the_host_s_own_limit(house: House) -> None:
    for name in ("one", "two"):
        doors = house.doors(plugin(asks("events", {"subscribe": ["**"]}), name=name))
        answers = [subscribe(doors, f"a.{n}") for n in range(100)]
    assert sum("id" in answer for answer in answers) == 50
    assert answers[-1]["error"]["limit"] == "events.subscriptions"


def test_a_plugin_sees_and_ends_only_its_own(house: House) -> None:
    other = house.doors(plugin(ASKED, name="other"))
    theirs = subscribe(other, "counter.a")["id"]
    doors = house.doors(plugin(ASKED))
    assert ask(doors, "events_subscriptions_v1", {})["items"] == []
    assert ask(doors, "events_unsubscribe_v1", {"id": theirs}) == {"removed": False}


def test_a_host_that_does_not_deliver_says_so(house: House) -> None:
    doors = open_doors(plugin(ASKED), replace(house.services, subscriptions=None))
    assert subscribe(doors, "counter.a")["error"]["code"] == "unavailable"


@pytest.mark.parametrize("topic", ["health.changed", "webhook.changed", "config.changed"])
@pytest.mark.parametrize(("pattern", "allowed"), [("**", False), ("*.changed", False), ("{}.*", True)])
def test_the_host_s_own_topics_are_published_only_by_whom_the_grant_names_them(
    house: House, pattern: str, allowed: bool, topic: str
) -> None:
    doors = house.doors(plugin(asks("events", {"topics": [pattern.format(topic.partition(".")[0])]})))
    reply = ask(doors, "events_publish_v1", {"topic": topic, "data": 1})
    assert ("id" in reply) is allowed
    assert "id" in ask(
        house.doors(plugin(asks("events", {"topics": ["a.*"]}))), "events_publish_v1", {"topic": "a.b", "data": 1}
    )


def test_a_grant_of_everything_covers_no_new_request_for_the_host_s_own_topics() -> None:
    granted = grants("events", {"topics": ["**"]})
    assert covers(granted, asks("events", {"topics": ["mine.*"]}))
    assert not covers(granted, asks("events", {"topics": ["plugin.*"]}))


def test_an_event_of_a_plugin_is_never_taken_for_the_host_s(doors: Doors, house: House) -> None:
    ask(doors, "events_publish_v1", {"topic": "counter.a", "data": 1})
    assert [event.hops for event in house.bus.history()] == [1]


def test_events_that_follow_from_events_are_cut_at_a_limit(doors: Doors, house: House) -> None:
    def publish(hops: int) -> dict[str, object]:
        call = CallDouble(host_context=Handling(hops))
        return ask(doors, "events_publish_v1", {"topic": "counter.a", "data": 1}, call)

    assert "id" in publish(MOST_HOPS - 1)
    assert house.bus.history()[-1].hops == MOST_HOPS
    error = publish(MOST_HOPS)["error"]
    assert (error["code"], error["limit"]) == ("limit-exceeded", "event_hops")
