"""A process that kills itself in the middle of its work: at the n-th step that changes the disk."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["ended_at", "steps_of"]

SPAWN = multiprocessing.get_context("spawn")
_STEPS: tuple[tuple[Any, str], ...] = (
    *((Path, name) for name in ("replace", "unlink", "mkdir")),
    *((os, name) for name in ("fsync", "link", "rename")),
)


def ended_at(step: int, work: Callable[..., object], *arguments: Any) -> bool:
    """Does the work in a process of its own that dies at this step; whether it got so far."""
    process = SPAWN.Process(target=_run, args=(step, work, arguments))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


def steps_of(work: Callable[..., object], *arguments: Any) -> int:
    """How many steps the work takes, which is done here."""
    count = 0

    def counted(_: str) -> None:
        nonlocal count
        count += 1

    with _told(counted):
        work(*arguments)
    return count


class _told:
    """Each step is told before it is done."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._real = [(owner, name, getattr(owner, name)) for owner, name in _STEPS]

    def __enter__(self) -> None:
        for owner, name, real in self._real:
            setattr(owner, name, self._telling(name, real))

    def __exit__(self, *_: object) -> None:
        for owner, name, real in self._real:
            setattr(owner, name, real)

    def _telling(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: Any, **named: Any) -> object:
            self._tell(name)
            return real(*arguments, **named)

        return step


def _run(last: int, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    count = itertools.count(1)

    def tell(_: str) -> None:
        if next(count) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with _told(tell):
        work(*arguments)
