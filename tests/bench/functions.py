"""What a host function costs, called from a guest a thousand times in one call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import extism
from tests.bench.guests import FUNCTIONS, ours, peer
from tests.bench.measure import Effort, interleave
from tests.bench.report import Row, at_least

from omnicore.sandbox.abi import Doors, HostCall, HostFunction

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
