"""How doors serve: small requests at once, large ones in turn off the loop, all of them measured first."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.capabilities.double import CallDouble, House, ask, asks, plugin

from omnicore.capabilities.doors import LARGE_BYTES, Allowance
from omnicore.capabilities.request import read_block, weighs
from omnicore.errors import InvalidInput
from omnicore.texts import MOST_PARTS, too_deep, too_many

KEEPER = plugin(asks("kv"), asks("events", {"topics": ["*"]}))
PUT = "kv_put_v1"


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.database.close()


def run_of(house: House, name: str) -> Any:
    return next(one.run for one in house.doors(KEEPER).functions if one.name == name)


def put(size: int) -> bytes:
    return json.dumps({"key": "k", "value": "v" * size}).encode()


def threads_of(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with the name of the thread on which a value is kept."""
    seen: list[str] = []
    kept = type(house.kv).put

    def spy(*arguments: Any, **named: Any) -> Any:
        seen.append(threading.current_thread().name)
        return kept(*arguments, **named)

    monkeypatch.setattr(type(house.kv), "put", spy)
    return seen


def test_small_requests_are_served_at_once_and_large_ones_on_a_thread(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, doors = threads_of(house, monkeypatch), house.doors(KEEPER)
    here = threading.current_thread().name
    assert ask(doors, PUT, put(1000))["version"]
    assert ask(doors, PUT, put(LARGE_BYTES))["version"]
    assert seen[0] == here
    assert seen[1].startswith("omnicore-door")


def test_a_large_request_that_is_wrong_is_refused_as_a_small_one(house: House) -> None:
    small, large = (
        ask(house.doors(KEEPER), PUT, json.dumps({"key": "k", "value": 1, "x": "y" * size}).encode())["error"]
        for size in (10, LARGE_BYTES)
    )
    assert small == large
    assert (large["code"], large["resource"]) == ("malformed-request", "k")


def test_a_plugin_that_holds_the_loop_is_served_in_turns(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, run = threads_of(house, monkeypatch), run_of(house, PUT)
    call = CallDouble(on_loop=True)
    handle = call.write(put(10))

    async def main() -> None:
        for _ in range(10_000):
            found = run(call, handle)
            if inspect.iscoroutine(found):
                await found
                return
        raise AssertionError("ten thousand requests were served on the loop at once")

    asyncio.run(main())
    assert seen[0] == threading.current_thread().name
    assert seen[-1].startswith("omnicore-door")


def test_an_allowance_comes_back_with_time() -> None:
    allowance = Allowance()
    assert not allowance.spent(1.0)
    allowance.spend(1.0, 1.02)
    assert allowance.spent(1.02)
    assert allowance.spent(1.16)
    assert not allowance.spent(1.18)


class Untouchable(CallDouble):
    """Blocks whose length is known and that must not be copied."""

    def size(self, handle: int) -> int:
        return 1 << 30

    def read(self, handle: int) -> bytes:
        raise AssertionError("it was read")


@pytest.mark.parametrize("name", [PUT, "kv_get_v1", "events_publish_v1", "log_write_v1", "config_get_v1"])
def test_a_request_over_the_doors_bound_is_refused_before_it_is_copied(house: House, name: str) -> None:
    call = Untouchable()
    found = run_of(house, name)(call, 16)
    handle = asyncio.run(found) if inspect.iscoroutine(found) else found
    assert "1073741824 bytes" in json.loads(call.blocks[handle])["error"]["message"]
    with pytest.raises(InvalidInput, match="4 are allowed"):
        read_block(call, 16, 4)


def test_verbs_without_large_values_read_64_kib(house: House) -> None:
    for name in ("kv_get_v1", "kv_list_v1", "events_subscribe_v1"):
        found = ask(house.doors(KEEPER), name, json.dumps({"key": "k" * LARGE_BYTES}).encode())
        assert f"{LARGE_BYTES} are allowed" in found["error"]["message"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": [' + b"[]," * MOST_PARTS + b"1]}",
        b'{"a": [' + b'"",' * MOST_PARTS + b"1]}",
        b'{"a": [' + b"1," * 1_000_001 + b"1]}",
        b"{" + b",".join(b'"%d":{}' % key for key in range(MOST_PARTS // 2 + 1)) + b"}",
    ],
    ids=["lists", "texts", "values", "members"],
)
def test_what_holds_too_much_is_refused_before_it_is_parsed(text: bytes) -> None:
    assert too_many(text)


def test_what_stands_in_texts_does_not_count() -> None:
    assert not too_many(json.dumps({"text": "[{,\\" * 400_000}).encode())
    assert not too_many(json.dumps({"values": [0.5] * 300_000}).encode())
    assert not too_deep(json.dumps({"text": '[{,\\"' * 400_000}).encode(), 1)


def test_large_replies_are_told_from_small_ones() -> None:
    assert not weighs({"status": 200, "headers": {"a": "b"}, "body": "x" * 1000}, LARGE_BYTES)
    assert weighs({"body": "x" * LARGE_BYTES}, LARGE_BYTES)
    assert weighs({"items": [{"n": 1}] * 10_000}, LARGE_BYTES)
