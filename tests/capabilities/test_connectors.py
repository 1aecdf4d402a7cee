"""The connectors door over a service that only takes notes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.capabilities.double import CallDouble, House, ask, asks
from tests.capabilities.later import ConnectorsDouble, house_with, over

from omnicore.sandbox.abi import Doors

ASKED = asks("connectors", {"connectors": ["sh*"], "actions": ["read"]})


@pytest.fixture
def service() -> ConnectorsDouble:
    return ConnectorsDouble()


@pytest.fixture
def doors(house: House, service: ConnectorsDouble) -> Doors:
    return house_with(house, ASKED, connectors=service)


def test_only_connectors_and_actions_that_may_be_used_are_listed(doors: Doors) -> None:
    assert ask(doors, "connectors_list_v1", {}) == {
        "connectors": [{"name": "shop", "kind": "http", "actions": ["read"]}]
    }


def test_connectors_are_listed_by_name(house: House, service: ConnectorsDouble) -> None:
    doors = house_with(house, asks("connectors", {"connectors": ["*"]}), connectors=service)
    names = [one["name"] for one in ask(doors, "connectors_list_v1", {})["connectors"]]
    assert names == ["mail", "shed", "shop"]


def test_a_call_reaches_the_connector_with_the_time_that_is_left(
    doors: Doors, house: House, service: ConnectorsDouble
) -> None:
    service.answers["call"] = {"sold": 3}
    call = CallDouble(deadline=house.clock.monotonic() + 2)
    request = {"connector": "shop", "action": "read", "input": {"day": 1}}
    assert ask(doors, "connectors_call_v1", request, call) == {"output": {"sold": 3}}
    assert service.asked == [("call", "text", "shop", "read", {"day": 1}, 2.0)]


@pytest.mark.parametrize(("connector", "action"), [("mail", "read"), ("shop", "write")])
def test_what_is_not_granted_is_refused(doors: Doors, service: ConnectorsDouble, connector: str, action: str) -> None:
    error = ask(doors, "connectors_call_v1", {"connector": connector, "action": action})["error"]
    assert (error["code"], error["capability"]) == ("permission-denied", "connectors")
    assert error["resource"].startswith(connector)
    assert "omnicore plugins grant text connectors" in error["remedy"]
    assert service.asked == []


@pytest.mark.parametrize("verb", ["list", "call"])
def test_without_a_grant_every_verb_is_a_refusal(house: House, service: ConnectorsDouble, verb: str) -> None:
    doors = house_with(house, ASKED, granted=False, connectors=service)
    error = ask(doors, f"connectors_{verb}_v1", {"connector": "shop", "action": "read"})["error"]
    assert error["code"] == "permission-denied"
    assert service.asked == []


@pytest.mark.parametrize(("verb", "request_"), [("list", {}), ("call", {"connector": "shop", "action": "read"})])
def test_a_host_without_the_service_says_that_it_has_none(house: House, verb: str, request_: Any) -> None:
    error = ask(house_with(house, ASKED), f"connectors_{verb}_v1", request_)["error"]
    assert (error["code"], error["message"]) == ("unavailable", "this host has no connectors service")


@pytest.mark.parametrize(
    ("verb", "request_", "problem"),
    [
        ("list", {"all": True}, "unknown field 'all'"),
        ("call", {"action": "read"}, "`connector` of the request must be there"),
        ("call", {"connector": "", "action": "read"}, "`connector` of the request must not be empty"),
        ("call", {"connector": "shop"}, "`action` of the request must be there"),
        ("call", {"connector": "shop", "action": 1}, "`action` of the request must be text"),
    ],
)
def test_a_malformed_request_names_the_field(doors: Doors, verb: str, request_: Any, problem: str) -> None:
    error = ask(doors, f"connectors_{verb}_v1", request_)["error"]
    assert error["code"] == "malformed-request"
    assert problem in error["message"]


def test_an_input_of_a_mebibyte_passes_and_one_byte_more_does_not(doors: Doors) -> None:
    request = {"connector": "shop", "action": "read", "input": "x" * (1024 * 1024 - 2)}
    assert ask(doors, "connectors_call_v1", request) == {"output": None}
    error = ask(doors, "connectors_call_v1", {**request, "input": request["input"] + "x"})["error"]
    assert "`input` of the request must have at most 1048576 bytes" in error["message"]


def test_a_connector_s_own_limit_is_a_value(doors: Doors, service: ConnectorsDouble) -> None:
    service.answers["call"] = over("calls_per_day")
    error = ask(doors, "connectors_call_v1", {"connector": "shop", "action": "read"})["error"]
    assert (error["code"], error["limit"], error["resource"]) == ("limit-exceeded", "calls_per_day", "shop")
