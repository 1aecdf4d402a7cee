"""How cost grows with the folder: start-up, memory and a call with 1, 100 and 1,000 plugins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.guests import echo_numbered
from tests.bench.measure import Effort, timed
from tests.bench.memory import in_child, resident_bytes
from tests.bench.report import Row, record

from omnicore import Host

__all__ = ["folder_sizes"]


@dataclass(frozen=True, slots=True)
class _Folder:
    first_start_s: float
    second_start_s: float
    memory_mb: float
    call_us: float


def folder_sizes(effort: Effort) -> Iterator[Row]:
    """The rows, without a target."""
    for number in (1, 100, 1000):
        if number > max(1, 1000 * effort.scale):
            continue
        seen = in_child(_open, number)
        name = f"{number:,} plugins" if number > 1 else "1 plugin"
        yield record(f"{name}: first start", seen.first_start_s * 1e3, "ms", "files unknown, nothing compiled")
        yield record(f"{name}: next start", seen.second_start_s * 1e3, "ms", "catalogue and code cache warm")
        yield record(f"{name}: resident memory added", seen.memory_mb, "MB", "every plugin called once")
        yield record(f"{name}: Host.call", seen.call_us, "us", "fresh instance for each call")


def _open(number: int) -> _Folder:
    with TemporaryDirectory() as folder:
        plugins = Path(folder) / "plugins"
        plugins.mkdir()
        for index in range(number):
            (plugins / f"p{index}.wasm").write_bytes(echo_numbered(index))
        starts, before = [], resident_bytes()
        for _ in range(2):
            began = time.perf_counter()
            with Host(plugins=plugins, data=Path(folder) / "data") as host:
                host.call("p0.echo", b"x")
                starts.append(time.perf_counter() - began)
                for index in range(number):
                    host.call(f"p{index}.echo", b"x")
                memory = (resident_bytes() - before) / 1e6
                call_us = min(timed(partial(host.call, f"p{number - 1}.echo", b"x" * 64), 500) for _ in range(5)) * 1e6
        return _Folder(starts[0], starts[1], memory, call_us)
