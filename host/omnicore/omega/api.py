"""`OmegaAPI`: memory, intelligences, lanes and the system in eight calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TypeVar

from omnicore.assembly import Host
from omnicore.errors import InvalidInput
from omnicore.intelligences.intelligence import Intelligence, IntelligenceSpec, IntelligenceStatus
from omnicore.loops.lane import CycleInput, CycleOutput, LoopStatus, LoopType
from omnicore.memory.service import MemoryStats, measured
from omnicore.memory.tiers import MemoryTier
from omnicore.omega.runtime import OmegaRuntime
from omnicore.omega.words import HealthReport, Memory, RuntimeMetrics, memory_of

__all__ = ["OmegaAPI"]

_T = TypeVar("_T")


class OmegaAPI:
    """The high-level interface of a runtime. Several may share one; each counts the calls made through it.

    Raises, from every call: Unavailable while the runtime does not run, and the errors of `omnicore.errors`.
    """

    def __init__(self, runtime: OmegaRuntime) -> None:
        self.runtime = runtime
        self._calls = 0
        self._failed = 0
        self._seconds = 0.0

    @classmethod
    def new(cls, runtime: OmegaRuntime) -> OmegaAPI:
        """The API of a runtime."""
        return cls(runtime)

    async def store_memory(
        self,
        tier: MemoryTier,
        content: str,
        embedding: Sequence[float] | None = None,
        importance: float | None = None,
    ) -> str:
        """Remembers a text and returns its id: the same text in the same tier is the same memory.

        Args:
            embedding: as many numbers as `agentdb.dimension`; without one the memory makes its own.
            importance: 0 to 1; without one the memory judges.

        Raises: InvalidInput; LimitExceeded: the tier is full.
        """
        return await self._counted(self._store(tier, content, embedding, importance))

    async def recall_memories(
        self,
        embedding: Sequence[float] | None = None,
        tiers: Iterable[MemoryTier] | None = None,
        limit: int = 10,
        *,
        text: str | None = None,
    ) -> list[Memory]:
        """What fits an embedding, a text or both, best first. Raises: InvalidInput."""
        return await self._counted(self._recall(embedding, tiers, limit, text))

    async def create_intelligence(self, spec: IntelligenceSpec) -> Intelligence:
        """Makes an intelligence; its `status` says whether plugins provide what it requires. Raises: InvalidInput."""
        return await self._counted(self._create(spec))

    async def list_intelligences(self, *, status: IntelligenceStatus | None = None) -> list[Intelligence]:
        """Those that are not retired, oldest first."""
        return await self._counted(self._list(status))

    async def execute_loop_cycle(self, loop_type: LoopType, input: CycleInput | None = None) -> CycleOutput:
        """Runs a cycle of a lane now. Raises: InvalidInput, Conflict, CapacityReached."""
        return await self._counted(self._cycle(loop_type, input))

    async def loop_status(self, loop_type: LoopType | None = None) -> LoopStatus:
        """How a lane stands, or all of them as one."""
        return await self._counted(self._loop_status(loop_type))

    async def health_status(self) -> HealthReport:
        """How every part is now; asks no probe, for those run by themselves."""
        return await self._counted(self._health())

    async def metrics(self) -> RuntimeMetrics:
        """The runtime in numbers."""
        return await self._counted(self._metrics())

    # -- inner parts

    async def _counted(self, work: Awaitable[_T]) -> _T:
        began = perf_counter()
        try:
            return await work
        except BaseException:
            self._failed += 1
            raise
        finally:
            self._calls += 1
            self._seconds += perf_counter() - began

    async def _store(
        self, tier: MemoryTier, content: str, embedding: Sequence[float] | None, importance: float | None
    ) -> str:
        host = self.runtime.ready()
        given = self._checked(embedding)
        return await host.memory.store(content, tier, importance=importance, embedding=given)

    async def _recall(
        self,
        embedding: Sequence[float] | None,
        tiers: Iterable[MemoryTier] | None,
        limit: int,
        text: str | None,
    ) -> list[Memory]:
        host = self.runtime.ready()
        given = self._checked(embedding)
        found = await host.memory.recall(text, embedding=given, tiers=tiers, limit=limit)
        return [memory_of(item) for item in found.items]

    def _checked(self, embedding: Sequence[float] | None) -> tuple[float, ...] | None:
        if embedding is None:
            return None
        wanted = self.runtime.config.agentdb.dimension
        if len(embedding) != wanted:
            raise InvalidInput(
                f"the embedding has {len(embedding)} numbers, agentdb.dimension is {wanted}",
                remedy="embed with the model that agentdb is configured for",
                path="embedding",
            )
        return tuple(embedding)

    async def _create(self, spec: IntelligenceSpec) -> Intelligence:
        return await asyncio.to_thread(self.runtime.ready().intelligences.create, spec)

    async def _list(self, status: IntelligenceStatus | None) -> list[Intelligence]:
        people = self.runtime.ready().intelligences
        return await asyncio.to_thread(lambda: people.list(status=status))

    async def _cycle(self, loop_type: LoopType, given: CycleInput | None) -> CycleOutput:
        return await self.runtime.ready().loops.execute_cycle(LoopType(loop_type), given)

    async def _loop_status(self, loop_type: LoopType | None) -> LoopStatus:
        return await self.runtime.host.loops.status(loop_type)

    async def _health(self) -> HealthReport:
        report = self.runtime.health()
        return HealthReport(report.overall, report.subsystems, report.reasons)

    async def _metrics(self) -> RuntimeMetrics:
        host = self.runtime.host
        # In SQLite this takes 20 us and a thread 60 more; a server may take longer than the loop should wait.
        count = partial(_counts, host)
        stats, people = count() if host.store.dialect == "sqlite" else await asyncio.to_thread(count)
        cycles = host.loops.totals()
        return RuntimeMetrics(
            uptime=timedelta(seconds=self.runtime.uptime_s),
            total_memories=stats.items,
            memories_by_tier={tier: stats.by_tier.get(tier.value, 0) for tier in MemoryTier},
            total_cycles=sum(cycles.values()),
            cycles_by_loop=cycles,
            intelligence_count=people,
            avg_response_time=timedelta(seconds=self._seconds / self._calls if self._calls else 0.0),
            error_rate=self._failed / self._calls if self._calls else 0.0,
        )


def _counts(host: Host) -> tuple[MemoryStats, int]:
    return measured(host.memory.memories), host.intelligences.count()
