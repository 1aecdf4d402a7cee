"""The config door."""

from __future__ import annotations

import pytest
from tests.capabilities.double import CallDouble, House, ask, ask_handle, plugin

SETTINGS = {"greeting": "hello", "times": 3, "names": ["a", "b"], "ratio": 0.5, "deep": {"x": None}}


def test_a_setting_is_read_by_its_key(house: House) -> None:
    doors = house.doors(plugin(settings=SETTINGS))
    assert ask(doors, "config_get_v1", {"key": "times"}) == {"value": 3}
    assert ask(doors, "config_get_v1", {"key": "deep"}) == {"value": {"x": None}}


def test_a_setting_that_is_not_there_is_null(house: House) -> None:
    assert ask(house.doors(plugin()), "config_get_v1", {"key": "nothing"}) == {"value": None}


def test_without_a_key_all_settings_are_read(house: House) -> None:
    assert ask(house.doors(plugin(settings=SETTINGS)), "config_get_v1", {}) == {"values": SETTINGS}


def test_extism_guests_get_text_as_it_is_and_other_settings_as_json(house: House) -> None:
    assert house.doors(plugin(settings=SETTINGS)).config == {
        "greeting": "hello",
        "times": "3",
        "names": '["a", "b"]',
        "ratio": "0.5",
        "deep": '{"x": null}',
    }


@pytest.mark.parametrize("request_", [{"key": 1}, {"key": "x" * 513}, {"keys": ["a"]}, [], "key", None])
def test_a_malformed_request_is_a_value(house: House, request_: object) -> None:
    assert ask(house.doors(plugin()), "config_get_v1", request_)["error"]["code"] == "malformed-request"


def test_an_empty_block_and_a_dead_handle_are_malformed_requests_too(house: House) -> None:
    doors = house.doors(plugin())
    assert ask_handle(doors, "config_get_v1", 0, CallDouble())["error"]["code"] == "malformed-request"
    dead = ask_handle(doors, "config_get_v1", 4096, CallDouble())["error"]
    assert "4096 is not a live block" in dead["message"]


def test_a_request_over_64_kib_is_refused(house: House) -> None:
    doors = house.doors(plugin())
    assert ask(doors, "config_get_v1", b'{"key": "a"}' + b" " * (65_536 - 12)) == {"value": None}
    error = ask(doors, "config_get_v1", b'{"key": "a"}' + b" " * (65_536 - 11))["error"]
    assert error["message"] == "the request has 65537 bytes, 65536 are allowed"
