"""YAML 1.2 as text, with the place of each value: `on` is a key, `yes` a text, and nothing but JSON values comes out.

The parser's events are taken, its YAML 1.1 rules for what a plain scalar means are not.

Source: YAML 1.2.2, core schema (10.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import yaml

from omnicore.workflows.language.problems import Position, Report, step
from omnicore.workflows.language.values import MOST_DEPTH, MOST_VALUES, SPLIT, TOO_MANY, number_problem

__all__ = ["StopReadingError", "read_yaml"]

# The parser in C is forty times faster; both give the same events.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CORE = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_ODD = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 300


class StopReadingError(Exception):
    """The text cannot be read further; the report says why."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an anchor names: its value, how many values that is, and how deep."""

    value: Any
    size: int
    depth: int


def read_yaml(text: str, report: Report) -> tuple[Any, dict[str, Position]]:
    """The one value of a text and the places in it. Raises: StopReadingError, after it was reported."""
    reader = _Reader(report)
    try:
        reader.read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and _tab_at(text, mark):
            reader.stop_at(mark, "a tab stands where YAML takes spaces only", "indent with spaces")
        reader.stop_at(mark, f"cannot be read as YAML: {error.problem or error.context}", _LAYOUT)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a character that is no Unicode
        line = text.count("\n", 0, max(0, getattr(error, "position", 0) or 0)) + 1
        reader.stop((line, 1), "holds a character that a text cannot have", f"remove it ({str(error)[:80]})")
    return reader.root, reader.positions


_LAYOUT = "check the indentation, the colons and the quotes around here"


def _tab_at(text: str, mark: Any) -> bool:
    """Whether the parser stopped at a tab among what a line begins with."""
    line = next(islice(text.split("\n"), mark.line, None), "")
    return "\t" in line[: mark.column + 1] and not line[: mark.column].strip()


class _Reader:
    """Builds values of events. Owns its stack: the depth of a text is not that of our calls."""

    def __init__(self, report: Report) -> None:
        self.root: Any = None
        self.positions: dict[str, Position] = {}
        report.positions = self.positions
        self._report = report
        self._left = MOST_VALUES
        self._anchors: dict[str, _Anchored] = {}
        self._at = ""

    def read(self, events: Iterator[Any]) -> None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.positions:
                    self.stop_at(event.start_mark, "a second document begins", "keep one workflow in a text")
                self.root = self._node(next(events), events, 0)

    def stop_at(self, mark: Any, fact: str, remedy: str) -> None:
        self.stop((mark.line + 1, mark.column + 1) if mark else (1, 1), fact, remedy)

    def stop(self, position: Position, fact: str, remedy: str) -> None:
        self._report.error_at(self._at, position, fact, remedy)
        raise StopReadingError

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Any:
        if depth > MOST_DEPTH:
            self.stop_at(event.start_mark, f"is nested deeper than {MOST_DEPTH}", SPLIT)
        self._count(event.start_mark, 1)
        mark = event.start_mark
        self.positions.setdefault(self._at, (mark.line + 1, mark.column + 1))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        before = self._left
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        else:
            self._untagged(event, "seq" if isinstance(event, yaml.SequenceStartEvent) else "map")
            sequence = isinstance(event, yaml.SequenceStartEvent)
            value = (self._sequence if sequence else self._mapping)(events, depth)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, before - self._left + 1, _depth_of(value))
        return value

    def _sequence(self, events: Iterator[Any], depth: int) -> list[Any]:
        found: list[Any] = []
        here = self._at
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            self._at = f"{here}/{len(found)}"
            found.append(self._node(event, events, depth + 1))
        self._at = here
        return found

    def _mapping(self, events: Iterator[Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        here = self._at
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            self._at = here
            key = self._key(event)
            self._at = f"{here}/{step(key)}"
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if key in found:
                self.stop(place, f"the key `{key[:60]}` stands here twice", "remove one of them")
            self.positions[self._at] = place
            found[key] = self._node(next(events), events, depth + 1)
        self._at = here
        return found

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent) or event.anchor:
            self.stop_at(event.start_mark, "has a key that is no plain text", "write the key as a text")
        if event.value == "<<" and event.implicit[0]:
            self.stop_at(event.start_mark, "`<<` merges nothing in YAML 1.2", "write out the keys, or use `use:`")
        if event.tag not in (None, "!", _CORE + "str"):
            self._refuse_tag(event)
        return str(event.value)

    def _alias(self, event: Any, depth: int) -> Any:
        known = self._anchors.get(event.anchor)
        if known is None:
            # Also an alias of what it stands in: that would be a value without end.
            self.stop_at(event.start_mark, f"nothing before is called `&{event.anchor[:60]}`", "write the value itself")
        assert known is not None  # noqa: S101 - `stop_at` raises
        if depth + known.depth > MOST_DEPTH:
            self.stop_at(event.start_mark, f"is nested deeper than {MOST_DEPTH}", SPLIT)
        self._count(event.start_mark, known.size)
        return known.value

    def _count(self, mark: Any, values: int) -> None:
        self._left -= values
        if self._left < 0:
            self.stop_at(mark, TOO_MANY, SPLIT)

    def _untagged(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", _CORE + kind):
            self._refuse_tag(event)

    def _refuse_tag(self, event: Any) -> None:
        self.stop_at(event.start_mark, f"the tag `{event.tag[:60]}` is not taken", "remove it; values are plain JSON")

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        plain = bool(event.implicit[0]) and event.tag in (None, "!")
        if not plain:
            if event.tag not in (None, "!", *(_CORE + one for one in ("str", "int", "float", "bool", "null"))):
                self._refuse_tag(event)
            if event.tag in (None, "!", _CORE + "str"):
                return text
        value = _meaning(text)
        problem = number_problem(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        if problem or _ODD.fullmatch(text):
            self.stop_at(event.start_mark, f"`{text[:60]}` {problem or 'is no number that JSON has'}", "use a text")
        return value


def _meaning(text: str) -> Any:
    """What a plain scalar says by the core schema."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) > _MOST_DIGITS or text[0] not in "+-.0123456789":
        return text
    if _WHOLE.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _REAL.fullmatch(text) else text


def _depth_of(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + _depth_of(part) for part in parts), default=0)
