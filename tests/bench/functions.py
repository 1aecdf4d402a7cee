"""What a host function costs, called from a guest a thousand times in one call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import extism
import msgspec
from tests.bench.guests import FUNCTIONS, LIMITS, asking, ours, peer
from tests.bench.measure import Effort, Figure, interleave
from tests.bench.report import Row, at_least, at_most

from omnicore import door
from omnicore.capabilities.application import ApplicationParts
from omnicore.capabilities.capability import CapabilityRequest, Grant, PluginScope
from omnicore.capabilities.doors import open_doors
from omnicore.sandbox.abi import Doors, HostCall, HostFunction
from omnicore.telemetry.metrics import Metrics

__all__ = ["host_functions"]

_EACH_US = 1e6 / 1000
_USER = "extism:host/user"
_SIGNATURE = ([extism.ValType.I64], [extism.ValType.I64])
_WANTED = (
    ("raw host function, each", "numbers", (1000).to_bytes(8, "little"), 5.0),
    ("string-to-string host function", "strings", b"HELLO WO" * 8, 2.0),
)


def _next(call: HostCall, number: int) -> int:
    return number + 1


def _upper(call: HostCall, text: int) -> int:
    return call.write(call.read(text).decode().upper().encode())


@extism.host_fn(name="next", namespace=_USER, signature=_SIGNATURE)
def _peer_next(plugin: extism.CurrentPlugin, inputs: list[Any], outputs: list[Any]) -> None:
    outputs[0].value = inputs[0].value + 1


@extism.host_fn(name="upper", namespace=_USER, signature=_SIGNATURE)
def _peer_upper(plugin: extism.CurrentPlugin, inputs: list[Any], outputs: list[Any]) -> None:
    plugin.return_string(outputs[0], plugin.input_string(inputs[0]).upper())


def host_functions(effort: Effort) -> Iterator[Row]:
    """The cost of one, with the call that it is part of."""
    named = (("next", _next), ("upper", _upper))
    mine = ours(
        FUNCTIONS,
        Doors(functions=tuple(HostFunction(_USER, name, ("i64",), ("i64",), run) for name, run in named)),
    )
    instance = mine.instance()
    plugin = extism.Plugin(peer(FUNCTIONS, [_peer_next, _peer_upper]))
    for work, export, answer, ratio in _WANTED:
        if instance.call(export, b"") != answer or plugin.call(export, b"") != answer:
            raise AssertionError(f"{work}: a wrong answer")
        our, their = interleave(effort, partial(instance.call, export, b""), partial(plugin.call, export, b""))
        yield Row(work, our.scaled(_EACH_US), their.scaled(_EACH_US), "us", at_least(ratio))
    instance.close()
    yield from _doors(effort)


class Order(msgspec.Struct):
    """What the door of the application answers with."""

    id: int
    customer: str
    items: list[str]


_ORDERS = {17: Order(17, "Ada", ["tea", "milk"])}
_READ, _WRITE = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


def _raw(call: HostCall, handle: int) -> int:
    return call.write(_WRITE({"value": _ORDERS[_READ(call.read(handle))["id"]]}))


@door("orders", "reads an order", name="get_order")
def _get_order(id: int) -> Order:
    return _ORDERS[id]


def _doors(effort: Effort) -> Iterator[Row]:
    """A typed door of an application against a host function that reads and writes the same JSON by hand."""
    (made,) = ApplicationParts.of([_get_order]).doors
    asked = CapabilityRequest("orders", {}, "")
    scope = PluginScope("bench", (asked,), (Grant("orders", {}, "", 0.0),), {}, LIMITS, lambda level, message: None)
    services: Any = SimpleNamespace(turns=None, metrics=Metrics(), used=None)  # those that this door has to do with
    typed = ours(asking("orders_get_order_v1"), open_doors(scope, services, {"orders": made.capability}))
    raw = ours(asking("raw"), Doors(functions=(HostFunction(_USER, "raw", ("i64",), ("i64",), _raw),)))
    instances = [one.instance() for one in (typed, raw)]
    calls = [partial(one.call, "ask", b"") for one in instances]
    if calls[0]() != calls[1]():
        raise AssertionError("the two doors answer differently")
    ours_, theirs = (one.scaled(_EACH_US) for one in interleave(effort, *calls))
    more = Figure(ours_.median - theirs.median, ours_.minimum - theirs.minimum)
    note = f"typed {ours_.median:.2f} us, by hand {theirs.median:.2f} us"
    yield Row("typed door of an application, beyond a raw one", more, None, "us", at_most(3.0), note=note)
    for one in instances:
        one.close()
