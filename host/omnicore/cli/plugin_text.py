"""Plugins as rows and lines for people."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from omnicore.cli.output import Cell, printable
from omnicore.plugins.view import Change, PluginView

__all__ = ["CHANGE_HEADS", "HEADS", "change_rows", "detail_rows", "next_steps", "plugin_rows"]

HEADS = ("plugin", "version", "state", "functions", "about")
CHANGE_HEADS = ("capability", "change", "asks for", "has", "reason")
_COLOURS = {
    "enabled": "green",
    "needs-grant": "yellow",
    "quarantined": "yellow",
    "rejected": "red",
    "disabled": "dim",
}
_MOST_FUNCTIONS = 6


def plugin_rows(views: Sequence[PluginView]) -> list[tuple[Cell, ...]]:
    """One row for each plugin; `about` is the reason of a state that needs a person, else the description."""
    return [
        (
            view.name,
            view.version or "-",
            _state(view.state),
            _short([function.name for function in view.functions]),
            view.reason or view.description,
        )
        for view in views
    ]


def detail_rows(view: PluginView) -> Iterator[tuple[Cell, Cell]]:
    """All that is known of one plugin."""
    yield "state", _state(view.state)
    for label, text in (("reason", view.reason), ("description", view.description), ("author", view.author)):
        if text:
            yield label, text
    yield "version", view.version or "-"
    yield "file", view.path
    yield "sha256", view.hash or "-"
    if view.serving != view.hash:
        yield "serves", view.serving or "nothing"
    for function in view.functions:
        media = f"{function.input_media} -> {function.output_media}"
        yield "function", f"{function.name}  {function.description}  ({media})"
    for request in view.asked:
        yield "asks for", f"{request.name} {_scope(request.scope)}  because: {request.reason}"
    for grant in view.granted:
        yield (
            "granted",
            f"{grant.capability} {_scope(grant.scope)}  by {grant.granted_by}, {_day(grant.granted_at)}",
        )
    for name, value in view.limits.items():
        if value is not None:
            yield f"limit {name}", str(value)
    if view.last_error:
        yield "last error", f"{view.last_error.get('message', '')}  ({_day(view.last_error.get('at', 0))})"


def change_rows(changes: Sequence[Change]) -> list[tuple[Cell, ...]]:
    """One row for each capability that waits for a grant."""
    return [
        (
            change.capability,
            Text(change.change, "yellow"),
            _scope(change.asked),
            "-" if change.granted is None else _scope(change.granted),
            change.reason,
        )
        for change in changes
    ]


def next_steps(views: Sequence[PluginView]) -> list[str]:
    """Commands that make sense with these plugins."""
    waiting = [f"omnicore plugins diff {view.name}" for view in views if view.state == "needs-grant"]
    ready = [
        f"omnicore call {view.name}.{view.functions[0].name}"
        for view in views
        if view.state == "enabled" and view.functions
    ]
    return ready[:1] + waiting[:3]


def _state(state: str) -> Text:
    return Text(state, _COLOURS.get(state, ""))


def _short(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_FUNCTIONS])
    return f"{shown} and {len(names) - _MOST_FUNCTIONS} more" if len(names) > _MOST_FUNCTIONS else shown or "-"


def _scope(scope: Mapping[str, Any]) -> str:
    return printable(json.dumps(dict(scope), ensure_ascii=False)) if scope else "{}"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
