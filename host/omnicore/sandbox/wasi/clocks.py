"""Clocks and random bytes of a guest: the machine's, or repeatable ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import shake_256
from typing import Final

from omnicore.sandbox.wasi.preview1 import INVAL, NOTSUP, WasiError

REALTIME: Final = 0
MONOTONIC: Final = 1
CPU_CLOCKS: Final = (2, 3)
RESOLUTION_NS: Final = 1

Nanoseconds = Callable[[], int]


class Clocks:
    """Wall and monotonic time of one session; monotonic time starts at 0, so the host's uptime stays unknown.

    A frozen clock makes runs repeatable. It moves only when the guest sleeps, and then at once by what the
    guest asked for: a run-time that sleeps until its clock says so would wait forever on a stopped clock.
    """

    __slots__ = ("_monotonic_ns", "_origin", "_wall_ns", "frozen")

    def __init__(self, *, wall_ns: Nanoseconds, monotonic_ns: Nanoseconds, frozen_at_ns: int | None) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._origin = monotonic_ns()
        self.frozen = frozen_at_ns is not None
        if frozen_at_ns is not None:
            self._stand_still(frozen_at_ns, 1)  # Go's run-time takes a monotonic 0 for a broken clock and ends

    def _stand_still(self, wall: int, elapsed: int) -> None:
        self._origin = 0
        self._wall_ns = lambda: wall
        self._monotonic_ns = lambda: elapsed

    def read(self, clock: int) -> int:
        """Nanoseconds on a clock by its WASI number. Raises: WasiError for one that is not there."""
        if clock == MONOTONIC:
            return self._monotonic_ns() - self._origin
        if clock == REALTIME:
            return self._wall_ns()
        raise WasiError(NOTSUP if clock in CPU_CLOCKS else INVAL)

    def skip(self, duration_ns: int) -> None:
        """Moves a frozen clock by what the guest slept."""
        limit = (1 << 63) - 1
        wall, elapsed = self._wall_ns() + duration_ns, self._monotonic_ns() + duration_ns
        self._stand_still(min(wall, limit), min(elapsed, limit))


RandomBytes = Callable[[int], bytes]


def random_source(seed: bytes | None) -> RandomBytes:
    """`os.urandom`, or for a seed a source that gives the same bytes to the same sequence of requests."""
    if seed is None:
        return os.urandom
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return shake_256(drawn.to_bytes(8, "little") + seed).digest(length)

    return draw
