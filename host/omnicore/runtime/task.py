"""A task: what is ordered, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Task", "TaskOrder"]


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """A task to be stored. Units: `delay_s` and `timeout_s` seconds, the latter for each attempt."""

    function: str
    input: Any = None
    queue: str = "default"
    delay_s: float = 0.0
    priority: int = 5
    attempts: int = 3
    timeout_s: float | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands. `state` is waiting, running, done, failed or cancelled."""

    id: str
    function: str
    state: str
    attempts: int
    output: Any = None
    error: str | None = None
