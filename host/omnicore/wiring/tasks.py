"""Tasks in a host: the engine over the plugins, its figures, and what its health is judged by."""

from __future__ import annotations

from typing import Any

from omnicore.config.settings import Settings
from omnicore.connectors.addresses import host_matches
from omnicore.errors import PermissionDenied
from omnicore.jobs.tasks import TaskDesk
from omnicore.plugins.call import from_json, to_json
from omnicore.plugins.host import PluginHost
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.tables.tasks import TaskContext
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.health import HealthPart

__all__ = ["task_engine"]


class GrantedCalls:
    """Calls for stored tasks, with JSON values. What a plugin ordered is done only while its grant still stands."""

    def __init__(self, plugins: PluginHost) -> None:
        self._plugins = plugins

    async def __call__(self, ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """The output as a JSON value.

        Raises: PermissionDenied: the grant was taken back, or the plugin is switched off; what a call raises.
        """
        if isinstance(host_context, TaskContext) and not host_context.owner.startswith("@"):
            self._check(host_context.owner, ref)
        owner = host_context.owner if isinstance(host_context, TaskContext) else "@"
        with self._plugins.callers.named(f"tasks of {owner}"):
            given = from_json(value)
            return to_json(await self._plugins.call(ref, given, timeout_s=timeout_s, host_context=host_context))

    def _check(self, owner: str, function: str) -> None:
        scope = self._plugins.scope(owner, "tasks") or {}
        if not any(host_matches(pattern, function) for pattern in scope.get("functions", ())):
            raise PermissionDenied(
                f"{owner} may not have {function} done any more",
                remedy=f"run `omnicore plugins grant {owner} tasks`",
                capability="tasks",
                resource=function,
            )


def task_engine(
    settings: Settings, desk: TaskDesk, plugins: PluginHost, *, metrics: Metrics, health: HealthPart
) -> TaskEngine:
    """The engine that runs the tasks of a desk by calling plugins."""
    engine = TaskEngine(settings.tasks.workers, call=GrantedCalls(plugins), desk=desk, drain_s=settings.drain_s)
    metrics.gauge("tasks_pending", "Stored tasks that wait or run, on all hosts", lambda: engine.pending)
    metrics.gauge("tasks_running", "Tasks that run on this host", lambda: engine.running)
    metrics.gauge("tasks_finished", "Tasks that ended well on this host since its start", lambda: engine.finished)
    metrics.gauge("tasks_failed", "Tasks that failed for good on this host since its start", lambda: engine.failed)
    health.monitor.register("tasks", lambda: engine.trouble or None, critical=False)
    return engine
