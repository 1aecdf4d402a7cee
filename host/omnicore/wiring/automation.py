"""Automation in a host: workflows, what their steps do, and what begins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from omnicore.access.audit import AuditTrail
from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.connectors.http import HttpClient
from omnicore.connectors.service import Connectors
from omnicore.events.bus import EventBus
from omnicore.jobs.tasks import TaskDesk
from omnicore.memory.service import MemoryService
from omnicore.plugins.host import PluginHost
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable
from omnicore.telemetry.metrics import Metrics
from omnicore.vectors.service import VectorService
from omnicore.wiring.effects import scripting
from omnicore.wiring.health import HealthPart
from omnicore.wiring.running import Running
from omnicore.wiring.triggers import trigger_part
from omnicore.wiring.workflows import workflow_part
from omnicore.workflows.service import Workflows
from omnicore.workflows.steps.step import StepServices

__all__ = ["Automation", "automation"]


class _Host(Protocol):
    """The parts that automation stands on."""

    settings: Settings
    store: Store
    bus: EventBus
    metrics: Metrics
    health_part: HealthPart
    audit: AuditTrail
    vectors: VectorService
    connectors: Connectors
    memory: MemoryService
    plugins: PluginHost


@dataclass(frozen=True, slots=True)
class Automation:
    """The service, and the parts that are started in this order and stopped in reverse."""

    service: Workflows
    parts: tuple[Running, ...]


def automation(host: _Host, http: HttpClient, desk: TaskDesk, *, clock: Clock, work: bool) -> Automation:
    """The workflows of a host with all that begins them. Raises: InvalidSetting: `brokers`."""
    settings, store = host.settings, host.store
    shared: dict[str, Any] = {
        "bus": host.bus,
        "metrics": host.metrics,
        "health": host.health_part,
        "clock": clock,
        "work": work,
    }
    means = StepServices(
        host.plugins,
        host.connectors,
        http,
        host.connectors.vault,
        KvTable(store, clock),
        clock,
        memory=host.memory,
        vectors=host.vectors,
        tasks=desk,
        scripting=scripting(settings),
    )
    runs = workflow_part(
        settings, store, means, plugins=host.plugins, connectors=host.connectors, audit=host.audit, **shared
    )
    triggers = trigger_part(settings, store, runs.service, runs.telling, hooks=host.connectors.hooks, **shared)
    return Automation(runs.service, (runs, triggers))
