"""Lanes in a host: the engine, and the functions that its duties work with."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from omnicore.capabilities.services import Services
from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.events.bus import EventBus
from omnicore.intelligences.intelligence import IntelligenceStatus
from omnicore.intelligences.registry import Intelligences, Skills
from omnicore.loops.duties import Chores, Duties, PluginFacts, Worker
from omnicore.loops.engine import LoopEngine
from omnicore.loops.handlers import PluginHandlers
from omnicore.memory.service import MemoryService
from omnicore.memory.tiers import MemoryTier
from omnicore.plugins.host import PluginHost
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.archive import write_rows
from omnicore.storage.backup import backup
from omnicore.storage.migrations import NEWEST
from omnicore.storage.store import Store
from omnicore.storage.tables.intelligences import IntelligencesTable
from omnicore.storage.tables.loops import LoopsTable
from omnicore.telemetry.metrics import Metrics
from omnicore.version import __version__
from omnicore.wiring.health import HealthPart

__all__ = ["LoopParts", "intelligence_registry", "loop_engine"]

_BACKUP = "omnicore-backup.zip"
_ROWS = "rows"
_MOST_FUNCTIONS = 50


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What lanes work with."""

    store: Store
    bus: EventBus
    plugins: PluginHost
    services: Services
    metrics: Metrics
    health: HealthPart
    tasks: TaskEngine
    people: Intelligences
    memory: MemoryService
    clock: Clock


def intelligence_registry(
    store: Store, plugins: PluginHost, bus: EventBus, memory: MemoryService, clock: Clock
) -> Intelligences:
    """The intelligences of a host."""
    return Intelligences(IntelligencesTable(store), plugins, bus, memory=memory, clock=clock)


def loop_engine(settings: Settings, parts: LoopParts, *, work: bool) -> LoopEngine:
    """The lanes of a host."""
    table = LoopsTable(parts.store)
    handlers = PluginHandlers(parts.plugins, parts.services, parts.bus)
    chores = _Chores(settings, parts, handlers).all()
    parts.plugins.forgetting.append(IntelligencesTable(parts.store).forget_skills)
    duties = Duties(chores, table=table, clock=parts.clock, kept=settings.loops.archives)
    engine = LoopEngine(
        settings.loops,
        table=table,
        bus=parts.bus,
        duties=duties.by_lane(),
        handlers=handlers,
        clock=parts.clock,
        work=work,
        failed=parts.health.failed,
    )
    parts.health.monitor.register("loops", engine.probe, critical=False)
    parts.metrics.gauge("loop_cycles", "Cycles of all lanes, as this host knows", lambda: sum(engine.totals().values()))
    return engine


class _Chores:
    """Each method is one of the functions that duties are handed."""

    def __init__(self, settings: Settings, parts: LoopParts, handlers: PluginHandlers) -> None:
        self._settings, self._parts, self._handlers = settings, parts, handlers
        self._table = IntelligencesTable(parts.store)
        self._skills = Skills(parts.metrics, self._table, parts.clock)

    def all(self) -> Chores:
        return Chores(
            probe=self.probe,
            drain=self.drain,
            consolidate=self.consolidate,
            learn=self._skills.learn,
            limit_s=self._handlers.limit_s,
            staff=self.staff,
            measure=self.measure,
            remember=self.remember,
            survey=self.survey,
            versions=self.versions,
            export=self.export,
            archives=self._settings.data / "archives",
        )

    async def probe(self) -> Mapping[str, str]:
        report = await self._parts.health.monitor.check()
        return {name: status.value for name, status in report.subsystems.items()}

    async def drain(self) -> Mapping[str, int]:
        pending = await asyncio.to_thread(lambda: self._parts.tasks.pending)
        await asyncio.to_thread(self._parts.memory.memories.flush)
        return {"tasks": pending}

    async def consolidate(self) -> Mapping[str, int]:
        done = (await self._parts.memory.consolidate()).to_json()
        moved = {f"{one['from_tier']}>{one['to_tier']}": one["count"] for one in done.pop("moved")}
        return {**moved, **{name: count for name, count in done.items() if count}}

    async def remember(self, text: str, importance: float) -> str:
        return await self._parts.memory.store(text, MemoryTier.Strategic, importance=importance, source="loops")

    def staff(self) -> Sequence[Worker]:
        return [
            Worker(
                one.id,
                one.name,
                frozenset(one.spec.required_capabilities),
                ready=one.status is not IntelligenceStatus.MissingCapabilities,
            )
            for one in self._parts.people.list()
        ]

    def measure(self) -> Mapping[str, float]:
        calls, failures, seconds = 0, 0, 0.0
        each: list[tuple[int, str, int]] = []
        for recorder in self._parts.metrics.recorders():
            counts, _, taken = recorder.totals()
            total = sum(counts.values())
            failed = total - counts.get("ok", 0)
            calls, failures, seconds = calls + total, failures + failed, seconds + taken
            each.append((total, f"{recorder.plugin}.{recorder.function}", failed))
        found = {
            "calls": float(calls),
            "error_rate": failures / calls if calls else 0.0,
            "avg_response_s": seconds / calls if calls else 0.0,
            "tasks_failed": float(self._parts.tasks.failed),
            **_sizes(self._settings.data),
        }
        for total, ref, failed in sorted(each, reverse=True)[:_MOST_FUNCTIONS]:
            if total:
                found |= {f"{ref}.calls": float(total), f"{ref}.error_rate": failed / total}
        return found

    def survey(self) -> Sequence[PluginFacts]:
        counted: dict[str, int] = {}
        for row in self._table.skills().values():
            counted[row.plugin] = counted.get(row.plugin, 0) + row.calls
        for recorder in self._parts.metrics.recorders():
            counted[recorder.plugin] = counted.get(recorder.plugin, 0) + sum(recorder.totals()[0].values())
        return [
            PluginFacts(
                view.name,
                view.state,
                asked=frozenset(one.name for one in view.asked),
                granted={one.capability: one.scope for one in view.granted},
                newest=view.hash == view.serving,
                calls=counted.get(view.name, 0),
            )
            for view in self._parts.plugins.list()
        ]

    def versions(self) -> Mapping[str, str]:
        return {"omnicore": __version__, "schema": str(NEWEST), "database": self._parts.store.dialect}

    def export(self, folder: Path) -> Mapping[str, int]:
        backup(self._parts.store, self._settings.data, folder / _BACKUP, clock=self._parts.clock)
        return write_rows(folder / _BACKUP, folder / _ROWS)


def _sizes(data: Path) -> dict[str, float]:
    """How big the process and its database are, where that can be seen. Units: bytes."""
    found: dict[str, float] = {}
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        found["rss_bytes"] = float(pages * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError):
        found["storage_bytes"] = float((data / "omnicore.db").stat().st_size)
    return found
