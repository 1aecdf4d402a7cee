# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Run functions of plugins later, with retries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from omnicore_sdk import _core

__all__ = ["State", "Task", "TasksPage", "cancel", "get", "list", "submit"]


State = Literal["waiting", "running", "done", "failed", "cancelled"]
"""Where a task stands."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands."""

    id: str
    """Given by the host."""
    function: str
    """What it calls."""
    state: State
    """Where it stands."""
    attempts: int
    """How often it was begun."""
    output: Any
    """What the function returned, once done."""
    error: str | None
    """Why it failed last."""


@dataclass(frozen=True, slots=True)
class TasksPage:
    """Some of the plugin's tasks."""

    tasks: Sequence[Task]
    """Newest first."""
    cursor: str | None
    """For the next page; None after the last."""


def _read_task(reply: _core.Wire) -> Task:
    return Task(
        id=reply["id"],
        function=reply["function"],
        state=reply["state"],
        attempts=reply["attempts"],
        output=reply["output"],
        error=reply["error"],
    )


def _read_tasks_page(reply: _core.Wire) -> TasksPage:
    return TasksPage(tasks=[_read_task(one) for one in reply["tasks"]], cursor=reply["cursor"])


def submit(
    function: str,
    *,
    input: Any = None,
    queue: str | None = None,
    delay_s: float | None = None,
    priority: int | None = None,
    attempts: int | None = None,
    timeout_s: float | None = None,
    key: str | None = None,
) -> str:
    """Stores a task and returns its id; the host runs it, also after a restart.

    Args:
        function: `plugin.function`.
        input: what the function is called with, at most 64 KiB.
        queue: `default` when left out.
        delay_s: seconds before it may begin.
        priority: 0 to 9, higher ones first; 5 when left out.
        attempts: 1 to 20; 3 when left out.
        timeout_s: for each attempt.
        key: a second task with this key is the first one.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(
        input=input,
        queue=queue,
        delay_s=delay_s,
        priority=priority,
        attempts=attempts,
        timeout_s=timeout_s,
        key=key,
    )
    request |= {"function": function}
    reply = _core.call("tasks_submit_v1", request)
    id: str = reply["id"]
    return id


def get(id: str) -> Task | None:
    """A task of this plugin, or nothing.

    Args:
        id: what submit returned.

    Returns: None for a task of somebody else, too.
    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"id": id}
    reply = _core.call("tasks_get_v1", request)
    return None if reply["task"] is None else _read_task(reply["task"])


def list(*, state: State | None = None, limit: int | None = None, cursor: str | None = None) -> TasksPage:
    """The plugin's own tasks, newest first.

    Args:
        state: only those.
        limit: 1 to 1000; 100 when left out.
        cursor: of the page before.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(state=state, limit=limit, cursor=cursor)
    return _read_tasks_page(_core.call("tasks_list_v1", request))


def cancel(id: str) -> bool:
    """Cancels a task that waits or runs; returns whether it did.

    Args:
        id: what submit returned.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"id": id}
    reply = _core.call("tasks_cancel_v1", request)
    cancelled: bool = reply["cancelled"]
    return cancelled
