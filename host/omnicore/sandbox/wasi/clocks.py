"""The clocks a guest reads: the machine's, or one that stands still until the guest sleeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from omnicore.sandbox.wasi.errno import INVAL, NOTSUP, WasiError

REALTIME: Final = 0
MONOTONIC: Final = 1
CPU_CLOCKS: Final = (2, 3)
RESOLUTION_NS: Final = 1

Nanoseconds = Callable[[], int]


class Clocks:
    """Wall and monotonic time of one session; monotonic time starts at 0, so the host's uptime stays unknown.

    A frozen clock makes runs repeatable. It moves only when the guest sleeps, and then at once by what the
    guest asked for: a run-time that sleeps until its clock says so would wait for ever on a clock at rest.
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
