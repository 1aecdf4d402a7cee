"""The services that REST reaches beside plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omnicore.storage.tables.events import EventRow

if TYPE_CHECKING:
    from omnicore.connectors.service import Connectors
    from omnicore.intelligences.registry import Intelligences
    from omnicore.loops.engine import LoopEngine
    from omnicore.memory.service import MemoryService
    from omnicore.resilience.degradation import Degradation
    from omnicore.resilience.health import HealthMonitor
    from omnicore.runtime.tasks import TaskEngine
    from omnicore.vectors.service import VectorService

__all__ = ["ReadEvents", "Rooms"]

ReadEvents = Callable[[str, int, str | None], tuple[list[EventRow], str | None]]
"""Events of the past by pattern, limit and the id to go on from: newest first, and where the next page begins."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """One optional field for each service; None is one that this host does not have."""

    health: HealthMonitor | None = None
    degradation: Degradation | None = None
    events: ReadEvents | None = None
    tasks: TaskEngine | None = None
    connectors: Connectors | None = None
    vectors: VectorService | None = None
    loops: LoopEngine | None = None
    intelligences: Intelligences | None = None
    memory: MemoryService | None = None
