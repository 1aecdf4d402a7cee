"""How long it takes until another host has the runs of one that was killed, and how late the machine itself was."""

from __future__ import annotations

import os
import signal
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.workflows_marks import Marks

__all__ = ["Killed", "Pulse", "TakeOvers", "taken_over"]

MOST_LEASES = 1.2
"""Within so many leases another host has each run of a dead one."""

_MOST_EXCUSED = 0.1
"""A campaign in which more than this part of the take-overs cannot be judged has shown nothing."""

_BEAT_S, _LATE_S = 0.005, 0.005


@dataclass(frozen=True, slots=True)
class Killed:
    """A host that was killed."""

    at: float
    host: str


@dataclass(frozen=True, slots=True)
class TakeOvers:
    """Figures in leases and milliseconds, and what is wrong."""

    figures: str
    problems: Sequence[str]


class Pulse:
    """A process that only sleeps, and writes down each time it was woken late: then the machine had no time."""

    def __init__(self, folder: Path, context: Any) -> None:
        self._file = folder / "pulse.log"
        self._process = context.Process(target=_beat, args=(str(self._file),), daemon=True)
        self._ats: list[float] = []
        self._lates: list[float] = []

    def start(self) -> None:
        """Begins."""
        self._process.start()

    def stop(self) -> None:
        """Ends it, and reads what it has written down."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()
        for line in self._file.read_text().splitlines():
            at, _, late = line.partition(" ")
            if late.endswith("."):
                self._ats.append(float(at))
                self._lates.append(float(late[:-1]))

    def late_s(self, begin: float, end: float) -> float:
        """How long the machine had no time for a process, in a time; what began before it counts from its begin."""
        total = 0.0
        for place in range(bisect_left(self._ats, begin), len(self._ats)):
            at, late = self._ats[place], self._lates[place]
            if at - late > end:
                break
            total += max(0.0, min(at, end) - max(at - late, begin))
        return total

    @property
    def longest_s(self) -> float:
        """How late it was at most."""
        return max(self._lates, default=0.0)


def _beat(file: str) -> None:
    with open(file, "a", buffering=1) as lates:
        while True:
            before = time.time()
            time.sleep(_BEAT_S)
            late = time.time() - before - _BEAT_S
            if late > _LATE_S:
                lates.write(f"{time.time():.6f} {late:.6f}.\n")


def taken_over(
    killed: Sequence[Killed], disturbed: Sequence[tuple[float, float]], marks: Marks, pulse: Pulse, lease_s: float
) -> TakeOvers:
    """Judges each kill that another host outlived; one that began after the kill is a restart, and not judged.

    Nor is one judged while something was done to that host too, or to the server of the database.

    Beyond the bar a take-over fails, unless it would have been within it without the time in which the machine gave a
    process that only sleeps no turn: then it is listed. So nothing is excused by more than was measured just then.
    """
    leases, stalls, problems, excused = list[float](), list[float](), list[str](), list[str]()
    for one in killed:
        found = _taken(one, marks)
        if found is None or any(begin <= found and one.at <= end for begin, end in disturbed):
            continue
        stall_s = pulse.late_s(one.at, found)
        took = (found - one.at) / lease_s
        leases.append(took)
        stalls.append(stall_s)
        if took > MOST_LEASES:
            about = f"{one.host} was taken over after {took:.2f} leases"
            over = took - stall_s / lease_s > MOST_LEASES
            (problems if over else excused).append(f"{about}; the machine stalled for {stall_s * 1000:.0f} ms then")
    if len(excused) > max(2.0, _MOST_EXCUSED * len(leases)):
        problems.append(f"the machine stalled in {len(excused)} of {len(leases)} take-overs: repeat it on a quiet one")
    late = [stall * 1000 for stall in stalls]
    figures = (
        f"{len(leases)} of {len(killed)} kills were outlived by a host that was left alone;"
        f" leases until it had the runs {_ranks(leases)};"
        f" ms that the machine stalled meanwhile {_ranks(late)}, at once at most {pulse.longest_s * 1000:.0f};"
        f" not judged: {excused or 'none'}"
    )
    return TakeOvers(figures, problems)


def _taken(one: Killed, marks: Marks) -> float | None:
    """When the last run of the dead host was taken; None: it had none, or nobody lived through to take them."""
    found = []
    buried = max(marks.left.get(one.host, ()), default=one.at)
    for run in marks.had.get(one.host, ()):
        took = next(((at, host) for at, host in marks.took.get(run, ()) if at > buried), None)
        if took is None or marks.entered.get(took[1], one.at) >= one.at:
            return None
        found.append(took[0])
    return max(found, default=None)


def _ranks(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ranked = sorted(values)
    shown = (ranked[len(ranked) // 2], ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))], ranked[-1])
    return "median {:.2f}, p99 {:.2f}, max {:.2f}".format(*shown)
