"""The kv door over real SQLite."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.capabilities.double import House, ask, asks, plugin

from omnicore.sandbox.abi import Doors


@pytest.fixture
def doors(house: House) -> Doors:
    return house.doors(plugin(asks("kv")))


def test_what_is_put_can_be_got_with_its_version(doors: Doors) -> None:
    version = ask(doors, "kv_put_v1", {"key": "count", "value": "7"})["version"]
    assert ask(doors, "kv_get_v1", {"key": "count"}) == {"value": "7", "version": version}


def test_a_key_that_is_not_there_is_null(doors: Doors) -> None:
    assert ask(doors, "kv_get_v1", {"key": "nothing"}) == {"value": None, "version": None}


def test_bytes_that_are_no_text_travel_as_base64(doors: Doors) -> None:
    raw = {"base64": base64.b64encode(b"\xff\x00").decode()}
    ask(doors, "kv_put_v1", {"key": "raw", "value": raw})
    assert ask(doors, "kv_get_v1", {"key": "raw"})["value"] == raw


def test_text_sent_as_base64_comes_back_as_text(doors: Doors) -> None:
    ask(doors, "kv_put_v1", {"key": "k", "value": {"base64": "aGk="}})
    assert ask(doors, "kv_get_v1", {"key": "k"})["value"] == "hi"


def test_delete_says_whether_there_was_something(doors: Doors) -> None:
    ask(doors, "kv_put_v1", {"key": "k", "value": ""})
    assert [ask(doors, "kv_delete_v1", {"key": "k"}) for _ in range(2)] == [
        {"deleted": True},
        {"deleted": False},
    ]


def test_keys_are_listed_by_prefix_and_page(doors: Doors) -> None:
    for key in ("a/1", "a/2", "a/3", "b/1"):
        ask(doors, "kv_put_v1", {"key": key, "value": "x"})
    first = ask(doors, "kv_list_v1", {"prefix": "a/", "limit": 2})
    assert first["keys"] == ["a/1", "a/2"]
    second = ask(doors, "kv_list_v1", {"prefix": "a/", "limit": 2, "cursor": first["cursor"]})
    assert second == {"keys": ["a/3"], "cursor": None}
    assert len(ask(doors, "kv_list_v1", {})["keys"]) == 4


def test_compare_and_set_writes_only_over_the_expected_version(doors: Doors) -> None:
    made = ask(doors, "kv_cas_v1", {"key": "k", "expected": None, "value": "1"})
    assert made["swapped"]
    again = ask(doors, "kv_cas_v1", {"key": "k", "expected": None, "value": "2"})
    assert again == {"swapped": False, "version": made["version"]}
    assert ask(doors, "kv_cas_v1", {"key": "k", "expected": made["version"], "value": "2"})["swapped"]
    assert ask(doors, "kv_get_v1", {"key": "k"})["value"] == "2"


def test_a_value_is_gone_after_its_time_to_live(doors: Doors, house: House) -> None:
    ask(doors, "kv_put_v1", {"key": "k", "value": "x", "ttl_s": 10})
    house.clock.advance(9.9)
    assert ask(doors, "kv_get_v1", {"key": "k"})["value"] == "x"
    house.clock.advance(0.2)
    assert ask(doors, "kv_get_v1", {"key": "k"})["value"] is None


def test_plugins_do_not_see_each_other_s_keys(doors: Doors, house: House) -> None:
    ask(doors, "kv_put_v1", {"key": "k", "value": "mine"})
    other = house.doors(plugin(asks("kv"), name="other"))
    assert ask(other, "kv_get_v1", {"key": "k"})["value"] is None
    assert ask(other, "kv_list_v1", {})["keys"] == []


@pytest.mark.parametrize("verb", ["get", "put", "delete", "list", "cas"])
def test_without_a_grant_every_verb_is_a_refusal_that_says_how_to_get_one(house: House, verb: str) -> None:
    doors = house.doors(plugin(asks("kv"), granted=False))
    assert ask(doors, f"kv_{verb}_v1", {"key": "count", "value": "1"})["error"] == {
        "code": "permission-denied",
        "message": f"text has no grant for kv.{verb}",
        "remedy": "run `omnicore plugins grant text kv`",
        "capability": "kv",
        "resource": "count",
    }
    assert house.kv.list("text") == ([], None)


@pytest.mark.parametrize(
    ("verb", "request_", "problem"),
    [
        ("get", {}, "`key` of the request must be there"),
        ("get", {"key": 7}, "`key` of the request must be text"),
        ("get", {"key": "x" * 513}, "`key` of the request must have at most 512 bytes"),
        ("get", {"key": "ä" * 257}, "`key` of the request must have at most 512 bytes"),
        ("get", {"key": "k", "colour": 1}, "unknown field 'colour'"),
        ("put", {"key": "k"}, "`value` of the request must be there"),
        ("put", {"key": "k", "value": 7}, '`value` of the request must be text or {"base64"'),
        ("put", {"key": "k", "value": {"base64": "!"}}, "`value` of the request must hold standard base64"),
        ("put", {"key": "k", "value": {"base64": "aGk=", "x": 1}}, "`value` of the request must be text or"),
        ("put", {"key": "k", "value": "v", "ttl_s": 0}, "`ttl_s` of the request must be a number"),
        (
            "put",
            {"key": "k", "value": "v", "ttl_s": True},
            "`ttl_s` of the request must be a number",
        ),
        ("list", {"limit": 0}, "`limit` of the request must be a whole number from 1 to 1000"),
        ("list", {"limit": 1001}, "`limit` of the request must be a whole number from 1 to 1000"),
        ("cas", {"key": "k", "value": "v"}, "`expected` of the request must be there"),
        (
            "cas",
            {"key": "k", "value": "v", "expected": -1},
            "`expected` of the request must be a whole",
        ),
        (
            "cas",
            {"key": "k", "value": "v", "expected": True},
            "`expected` of the request must be a whole",
        ),
    ],
)
def test_a_malformed_request_is_a_value_that_names_the_field(
    doors: Doors, verb: str, request_: Any, problem: str
) -> None:
    error = ask(doors, f"kv_{verb}_v1", request_)["error"]
    assert error["code"] == "malformed-request"
    assert problem in error["message"]


def test_an_empty_key_is_refused(doors: Doors) -> None:
    assert ask(doors, "kv_put_v1", {"key": "", "value": ""})["error"]["code"] == "malformed-request"


def test_the_quota_of_bytes_is_a_value_and_nothing_is_written(house: House) -> None:
    doors = house.doors(plugin(asks("kv", {"max_bytes": 100})))
    assert "version" in ask(doors, "kv_put_v1", {"key": "k", "value": "x" * 99})
    error = ask(doors, "kv_put_v1", {"key": "k", "value": "x" * 100})["error"]
    assert (error["code"], error["limit"], error["resource"]) == ("limit-exceeded", "max_bytes", "k")
    assert len(ask(doors, "kv_get_v1", {"key": "k"})["value"]) == 99


def test_the_quota_of_keys_holds_for_compare_and_set_too(house: House) -> None:
    doors = house.doors(plugin(asks("kv", {"max_keys": 1})))
    ask(doors, "kv_put_v1", {"key": "a", "value": ""})
    error = ask(doors, "kv_cas_v1", {"key": "b", "expected": None, "value": ""})["error"]
    assert (error["code"], error["limit"]) == ("limit-exceeded", "max_keys")


def test_a_plugin_that_names_no_quota_has_a_mebibyte_and_a_thousand_keys(doors: Doors) -> None:
    for number in range(4):
        reply = ask(doors, "kv_put_v1", {"key": str(number), "value": "x" * (256 * 1024 - 1)})
        assert "version" in reply
    assert ask(doors, "kv_put_v1", {"key": "5", "value": "x"})["error"]["limit"] == "max_bytes"


def test_a_value_may_have_256_kib_and_not_one_byte_more(doors: Doors) -> None:
    assert "version" in ask(doors, "kv_put_v1", {"key": "k", "value": "x" * 256 * 1024})
    error = ask(doors, "kv_put_v1", {"key": "k", "value": "x" * (256 * 1024 + 1)})["error"]
    assert "at most 262144 bytes" in error["message"]
