"""A task: what is ordered, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["HOST", "PENDING", "SCHEDULES", "STATES", "Task", "TaskContext", "TaskOrder", "TaskState", "TaskView"]

TaskState = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: tuple[TaskState, ...] = ("waiting", "running", "done", "failed", "cancelled")
PENDING = frozenset({"waiting", "running"})
HOST = "@host"
"""The owner of what people order by REST, command line or Python; no plugin can have such a name."""
SCHEDULES = "@schedules"
"""The owner of what schedules order."""


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """A task to be stored. Units: seconds; `timeout_s` for each attempt, `expires_s` from now for all of them.

    `backoff_s` are the waits after the first, second, ... failure, the last one for all that follow; without
    them they double from 0.1 s to 30 s. `attempts` are those that fail: one that was cut short because its host
    stopped or died is begun again.
    """

    function: str
    input: Any = None
    queue: str = "default"
    delay_s: float = 0.0
    priority: int = 5
    attempts: int = 3
    timeout_s: float | None = None
    key: str | None = None
    expires_s: float | None = None
    backoff_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its owner sees it. `state` is waiting, running, done, failed or cancelled."""

    id: str
    function: str
    state: str
    attempts: int
    output: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as operators see it. Units: times in seconds since the Unix epoch.

    `attempts` counts those that ended or run, of `most_attempts`; `lost` those whose host died. `code` is the
    last error's. A failed task is a dead letter: it stays until it is retried or too old.
    """

    id: str
    owner: str
    function: str
    queue: str
    priority: int
    state: TaskState
    attempts: int
    most_attempts: int
    lost: int
    input: Any
    output: Any
    error: str | None
    code: str | None
    key: str | None
    timeout_s: float | None
    created_at: float
    due_at: float
    expires_at: float | None
    started_at: float | None
    finished_at: float | None
    host: str | None

    def to_json(self) -> Mapping[str, Any]:
        """The task as REST and `-o json` show it."""
        # Not `asdict`, which goes down into the values and fails where these are deep.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a running task's host functions find in `call.host_context`. `attempt` counts from 1."""

    task: str
    owner: str
    attempt: int
    key: str | None
