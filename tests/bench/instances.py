"""What it costs to begin: a new instance, and code from the cache."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """A Go module by an engine that has not seen it: from the cache, compiled, and one against the other.

    The peer is the `extism` package, with its cache on in the first row and off in the second; we compile in a limited
    child.
    """
    wasm = kit_module("go")
    size = f"{len(wasm) / 1e6:.1f} MB"
    turns = max(1, round(3 * effort.scale))
    with TemporaryDirectory() as folder:
        cache = Path(folder) / "code"
        first = [_seconds(lambda: our_kit(wasm, cache=cache))]
        loading, cached, compiling = [], [], []
        with _peers_cache(Path(folder) / "peer"):
            peer_kit(wasm)
        for _ in range(turns):
            loading += [_seconds(lambda: our_kit(wasm, cache=cache)) for _ in range(3)]
            with _peers_cache(Path(folder) / "peer"):
                cached += [_seconds(lambda: peer_kit(wasm)) for _ in range(3)]
            compiling.append(_seconds(lambda: peer_kit(wasm)))
    loads, peers, compiled, ours_ms = (Figure.of(one).scaled(1e3) for one in (loading, cached, compiling, first))
    yield Row(f"loading a {size} Go module, each from its own cache", loads, peers, "ms")
    yield Row(f"compiling a {size} Go module", ours_ms, compiled, "ms")
    note = "peer: our own compiling"
    yield Row(f"loading a {size} Go module, against compiling it", loads, ours_ms, "ms", at_least(50.0), note=note)


@contextmanager
def _peers_cache(folder: Path) -> Iterator[None]:
    """The peer's own cache on the disk, for the length of the block: it reads this variable at each load."""
    folder.mkdir(exist_ok=True)
    config = folder / "cache.toml"
    config.write_text(f'[cache]\ndirectory = "{folder}/code"\n')
    before = os.environ.get("EXTISM_CACHE_CONFIG")
    os.environ["EXTISM_CACHE_CONFIG"] = str(config)
    try:
        yield
    finally:
        os.environ["EXTISM_CACHE_CONFIG"] = before or ""


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    made = action()
    taken = time.perf_counter() - began
    close = getattr(made, "close", None)
    if close is not None:
        close()
    return taken
