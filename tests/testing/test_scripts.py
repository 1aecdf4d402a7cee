"""Doors with scripted answers: grants and checks stay, the service is what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.testing.guests import PLUGINS, ask, asker

from omnicore.errors import InvalidSetting, Unavailable
from omnicore.testing import IsolatedHost

Make = Callable[..., IsolatedHost]
DOORS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("log.write", {"level": "info", "message": "x"}, {}),
    ("config.get", {"key": "k"}, {"value": 7}),
    ("kv.get", {"key": "k"}, {"value": "v", "version": 1}),
    ("kv.put", {"key": "k", "value": "v"}, {"version": 1}),
    ("http.fetch", {"url": "http://127.0.0.1/"}, {"status": 200, "headers": {}, "body": "hello"}),
    ("events.publish", {"topic": "case.x", "data": 1}, {"id": "e1"}),
    ("tasks.submit", {"function": "mail.send"}, {"id": "t1"}),
    ("tasks.list", {}, {"tasks": [], "cursor": None}),
    ("memory.store", {"text": "blue"}, {"id": "m1"}),
    ("memory.get", {"id": "m1"}, {"item": None}),
    ("vectors.search", {"collection": "docs", "values": [1]}, {"matches": [], "exact": True}),
    ("connectors.list", {}, {"connectors": []}),
    ("connectors.call", {"connector": "shop", "action": "read"}, {"output": 3}),
]


def function_of(ref: str) -> str:
    return ref.replace(".", "_") + "_v1"


@pytest.mark.parametrize(("ref", "request_", "reply"), DOORS, ids=[ref for ref, _, _ in DOORS])
def test_every_door_answers_what_the_script_says(
    host: Make, tmp_path: Path, ref: str, request_: dict[str, Any], reply: dict[str, Any]
) -> None:
    opened = host(asker(tmp_path, function_of(ref)))
    opened.script(ref, reply=reply)
    assert ask(opened, request_) == reply
    assert opened.asked(ref) == [request_]
    assert (opened.door_calls[0].plugin, opened.door_calls[0].reply) == ("asker", reply)


@pytest.mark.parametrize(("ref", "request_", "reply"), DOORS, ids=[ref for ref, _, _ in DOORS])
def test_a_malformed_request_is_refused_before_the_script(
    host: Make, tmp_path: Path, ref: str, request_: dict[str, Any], reply: dict[str, Any]
) -> None:
    opened = host(asker(tmp_path, function_of(ref)))
    opened.script(ref, reply=reply)
    assert ask(opened, {**request_, "colour": 1})["error"]["code"] == "malformed-request"


@pytest.mark.parametrize(("ref", "request_", "reply"), DOORS[2:], ids=[ref for ref, _, _ in DOORS[2:]])
def test_a_closed_door_refuses_before_the_script(
    host: Make, tmp_path: Path, ref: str, request_: dict[str, Any], reply: dict[str, Any]
) -> None:
    opened = host(asker(tmp_path, function_of(ref)), deny=[ref.split(".", maxsplit=1)[0]])
    opened.script(ref, reply=reply)
    assert ask(opened, request_)["error"]["code"] == "permission-denied"


@pytest.mark.parametrize(
    ("ref", "request_"),
    [
        ("http.fetch", {"url": "http://example.com/"}),
        ("http.fetch", {"url": "http://127.0.0.1/", "method": "DELETE"}),
        ("events.publish", {"topic": "other", "data": 1}),
        ("tasks.submit", {"function": "text.count"}),
        ("vectors.delete", {"collection": "secrets", "ids": ["a"]}),
        ("connectors.call", {"connector": "bank", "action": "read"}),
    ],
)
def test_what_is_outside_of_the_scope_is_refused_before_the_script(
    host: Make, tmp_path: Path, ref: str, request_: dict[str, Any]
) -> None:
    opened = host(asker(tmp_path, function_of(ref)))
    opened.script(ref, reply={})
    assert ask(opened, request_)["error"]["code"] == "permission-denied"


def test_a_door_without_a_script_and_a_service_is_unavailable(host: Make, tmp_path: Path) -> None:
    error = ask(host(asker(tmp_path, "tasks_get_v1"), services={"tasks": None}), {"id": "t1"})["error"]
    assert (error["code"], error["message"]) == ("unavailable", "this host has no tasks service")


def test_bytes_in_a_reply_travel_as_the_door_sends_them(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "kv_get_v1"))
    opened.script("kv.get", replies=[{"value": b"text", "version": 1}, {"value": b"\xff", "version": 2}])
    assert [ask(opened, {"key": "k"})["value"] for _ in range(2)] == ["text", {"base64": "/w=="}]


@pytest.mark.parametrize(
    "error",
    ["unavailable", {"code": "unavailable", "message": "scripted: unavailable"}, Unavailable("scripted: unavailable")],
)
def test_an_error_is_a_value_as_from_the_door_itself(host: Make, tmp_path: Path, error: Any) -> None:
    opened = host(asker(tmp_path, "kv_get_v1"))
    opened.script("kv.get", error=error)
    shown = {"code": "unavailable", "message": "scripted: unavailable", "remedy": ""}
    assert ask(opened, {"key": "k"}) == {"error": {"capability": "kv", "resource": "kv.get", **shown}}


def test_a_function_answers_each_request(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "kv_put_v1"))
    opened.script(
        "kv.put", reply=lambda request: {"version": len(request["value"])} if request["value"] else "limit-exceeded"
    )
    assert ask(opened, {"key": "k", "value": "four"}) == {"version": 4}
    assert ask(opened, {"key": "k", "value": ""})["error"]["code"] == "limit-exceeded"


def test_replies_come_in_order_and_one_more_is_an_assertion(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "kv_put_v1"))
    opened.script("kv.put", reply=[{"version": 1}, "capacity-reached"])
    assert ask(opened, {"key": "k", "value": "v"}) == {"version": 1}
    assert ask(opened, {"key": "k", "value": "v"})["error"]["code"] == "capacity-reached"
    with pytest.raises(AssertionError, match=r"kv.put was asked 3 times and has 2 scripted answers"):
        ask(opened, {"key": "k", "value": "v"})


def test_no_replies_at_all_say_that_a_door_must_not_be_asked(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "kv_get_v1"))
    opened.script("kv.get", replies=[])
    with pytest.raises(AssertionError, match="has 0 scripted answers"):
        ask(opened, {"key": "k"})


def test_the_newest_script_that_fits_answers_and_others_reach_the_service(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "kv_get_v1"))
    opened.script("kv.get", reply={"value": "old", "version": 1}, when={"key": "a"})
    opened.script("kv.get", reply={"value": "new", "version": 2}, when=lambda request: request["key"] in "ab")
    assert [ask(opened, {"key": key})["value"] for key in "abc"] == ["new", "new", None]


def test_a_script_of_fetch_answers_requests_by_the_environment_too(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "http_request"))
    opened.script("http.fetch", replies=[{"status": 200, "body": '"hello"'}, "unavailable"])
    assert ask(opened, {"url": "http://127.0.0.1/"}) == "hello"
    assert opened.asked("http.fetch") == [{"url": "http://127.0.0.1/", "method": "GET", "headers": {}}]
    assert opened.door_calls[0].function == "http_request"
    with pytest.raises(Unavailable, match="scripted: unavailable"):
        ask(opened, {"url": "http://127.0.0.1/"})


def test_a_real_plugin_reads_a_scripted_page(host: Make) -> None:
    opened = host(PLUGINS / "fetch")
    opened.script("http.fetch", reply={"status": 404, "headers": {}, "body": b"<title>Gone</title>"})
    assert opened.call("fetch.title", {"url": "https://example.com/x"}) == {"status": 404, "title": "Gone"}
    assert opened.asked("http.fetch")[0]["headers"] == {"accept": "text/html"}


@pytest.mark.parametrize("function", ["http_fetch_v1", "http_request", "memory_recall_v1", "kv_get_v1"])
def test_scripts_answer_calls_that_are_awaited(host: Make, tmp_path: Path, function: str) -> None:
    opened = host(asker(tmp_path, function))
    opened.script("http.fetch", reply={"status": 200, "headers": {}, "body": "{}"})
    opened.script("memory.recall", reply={"items": []})
    opened.script("kv.get", reply={"value": "v", "version": 1})
    request = {"http": {"url": "http://127.0.0.1/"}, "memory": {"text": "x"}, "kv": {"key": "k"}}

    async def ask_thrice() -> list[bytes]:
        asked = request[function.partition("_")[0]]
        return await asyncio.gather(*(opened.call_async("asker.ask", asked) for _ in range(3)))

    assert len(set(asyncio.run(ask_thrice()))) == 1
    assert len(opened.door_calls) == 3
    assert "error" not in opened.door_calls[0].reply


@pytest.mark.parametrize(
    ("ref", "given"), [("kv.move", {"reply": {}}), ("kv", {"reply": {}}), ("kv.get", {}), ("kv.get", {"error": 7})]
)
def test_a_script_that_can_never_answer_is_refused(host: Make, ref: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        host(PLUGINS / "counter").script(ref, **given)
