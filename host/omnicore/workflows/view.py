"""Views of workflows and runs: plain values, long ones shortened, secrets as names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from omnicore.jobs.engine import members_of

__all__ = [
    "ApprovalView",
    "Definition",
    "OpenView",
    "Page",
    "TriggerView",
    "VersionView",
    "shortened",
]


@dataclass(frozen=True, slots=True)
class TriggerView:
    """One way in which a workflow begins. `next_at` is known for schedules."""

    kind: str
    about: str
    next_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow as it stands. `id` is `name`, or `namespace.name` outside of `default`."""

    id: str
    name: str
    namespace: str
    title: str
    summary: str
    version: str
    number: int
    digest: str
    enabled: bool
    changed_at: float
    changed_by: str
    triggers: tuple[TriggerView, ...] = ()
    text: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    last_run: Mapping[str, Any] | None = None

    def to_json(self, *, brief: bool = False) -> dict[str, Any]:
        """As a JSON value; `brief` without text and document, as lists have it."""
        shown = asdict(self)
        if brief:
            del shown["text"], shown["document"]
        else:
            del shown["last_run"]
        return shown


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a workflow. `text` and `document` are there where one was asked for."""

    workflow: str
    number: int
    digest: str
    created_at: float
    created_by: str
    text: str = ""
    document: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value; lists leave text and document out."""
        shown = asdict(self)
        if self.document is None:
            del shown["text"], shown["document"]
        return shown


@dataclass(frozen=True, slots=True)
class OpenView:
    """Something a run waits for."""

    place: str
    kind: str
    name: str
    attempt: int
    due_at: float | None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A decision that a run waits for."""

    run: str
    place: str
    workflow: str
    title: str
    text: str
    form: Mapping[str, Any]
    role: str
    deadline_at: float | None
    asked_at: float

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return members_of(self)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of many. `next` is handed over for those that follow; None at the end."""

    items: Sequence[Any]
    next: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"items": [one.to_json() for one in self.items], "next": self.next}


_SHOWN_TEXT, _SHOWN_ITEMS, _SHOWN_DEPTH, _SHOWN_BYTES = 500, 20, 6, 4096


def shortened(value: Any) -> tuple[Any, bool]:
    """A JSON value of a few thousand characters at most, and whether something was left out."""
    if value is None or isinstance(value, (bool, int, float)):
        return value, False
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHOWN_BYTES:
        return value, False
    left = [_SHOWN_BYTES]
    return _short(value, left, 0), True


def _short(value: Any, left: list[int], depth: int) -> Any:
    if isinstance(value, str):
        kept = value[: max(0, min(_SHOWN_TEXT, left[0]))]
        left[0] -= len(kept) + 2
        return kept if len(kept) == len(value) else f"{kept}… ({len(value)} characters)"
    left[0] -= 8
    if isinstance(value, (list, tuple)):
        if depth >= _SHOWN_DEPTH or left[0] <= 0:
            return f"… ({len(value)} items)"
        items = [_short(one, left, depth + 1) for one in value[:_SHOWN_ITEMS]]
        return items if len(items) == len(value) else [*items, f"… ({len(value) - len(items)} more)"]
    if isinstance(value, Mapping):
        if depth >= _SHOWN_DEPTH or left[0] <= 0:
            return f"… ({len(value)} members)"
        names = list(value)[:_SHOWN_ITEMS]
        shown = {str(name)[:_SHOWN_TEXT]: _short(value[name], left, depth + 1) for name in names}
        return shown if len(names) == len(value) else {**shown, "…": f"{len(value) - len(names)} more"}
    return value
