"""The services that REST reaches beside plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from omnicore.storage.tables.events import EventRow

if TYPE_CHECKING:
    from omnicore.access.audit import AuditTrail
    from omnicore.access.service import Access
    from omnicore.config.desk import SettingsDesk
    from omnicore.connectors.service import Connectors
    from omnicore.intelligences.registry import Intelligences
    from omnicore.loops.engine import LoopEngine
    from omnicore.memory.service import MemoryService
    from omnicore.resilience.degradation import Degradation
    from omnicore.resilience.health import HealthMonitor
    from omnicore.runtime.tasks import TaskEngine
    from omnicore.storage.backups import Backups
    from omnicore.telemetry.series import Series
    from omnicore.vectors.service import VectorService
    from omnicore.workflows.service import Workflows

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
    workflows: Workflows | None = None
    connectors: Connectors | None = None
    vectors: VectorService | None = None
    loops: LoopEngine | None = None
    intelligences: Intelligences | None = None
    memory: MemoryService | None = None
    audit: AuditTrail | None = None
    settings: SettingsDesk | None = None
    backups: Backups | None = None
    series: Series | None = None
    about: Callable[[], Mapping[str, Any]] | None = None
    diagnostics: Callable[[], bytes] | None = None
    mcp: ASGIApp | None = None
    access: Access | None = None
    console: Path | None = None  # its built files; without it those that came with the package
