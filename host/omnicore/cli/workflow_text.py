"""Workflows and runs as rows for people."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from omnicore.cli.output import Cell, printable
from omnicore.workflows.view import ApprovalView, Definition, RunView, StepView, VersionView

__all__ = [
    "APPROVAL_HEADS",
    "COLOURS",
    "RUN_HEADS",
    "STEP_HEADS",
    "VERSION_HEADS",
    "WORKFLOW_HEADS",
    "approval_rows",
    "clock",
    "date",
    "fault_line",
    "moment",
    "run_rows",
    "span",
    "step_row",
    "version_rows",
    "workflow_details",
    "workflow_rows",
]

WORKFLOW_HEADS = ("workflow", "title", "version", "state", "begins", "last run", "changed")
VERSION_HEADS = ("number", "digest", "changed", "by")
RUN_HEADS = ("run", "workflow", "status", "began", "took", "about")
STEP_HEADS = ("seq", "at", "place", "kind", "status", "attempt", "took", "about")
APPROVAL_HEADS = ("run", "place", "workflow", "title", "role", "until")
COLOURS: Mapping[str, str] = {
    **{"completed": "green", "running": "cyan", "waiting": "blue", "suspended": "yellow", "faulted": "red"},
    **{"retried": "yellow", "cancelled": "dim", "skipped": "dim", "fired": "blue", "received": "blue"},
}
_ABOUT = 80
_HALF_A_DAY_S = 43_200.0


def workflow_rows(found: Sequence[Definition]) -> list[tuple[Cell, ...]]:
    """One row for each workflow."""
    return [
        (
            one.id,
            one.title,
            f"{one.version} #{one.number}",
            "on" if one.enabled else "off",
            ", ".join(dict.fromkeys(trigger.kind for trigger in one.triggers)) or "-",
            _coloured(str(one.last_run["status"])) if one.last_run else "-",
            date(one.changed_at),
        )
        for one in found
    ]


def workflow_details(found: Definition) -> list[tuple[Cell, ...]]:
    """What is known of a workflow beside its text."""
    begins = [
        f"{one.kind} {one.about}" + ("" if one.next_at is None else f", next at {date(one.next_at)}")
        for one in found.triggers
    ]
    values = (
        ("workflow", found.id),
        ("title", found.title),
        ("summary", found.summary),
        ("version", f"{found.version} #{found.number}"),
        ("digest", found.digest),
        ("state", "on" if found.enabled else "off"),
        ("begins", "\n".join(begins)),
        ("changed", f"{date(found.changed_at)} by {found.changed_by}"),
    )
    return [(name, value) for name, value in values if value]


def version_rows(found: Sequence[VersionView]) -> list[tuple[Cell, ...]]:
    """One row for each version."""
    return [(str(one.number), one.digest[:12], date(one.created_at), one.created_by) for one in found]


def run_rows(found: Sequence[RunView]) -> list[tuple[Cell, ...]]:
    """One row for each run; `about` is its output, why it faulted, or until when it waits."""
    return [
        (
            one.id,
            one.workflow + (" (trial)" if one.trial else ""),
            _coloured(one.status),
            date(one.created_at),
            "-" if one.ended_at is None else span(one.ended_at - one.created_at),
            _about_run(one),
        )
        for one in found
    ]


def step_row(one: StepView) -> tuple[Cell, ...]:
    """A row of a run's journal."""
    about = fault_line(one.fault) if one.fault else _short(one.output)
    if "taken_over_by" in one.meta:
        about = f"taken over by {one.meta['taken_over_by']}; {about}"
    return (
        str(one.seq),
        clock(one.at),
        one.place,
        one.kind,
        _coloured(one.status),
        str(one.attempt),
        span(one.at - one.began_at),
        about,
    )


def approval_rows(found: Sequence[ApprovalView]) -> list[tuple[Cell, ...]]:
    """One row for each decision."""
    return [(one.run, one.place, one.workflow, one.title, one.role, date(one.deadline_at)) for one in found]


def fault_line(fault: Mapping[str, Any]) -> str:
    """A fault in a line: what, where it says so, and why."""
    parts = (str(fault.get("title") or ""), str(fault.get("detail") or ""))
    told = ": ".join(part for part in parts if part) or str(fault.get("type", "")).rpartition("/")[2]
    return f"{fault.get('status', 500)} {told}"


def date(seconds: float | None) -> str:
    """A day and time of this place."""
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def clock(seconds: float) -> str:
    """A time of the day."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def moment(seconds: float, now: float) -> str:
    """A time of the day where that says enough."""
    return date(seconds) if abs(seconds - now) > _HALF_A_DAY_S else clock(seconds)


def span(seconds: float) -> str:
    """How long something took.

    >>> span(0.0042), span(1.25), span(75), span(7_400)
    ('4 ms', '1.2 s', '1 min 15 s', '2 h 3 min')
    """
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def _about_run(one: RunView) -> str:
    if one.fault is not None:
        return f"{fault_line(one.fault)} at {one.fault.get('instance') or 'its root'}"[:_ABOUT]
    if one.status in ("waiting", "pending"):
        return "" if one.due_at is None else f"until {moment(one.due_at, time.time())}"
    return _short(one.output)


def _short(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)[:_ABOUT]


def _coloured(status: str) -> Cell:
    return Text(printable(status), style=COLOURS.get(status, ""))
