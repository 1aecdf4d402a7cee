"""The whole `Host.call`: reference, grants, metrics and deadline, against a bare warm call of the peer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import extism
from tests.bench.guests import ECHO, peer
from tests.bench.measure import Effort, Figure, interleave, interleave_async
from tests.bench.report import Row, at_least, at_most

from omnicore import BlockingHost, Host

__all__ = ["MANIFEST", "awaited_calls", "host_calls", "make_folder", "opened"]

MANIFEST = """warm = {warm}

[functions.echo]

[[capabilities]]
name = "kv"
reason = "A plugin that asks and is granted, as most are"
"""

_DATA = b"x" * 64
_AWAITS = 2_000


def make_folder(folder: Path) -> Path:
    """A plugin folder with `warm`, whose instances are kept, and `fresh`, which has a new one for each call."""
    plugins = folder / "plugins"
    plugins.mkdir()
    for name, kept in (("warm", 2), ("fresh", 0)):
        (plugins / f"{name}.wasm").write_bytes(ECHO)
        (plugins / f"{name}.toml").write_text(MANIFEST.format(warm=kept))
    return plugins


@contextmanager
def opened() -> Iterator[BlockingHost]:
    """A host with both plugins, granted what they ask for."""
    with TemporaryDirectory() as folder:
        plugins = make_folder(Path(folder))
        with Host(plugins=plugins, data=Path(folder) / "data") as host:
            for name in ("warm", "fresh"):
                host.plugins.grant(name, None, who="bench")
            yield host


def host_calls(effort: Effort) -> Iterator[Row]:
    """The synchronous call, on a warm instance and with a fresh one each time."""
    plugin = extism.Plugin(peer(ECHO))
    with opened() as host:
        for kind, ratio in (("warm", 3.0), ("fresh", 1.0)):
            ref = f"{kind}.echo"
            if host.call(ref, _DATA) != _DATA:
                raise AssertionError(f"{ref}: a wrong answer")
            our, their = interleave(effort, partial(host.call, ref, _DATA), partial(plugin.call, "echo", _DATA))
            work = f"Host.call, {kind} instance, against a bare warm call"
            yield Row(work, our.scaled(1e6), their.scaled(1e6), "us", at_least(ratio))


def awaited_calls(effort: Effort) -> Iterator[Row]:
    """What `await` adds to the synchronous call on the same host."""
    for kind in ("warm", "fresh"):
        awaited, called = asyncio.run(_awaited(effort, f"{kind}.echo"))
        added = Figure(awaited.median - called.median, awaited.minimum - called.minimum).scaled(1e6)
        work = f"added by await host.call, {kind} instance"
        note = f"{awaited.median * 1e6:.1f} us awaited, {called.median * 1e6:.1f} us called"
        yield Row(work, added, None, "us", at_most(60.0), note=note)


async def _awaited(effort: Effort, ref: str) -> list[Figure]:
    with TemporaryDirectory() as folder:
        async with Host(plugins=make_folder(Path(folder)), data=Path(folder) / "data") as host:
            host.plugins.grant(ref.partition(".")[0], None, who="bench")
            return await interleave_async(
                effort,
                partial(host.call, ref, _DATA),
                partial(host.plugins.call_blocking, ref, _DATA),
                max(2, round(_AWAITS * effort.scale)),
            )
