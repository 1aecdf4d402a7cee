"""Workflows in a host: the service over its parts, its figures, and what its health is judged by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from omnicore.access.audit import AuditTrail
from omnicore.clock import Clock
from omnicore.config.folders import code_folder
from omnicore.config.settings import Settings, WorkflowSettings
from omnicore.connectors.service import Connectors
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.storage.host_locks import HostLocks
from omnicore.storage.store import Store
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.health import HealthPart
from omnicore.workflows.engine import EmbeddedEngine, EngineParts
from omnicore.workflows.expressions.jq import SHARED, JqLimits
from omnicore.workflows.language.palette import palette_of
from omnicore.workflows.live import Telling
from omnicore.workflows.service import Workflows
from omnicore.workflows.steps.effects import Effects
from omnicore.workflows.steps.step import EffectLimits, StepServices

__all__ = ["WorkflowPart", "workflow_part"]


class WorkflowPart:
    """Started it runs what is due."""

    def __init__(self, service: Workflows, effects: Effects, telling: Telling) -> None:
        self.service, self.telling = service, telling
        self._effects = effects

    async def start(self) -> None:
        """Takes up what was left, and begins to run what is due."""
        await self.service.engine.start()

    async def stop(self) -> None:
        """Lets what is under way finish, and gives every run back."""
        await self.service.engine.stop()
        self.service.desk.close()
        await asyncio.to_thread(self._effects.close)


def workflow_part(
    settings: Settings,
    store: Store,
    means: StepServices,
    *,
    plugins: PluginHost,
    connectors: Connectors,
    bus: EventBus,
    audit: AuditTrail,
    metrics: Metrics,
    health: HealthPart,
    clock: Clock,
    work: bool,
) -> WorkflowPart:
    """The workflows of a host."""
    chosen = settings.workflows
    effects, telling = Effects(means, _limits(chosen)), Telling(bus)
    parts = EngineParts(
        store,
        chosen,
        clock,
        performer=effects,
        locks=HostLocks(settings.data / "hosts"),
        tell=telling,
        signed=audit.signed if chosen.audit else None,
        drain_s=settings.drain_s,
        work=work,
    )

    def palette() -> Mapping[str, Any]:
        return palette_of(plugins.list(), connectors.list())

    def webhook(name: str) -> bool:
        return connectors.hooks.table.named(name) is not None

    _set_expressions(settings)
    engine = EmbeddedEngine(parts)
    service = Workflows(engine, palette=palette, webhook=webhook, forget=effects.forget)
    _show(engine, metrics, health)
    return WorkflowPart(service, effects, telling)


def _set_expressions(settings: Settings) -> None:
    """Those of the process and not of one host: expressions are compiled before anything is known of a host."""
    chosen = settings.workflows
    limits = JqLimits(timeout_s=chosen.expression_s, fuel=chosen.expression_fuel, value_bytes=2 * chosen.value_bytes)
    SHARED.configure(limits, cache=code_folder(settings.data))


def _limits(chosen: WorkflowSettings) -> EffectLimits:
    return EffectLimits(
        http_hosts=chosen.http_hosts,
        http_private=chosen.http_private,
        http_bytes=chosen.http_bytes,
        output_bytes=chosen.value_bytes,
        longest_s=chosen.action_s,
    )


def _show(engine: EmbeddedEngine, metrics: Metrics, health: HealthPart) -> None:
    runner = engine.runner
    metrics.gauge("workflow_runs_live", "Runs of workflows in memory on this host", lambda: len(runner.live))
    metrics.gauge("workflow_actions", "Steps' actions under way on this host", lambda: runner.actions)
    metrics.gauge("workflow_lag_seconds", "How late the newest claim of a run was", lambda: engine.lag_s)
    metrics.counts("workflow_steps", "Rows of runs that this host has kept", (), lambda: {(): float(runner.steps)})
    metrics.counts(
        "workflow_runs",
        "Runs that ended on this host since its start",
        ("status",),
        lambda: {(status,): float(count) for status, count in runner.ended.items()},
    )
    metrics.counts(
        "workflow_expressions_late",
        "Attempts at expressions that the host had no time for: made again, or given up",
        ("what",),
        lambda: {("again",): float(SHARED.figures.again), ("given_up",): float(SHARED.figures.given_up)},
    )
    health.monitor.register("workflows", lambda: engine.trouble or None, critical=False)
