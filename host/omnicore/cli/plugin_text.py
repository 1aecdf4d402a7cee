"""Plugins as rows and lines for people."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from omnicore.capabilities.grants import CapabilityRequest
from omnicore.cli.output import Cell, printable
from omnicore.plugins.manifest import FunctionSpec, Manifest
from omnicore.plugins.view import Change, PluginView

__all__ = [
    "CHANGE_HEADS",
    "HEADS",
    "change_rows",
    "detail_rows",
    "in_words",
    "manifest_rows",
    "next_steps",
    "plugin_rows",
    "size_text",
]

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
            _about(view),
        )
        for view in views
    ]


def _about(view: PluginView) -> str:
    about = view.reason or view.description
    return about if view.trust == "sandboxed" else f"native, trusted{': ' if about else ''}{about}"


def detail_rows(view: PluginView) -> Iterator[tuple[Cell, Cell]]:
    """All that is known of one plugin."""
    yield "state", _state(view.state)
    for label, text in (("reason", view.reason), ("description", view.description), ("author", view.author)):
        if text:
            yield label, text
    yield "version", view.version or "-"
    if view.trust == "native":
        yield "trust", "native: Python in the host's own process, without a sandbox"
        yield "code", view.path
    else:
        yield "file", view.path
        yield "sha256", view.hash or "-"
    if view.trust == "sandboxed" and view.serving != view.hash:
        yield "serves", view.serving or "nothing"
    yield from _function_rows(view.functions)
    yield from _asked_rows(view.asked)
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


def manifest_rows(manifest: Manifest) -> Iterator[tuple[Cell, Cell]]:
    """What a plugin that is not installed says of itself."""
    for label, text in (("description", manifest.description), ("author", manifest.author)):
        if text:
            yield label, text
    yield "version", manifest.version or "-"
    yield "manifest", manifest.source
    yield from _function_rows(manifest.functions)
    yield from _asked_rows(manifest.capabilities)
    if manifest.config is not None:
        yield "settings", _json(manifest.config)
    for name, value in (manifest.limits or {}).items():
        yield f"limit {name}", str(value)


def _function_rows(functions: Sequence[FunctionSpec]) -> Iterator[tuple[Cell, Cell]]:
    for function in functions:
        yield "function", in_words(function)
        if function.lane:
            yield "  called by", f"the {function.lane} lane"
        for side, schema in (("  input", function.input), ("  output", function.output)):
            if schema is not None and schema != {"type": "string"}:
                yield side, _json(schema)


def _asked_rows(asked: Sequence[CapabilityRequest]) -> Iterator[tuple[Cell, Cell]]:
    for request in asked:
        yield "asks for", f"{request.name} {_scope(request.scope)}  because: {request.reason}"


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


def size_text(count: int) -> str:
    """Bytes as people read them: `826 B`, `58.3 KB`, `4.9 MB`."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def in_words(function: FunctionSpec) -> str:
    """A function on a line: `greet  {name: string} -> {greeting: string}  Greets somebody`."""
    sides = " -> ".join(
        _side(media, schema)
        for media, schema in ((function.input_media, function.input), (function.output_media, function.output))
    )
    return f"{function.name}  {sides}" + (f"  {function.description}" if function.description else "")


def _side(media: str, schema: Any) -> str:
    if media != "application/json":
        return "text" if media == "text/plain" else "bytes"
    return _schema(schema or {})


def _schema(schema: Any) -> str:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(properties, dict) and properties:
        required = schema.get("required", ())
        ordered = sorted(properties.items(), key=lambda item: item[0] not in required)
        shown = [f"{key}{'' if key in required else '?'}: {_kind(one)}" for key, one in ordered[:6]]
        return "{" + ", ".join(shown) + (", ..." if len(properties) > len(shown) else "") + "}"
    return _kind(schema)


def _kind(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "json"
    choices = schema.get("anyOf")
    if "type" not in schema and isinstance(choices, list) and choices:
        return " or ".join(sorted(dict.fromkeys(map(_kind, choices)), key=lambda kind: kind == "null"))
    kind = schema.get("type", "json")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)


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
    return printable(_json(dict(scope))) if scope else "{}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
