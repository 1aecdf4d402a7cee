"""What a call of `OmegaAPI` costs beside the work itself: `python -m tests.bench.omega`.

The text claims less than 1 ms for a call and for an event, 10 ms for a part's health and 100 us for a state; the bars
here are a tenth of that. `store` and `recall` show the whole call and, beside it, the same work asked of the host.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter

from tests.bench.runtime import Row

from omega_runtime import (
    CycleInput,
    HealthStatus,
    LoopType,
    MemoryTier,
    OmegaAPI,
    OmegaConfig,
    OmegaRuntime,
    RuntimeState,
)
from omnicore.core.lifecycle import Lifecycle

__all__ = ["main", "rows"]

_Work = Callable[[], Awaitable[object]]
_EMBEDDING = [0.1] * 768
_US = 1e6


async def _measure(work: _Work, rounds: int) -> tuple[float, float]:
    """The median and the 99th percentile of a call. Units: seconds."""
    samples = []
    for number in range(rounds + 20):
        began = perf_counter()
        await work()
        if number >= 20:
            samples.append(perf_counter() - began)
    samples.sort()
    return samples[len(samples) // 2], samples[int(len(samples) * 0.99)]


async def _rows(rounds: int) -> list[Row]:
    runtime = await OmegaRuntime.new(OmegaConfig.default())
    await runtime.start()
    try:
        api = OmegaAPI.new(runtime)
        await api.store_memory(MemoryTier.Semantic, "kept", _EMBEDDING, 0.5)
        works: list[tuple[str, str, float, _Work]] = [
            ("health_status()", "< 10 ms a part", 1e-4, api.health_status),
            ("metrics()", "< 1 ms", 1e-4, api.metrics),
            ("loop cycle, reflexive", "< 1 ms", 1e-3, lambda: api.execute_loop_cycle(LoopType.Reflexive, CycleInput())),
            ("set_health to event received", "< 1 ms", 1e-3, await _health_event(runtime)),
        ]
        found = [Row(what, claim, bar, *await _measure(work, rounds)) for what, claim, bar, work in works]
        return [*found, *await _overheads(runtime, api, rounds), await _states(rounds)]
    finally:
        await runtime.stop()


async def _health_event(runtime: OmegaRuntime) -> _Work:
    receiver = await runtime.subscribe_events()
    turn = [HealthStatus.Degraded, HealthStatus.Healthy]

    async def work() -> None:
        runtime.set_health("meta_sona", turn[0])
        turn.reverse()
        await receiver.recv()

    return work


async def _overheads(runtime: OmegaRuntime, api: OmegaAPI, rounds: int) -> list[Row]:
    """The whole call less the same question to the host, turn by turn, so that a noisy machine is noisy to both."""
    memory, tiers, found = runtime.host.memory, [MemoryTier.Semantic], []
    pairs: list[tuple[str, _Work, _Work]] = [
        (
            "store_memory(), the API's part",
            lambda: api.store_memory(MemoryTier.Semantic, "kept", _EMBEDDING, 0.5),
            lambda: memory.store("kept", MemoryTier.Semantic, embedding=_EMBEDDING, importance=0.5),
        ),
        (
            "recall_memories(), the API's part",
            lambda: api.recall_memories(_EMBEDDING, tiers, 5),
            lambda: memory.recall(embedding=_EMBEDDING, tiers=tiers, limit=5),
        ),
    ]
    for what, whole, bare in pairs:
        extra = []
        for _ in range(rounds):
            took = []
            for work in (bare, whole):
                began = perf_counter()
                await work()
                took.append(perf_counter() - began)
            extra.append(took[1] - took[0])
        extra.sort()
        found.append(Row(what, "< 1 ms", 1e-4, max(0.0, extra[rounds // 2]), max(0.0, extra[int(rounds * 0.99)])))
    return found


async def _states(rounds: int) -> Row:
    async def step() -> None:
        life = Lifecycle("bench")
        for state in (RuntimeState.Initializing, RuntimeState.Running, RuntimeState.ShuttingDown, RuntimeState.Stopped):
            life.become(state)

    p50, p99 = await _measure(step, rounds)
    return Row("state transition", "< 100 us", 1e-5, p50 / 4, p99 / 4)


def rows(rounds: int = 500) -> list[Row]:
    """The figures."""
    return asyncio.run(_rows(rounds))


def main() -> int:
    """Prints them; 1 when a bar was missed."""
    found = rows()
    for row in found:
        verdict = "" if row.held else "  MISS"
        line = f"{row.what:<36} {row.claim:<16} p50 {row.p50 * _US:9.1f} us   p99 {row.p99 * _US:9.1f} us{verdict}"
        sys.stdout.write(line + "\n")
    return 0 if all(row.held for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
