"""Settings as a schema: values with their origins, which the layers hand over.

Settings that cannot be used, told all at once.

Sizes and durations as people write them: `64 MiB`, `500ms`.

What a setting is: a dataclass field with its documentation and bounds.

The schema, read from a dataclass: which settings exist, their types, and values turned into those.
"""

from __future__ import annotations

import json
import math
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, get_args, get_origin

from omnicore.errors import InvalidSetting

SettingPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a value. Relative paths count from `folder`."""

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


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One setting that cannot be used: where it was set, what is wrong and what would do."""

    setting: str
    origin: str
    fact: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.setting} {self.fact}"


def invalid(problems: Sequence[SettingProblem]) -> InvalidSetting:
    """The error that lists every problem; details: `problems`, one object for each."""
    details = [asdict(problem) for problem in problems]
    if len(problems) == 1:
        return InvalidSetting(str(problems[0]), remedy=problems[0].remedy, problems=details)
    listed = "".join(f"\n  {problem}; {problem.remedy}" for problem in problems)
    return InvalidSetting(f"{len(problems)} settings cannot be used:{listed}", problems=details)


_NUMBER = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_TIMES = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_size(text: str) -> int | None:
    """Bytes in a text such as `64 MiB`, `1.5GB` or `4096`; None when it is not a whole number of bytes."""
    amount = _scaled(text, _SIZES)
    return int(amount) if amount is not None and amount == int(amount) else None


def parse_duration(text: str) -> float | None:
    """Seconds in a text such as `500ms`, `2 s`, `1.5h` or `30`; None when it is not a duration."""
    return _scaled(text, _TIMES)


def _scaled(text: str, units: dict[str, int] | dict[str, float]) -> float | None:
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in units:
        return None
    number = match[1].replace("_", "")
    return (float(number) if "." in number else int(number)) * units[match[2].lower()]


Untrusted: TypeAlias = Literal["never", "any", "lower", "inside"]
"""Values that the settings file of an untrusted folder may set: none, any value, a value that is not above the one
that holds without it (false is below true, no bound is above all), or a path that stays inside the folder."""

_SECRET_WORDS = ("token", "secret", "password", "passwd", "credential", "apikey", "api_key", "private_key")


def setting(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    secret: bool = False,
    untrusted: Untrusted = "never",
    start_only: bool = False,
    only: Mapping[str, str] | None = None,
) -> Any:
    """A field with what the loader checks and what `config show --doc` prints; secrets stay out of `repr`.

    Args:
        untrusted: values that the file of an untrusted folder may set, for a setting that can only be tightened.
        start_only: set by an option or a variable of the process, and by no file.
        only: for a dataclass that has no settings itself, such as `Limits`: its fields that are, with their texts.
    """
    about: dict[str, Any] = {"doc": doc, "minimum": minimum, "maximum": maximum, "secret": secret}
    about |= {"untrusted": untrusted, "start_only": start_only, "only": only}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=about, repr=not secret)
    return field(default=default, metadata=about, repr=not secret)


def is_secret(name: str) -> bool:
    """True if a free-form key, such as `api_key`, names something that is never shown."""
    return any(word in name.lower().replace("-", "_") for word in _SECRET_WORDS)


class Misfit(Exception):
    """A value that does not fit: `expected` says what would."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: its path, type, default and what its dataclass field says about it.

    `fixed`: it is not a setting, or no longer, and always has its default.
    """

    path: SettingPath
    type: Any
    default: Any
    doc: str = ""
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    untrusted: Untrusted = "never"
    start_only: bool = False
    fixed: bool = False

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)

    @property
    def free(self) -> bool:
        """True if this is a table of free keys, with paths below it."""
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


def schema_of(
    kind: type,
    path: SettingPath = (),
    default: Any = None,
    *,
    only: Mapping[str, str] | None = None,
    untrusted: Untrusted = "never",
) -> list[Leaf]:
    """The leaves of a dataclass and of those nested in it, in the order of their declaration.

    Args:
        only, untrusted: of a nested dataclass whose own fields say nothing, see `setting`.
    """
    found: list[Leaf] = []
    hints = typing.get_type_hints(kind)
    for spec in fields(kind):
        here = (*path, spec.name)
        value = _default(spec) if default is None else getattr(default, spec.name)
        about = spec.metadata
        if is_dataclass(hints[spec.name]):
            found += schema_of(hints[spec.name], here, value, only=about["only"], untrusted=about["untrusted"])
            continue
        found.append(
            Leaf(
                here,
                hints[spec.name],
                value,
                doc=about.get("doc") or (only or {}).get(spec.name, ""),
                minimum=about.get("minimum", 0 if path else None),  # a limit below nothing has no meaning
                maximum=about.get("maximum"),
                secret=about.get("secret", False),
                untrusted=about.get("untrusted", untrusted),
                start_only=about.get("start_only", False),
                fixed=spec.name not in only if only is not None else not about,
            )
        )
    return found


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that is most similar."""
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
