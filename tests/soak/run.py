"""A host under steady work: `python -m tests.soak.run [--seconds N]`, 20 minutes by default.

Calls, tasks, memories, vectors, keys and events go on together, old ones are deleted as new ones come, and every few
seconds the process is measured. After a warm-up its memory and its open files must stay where they are.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from omnicore.assembly import Host
from omnicore.memory.tiers import MemoryTier
from omnicore.vectors.vector import Vector

__all__ = ["Measured", "main", "soaked"]

PLUGINS = Path(__file__).parents[2] / "plugins"
_MEASURE_S = 5.0
_WARM_UP = 0.3  # of the time
_GROWTH_BYTES = 16 * 1024 * 1024
_DIMENSIONS = 32
_KEPT = 500


@dataclass
class Measured:
    """What the process held at each look; `files_most` more open files are no growth. Units: bytes, counts."""

    files_most: int = 2
    resident: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    rounds: int = 0
    failures: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """What grew from the first half after the warm-up to the second."""
        found = list(self.failures)
        for name, values, most in (
            ("memory", self.resident, _GROWTH_BYTES),
            ("open files", self.files, self.files_most),
        ):
            warm = values[int(len(values) * _WARM_UP) :]
            half = len(warm) // 2
            if half and mean(warm[half:]) - mean(warm[:half]) > most:
                found.append(f"{name} grew from {mean(warm[:half]):.0f} to {mean(warm[half:]):.0f}")
        return found


class _Work:
    """One round of everything. What is made is deleted again when there is enough of it."""

    def __init__(self, host: Host, chance: random.Random) -> None:
        self._host = host
        self._chance = chance
        self._memories: deque[str] = deque()
        self._number = 0

    async def round(self) -> None:
        """Calls, a task, a memory, some vectors, an event, a search in each."""
        self._number += 1
        for kind in (self._calls, self._task, self._memory, self._vectors, self._event):
            await kind()

    async def _calls(self) -> None:
        for _ in range(20):
            await self._host.call("text.count_vowels", "a quick brown fox" * self._chance.randrange(1, 20))

    async def _task(self) -> None:
        await (await self._host.tasks.submit("text.count_vowels", f"round {self._number}"))

    async def _memory(self) -> None:
        text = f"note {self._number}: {self._chance.choice(('tea', 'coffee', 'rain'))} at {self._chance.random():.3f}"
        self._memories.append(await self._host.memory.store(text, MemoryTier.Semantic))
        await self._host.memory.recall("tea or coffee", limit=5)
        if len(self._memories) > _KEPT:
            await self._host.memory.forget(self._memories.popleft())

    async def _vectors(self) -> None:
        values = tuple(self._chance.gauss(0, 1) for _ in range(_DIMENSIONS))
        name = str(self._number % _KEPT)
        await asyncio.to_thread(self._host.vectors.upsert, "soak", "all", [Vector(name, values, {})])
        await asyncio.to_thread(self._host.vectors.search, "soak", "all", values, 5, {})

    async def _event(self) -> None:
        with self._host.bus.subscribe("soak.*") as events:
            self._host.bus.publish("soak.round", {"number": self._number})
            await anext(aiter(events))


async def soaked(seconds: float, folder: Path, look: Callable[[Measured], Awaitable[None]]) -> Measured:
    """Works for so long and measures."""
    measured = Measured()
    async with Host(plugins=PLUGINS, data=folder, watch=False) as host:
        host.vectors.create("soak", "all", _DIMENSIONS)
        work = _Work(host, random.Random(1))
        end = time.monotonic() + seconds
        following = time.monotonic()
        while time.monotonic() < end:
            await work.round()
            measured.rounds += 1
            if time.monotonic() >= following:
                following = time.monotonic() + min(_MEASURE_S, seconds / 20)
                gc.collect()
                measured.resident.append(_resident())
                measured.files.append(len(os.listdir("/proc/self/fd")))
                await look(measured)
        if str(host.health.report().overall) != "Healthy":
            measured.failures.append(f"health: {host.health.report()}")
    return measured


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _tell(measured: Measured) -> None:
    print(
        f"{measured.rounds:7} rounds  {measured.resident[-1] / 2**20:7.1f} MiB  {measured.files[-1]:4} files",
        flush=True,
    )


def main() -> int:
    """Soaks; 1 when something grew or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20 * 60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(soaked(options.seconds, Path(folder), _tell))
    problems = measured.problems()
    print("\n".join(problems) if problems else f"flat over {measured.rounds} rounds")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
