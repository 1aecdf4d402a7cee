"""What it costs to begin: a new instance, and code from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import extism
from tests.bench.guests import ECHO, ours, peer
from tests.bench.kits import kit_module, our_kit, peer_kit
from tests.bench.measure import Effort, Figure, interleave
from tests.bench.report import Row, at_least

__all__ = ["cached_code", "new_instances"]


def new_instances(effort: Effort) -> Iterator[Row]:
    """An instance of a compiled plugin, its first call, and its end."""
    template, compiled = ours(ECHO), peer(ECHO)

    def mine() -> None:
        instance = template.instance()
        instance.call("echo", b"x")
        instance.close()

    def theirs() -> None:
        with extism.Plugin(compiled) as plugin:
            plugin.call("echo", b"x")

    our, their = interleave(effort, mine, theirs)
    yield Row("new instance and first call", our.scaled(1e6), their.scaled(1e6), "us", at_least(4.0))


def cached_code(effort: Effort) -> Iterator[Row]:
    """A Go module from our cache, by an engine that has not seen it, against compiling it.

    The peer's column is the `extism` package with its own cache off; our own compiling, in a limited child, is
    the row below.
    """
    wasm = kit_module("go")
    size = f"{len(wasm) / 1e6:.1f} MB"
    turns = max(1, round(3 * effort.scale))
    with TemporaryDirectory() as folder:
        cache = Path(folder) / "code"
        first = [_seconds(lambda: our_kit(wasm, cache=cache))]
        loading, compiling = [], []
        for _ in range(turns):
            loading += [_seconds(lambda: our_kit(wasm, cache=cache)) for _ in range(3)]
            compiling.append(_seconds(lambda: peer_kit(wasm)))
    ours_ms, theirs_ms = Figure.of(loading).scaled(1e3), Figure.of(compiling).scaled(1e3)
    yield Row(f"loading a {size} Go module from the cache, or compiling it", ours_ms, theirs_ms, "ms", at_least(50.0))
    yield Row(f"compiling a {size} Go module", Figure.of(first).scaled(1e3), theirs_ms, "ms")


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    made = action()
    taken = time.perf_counter() - began
    close = getattr(made, "close", None)
    if close is not None:
        close()
    return taken
