"""The log door."""

from __future__ import annotations

import pytest
from tests.capabilities.double import CallDouble, House, ask, plugin

from omnicore.sandbox.abi import Limits


def test_a_line_reaches_the_plugin_s_log_with_its_fields(house: House) -> None:
    call = CallDouble()
    request = {"level": "warn", "message": "slow", "fields": {"ms": 7, "path": "/ä"}}
    assert ask(house.doors(plugin()), "log_write_v1", request, call) == {}
    assert call.lines == [("warn", 'slow ms=7 path="/ä"')]


def test_lines_below_the_level_are_let_go_and_cost_no_budget(house: House) -> None:
    call = CallDouble()
    doors = house.doors(plugin(log_level="warn"))
    assert ask(doors, "log_write_v1", {"level": "info", "message": "x"}, call) == {}
    assert ask(doors, "log_write_v1", {"level": "error", "message": "y"}, call) == {}
    assert call.lines == [("error", "y")]


def test_a_closed_log_takes_nothing(house: House) -> None:
    call = CallDouble()
    assert ask(house.doors(plugin(log_level=None)), "log_write_v1", {"level": "error", "message": "x"}, call) == {}
    assert call.lines == []


@pytest.mark.parametrize(
    "request_",
    [
        {"message": "x"},
        {"level": "info"},
        {"level": "loud", "message": "x"},
        {"level": "info", "message": 1},
        {"level": "info", "message": "x", "fields": []},
        {"level": "info", "message": "x", "extra": 1},
    ],
)
def test_a_malformed_line_is_a_value(house: House, request_: dict[str, object]) -> None:
    assert ask(house.doors(plugin()), "log_write_v1", request_)["error"]["code"] == "malformed-request"


def test_a_line_is_cut_at_8_kib(house: House) -> None:
    call = CallDouble()
    ask(house.doors(plugin()), "log_write_v1", {"level": "info", "message": "ä" * 5000}, call)
    assert call.lines == [("info", "ä" * 4096)]


def test_lines_over_the_call_s_budget_are_refused_as_a_value(house: House) -> None:
    call = CallDouble(Limits(log_lines=2))
    doors = house.doors(plugin())
    replies = [ask(doors, "log_write_v1", {"level": "info", "message": "x"}, call) for _ in range(3)]
    assert replies[:2] == [{}, {}]
    assert replies[2]["error"]["code"] == "limit-exceeded"
    assert replies[2]["error"]["limit"] == "log_lines"
