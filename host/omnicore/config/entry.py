"""One value somebody set, and where: what the layers hand to the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SettingPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from. `folder` is what relative paths count from."""

    kind: Literal["default", "environment", "file", "variable", "override", "console"]
    name: str = ""
    line: int | None = None
    folder: Path = Path()

    def __str__(self) -> str:
        if self.kind in ("default", "console"):
            return self.kind
        if self.kind == "environment":
            return f"environment: {self.name}"
        if self.kind == "override":
            return f"override {self.name}"
        return f"{self.name}:{self.line}" if self.line else self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """A value at a path; `text` when it is a variable's text that the schema must still give a type."""

    value: Any
    origin: Origin
    text: bool = False


def leaves(value: Any, path: SettingPath = ()) -> Iterator[tuple[SettingPath, Any]]:
    """The values in nested mappings with their paths; an empty mapping is a value."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    else:
        yield path, value


def nested(values: Mapping[SettingPath, Any]) -> dict[str, Any]:
    """The opposite of `leaves`."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        node = tree
        for key in path[:-1]:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[path[-1]] = value
    return tree


def overlay(under: Mapping[SettingPath, Entry], over: Mapping[SettingPath, Entry]) -> dict[SettingPath, Entry]:
    """Two layers merged: what `over` sets wins, also a value over a table and a table over a value."""
    hidden = {path[:depth] for path in over for depth in range(1, len(path) + 1)}
    kept = {
        path: entry
        for path, entry in under.items()
        if path not in hidden and not any(path[:depth] in over for depth in range(1, len(path)))
    }
    return {**kept, **over}
