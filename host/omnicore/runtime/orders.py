"""Orders and rows: what is asked for, checked and bounded, and what is stored, read back as values. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from omnicore.config.sections.tasks import TaskSettings
from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.runtime.queues import lane_of
from omnicore.runtime.task import STATES, Task, TaskOrder, TaskState, TaskView
from omnicore.storage.tables.tasks import TaskRow

__all__ = ["check_text", "is_id", "new_row", "read_order", "seen_by_operator", "seen_by_owner", "stored_json"]

_LONGEST_S = 10 * 366 * 86_400.0
_MOST_ATTEMPTS = 20
_MOST_DEPTH = 512
_ID = re.compile(r"task_[0-9a-z]{26}")
_FIELDS = frozenset(TaskOrder.__dataclass_fields__)
_NUMBERS = ("delay_s", "timeout_s", "expires_s")


def is_id(text: str) -> bool:
    """Whether this can be the id of a task."""
    return _ID.fullmatch(text) is not None


def read_order(values: Mapping[str, Any]) -> TaskOrder:
    """The order that a JSON object holds. Raises: InvalidInput."""
    strange = sorted(values.keys() - _FIELDS)
    if strange:
        raise _bad(str(strange[0])[:80], f"one of {', '.join(sorted(_FIELDS))}")
    if values.get("function") is None:
        raise _bad("function", "a name such as `mail.send`")
    given = {name: value for name, value in values.items() if value is not None or name == "input"}
    backoff = given.get("backoff_s", ())
    if not isinstance(backoff, list | tuple):
        raise _bad("backoff_s", "a list of seconds")
    return TaskOrder(**{**given, "backoff_s": tuple(backoff)})


def new_row(
    task: str, owner: str, order: TaskOrder, *, now: float, settings: TaskSettings, limits: Mapping[str, int]
) -> TaskRow:
    """The row of a new task. Raises: InvalidInput, LimitExceeded: what the order asks for cannot be."""
    _check(order, settings)
    given = stored_json(order.input, settings.input_bytes, "input")
    return TaskRow(
        id=task,
        owner=owner,
        key=order.key,
        function=order.function,
        queue=order.queue,
        lane=lane_of(order.queue, limits),
        priority=order.priority,
        state="waiting",
        size=len(given),
        input=given,
        output=None,
        error=None,
        code=None,
        attempts=0,
        most_attempts=order.attempts,
        lost=0,
        timeout_s=order.timeout_s,
        backoff=json.dumps(order.backoff_s) if order.backoff_s else None,
        stamped_at=now,
        due_at=now + order.delay_s,
        expires_at=None if order.expires_s is None else now + order.expires_s,
        created_at=now,
        started_at=None,
        finished_at=None,
        token=0,
        host=None,
    )


def seen_by_owner(row: TaskRow) -> Task:
    """A task as the plugin that ordered it sees it."""
    return Task(row.id, row.function, row.state, row.attempts, _value(row.output), row.error)


def seen_by_operator(row: TaskRow) -> TaskView:
    """A task as operators see it."""
    return TaskView(
        id=row.id,
        owner=row.owner,
        function=row.function,
        queue=row.queue,
        priority=row.priority,
        state=_state(row.state),
        attempts=row.attempts,
        most_attempts=row.most_attempts,
        lost=row.lost,
        input=_value(row.input),
        output=_value(row.output),
        error=row.error,
        code=row.code,
        key=row.key,
        timeout_s=row.timeout_s,
        created_at=row.created_at,
        due_at=row.due_at,
        expires_at=row.expires_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        host=row.host,
    )


def stored_json(value: Any, most: int, what: str) -> str:
    """A value as it is stored. Raises: InvalidInput: no JSON, or too deep; LimitExceeded: more than `most` bytes."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the {what} of the task is no JSON value: {error}", remedy="pass a JSON value") from error
    if len(text) > most:
        raise LimitExceeded(
            f"the {what} of the task is {len(text)} bytes, {most} are allowed",
            remedy=f"pass a reference to what is large, or raise tasks.{what}_bytes",
            limit=f"tasks.{what}_bytes",
            allowed=most,
        )
    if _deep(value):
        raise InvalidInput(f"the {what} of the task is nested deeper than {_MOST_DEPTH}", remedy="make it flatter")
    return text


def check_text(name: str, text: Any, most: int) -> None:
    """Checks a name or key. Raises: InvalidInput: empty, too long, or no text that every database keeps."""
    plain = isinstance(text, str) and 0 < len(text) <= most and "\0" not in text
    if not plain or any("\ud800" <= char <= "\udfff" for char in text):
        raise _bad(name, f"text of 1 to {most} characters")


def _deep(value: Any) -> bool:
    """Whether containers stand in each other deeper than the parser goes wherever it is called."""
    layer = [value]
    for _ in range(_MOST_DEPTH + 1):
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list | tuple)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not layer:
            return False
    return True


def _check(order: TaskOrder, settings: TaskSettings) -> None:
    check_text("function", order.function, 256)
    check_text("queue", order.queue, 64)
    if order.key is not None:
        check_text("key", order.key, 256)
    _check_whole("priority", order.priority, 0, 9)
    _check_whole("attempts", order.attempts, 1, _MOST_ATTEMPTS)
    for name in _NUMBERS:
        _check_seconds(name, getattr(order, name), settings.attempt_s if name == "timeout_s" else _LONGEST_S)
    if not isinstance(order.backoff_s, tuple) or len(order.backoff_s) > _MOST_ATTEMPTS:
        raise _bad("backoff_s", f"a list of up to {_MOST_ATTEMPTS} numbers of seconds")
    for seconds in order.backoff_s:
        _check_seconds("backoff_s", seconds, _LONGEST_S)


def _check_whole(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _bad(name, f"a whole number from {least} to {most}")


def _check_seconds(name: str, value: Any, most: float) -> None:
    zero = name in ("delay_s", "backoff_s")
    if value is None and not zero:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)  # a NaN is in no range
    if not number or not (0 < value <= most or (zero and value == 0)):
        raise _bad(name, f"a number of seconds {'from' if zero else 'above'} 0 to {most:g}")


def _bad(name: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"{name} of the task cannot be used", remedy=f"it is {wanted}", path=name)


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _state(text: str) -> TaskState:
    if text not in STATES:
        raise ValueError(f"a task cannot be {text!r}")
    return cast(TaskState, text)
