"""What a lane's answer asks for is held to what a call of the door is held to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.capabilities.double import House, ask, asks, plugin

from omnicore.capabilities.doors import act
from omnicore.capabilities.events import RATE_PER_S
from omnicore.capabilities.services import Rates
from omnicore.errors import InvalidInput, LimitExceeded, PermissionDenied

TELLER = plugin(asks("events", {"topics": ["saw.*"]}), asks("kv"))
SAW = {"topic": "saw.it", "data": 1}


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.database.close()


def does(house: House, verb: str, values: Any) -> Any:
    return asyncio.run(act(TELLER, house.services, verb, values))


def deep(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (deep(40), "nested deeper"),
        (deep(900), "nested deeper"),
        (float("nan"), "not JSON"),
        (float("inf"), "not JSON"),
        ("half of a character: \ud800", "not JSON"),
        ({1, 2}, "not JSON"),
        ("x" * 2_000_000, "bytes"),
    ],
)
def test_an_action_that_no_door_would_read_is_refused(house: House, data: Any, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        does(house, "events.publish", {"topic": "saw.it", "data": data})
    assert house.bus.history() == []


def test_an_action_outside_of_the_grants_is_refused(house: House) -> None:
    with pytest.raises(PermissionDenied):
        does(house, "memory.store", {"text": "x"})
    with pytest.raises(InvalidInput, match="not an action"):
        does(house, "kv.get", {"key": "a"})


def test_actions_and_calls_of_a_plugin_share_one_rate(house: House) -> None:
    doors = house.doors(TELLER)
    for _ in range(RATE_PER_S - 1):
        assert "id" in ask(doors, "events_publish_v1", SAW)
    assert "id" in does(house, "events.publish", SAW)
    with pytest.raises(LimitExceeded):
        does(house, "events.publish", SAW)
    assert ask(house.doors(TELLER), "events_publish_v1", SAW)["error"]["limit"] == "events_per_s"
    house.clock.advance(1.0)
    assert "id" in does(house, "events.publish", SAW)


def test_the_rates_of_plugins_that_rest_are_forgotten(house: House) -> None:
    rates = Rates()
    for number in range(5000):
        house.clock.advance(0.01)
        rates.spend(f"plugin-{number}", house.clock)
    assert len(rates._left) <= 1001
