"""Tasks in a host: the engine over the plugins, its figures, and what its health is judged by."""

from __future__ import annotations

from omnicore.config.settings import Settings
from omnicore.plugins.host import PluginHost
from omnicore.plugins.json_calls import JsonCalls
from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.tasks import TaskEngine
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.health import HealthPart

__all__ = ["task_engine"]


def task_engine(
    settings: Settings, desk: TaskDesk, plugins: PluginHost, *, metrics: Metrics, health: HealthPart
) -> TaskEngine:
    """The engine that runs the tasks of a desk by calling plugins."""
    engine = TaskEngine(settings.tasks.workers, call=JsonCalls(plugins), desk=desk, drain_s=settings.drain_s)
    metrics.gauge("tasks_pending", "Stored tasks that wait or run, on all hosts", lambda: engine.pending)
    metrics.gauge("tasks_running", "Tasks that run on this host", lambda: engine.running)
    metrics.gauge("tasks_finished", "Tasks that ended well on this host since its start", lambda: engine.finished)
    metrics.gauge("tasks_failed", "Tasks that failed for good on this host since its start", lambda: engine.failed)
    health.monitor.register("tasks", lambda: engine.trouble or None, critical=False)
    return engine
