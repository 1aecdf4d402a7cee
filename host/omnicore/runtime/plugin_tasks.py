"""The service behind the tasks door: each plugin's own tasks, and no others."""

from __future__ import annotations

from collections.abc import Sequence

from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.orders import seen_by_owner
from omnicore.runtime.task import Task, TaskOrder

__all__ = ["PluginTasks"]


class PluginTasks:
    """`omnicore.capabilities.services.TaskService` over a desk."""

    def __init__(self, desk: TaskDesk) -> None:
        self._desk = desk

    def submit(self, plugin: str, order: TaskOrder, *, max_pending: int) -> str:
        """Stores a task of the plugin."""
        return self._desk.submit(order, owner=plugin, max_pending=max_pending)

    def get(self, plugin: str, task: str) -> Task | None:
        """A task of the plugin."""
        row = self._desk.find(task, plugin)
        return None if row is None else seen_by_owner(row)

    def list(
        self, plugin: str, state: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> tuple[Sequence[Task], str | None]:
        """A page of the plugin's tasks, newest first."""
        rows, following = self._desk.page(plugin, state, limit, cursor)
        return [seen_by_owner(row) for row in rows], following

    def cancel(self, plugin: str, task: str) -> bool:
        """Cancels a task of the plugin."""
        return self._desk.cancel(task, owner=plugin)
