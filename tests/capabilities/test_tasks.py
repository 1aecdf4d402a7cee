"""The tasks door over a service that only takes notes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.capabilities.double import House, ask, asks
from tests.capabilities.later import TASK, TasksDouble, house_with, over

from omnicore.capabilities.services import TaskOrder
from omnicore.sandbox.abi import Doors

ASKED = asks("tasks", {"functions": ["mail.send", "report.*"], "max_pending": 7})


@pytest.fixture
def service() -> TasksDouble:
    return TasksDouble()


@pytest.fixture
def doors(house: House, service: TasksDouble) -> Doors:
    return house_with(house, ASKED, tasks=service)


def test_a_task_is_submitted_with_the_plugin_s_name_and_quota(doors: Doors, service: TasksDouble) -> None:
    assert ask(doors, "tasks_submit_v1", {"function": "mail.send", "input": {"to": "Ada"}}) == {"id": "t1"}
    assert service.asked == [("submit", "text", TaskOrder("mail.send", {"to": "Ada"}), 7)]


def test_every_wish_about_a_task_reaches_the_service(doors: Doors, service: TasksDouble) -> None:
    wishes = {"queue": "slow", "delay_s": 0, "priority": 9, "attempts": 1, "timeout_s": 2.5, "key": "once"}
    ask(doors, "tasks_submit_v1", {"function": "report.daily", **wishes})
    assert service.asked[0][2] == TaskOrder("report.daily", **wishes)


def test_a_task_is_shown_as_it_stands(doors: Doors, service: TasksDouble) -> None:
    shown = {"id": "t1", "function": "mail.send", "state": "waiting", "attempts": 0, "output": None, "error": None}
    assert ask(doors, "tasks_get_v1", {"id": "t1"}) == {"task": None}
    service.answers["get"] = TASK
    assert ask(doors, "tasks_get_v1", {"id": "t1"}) == {"task": shown}
    assert ask(doors, "tasks_list_v1", {"state": "done", "limit": 2}) == {"tasks": [shown], "cursor": "next"}
    assert service.asked[-1] == ("list", "text", "done", 2, None)


def test_cancel_says_whether_it_did(doors: Doors) -> None:
    assert ask(doors, "tasks_cancel_v1", {"id": "t1"}) == {"cancelled": False}


@pytest.mark.parametrize("function", ["mail.read", "mailXsend", "report", "text.count"])
def test_a_function_that_is_not_granted_is_refused(doors: Doors, service: TasksDouble, function: str) -> None:
    error = ask(doors, "tasks_submit_v1", {"function": function})["error"]
    assert (error["code"], error["capability"], error["resource"]) == ("permission-denied", "tasks", function)
    assert "omnicore plugins grant text tasks" in error["remedy"]
    assert service.asked == []


@pytest.mark.parametrize("verb", ["submit", "get", "list", "cancel"])
def test_without_a_grant_every_verb_is_a_refusal(house: House, service: TasksDouble, verb: str) -> None:
    doors = house_with(house, ASKED, granted=False, tasks=service)
    assert ask(doors, f"tasks_{verb}_v1", {"id": "t1"})["error"]["code"] == "permission-denied"
    assert service.asked == []


@pytest.mark.parametrize(
    ("verb", "request_"),
    [("submit", {"function": "mail.send"}), ("get", {"id": "t"}), ("list", {}), ("cancel", {"id": "t"})],
)
def test_a_host_without_the_service_says_that_it_has_none(house: House, verb: str, request_: Any) -> None:
    error = ask(house_with(house, ASKED), f"tasks_{verb}_v1", request_)["error"]
    assert (error["code"], error["message"]) == ("unavailable", "this host has no tasks service")
    assert "a host that has one" in error["remedy"]


@pytest.mark.parametrize(
    ("verb", "request_", "problem"),
    [
        ("submit", {}, "`function` of the request must be there"),
        ("submit", {"function": ""}, "`function` of the request must not be empty"),
        ("submit", {"function": "mail.send", "delay_s": -1}, "`delay_s` of the request must be a number from 0"),
        ("submit", {"function": "mail.send", "timeout_s": 0}, "`timeout_s` of the request must be a number"),
        ("submit", {"function": "mail.send", "priority": 10}, "`priority` of the request must be a whole number"),
        ("submit", {"function": "mail.send", "attempts": 0}, "`attempts` of the request must be a whole number"),
        ("submit", {"function": "mail.send", "when": 1}, "unknown field 'when'"),
        ("list", {"state": "lost"}, "`state` of the request must be one of waiting, running"),
        ("list", {"state": ["done"]}, "`state` of the request must be one of waiting, running"),
        ("get", {"id": ""}, "`id` of the request must not be empty"),
    ],
)
def test_a_malformed_request_names_the_field(doors: Doors, verb: str, request_: Any, problem: str) -> None:
    error = ask(doors, f"tasks_{verb}_v1", request_)["error"]
    assert error["code"] == "malformed-request"
    assert problem in error["message"]


def test_an_input_of_64_kib_passes_and_one_byte_more_does_not(doors: Doors) -> None:
    most = "x" * (64 * 1024 - 2)
    assert "id" in ask(doors, "tasks_submit_v1", {"function": "mail.send", "input": most})
    error = ask(doors, "tasks_submit_v1", {"function": "mail.send", "input": most + "x"})["error"]
    assert "`input` of the request must have at most 65536 bytes" in error["message"]


def test_too_many_pending_tasks_are_a_value(doors: Doors, service: TasksDouble) -> None:
    service.answers["submit"] = over("max_pending")
    error = ask(doors, "tasks_submit_v1", {"function": "mail.send"})["error"]
    assert (error["code"], error["limit"], error["resource"]) == ("limit-exceeded", "max_pending", "mail.send")
