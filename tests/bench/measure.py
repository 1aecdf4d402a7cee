"""Time, taken so that two things can be compared: by turns, A B A B, in one process."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import repeat

__all__ = ["FULL", "QUICK", "SMOKE", "Effort", "Figure", "interleave", "interleave_async", "timed"]

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much time measuring may take.

    `rounds` turns of each side, each of about `turn_s` seconds; `scale` is what counts of cycles, requests and
    plugins are multiplied by.
    """

    rounds: int
    turn_s: float
    scale: float


FULL = Effort(rounds=21, turn_s=0.03, scale=1.0)
QUICK = Effort(rounds=5, turn_s=0.01, scale=0.1)
SMOKE = Effort(rounds=1, turn_s=0.0, scale=0.001)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured on one side. The unit is the row's."""

    median: float
    minimum: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Figure:
        """The median and the minimum of some samples."""
        return cls(statistics.median(samples), min(samples))

    def scaled(self, factor: float) -> Figure:
        """The same in another unit."""
        return Figure(self.median * factor, self.minimum * factor)


def interleave(effort: Effort, *actions: Action) -> list[Figure]:
    """Seconds that one run of each action takes; the collector of cycles runs as it does in a program."""
    numbers = [_number(action, effort.turn_s) for action in actions]
    samples: list[list[float]] = [[] for _ in actions]
    for _ in range(effort.rounds):
        for action, number, taken in zip(actions, numbers, samples, strict=True):
            taken.append(timed(action, number))
    return [Figure.of(taken) for taken in samples]


def timed(action: Action, number: int) -> float:
    """Seconds that one of `number` runs takes."""
    began = time.perf_counter()
    for _ in repeat(None, number):
        action()
    return (time.perf_counter() - began) / number


def _number(action: Action, turn_s: float) -> int:
    action()
    number = 1
    while (taken := timed(action, number) * number) < turn_s:
        number = max(number * 2, int(number * turn_s / max(taken, 1e-9)))
    return number


async def interleave_async(
    effort: Effort, awaited: Callable[[], Awaitable[object]], action: Action, number: int
) -> list[Figure]:
    """Seconds that one await and one run of a plain action take, on the running loop."""
    samples: tuple[list[float], list[float]] = ([], [])
    for _ in range(effort.rounds + 1):
        began = time.perf_counter()
        for _ in repeat(None, number):
            await awaited()
        samples[0].append((time.perf_counter() - began) / number)
        samples[1].append(timed(action, number))
        await asyncio.sleep(0)
    return [Figure.of(taken[1:]) for taken in samples]  # the first turn warms up
