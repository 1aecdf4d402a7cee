"""The shapes of tasks, queues and schedules, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref
from omnicore.runtime.task import STATES

__all__ = ["TASK_SCHEMAS"]

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_SECONDS = {"type": "number", "description": "Seconds."}
_TIME = {"type": "number", "description": "Seconds since the Unix epoch."}
_PRIORITY = {"type": "integer", "minimum": 0, "maximum": 9, "description": "Higher ones first."}
_ATTEMPTS = {"type": "integer", "minimum": 1, "maximum": 20, "description": "Failures until it is a dead letter."}
_FUNCTION = {**_TEXT, "description": "`plugin.function`, or the plugin when it has one function."}
_INPUT = {"description": 'A JSON value, or {"base64": ...} alone for bytes.'}
_NEXT = {"type": ["string", "null"], "description": "Cursor, null at the end."}
_KIND = {"enum": ["cron", "interval", "once"]}
_SPEC = {**_TEXT, "description": "A cron expression, seconds, or a date as 2030-01-31T08:00."}
_MISSED = {"enum": ["skip", "one", "all"], "description": "What becomes of ticks while no host ran."}
_ZONE = {**_TEXT, "description": "Name of the time zone, such as Europe/Berlin."}


def _maybe(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {**shape, "type": [shape["type"], "null"]}


def _object(members: Mapping[str, Any], *, required: bool | list[str] = True) -> dict[str, Any]:
    names = list(members) if required is True else required
    return {"type": "object", "properties": dict(members), **({"required": names} if names else {})}


def _page(of: str) -> dict[str, Any]:
    return _object({"items": {"type": "array", "items": ref(of)}, "next": _NEXT})


_TASK = {
    "id": _TEXT,
    "owner": {**_TEXT, "description": "A plugin, `@host` or `@schedules`."},
    "function": _TEXT,
    "queue": _TEXT,
    "priority": _PRIORITY,
    "state": {"enum": list(STATES)},
    "attempts": {**_WHOLE, "description": "Those that ended or run."},
    "most_attempts": _WHOLE,
    "lost": {**_WHOLE, "description": "Hosts that died while they ran it."},
    "input": _INPUT,
    "output": {"description": "What the function returned, once the task is done."},
    "error": {**_maybe(_TEXT), "description": "Why it failed last."},
    "code": _maybe(_TEXT),
    "key": _maybe(_TEXT),
    "timeout_s": _maybe(_SECONDS),
    "created_at": _TIME,
    "due_at": _TIME,
    "expires_at": _maybe(_TIME),
    "started_at": _maybe(_TIME),
    "finished_at": _maybe(_TIME),
    "host": _maybe(_TEXT),
}
_ORDER = {
    "function": _FUNCTION,
    "input": _INPUT,
    "queue": {**_TEXT, "maxLength": 64},
    "delay_s": _SECONDS,
    "priority": _PRIORITY,
    "attempts": _ATTEMPTS,
    "timeout_s": {**_maybe(_SECONDS), "description": "For each attempt."},
    "expires_s": {**_maybe(_SECONDS), "description": "From now on, for all attempts."},
    "backoff_s": {"type": "array", "items": _SECONDS, "description": "Waits after each failure; the last one stays."},
    "key": {**_maybe(_TEXT), "description": "A second task with this key is the first one.", "maxLength": 256},
}
_SCHEDULE = {
    "name": _TEXT,
    "function": _TEXT,
    "kind": _KIND,
    "spec": _SPEC,
    "timezone": _ZONE,
    "missed": _MISSED,
    "queue": _TEXT,
    "priority": _PRIORITY,
    "attempts": _ATTEMPTS,
    "timeout_s": _maybe(_SECONDS),
    "enabled": {"type": "boolean"},
    "next_at": _maybe(_TIME),
    "last_at": _maybe(_TIME),
    "last_task": _maybe(_TEXT),
}
_SCHEDULE_ORDER = {
    **{name: _SCHEDULE[name] for name in ("name", "function", "kind", "spec", "timezone", "missed")},
    **{name: _SCHEDULE[name] for name in ("queue", "priority", "attempts", "timeout_s")},
    "input": _INPUT,
}
_COUNTS = {"limit": _maybe(_WHOLE), "waiting": _WHOLE, "running": _WHOLE}

TASK_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Task": _object(_TASK),
    "Tasks": _page("Task"),
    "TaskOrder": _object(_ORDER, required=["function"]),
    "TaskCancelled": _object({"cancelled": {"type": "boolean", "description": "False when it was over."}}),
    "TasksRetry": _object({"before": {**_TIME, "description": "Those that failed until then; now."}}, required=[]),
    "TasksRetried": _object({"retried": _WHOLE, "more": {"type": "boolean"}, "before": _TIME}),
    "Queue": _object({"queue": _TEXT, **_COUNTS}),
    "Queues": _object({"items": {"type": "array", "items": ref("Queue")}}),
    "Schedule": _object(_SCHEDULE),
    "Schedules": _page("Schedule"),
    "ScheduleOrder": _object(_SCHEDULE_ORDER, required=["name", "function", "kind", "spec"]),
    "Ticks": _object(
        {
            "items": {"type": "array", "items": _TIME, "description": "Fewer than asked for where no more come."},
            "words": {**_TEXT, "description": "What a cron expression says; empty for other kinds."},
        }
    ),
    "ScheduleSwitch": _object({"enabled": {"type": "boolean"}}),
}
