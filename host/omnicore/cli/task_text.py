"""Tasks and schedules as rows for people."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from omnicore.cli.output import Cell, printable
from omnicore.runtime.schedule import ScheduleView
from omnicore.runtime.task import TaskView

__all__ = ["SCHEDULE_HEADS", "TASK_HEADS", "schedule_rows", "task_details", "task_rows"]

TASK_HEADS = ("task", "function", "state", "attempts", "queue", "ordered", "about")
SCHEDULE_HEADS = ("schedule", "function", "when", "state", "next", "last")
_COLOURS = {"done": "green", "running": "cyan", "failed": "red", "cancelled": "dim"}
_ABOUT = 80


def task_rows(views: Sequence[TaskView]) -> list[tuple[Cell, ...]]:
    """One row for each task; `about` is its output or why it failed last."""
    return [
        (
            view.id,
            view.function,
            _coloured(view.state),
            f"{view.attempts}/{view.most_attempts}",
            view.queue,
            _date(view.created_at),
            _about(view),
        )
        for view in views
    ]


def task_details(view: TaskView) -> list[tuple[Cell, ...]]:
    """Every field of a task that has a value."""
    return [(name, _shown(name, value)) for name, value in view.to_json().items() if value is not None]


def schedule_rows(views: Sequence[ScheduleView]) -> list[tuple[Cell, ...]]:
    """One row for each schedule."""
    return [
        (
            view.name,
            view.function,
            f"{view.kind} {view.spec}" + ("" if view.timezone == "UTC" else f" {view.timezone}"),
            "on" if view.enabled else "off",
            _date(view.next_at),
            _date(view.last_at),
        )
        for view in views
    ]


def _shown(name: str, value: Any) -> Cell:
    if name.endswith("_at"):
        return _date(value)
    if name == "state":
        return _coloured(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _about(view: TaskView) -> str:
    if view.state != "done":
        return (view.error or "")[:_ABOUT]
    return "" if view.output is None else json.dumps(view.output, ensure_ascii=False)[:_ABOUT]


def _coloured(state: str) -> Cell:
    return Text(printable(state), style=_COLOURS.get(state, ""))


def _date(seconds: float | None) -> str:
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
