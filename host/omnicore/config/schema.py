"""The schema, read from a dataclass: which settings exist, their types, and values turned into those."""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from omnicore.config.entry import Entry, Origin, SettingPath
from omnicore.config.units import parse_duration, parse_size

__all__ = ["Leaf", "Misfit", "anchored", "free_value", "nearest", "schema_of"]


class Misfit(Exception):
    """A value that does not fit: `expected` says what would."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: its path, type, default and what its dataclass field says about it."""

    path: SettingPath
    type: Any
    default: Any
    doc: str = ""
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)

    @property
    def free(self) -> bool:
        """Whether this is a table of free keys, with paths below it."""
        return get_origin(self.type) is Mapping

    def read(self, entry: Entry) -> Any:
        """The entry's value in this setting's type. Raises: Misfit."""
        value = _typed(entry.value, self.type, self.path[-1], entry)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._check_range(value)
        return value

    def _check_range(self, value: float) -> None:
        if self.minimum is not None and value < self.minimum:
            raise Misfit(f"at least {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise Misfit(f"at most {self.maximum:g}")


def schema_of(kind: type, path: SettingPath = (), default: Any = None, doc: str = "") -> list[Leaf]:
    """The leaves of a dataclass, nested ones among them, in the order of their declaration."""
    found: list[Leaf] = []
    hints = typing.get_type_hints(kind)
    for spec in fields(kind):
        here = (*path, spec.name)
        value = _default(spec) if default is None else getattr(default, spec.name)
        about = spec.metadata
        if is_dataclass(hints[spec.name]):
            found += schema_of(hints[spec.name], here, value, about["doc"])
            continue
        found.append(
            Leaf(
                here,
                hints[spec.name],
                value,
                doc=about.get("doc", doc),
                minimum=about.get("minimum", 0 if path else None),  # a limit below nothing has no meaning
                maximum=about.get("maximum"),
                secret=about.get("secret", False),
            )
        )
    return found


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that somebody most likely meant."""
    last = {dotted.rpartition(".")[2]: dotted for dotted in reversed(known)}
    close = get_close_matches(name, known, n=1) or get_close_matches(name.rpartition(".")[2], last, n=1)
    return last.get(close[0], close[0]) if close else None


def _default(spec: Field[Any]) -> Any:
    return spec.default_factory() if spec.default_factory is not MISSING else spec.default


def _typed(value: Any, kind: Any, name: str, entry: Entry) -> Any:
    if get_origin(kind) in (UnionType, typing.Union):
        return _optional(value, kind, name, entry)
    if get_origin(kind) is Literal:
        return _choice(value, get_args(kind))
    if get_origin(kind) is tuple:
        return _texts(value, entry)
    return _READERS[kind](value, name, entry)


def _optional(value: Any, kind: Any, name: str, entry: Entry) -> Any:
    if value is None or (entry.text and value.strip().lower() in ("", "none", "null")):
        return None
    inner = next(option for option in get_args(kind) if option is not NoneType)
    return _typed(value, inner, name, entry)


def _choice(value: Any, options: tuple[Any, ...]) -> Any:
    if value not in options:
        raise Misfit("one of " + ", ".join(map(str, options)))
    return value


def _texts(value: Any, entry: Entry) -> tuple[str, ...]:
    if entry.text:
        value = _json_or_text(value)
        value = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise Misfit("a list of texts")
    return tuple(value)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _flag(value: Any, _name: str, entry: Entry) -> bool:
    if entry.text:
        value = {"true": True, "1": True, "yes": True, "on": True}.get(
            value.lower(), False if value.lower() in ("false", "0", "no", "off") else None
        )
    if not isinstance(value, bool):
        raise Misfit("true or false")
    return value


def _whole(value: Any, name: str, entry: Entry) -> int:
    sized = name.endswith("_bytes")
    if isinstance(value, str) and (entry.text or sized):
        value = parse_size(value) if sized else _number(value, int)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit("a number of bytes, such as 65536 or 64MiB" if sized else "a whole number")
    return int(value)


def _real(value: Any, name: str, entry: Entry) -> float:
    timed = name.endswith("_s")
    if isinstance(value, str) and (entry.text or timed):
        value = parse_duration(value) if timed else _number(value, float)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Misfit("a number of seconds, such as 0.5 or 500ms" if timed else "a number")
    return float(value)


def _number(text: str, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(text)
    except ValueError:
        return None


def _text(value: Any, _name: str, _entry: Entry) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise Misfit("a text")
    return value


def _path(value: Any, _name: str, entry: Entry) -> Path:
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        raise Misfit("a path")
    return anchored(Path(value), entry.origin)


def anchored(path: Path, origin: Origin) -> Path:
    """A path as its origin means it: `~` is the home folder, relative ones count from the origin's folder."""
    return origin.folder / path.expanduser()


def free_value(entry: Entry) -> Any:
    """A free-form value; a variable that holds JSON is read as JSON. Raises: Misfit for what JSON has not."""
    value = _json_or_text(entry.value) if entry.text else entry.value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as cause:
        raise Misfit("a text, number, true, false, list or table") from cause
    return value


_READERS: dict[Any, Callable[[Any, str, Entry], Any]] = {
    bool: _flag,
    int: _whole,
    float: _real,
    str: _text,
    Path: _path,
}
