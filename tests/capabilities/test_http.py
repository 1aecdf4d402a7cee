"""The http door, with a network that only pretends; `tests/connectors` has the real one."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from tests.capabilities.double import CallDouble, House, ask, asks, plugin

from omnicore.capabilities.doors import NAMESPACE
from omnicore.errors import DeadlineExceeded, LimitExceeded, PermissionDenied, StorageFailed, Unavailable
from omnicore.sandbox.abi import HttpRequest, HttpResponse, Limits

SCOPE = {"hosts": ["api.example.com"], "methods": ["GET", "POST"]}


def test_an_answer_comes_back_with_status_headers_and_body(house: House) -> None:
    house.http.answer = HttpResponse(404, {"content-type": "text/plain"}, b"nope")
    reply = ask(house.doors(plugin(asks("http", SCOPE))), "http_fetch_v1", {"url": "https://api.example.com/"})
    assert reply == {"status": 404, "headers": {"content-type": "text/plain"}, "body": "nope"}


def test_method_headers_and_body_are_handed_on_with_the_policy_of_the_grant(house: House) -> None:
    doors = house.doors(plugin(asks("http", {**SCOPE, "private": True}), limits=Limits(http_request_bytes=99)))
    call = CallDouble(deadline=house.clock.monotonic() + 2.5)
    request = {
        "url": "https://api.example.com/x",
        "method": "POST",
        "headers": {"X-A": "1"},
        "body": {"base64": "/w=="},
    }
    ask(doors, "http_fetch_v1", request, call)
    ((sent, policy),) = house.http.sent
    assert (sent.method, sent.url, sent.headers, sent.body) == ("POST", request["url"], {"X-A": "1"}, b"\xff")
    assert sent.timeout_s == pytest.approx(2.5)
    assert (policy.hosts, policy.methods, policy.private) == (("api.example.com",), ("GET", "POST"), "named")
    assert (policy.plugin, policy.max_request_bytes) == ("text", 99)


def test_the_least_a_grant_can_be_is_get_from_public_addresses(house: House) -> None:
    doors = house.doors(plugin(asks("http", {"hosts": ["*"]})))
    ask(doors, "http_fetch_v1", {"url": "https://x/"})
    ((sent, policy),) = house.http.sent
    assert (sent.method, policy.methods, policy.private) == ("GET", ("GET",), "deny")


def test_the_smaller_of_the_grant_s_and_the_host_s_bound_holds(house: House) -> None:
    for granted, limit in ((10, 99), (99, 10), (None, 10)):
        scope = {**SCOPE, **({"max_response_bytes": granted} if granted else {})}
        doors = house.doors(plugin(asks("http", scope), limits=Limits(http_response_bytes=limit)))
        ask(doors, "http_fetch_v1", {"url": "https://x/"})
        assert doors.http is not None
        asyncio.run(doors.http(HttpRequest("GET", "https://x/", {}, b"", 1.0, max_bytes=limit)))
    assert [sent.max_bytes for sent, _ in house.http.sent] == [10] * 6


def test_the_door_waits_without_holding_the_loop(house: House) -> None:
    doors = house.doors(plugin(asks("http", SCOPE)))
    assert [one.name for one in doors.functions if inspect.iscoroutinefunction(one.run)] == ["http_fetch_v1"]
    assert {one.namespace for one in doors.functions} == {NAMESPACE}


def test_without_a_grant_both_ways_out_are_closed(house: House) -> None:
    doors = house.doors(plugin(asks("http", SCOPE), granted=False))
    error = ask(doors, "http_fetch_v1", {"url": "https://api.example.com/"})["error"]
    assert (error["code"], error["capability"]) == ("permission-denied", "http")
    assert (error["resource"], error["remedy"]) == (
        "https://api.example.com/",
        "run `omnicore plugins grant text http`",
    )
    assert doors.http is not None
    with pytest.raises(PermissionDenied, match="omnicore plugins grant text http"):
        asyncio.run(doors.http(HttpRequest("GET", "https://api.example.com/", {}, b"", 1.0, 1)))
    assert house.http.sent == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionDenied("no", capability="http", resource="evil.example"), "permission-denied"),
        (DeadlineExceeded("timeout"), "deadline-exceeded"),
        (LimitExceeded("HTTP response exceeds"), "limit-exceeded"),
        (Unavailable("no answer"), "unavailable"),
    ],
)
def test_what_goes_wrong_on_the_way_is_a_value(house: House, error: Exception, code: str) -> None:
    house.http.answer = error
    reply = ask(house.doors(plugin(asks("http", SCOPE))), "http_fetch_v1", {"url": "https://evil.example/"})
    assert reply["error"]["code"] == code
    assert reply["error"]["resource"].removeprefix("https://").rstrip("/") == "evil.example"


def test_a_failure_of_the_host_is_not_the_guest_s_to_read(house: House) -> None:
    house.http.answer = StorageFailed("the disk of /secret/path is full")
    with pytest.raises(StorageFailed):
        ask(house.doors(plugin(asks("http", SCOPE))), "http_fetch_v1", {"url": "https://x/"})


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"url": 1},
        {"url": "https://x/", "headers": {"a": 1}},
        {"url": "https://x/", "headers": [["a", "b"]]},
        {"url": "https://x/", "body": 1},
        {"url": "https://x/", "method": 1},
        {"url": "https://x/", "timeout": 1},
    ],
)
def test_a_malformed_request_is_a_value_and_not_sent(house: House, request_: dict[str, object]) -> None:
    call = CallDouble()
    reply = ask(house.doors(plugin(asks("http", SCOPE))), "http_fetch_v1", request_, call)
    assert reply["error"]["code"] == "malformed-request"
    assert (house.http.sent, call.http_requests) == ([], 0)


def test_requests_over_the_call_s_budget_are_refused_as_a_value(house: House) -> None:
    call = CallDouble(Limits(http_requests=2))
    doors = house.doors(plugin(asks("http", SCOPE)))
    replies = [ask(doors, "http_fetch_v1", {"url": "https://x/"}, call) for _ in range(3)]
    assert replies[2]["error"]["limit"] == "http_requests"
    assert len(house.http.sent) == 2


def test_a_body_over_the_plugin_s_limit_is_refused(house: House) -> None:
    doors = house.doors(plugin(asks("http", SCOPE), limits=Limits(http_request_bytes=10)))
    error = ask(doors, "http_fetch_v1", {"url": "https://x/", "body": "x" * 11})["error"]
    assert "at most 10 bytes" in error["message"]
