"""Components as plugins: described by their types, called like any other, with the same grants and errors."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore import Host
from omnicore.errors import DeadlineExceeded, GuestFailed, InvalidInput, ManifestInvalid, NotFound
from omnicore.plugins.manifest import described, read_manifest
from omnicore.portal import BlockingHost
from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.wit import (
    PRIMITIVES,
    STRING,
    U8,
    Signature,
    WitType,
    enum,
    list_of,
    option,
    record,
    result,
    tuple_of,
    variant,
)

GUEST = Path(__file__).parents[1] / "guests" / "component" / "rust" / "guest.wasm"
SIDECAR = """
[[capabilities]]
name = "kv"
reason = "to remember"
[[capabilities]]
name = "events"
reason = "to tell"
scope = { topics = ["guest.*"] }
[config]
type = "object"
[config.properties.greeting]
type = "string"
default = "Hi"
[functions.shout]
description = "Says it louder."
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose compiled code all tests here share."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def host(tmp_path: Path, code: Path) -> Iterator[BlockingHost]:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    shutil.copy(GUEST, plugins / "guest.wasm")
    (plugins / "asks.toml").write_text(SIDECAR.partition("[functions")[0])
    shutil.copy(GUEST, plugins / "asks.wasm")
    with Host(plugins=plugins, data=code / tmp_path.name, watch=False) as opened:
        yield opened


def test_a_component_needs_no_manifest() -> None:
    manifest = read_manifest("Guest", inspect(GUEST.read_bytes()), sidecar=None)
    found = {one.name: one for one in manifest.functions}
    assert manifest.wasi == WasiGrant()
    assert manifest.threads
    assert (found["shout"].input, found["shout"].input_media) == ({"type": "string"}, "text/plain")
    assert found["add"].input == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
            "b": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert found["greeter.greet"].input_media == "application/json"
    assert found["recall_bytes"].name == "recall_bytes"


def test_a_manifest_adds_words_and_the_types_stay() -> None:
    manifest = read_manifest("guest", inspect(GUEST.read_bytes()), sidecar=SIDECAR.encode())
    (shout,) = manifest.functions
    assert (shout.description, shout.input_media, shout.output) == ("Says it louder.", "text/plain", {"type": "string"})
    with pytest.raises(ManifestInvalid, match="no such function"):
        read_manifest("guest", inspect(GUEST.read_bytes()), sidecar=b"[functions.nope]\ndescription = ''")


def test_a_manifest_may_take_wasi_away() -> None:
    manifest = read_manifest("guest", inspect(GUEST.read_bytes()), sidecar=b"wasi = false")
    assert manifest.wasi is None


INT = {"type": "integer", "minimum": -128, "maximum": 127}
SCHEMAS: dict[str, tuple[WitType, dict[str, object]]] = {
    "char": (PRIMITIVES[0x74], {"type": "string", "minLength": 1, "maxLength": 1}),
    "option": (option(STRING), {"anyOf": [{"type": "null"}, {"type": "string"}]}),
    "list": (list_of(STRING), {"type": "array", "items": {"type": "string"}}),
    "enum": (enum("a", "b"), {"enum": ["a", "b"]}),
    "flags": (WitType("flags", ("a",)), {"type": "array", "items": {"enum": ["a"]}, "uniqueItems": True}),
    "tuple": (
        tuple_of(PRIMITIVES[0x7E], STRING),
        {"type": "array", "prefixItems": [INT, {"type": "string"}], "minItems": 2, "maxItems": 2},
    ),
    "record": (
        record(("a-b", option(STRING))),
        {
            "type": "object",
            "properties": {"a_b": {"anyOf": [{"type": "null"}, {"type": "string"}]}},
            "additionalProperties": False,
        },
    ),
    "variant": (
        variant(("a", None)),
        {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"tag": {"const": "a"}},
                    "required": ["tag"],
                    "additionalProperties": False,
                }
            ]
        },
    ),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_type_has_its_schema(name: str) -> None:
    kind, schema = SCHEMAS[name]
    assert described(Signature((("x", kind),)))["input"] == schema


def test_bytes_and_nothing_travel_without_a_schema() -> None:
    found = described(Signature((("x", list_of(U8)),), result(None, STRING)))
    assert found == {
        "input": None,
        "output": None,
        "input_media": "application/octet-stream",
        "output_media": "application/octet-stream",
    }


def test_a_function_is_called_with_json_and_text(host: BlockingHost) -> None:
    assert host.call("guest.shout", "hello") == "HELLO"
    assert host.call("guest.add", {"a": 1, "b": -3}) == -2
    assert host.call("guest.greeter.greet", {"name": "Ada"}) == "Hello, Ada!"
    assert host.call("guest.reverse", b"abc") == b"cba"
    assert host.call("guest.nothing") == b""
    with pytest.raises(InvalidInput, match="minimum"):
        host.call("guest.add", {"a": -1, "b": 0})
    with pytest.raises(NotFound):
        host.call("guest.nope")


def test_a_component_is_called_from_an_event_loop(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    shutil.copy(GUEST, tmp_path / "plugins" / "guest.wasm")

    async def main() -> None:
        async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
            found = await asyncio.gather(*(host.call("guest.shout", f"a{number}") for number in range(20)))
            assert found == [f"A{number}" for number in range(20)]
            with pytest.raises(DeadlineExceeded):
                await host.call("guest.sleep", 60_000, timeout_s=0.1)

    asyncio.run(main())


def test_doors_are_closed_until_they_are_granted(host: BlockingHost) -> None:
    with pytest.raises(GuestFailed, match="permission-denied: guest has no grant for kv"):
        host.call("guest.recall", "a")
    host.plugins.grant("asks", who="test")
    assert host.call("asks.remember", {"key": "a", "value": "b"}) == 1
    assert host.call("asks.recall", "a") == "b"
    assert host.call("asks.recall", "none") is None
    assert host.call("asks.publish", {"topic": "guest.said", "data": '{"a": 1}'})
    with pytest.raises(GuestFailed, match="permission-denied"):
        host.call("asks.publish", {"topic": "other.said", "data": "1"})
    with pytest.raises(GuestFailed, match="malformed-request"):
        host.call("asks.publish", {"topic": "guest.said", "data": "no json"})
    with pytest.raises(GuestFailed, match="malformed-request"):
        host.call("asks.recall", "x" * 600)
    assert host.call("asks.setting", "greeting") == '"Hi"'


def test_what_a_component_prints_and_logs_is_in_the_plugins_log(host: BlockingHost) -> None:
    host.call("guest.say", "a line of it")
    lines = [(line.level, line.message) for line in host.logs.tail("guest")]
    assert ("info", "a line of it length=12") in lines
    assert ("warn", "a line of it") in lines
