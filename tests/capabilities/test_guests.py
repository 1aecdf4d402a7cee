"""The doors as a real guest sees them, on our engine, from a thread and from a loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.capabilities.double import House, asks, plugin
from tests.connectors.local_server import LocalServer, reply, serve

from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.doors import open_doors
from omnicore.capabilities.services import Services
from omnicore.clock import SystemClock
from omnicore.connectors.http import HttpClient
from omnicore.errors import PermissionDenied
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.telemetry.logs import PluginLogs

GUEST = wat_to_wasm((Path(__file__).parent / "guests" / "doors.wat").read_bytes())
HTTP = {"hosts": ["127.0.0.1:*"], "private": True, "methods": ["GET", "POST"]}
ALL = (asks("kv"), asks("http", HTTP), asks("events", {"topics": ["counter.*"]}))
LIMITS = Limits(timeout_s=10.0, log_lines=15)

Call = Callable[[str, Any], Any]


class Guest:
    """The guest with its doors, called with JSON."""

    def __init__(self, engine: ExtismEngine, scope: PluginScope, house: House) -> None:
        services = Services(house.kv, HttpClient(), house.bus, SystemClock())
        self._template = engine.load([("main", GUEST)], scope.limits, open_doors(scope, services))

    def __call__(self, function: str, request: Any) -> Any:
        instance = self._template.instance()
        try:
            return self._read(instance.call(function, self._write(request)))
        finally:
            instance.close()

    async def on_loop(self, function: str, request: Any) -> Any:
        instance = self._template.instance(on_loop=True)
        try:
            return self._read(await instance.call_async(function, self._write(request)))
        finally:
            instance.close()

    def close(self) -> None:
        self._template.close()

    def _write(self, request: Any) -> bytes:
        return request if isinstance(request, bytes) else json.dumps(request).encode()

    def _read(self, reply: bytes) -> Any:
        return json.loads(reply)


@pytest.fixture(scope="module")
def engine() -> ExtismEngine:
    return ExtismEngine()


@pytest.fixture
def guest(engine: ExtismEngine, house: House) -> Iterator[Guest]:
    guest = Guest(engine, plugin(*ALL, limits=LIMITS, settings={"times": 3}), house)
    yield guest
    guest.close()


@pytest.fixture
def closed(engine: ExtismEngine, house: House) -> Iterator[Guest]:
    guest = Guest(engine, plugin(*ALL, granted=False, limits=LIMITS), house)
    yield guest
    guest.close()


def served(ask: Callable[[LocalServer], Any]) -> Any:
    """Runs `ask` on a thread while a server answers on a loop."""

    async def scene() -> Any:
        async with serve(lambda seen: reply(201, b"hi " + seen.body, "X-Method: " + seen.method)) as server:
            return await asyncio.to_thread(ask, server)

    return asyncio.run(scene())


def test_keys_and_values_outlive_the_instance(guest: Guest) -> None:
    version = guest("kv_put_v1", {"key": "count", "value": "7"})["version"]
    assert guest("kv_get_v1", {"key": "count"}) == {"value": "7", "version": version}
    assert guest("kv_cas_v1", {"key": "count", "value": "8", "expected": version})["swapped"]
    assert guest("kv_list_v1", {})["keys"] == ["count"]
    assert guest("kv_delete_v1", {"key": "count"}) == {"deleted": True}


def test_settings_are_read_by_both_ways(guest: Guest) -> None:
    assert guest("config_get_v1", {"key": "times"}) == {"value": 3}
    assert guest("config_get", b"times") == 3


def test_a_guest_fetches_by_both_ways(guest: Guest) -> None:
    def ask(server: LocalServer) -> tuple[Any, Any]:
        fetched = guest("http_fetch_v1", {"url": server.url(), "method": "POST", "body": "you"})
        with pytest.raises(json.JSONDecodeError):  # the body alone comes back, and it is no JSON
            guest("http_request", {"url": server.url()})
        return fetched, server.seen

    fetched, seen = served(ask)
    assert (fetched["status"], fetched["body"], fetched["headers"]["x-method"]) == (201, "hi you", "POST")
    assert [one.method for one in seen] == ["POST", "GET"]


def test_a_guest_fetches_on_the_loop_that_serves_it(guest: Guest) -> None:
    async def scene() -> list[Any]:
        async with serve(lambda seen: reply(200, seen.target.encode())) as server:
            calls = [guest.on_loop("http_fetch_v1", {"url": server.url(f"/{n}")}) for n in range(10)]
            return await asyncio.gather(*calls)

    assert [reply["body"] for reply in asyncio.run(scene())] == [f"/{n}" for n in range(10)]


def test_an_event_is_published(guest: Guest, house: House) -> None:
    with house.bus.subscribe("counter.*") as events:
        assert "id" in guest("events_publish_v1", {"topic": "counter.changed", "data": [1]})
        assert [event.data for event in events.drain()] == [[1]]


@pytest.mark.parametrize(
    ("function", "request_", "capability", "resource"),
    [
        ("kv_get_v1", {"key": "k"}, "kv", "k"),
        ("http_fetch_v1", {"url": "http://127.0.0.1/"}, "http", "http://127.0.0.1/"),
        ("events_publish_v1", {"topic": "counter.a", "data": 1}, "events", "counter.a"),
    ],
)
def test_a_closed_door_is_a_value_that_the_guest_reads(
    closed: Guest, function: str, request_: Any, capability: str, resource: str
) -> None:
    error = closed(function, request_)["error"]
    assert (error["code"], error["capability"], error["resource"]) == (
        "permission-denied",
        capability,
        resource,
    )
    assert error["remedy"] == f"run `omnicore plugins grant text {capability}`"


def test_a_closed_way_out_ends_the_call_of_a_guest_that_knows_no_values(closed: Guest) -> None:
    with pytest.raises(PermissionDenied, match="omnicore plugins grant text http"):
        closed("http_request", {"url": "http://127.0.0.1/"})


def test_a_private_address_that_was_not_granted_is_a_value(engine: ExtismEngine, house: House) -> None:
    guest = Guest(engine, plugin(asks("http", {"hosts": ["*"]}), limits=LIMITS), house)
    error = guest("http_fetch_v1", {"url": "http://2130706433:1/"})["error"]
    guest.close()
    assert (error["code"], error["resource"]) == ("permission-denied", "127.0.0.1")


@pytest.mark.parametrize("request_", [b"", b"{", b"[]", b"\xff" * 9, b"{" * 100_000])
@pytest.mark.parametrize("door", ["log_write_v1", "config_get_v1", "kv_put_v1", "http_fetch_v1", "events_publish_v1"])
def test_malformed_bytes_are_a_value_at_every_door(guest: Guest, door: str, request_: bytes) -> None:
    assert guest(door, request_)["error"]["code"] == "malformed-request"


def test_malformed_bytes_are_a_value_on_a_loop_too(guest: Guest) -> None:
    reply = asyncio.run(guest.on_loop("http_fetch_v1", b"[" * 100_000))
    assert reply["error"]["code"] == "malformed-request"


def test_a_handle_that_is_no_block_is_a_malformed_request(guest: Guest) -> None:
    assert "not a live block" in guest("wild_handle", b"")["error"]["message"]


def test_lines_reach_the_log_until_the_call_s_budget_is_spent(engine: ExtismEngine, house: House) -> None:
    logs = PluginLogs()
    guest = Guest(engine, plugin(*ALL, limits=LIMITS, log=logs.sink("text")), house)
    error = guest("log_often", {"level": "info", "message": "again"})["error"]
    guest.close()
    assert (error["code"], error["limit"]) == ("limit-exceeded", "log_lines")
    assert [line.message for line in logs.tail("text")] == ["again"] * 15


def test_requests_over_the_call_s_budget_are_a_value(guest: Guest) -> None:
    def ask(server: LocalServer) -> tuple[Any, int]:
        return guest("fetch_often", {"url": server.url()}), len(server.seen)

    last, seen = served(ask)
    assert last["error"]["limit"] == "http_requests"
    assert seen == 8
