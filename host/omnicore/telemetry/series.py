"""Figures over time: what counters came to in each step, in two rings of fixed size."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from omnicore.clock import Clock
from omnicore.telemetry.metrics import BUCKETS_S

__all__ = ["COARSE", "FINE", "Ring", "Series", "Shown", "Totals", "percentile_ms"]


@dataclass(frozen=True, slots=True)
class Ring:
    """How long and how finely figures are kept. Units: seconds; `steps` a count."""

    step_s: float
    steps: int

    @property
    def span_s(self) -> float:
        """How far back it reaches."""
        return self.step_s * self.steps


FINE = Ring(10.0, 360)
COARSE = Ring(300.0, 288)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters since the host's start. `buckets` are calls by duration, one for each bound and one above all."""

    calls: int = 0
    errors: int = 0
    tasks: int = 0
    http: int = 0
    buckets: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A window of figures, oldest first; None where the host did not run. Units: `start` seconds since the epoch."""

    step_s: float
    start: float
    series: Mapping[str, list[float | None]]


_Step = tuple[int, int, int, int, tuple[int, ...]]
_NAMES = ("calls", "errors", "tasks", "http")


class Series:
    """Asks for the totals in each `tick` and keeps what was added since the one before.

    A plugin that is removed takes its durations along: totals that fall count as nothing added.
    """

    def __init__(self, read: Callable[[], Totals], clock: Clock, *, rings: Sequence[Ring] = (FINE, COARSE)) -> None:
        self._read, self._clock = read, clock
        self._rings = [(ring, _Steps(ring)) for ring in rings]
        self._last: Totals | None = None
        self._lock = threading.Lock()

    def tick(self) -> None:
        """Takes in what happened since the tick before; the first one only begins."""
        totals = self._read()
        with self._lock:
            last, self._last = self._last, totals
            added = _added(last, totals) if last is not None else _added(totals, totals)
            now = self._clock.now()
            for _, steps in self._rings:
                steps.add(now, added)

    def show(self, span_s: float) -> Shown:
        """The last so many seconds, from the finest ring that reaches back so far."""
        ring, steps = next((one for one in self._rings if one[0].span_s >= span_s), self._rings[-1])
        count = min(max(1, round(span_s / ring.step_s)), ring.steps)
        with self._lock:
            start, found = steps.last(self._clock.now(), count)
        series: dict[str, list[float | None]] = {
            name: [None if step is None else _figure(step, place) for step in found]
            for place, name in enumerate(_NAMES)
        }
        series["call_ms_p95"] = [None if step is None else percentile_ms(step[4], 0.95) for step in found]
        return Shown(ring.step_s, start, series)


class _Steps:
    """The ring itself: each place holds the number of its step, so that old rounds are told from new ones."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._steps: list[tuple[int, _Step] | None] = [None] * ring.steps

    def add(self, now: float, added: _Step) -> None:
        number = int(now // self._ring.step_s)
        place = number % self._ring.steps
        held = self._steps[place]
        self._steps[place] = (number, _sum(held[1], added) if held is not None and held[0] == number else added)

    def last(self, now: float, count: int) -> tuple[float, list[_Step | None]]:
        newest = int(now // self._ring.step_s)
        first = newest - count + 1
        found: list[_Step | None] = []
        for number in range(first, newest + 1):
            held = self._steps[number % self._ring.steps]
            found.append(held[1] if held is not None and held[0] == number else None)
        return first * self._ring.step_s, found


def percentile_ms(buckets: Sequence[int], part: float) -> float | None:
    """The duration that this part of the calls kept below, read off evenly within its bucket; None without calls.

    >>> percentile_ms([0] * 6 + [10] + [0] * 14, 0.5)
    0.75
    """
    total = sum(buckets)
    if not total:
        return None
    wanted = part * total
    below = 0
    for place, upto in enumerate(accumulate(buckets)):
        if upto >= wanted and upto > below:
            low = BUCKETS_S[place - 1] if place else 0.0
            high = BUCKETS_S[place] if place < len(BUCKETS_S) else low  # above all bounds there is no end
            return round((low + (high - low) * (wanted - below) / (upto - below)) * 1000, 6)
        below = upto
    return None


def _added(last: Totals, now: Totals) -> _Step:
    before = (*last.buckets, *([0] * (len(now.buckets) - len(last.buckets))))
    buckets = tuple(max(0, new - old) for new, old in zip(now.buckets, before, strict=False))
    calls, errors, tasks, http = (max(0, getattr(now, name) - getattr(last, name)) for name in _NAMES)
    return calls, errors, tasks, http, buckets


def _sum(one: _Step, other: _Step) -> _Step:
    buckets = tuple(map(sum, zip(one[4], other[4], strict=True))) if one[4] and other[4] else one[4] or other[4]
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], buckets


def _figure(step: _Step, place: int) -> float:
    figure = step[place]
    return float(figure) if isinstance(figure, int) else 0.0
