"""How each lane stands in this process: what was counted, and what still has to be written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from omnicore.loops.cycle import LoopStatus
from omnicore.loops.lane import Lane, LoopType, next_due
from omnicore.storage.tables.loops import LaneRow

__all__ = ["SET_BACK_S", "Standing", "overall"]

SET_BACK_S = 60.0
"""Hosts may disagree so much about the time; a run further ahead tells of a clock that was set back."""


@dataclass(slots=True)
class Standing:
    """One lane's counters. Those that begin with `new_` are not on the disk yet. Units: seconds."""

    lane: Lane
    since: float = 0.0
    last_run_at: float | None = None
    cycles: int = 0
    failures: int = 0
    seconds: float = 0.0
    new_cycles: int = 0
    new_failures: int = 0
    new_seconds: float = 0.0
    not_before: float = 0.0
    running: bool = False
    waiting: int = 0

    def read(self, row: LaneRow) -> None:
        """Takes over what the disk knows; what is not written yet comes on top."""
        self.since, self.last_run_at = row.since, row.last_run_at
        self.cycles = row.cycles + self.new_cycles
        self.failures = row.failures + self.new_failures
        self.seconds = row.seconds + self.new_seconds

    def count(self, *, at: float, failed: bool, seconds: float, written: bool) -> None:
        """Counts a cycle."""
        self.last_run_at = at
        self.cycles += 1
        self.failures += failed
        self.seconds += seconds
        if not written:
            self.new_cycles += 1
            self.new_failures += failed
            self.new_seconds += seconds

    def set_back(self, now: float) -> bool:
        """Counts from now on where the lane ran in the future: the clock was set back. Whether it was."""
        if (self.since if self.last_run_at is None else self.last_run_at) <= now + SET_BACK_S:
            return False
        self.since = min(self.since, now)
        self.last_run_at = None if self.last_run_at is None else now
        self.not_before = 0.0
        return True

    def due(self, now: float) -> float:
        """When it runs next."""
        due = next_due(self.lane.interval_s, since=self.since, last_run_at=self.last_run_at, now=now)
        return max(due, self.not_before)

    def status(self, now: float, *, scheduled: bool, handlers: tuple[str, ...]) -> LoopStatus:
        """The lane as people are shown it. One that waits for events has no next run."""
        timed = scheduled and self.lane.type is not LoopType.Reflexive
        return LoopStatus(
            self.lane.type,
            scheduled,
            self.running,
            self.cycles,
            self.failures,
            self.last_run_at,
            self.due(now) if timed else None,
            timedelta(seconds=self.seconds / self.cycles if self.cycles else 0.0),
            handlers,
        )


def overall(lanes: list[LoopStatus]) -> LoopStatus:
    """All lanes as one."""
    cycles = sum(one.cycles_completed for one in lanes)
    spent = sum((one.avg_duration * one.cycles_completed for one in lanes), timedelta())
    due = [one.next_run_at for one in lanes if one.next_run_at is not None]
    ran = [one.last_run_at for one in lanes if one.last_run_at is not None]
    return LoopStatus(
        None,
        any(one.scheduled for one in lanes),
        any(one.running for one in lanes),
        cycles,
        sum(one.failures for one in lanes),
        max(ran, default=None),
        min(due, default=None),
        spent / cycles if cycles else timedelta(),
        tuple(sorted({name for one in lanes for name in one.handlers})),
    )
