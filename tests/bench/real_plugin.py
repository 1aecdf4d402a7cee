"""A plugin as people write them: Rust with Extism's kit, reading config and a variable and setting one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import extism
from tests.bench.kits import kit_module, our_kit, peer_kit
from tests.bench.measure import Effort, interleave
from tests.bench.report import Row, at_least

__all__ = ["rust_plugin"]

_WORK = "a Rust plugin with config and a variable, 64 B"
_CONFIG = {"greeting": "Hello"}
_INPUT = b"x" * 64


def rust_plugin(effort: Effort) -> Iterator[Row]:
    """One call of `greet`."""
    wasm = kit_module("rust")
    instance = our_kit(wasm, _CONFIG).instance()
    plugin = extism.Plugin(peer_kit(wasm), config=_CONFIG)
    if instance.call("greet", _INPUT) != plugin.call("greet", _INPUT):
        raise AssertionError(f"{_WORK}: the engines disagree")
    our, their = interleave(effort, partial(instance.call, "greet", _INPUT), partial(plugin.call, "greet", _INPUT))
    instance.close()
    yield Row(_WORK, our.scaled(1e6), their.scaled(1e6), "us", at_least(1.5))
