"""Resident memory: what cycles and calls leave behind, and what an idle instance holds. Each in a fresh process."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import extism
from tests.bench.guests import ECHO, ours, peer
from tests.bench.hosts import opened
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_most

__all__ = ["in_child", "resident_bytes", "resident_memory"]

_T = TypeVar("_T")
_WARM_UP = 500
_IDLE = 200


def resident_memory(effort: Effort) -> Iterator[Row]:
    """The rows; the peer's figures are of the same work with the `extism` package."""
    cycles, calls = (max(10, round(number * effort.scale)) for number in (10_000, 100_000))
    for work, ours_does, peer_does, number, unit, most in (
        (f"{cycles:,} create-call-close cycles", _cycles, _peer_cycles, cycles, "MB", 5.0),
        (f"{calls:,} calls", _calls, _peer_calls, calls, "MB", 5.0),
        (f"{calls:,} calls through Host", _host_calls, None, calls, "MB", 5.0),
        ("an idle warm instance of a small plugin", _idle, _peer_idle, _IDLE, "KB", 150.0),
    ):
        scale = 1e-6 if unit == "MB" else 1e-3
        our = in_child(ours_does, number) * scale
        their = None if peer_does is None else in_child(peer_does, number) * scale
        peer_figure = None if their is None else Figure(their, their)
        yield Row(work, Figure(our, our), peer_figure, unit, at_most(most))


def in_child(action: Callable[[int], _T], number: int) -> _T:
    """The result of an action in a process of its own, spawned for it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(action, number).result()


def resident_bytes() -> int:
    """Of this process, after a collection of cycles."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _growth(action: Callable[[], object], number: int) -> float:
    for _ in range(_WARM_UP):
        action()
    before = resident_bytes()
    for _ in range(number):
        action()
    return resident_bytes() - before


def _cycles(number: int) -> float:
    template = ours(ECHO)

    def cycle() -> None:
        instance = template.instance()
        instance.call("echo", b"x" * 64)
        instance.close()

    return _growth(cycle, number)


def _peer_cycles(number: int) -> float:
    compiled = peer(ECHO)

    def cycle() -> None:
        with extism.Plugin(compiled) as plugin:
            plugin.call("echo", b"x" * 64)

    return _growth(cycle, number)


def _calls(number: int) -> float:
    instance = ours(ECHO).instance()
    return _growth(lambda: instance.call("echo", b"x" * 64), number)


def _peer_calls(number: int) -> float:
    plugin = extism.Plugin(peer(ECHO))
    return _growth(lambda: plugin.call("echo", b"x" * 64), number)


def _host_calls(number: int) -> float:
    with opened() as host:
        return _growth(lambda: host.call("warm.echo", b"x" * 64), number)


def _idle(number: int) -> float:
    template = ours(ECHO)

    def warm() -> object:
        instance = template.instance()
        instance.call("echo", b"x" * 64)
        return instance

    return _each(warm, number)


def _peer_idle(number: int) -> float:
    compiled = peer(ECHO)

    def warm() -> object:
        plugin = extism.Plugin(compiled)
        plugin.call("echo", b"x" * 64)
        return plugin

    return _each(warm, number)


def _each(make: Callable[[], object], number: int) -> float:
    kept = [make() for _ in range(20)]  # what is made once for all is not an instance's
    before = resident_bytes()
    kept += [make() for _ in range(number)]
    return (resident_bytes() - before) / number
