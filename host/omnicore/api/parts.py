"""The host's services that the endpoints use, passed to them in the application's state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from omnicore.api.exchange import Answers, SharedAnswers
from omnicore.errors import Unavailable
from omnicore.storage.tables.events import EventRow

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp

    from omnicore.access.audit import AuditTrail
    from omnicore.access.service import Access
    from omnicore.api.exchange import Traffic
    from omnicore.config.service import SettingsDesk
    from omnicore.config.settings import Settings
    from omnicore.connectors.policy import Reserved
    from omnicore.connectors.service import Connectors
    from omnicore.events.bus import EventBus
    from omnicore.evolution.service import Evolutions
    from omnicore.fleet.hosts import Fleet
    from omnicore.intelligences.registry import Intelligences
    from omnicore.jobs.alarms import Alarms
    from omnicore.loops.engine import LoopEngine
    from omnicore.memory.service import MemoryService
    from omnicore.packages.service import Packages
    from omnicore.plugins.callers import PluginLimits
    from omnicore.plugins.host import PluginHost
    from omnicore.plugins.rollout import Rollouts
    from omnicore.resilience.degradation import Degradation
    from omnicore.resilience.health import HealthMonitor
    from omnicore.runtime.tasks import TaskEngine
    from omnicore.storage.backup import Backups
    from omnicore.telemetry.logs import PluginLogs
    from omnicore.telemetry.metrics import Metrics, Series
    from omnicore.vectors.service import VectorService
    from omnicore.workflows.service import Workflows


_T = TypeVar("_T")

ReadEvents = Callable[[str, int, str | None], tuple[list[EventRow], str | None]]
"""Events of the past by pattern, limit and the id to go on from: newest first, and where the next page begins."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The optional services. None stands for one that this host does not have."""

    health: HealthMonitor | None = None
    degradation: Degradation | None = None
    events: ReadEvents | None = None
    tasks: TaskEngine | None = None
    workflows: Workflows | None = None
    connectors: Connectors | None = None
    vectors: VectorService | None = None
    loops: LoopEngine | None = None
    fleet: Fleet | None = None
    rollouts: Rollouts | None = None
    limits: PluginLimits | None = None
    packages: Packages | None = None
    intelligences: Intelligences | None = None
    evolution: Evolutions | None = None
    memory: MemoryService | None = None
    audit: AuditTrail | None = None
    settings: SettingsDesk | None = None
    backups: Backups | None = None
    series: Series | None = None
    alarms: Alarms | None = None
    about: Callable[[], Mapping[str, Any]] | None = None
    diagnostics: Callable[[], bytes] | None = None
    mcp: ASGIApp | None = None
    access: Access | None = None
    reserved: Reserved | None = None
    answers: SharedAnswers | None = None
    console: Path | None = None  # its built files; without it those that came with the package


@dataclass(frozen=True, slots=True)
class Parts:
    """The host's parts that the network can reach. `ready` is true if plugins can be called."""

    host: PluginHost
    settings: Settings
    metrics: Metrics
    bus: EventBus
    logs: PluginLogs
    ready: Callable[[], bool]
    traffic: Traffic
    rooms: Rooms = field(default_factory=Rooms)
    answers: Answers = field(default_factory=Answers)


def present(room: _T | None, lack: str, remedy: str = "ask a host of `omnicore run`") -> _T:
    """An optional service. Raises: Unavailable: this host lacks it."""
    if room is None:
        raise Unavailable(f"this host {lack}", remedy=remedy)
    return room


def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the application that serves a request."""
    parts: Parts = connection.app.state.parts
    return parts
