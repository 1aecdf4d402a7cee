"""What a call costs on a warm instance, by the size of its input."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import extism
from tests.bench.guests import ECHO, MIB, ours, peer
from tests.bench.measure import Effort, interleave
from tests.bench.report import Row, Target, at_least

__all__ = ["input_sizes", "warm_calls"]

_US = 1e6
_WANTED = (
    ("call with empty input", "empty", 0, 7.0),
    ("echo of 64 B", "echo", 64, 7.0),
    ("echo of 64 KiB", "echo", 64 << 10, 5.0),
    ("echo of 1 MiB", "echo", MIB, 1.5),
)


def warm_calls(effort: Effort) -> Iterator[Row]:
    """The rows with a target."""
    for work, export, size, ratio in _WANTED:
        yield _row(effort, work, export=export, size=size, target=at_least(ratio))


def input_sizes(effort: Effort) -> Iterator[Row]:
    """How the cost grows from one byte to 16 MiB."""
    for size in (1, 1 << 10, 16 << 10, 256 << 10, 4 * MIB, 16 * MIB):
        yield _row(effort, f"echo of {size:,} B", export="echo", size=size, target=None)


def _row(effort: Effort, work: str, *, export: str, size: int, target: Target | None) -> Row:
    data = b"x" * size
    instance, plugin = ours(ECHO).instance(), extism.Plugin(peer(ECHO))
    wanted = data if export == "echo" else b""
    if instance.call(export, data) != wanted or plugin.call(export, data) != wanted:
        raise AssertionError(f"{work}: a wrong answer")
    mine, theirs = interleave(effort, partial(instance.call, export, data), partial(plugin.call, export, data))
    instance.close()
    return Row(work, mine.scaled(_US), theirs.scaled(_US), "us", target)
