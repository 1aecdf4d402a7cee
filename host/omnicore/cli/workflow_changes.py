"""What differs between two versions of a workflow, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from omnicore.cli.output import Output
from omnicore.workflows.editing import Difference

__all__ = ["changes_document", "counted", "show_changes"]

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow"), "moved": (">", "cyan")}
_MOST_LINES = 30


def show_changes(output: Output, changes: Sequence[Difference]) -> None:
    """Prints each change with what was there and what is there now."""
    for one in changes:
        mark, style = _MARKS[one.kind]
        if one.kind == "moved":
            output.line(f"{mark} {one.before or ''} -> {one.path}", style=style)
            continue
        output.line(f"{mark} {one.path or '/'}", style=style)
        if one.kind != "added":
            _value(output, "-", one.before, "red")
        if one.kind != "removed":
            _value(output, "+", one.after, "green")


def changes_document(changes: Sequence[Difference]) -> dict[str, Any]:
    """The same as JSON."""
    return {"changes": [asdict(one) for one in changes]}


def counted(changes: Sequence[Difference]) -> str:
    """How many of each kind, such as `1 added, 2 changed`."""
    kinds: list[str] = [one.kind for one in changes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in _MARKS if kind in kinds) or "nothing"


def _value(output: Output, mark: str, value: Any, style: str) -> None:
    for line in _lines(value):
        output.line(f"    {mark} {line}", style=style)


def _lines(value: Any) -> Iterator[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    lines = text.splitlines() or [""]
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"... ({len(lines) - _MOST_LINES} lines more)"
