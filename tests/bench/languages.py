"""What a plugin costs in each language: the kits' conformance plugins, here and in the `extism` package.

Both sides run the same module and the same doors, by way of `ExtismEngine` and `ReferenceEngine`. The call reads a
setting through the kit's typed function: a JSON request in, a door, a JSON reply out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.guests import ROOT
from tests.bench.measure import Effort, Figure, interleave
from tests.bench.report import Row, at_least
from tests.capabilities.double import House, plugin

from omnicore.sandbox.abi import Doors, Limits, WasiGrant
from omnicore.sandbox.engine import Template
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.reference.engine import ReferenceEngine

__all__ = ["languages"]

_LIMITS = Limits(timeout_s=60.0, host_calls=1_000_000_000)
_CALL = json.dumps({"door": "config", "verb": "get", "request": {"key": "greeting"}}).encode()


def languages(effort: Effort) -> Iterator[Row]:
    """Loading, a fresh instance with its call, and a warm call, for each language."""
    for path in sorted(ROOT.glob("sdk/*/conformance/dist/conformance.wasm")):
        yield from _language(path.parents[2].name, path.read_bytes(), effort)


def _language(name: str, wasm: bytes, effort: Effort) -> Iterator[Row]:
    house = House()
    doors = house.doors(plugin(settings={"greeting": "Hello"}, limits=_LIMITS, wasi=WasiGrant()))
    modules = [("main", wasm)]
    with TemporaryDirectory() as folder:
        cache = Path(folder)
        template = ExtismEngine(cache).load(modules, _LIMITS, doors)
        loads = [_load_ms(cache, wasm, doors) for _ in range(max(3, round(5 * effort.scale)))]
    yield Row(f"{name}, {len(wasm) / 1000:,.0f} KB: load from the cache", Figure.of(loads), None, "ms")
    other = ReferenceEngine().load(modules, _LIMITS, doors)
    our, their = interleave(effort, lambda: _fresh(template), lambda: _fresh(other))
    yield Row(f"{name}: new instance and first call", our.scaled(1e6), their.scaled(1e6), "us", at_least(1.0))
    mine, theirs = template.instance(), other.instance()
    our, their = interleave(effort, lambda: mine.call("door", _CALL), lambda: theirs.call("door", _CALL))
    yield Row(f"{name}: warm call with a door", our.scaled(1e6), their.scaled(1e6), "us", at_least(1.0))
    for one in (mine, theirs, template, other, house.database):
        one.close()


def _load_ms(cache: Path, wasm: bytes, doors: Doors) -> float:
    began = time.perf_counter()
    template = ExtismEngine(cache).load([("main", wasm)], _LIMITS, doors)
    taken = time.perf_counter() - began
    template.close()
    return taken * 1e3


def _fresh(template: Template) -> None:
    instance = template.instance()
    instance.call("door", _CALL)
    instance.close()
