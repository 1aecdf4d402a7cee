"""The memory door over a service that only takes notes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.capabilities.double import House, ask, asks
from tests.capabilities.later import ITEM, MemoryDouble, house_with, over

from omnicore.capabilities.memory import DOOR
from omnicore.capabilities.services import MemoryDraft, MemoryQuery
from omnicore.memory.item import MemoryScope
from omnicore.sandbox.abi import Doors

ASKED = asks("memory", {"tiers": ["session", "episodic"], "max_items": 5, "max_bytes": 999})
SHOWN = {
    "id": "m1",
    "tier": "session",
    "text": "the door is blue",
    "importance": 0.5,
    "created_at": 1_700_000_000.0,
    "metadata": {"room": 4},
}


@pytest.fixture
def service() -> MemoryDouble:
    return MemoryDouble()


@pytest.fixture
def doors(house: House, service: MemoryDouble) -> Doors:
    return house_with(house, ASKED, memory=service)


def test_a_text_is_stored_with_the_plugin_s_name_and_quota(doors: Doors, service: MemoryDouble) -> None:
    assert ask(doors, "memory_store_v1", {"text": "blue"}) == {"id": "m1"}
    assert service.asked == [("store", "text", MemoryDraft("blue", "episodic", None, None, {}), 5, 999)]


def test_everything_about_a_memory_reaches_the_service(doors: Doors, service: MemoryDouble) -> None:
    about = {"tier": "session", "importance": 1, "embedding": [1, -0.5], "metadata": {"room": 4}}
    ask(doors, "memory_store_v1", {"text": "blue", **about})
    assert service.asked[0][2] == MemoryDraft("blue", "session", 1.0, (1.0, -0.5), {"room": 4})


def test_what_fits_is_recalled_with_its_score(doors: Doors, service: MemoryDouble) -> None:
    assert ask(doors, "memory_recall_v1", {"text": "colour"}) == {"items": [{**SHOWN, "score": 0.75}]}
    assert service.asked == [("recall", "text", MemoryQuery("colour", None, ("session", "episodic"), 10))]
    ask(doors, "memory_recall_v1", {"embedding": [0.5], "tiers": ["session"], "limit": 100})
    assert service.asked[-1][2] == MemoryQuery(None, (0.5,), ("session",), 100)


def test_one_memory_is_got_and_forgotten_within_the_granted_tiers(doors: Doors, service: MemoryDouble) -> None:
    assert ask(doors, "memory_get_v1", {"id": "m1"}) == {"item": None}
    service.answers.update(get=ITEM, forget=True)
    assert ask(doors, "memory_get_v1", {"id": "m1"}) == {"item": {**SHOWN, "score": None}}
    assert ask(doors, "memory_forget_v1", {"id": "m1"}) == {"forgotten": True}
    assert service.asked[-1] == ("forget", "text", "m1", ("session", "episodic"))


@pytest.mark.parametrize(
    ("verb", "request_"),
    [("store", {"text": "x", "tier": "semantic"}), ("recall", {"text": "x", "tiers": ["session", "semantic"]})],
)
def test_a_tier_that_is_not_granted_is_refused(
    doors: Doors, service: MemoryDouble, verb: str, request_: dict[str, Any]
) -> None:
    error = ask(doors, f"memory_{verb}_v1", request_)["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "semantic")
    assert "omnicore plugins grant text memory" in error["remedy"]
    assert service.asked == []


def test_a_plugin_that_may_only_recall_cannot_store_or_forget(house: House, service: MemoryDouble) -> None:
    doors = house_with(house, asks("memory", {"write": False}), memory=service)
    for verb, request in [("store", {"text": "x"}), ("forget", {"id": "m1"})]:
        error = ask(doors, f"memory_{verb}_v1", request)["error"]
        assert (error["code"], error["resource"]) == ("permission-denied", f"memory.{verb}")
    assert service.asked == []
    assert "items" in ask(doors, "memory_recall_v1", {"text": "x"})


@pytest.mark.parametrize("verb", ["store", "recall", "get", "forget"])
def test_without_a_grant_every_verb_is_a_refusal(house: House, service: MemoryDouble, verb: str) -> None:
    doors = house_with(house, ASKED, granted=False, memory=service)
    assert ask(doors, f"memory_{verb}_v1", {"text": "x"})["error"]["code"] == "permission-denied"
    assert service.asked == []


@pytest.mark.parametrize(
    ("verb", "request_"), [("store", {"text": "x"}), ("recall", {"text": "x"}), ("get", {"id": "m"})]
)
def test_a_host_without_the_service_says_that_it_has_none(house: House, verb: str, request_: Any) -> None:
    error = ask(house_with(house, ASKED), f"memory_{verb}_v1", request_)["error"]
    assert (error["code"], error["message"]) == ("unavailable", "this host has no memory service")


@pytest.mark.parametrize(
    ("verb", "request_", "problem"),
    [
        ("store", {"text": ""}, "`text` of the request must not be empty"),
        ("store", {"text": "x", "importance": 1.01}, "`importance` of the request must be a number from 0 to 1"),
        ("store", {"text": "x", "importance": True}, "`importance` of the request must be a number from 0 to 1"),
        ("store", {"text": "x", "embedding": []}, "`embedding` of the request must be a list of 1 to 4096 numbers"),
        ("store", {"text": "x", "embedding": [1, "2"]}, "`embedding` of the request must hold finite numbers"),
        ("store", {"text": "x", "embedding": [1e39]}, "`embedding` of the request must hold finite numbers"),
        ("store", {"text": "x", "embedding": [10**400]}, "`embedding` of the request must hold finite numbers"),
        ("store", {"text": "x", "metadata": []}, "`metadata` of the request must be an object"),
        ("recall", {}, "`text` or `embedding` of the request must be there"),
        ("recall", {"text": "x", "tiers": []}, "`tiers` of the request must be a list of 1 to 12 texts"),
        ("recall", {"text": "x", "tiers": [7]}, "`tiers[0]` of the request must be text"),
        ("recall", {"text": "x", "limit": 101}, "`limit` of the request must be a whole number from 1 to 100"),
        ("get", {}, "`id` of the request must be there"),
        ("forget", {"id": "x" * 65}, "`id` of the request must have at most 64 bytes"),
    ],
)
def test_a_malformed_request_names_the_field(doors: Doors, verb: str, request_: Any, problem: str) -> None:
    error = ask(doors, f"memory_{verb}_v1", request_)["error"]
    assert error["code"] == "malformed-request"
    assert problem in error["message"]


def test_texts_and_metadata_are_bounded(doors: Doors) -> None:
    assert "id" in ask(doors, "memory_store_v1", {"text": "x" * 65536, "metadata": {"k": "x" * (16384 - 8)}})
    for request in ({"text": "x" * 65537}, {"text": "x", "metadata": {"k": "x" * (16384 - 7)}}):
        assert "have at most" in ask(doors, "memory_store_v1", request)["error"]["message"]


def test_a_full_memory_is_a_value(doors: Doors, service: MemoryDouble) -> None:
    service.answers["store"] = over("max_items")
    error = ask(doors, "memory_store_v1", {"text": "x"})["error"]
    assert (error["code"], error["limit"]) == ("limit-exceeded", "max_items")


def test_the_tiers_that_all_plugins_share_have_to_be_named(house: House, service: MemoryDouble) -> None:
    usual = house_with(house, asks("memory"), memory=service)
    assert "id" in ask(usual, "memory_store_v1", {"text": "x", "tier": "semantic"})
    error = ask(usual, "memory_store_v1", {"text": "x", "tier": "civilizational"})["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "civilizational")
    named = house_with(house, asks("memory", {"tiers": ["civilizational"]}), memory=service)
    assert "id" in ask(named, "memory_store_v1", {"text": "x", "tier": "civilizational"})


def test_a_scope_and_a_filter_reach_the_service(doors: Doors, service: MemoryDouble) -> None:
    ask(doors, "memory_store_v1", {"text": "blue", "user": "ada", "session": "s1", "said_at": 5})
    scope = MemoryScope(user="ada", session="s1")
    assert service.asked[-1][2] == MemoryDraft("blue", "episodic", None, None, {}, 5.0, scope)
    ask(doors, "memory_recall_v1", {"text": "blue", "app": "notes", "filter": {"year": {"$gte": 2020}}})
    query = service.asked[-1][2]
    assert (query.scope, query.filter) == (MemoryScope(app="notes"), {"year": {"$gte": 2020}})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"user": "x" * 257}, "user is no name"),
        ({"user": ""}, "must not be empty"),
        ({"filter": {"year": {"$like": 1}}}, "no operator"),
        ({"filter": [1]}, "must be an object"),
        ({"filter": {"a": {"$in": "x" * 20_000}}}, "bytes"),
    ],
)
def test_a_wrong_scope_or_filter_is_malformed(doors: Doors, wrong: dict[str, Any], words: str) -> None:
    error = ask(doors, "memory_recall_v1", {"text": "blue", **wrong})["error"]
    assert (error["code"], words in error["message"]) == ("malformed-request", True)


def test_a_plugin_with_a_fixed_scope_stays_within_it(house: House, service: MemoryDouble) -> None:
    doors = house_with(house, asks("memory", {"within": {"app": "notes"}}), memory=service)
    ask(doors, "memory_store_v1", {"text": "blue", "user": "ada"})
    assert service.asked[-1][2].scope == MemoryScope(user="ada", app="notes")
    ask(doors, "memory_recall_v1", {"text": "blue", "app": "notes"})
    assert service.asked[-1][2].scope == MemoryScope(app="notes")
    ask(doors, "memory_get_v1", {"id": "m1"})
    assert service.asked[-1][-1] == MemoryScope(app="notes")
    ask(doors, "memory_forget_v1", {"id": "m1"})
    assert service.asked[-1][-1] == MemoryScope(app="notes")
    for verb in ("store", "recall"):
        error = ask(doors, f"memory_{verb}_v1", {"text": "blue", "app": "other"})["error"]
        assert (error["code"], error["resource"]) == ("permission-denied", "app")


@pytest.mark.parametrize(
    ("granted", "asked", "open_"),
    [
        ({}, {}, True),
        ({}, {"app": "notes"}, True),
        ({"app": "notes"}, {"app": "notes", "user": "ada"}, True),
        ({"app": "notes"}, {}, False),
        ({"app": "notes"}, {"app": "other"}, False),
    ],
)
def test_a_grant_within_names_covers_what_asks_for_them(granted: Any, asked: Any, open_: bool) -> None:
    field = DOOR.scope["within"]
    assert field.covers(granted, asked) == open_
    assert field.valid(granted)


@pytest.mark.parametrize("within", [{"team": "x"}, {"user": ""}, {"user": 5}, "ada", {"user": None}])
def test_names_that_are_none_are_no_scope(within: Any) -> None:
    assert not DOOR.scope["within"].valid(within)
