"""Document texts: JSON and YAML 1.2 as plain JSON values within limits, with positions and problems.

Each problem has its place in the text, a fact and a remedy.

In YAML `on` is a key, `yes` a text, and only JSON values come out: the events of the parser are used, its YAML 1.1
rules for plain scalars are not. JSON has a reader of its own, because YAML refuses surrogate pairs in escapes.

Source: YAML 1.2.2, core schema (10.3).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Annotated, Any, Literal, TypeAlias, cast

import yaml

from omnicore.errors import WorkflowInvalid
from omnicore.records import Meta, Record, replace

Path: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

_MOST = 200
_MOST_KNOWN = 500
_LONGEST = 60


class Diagnostic(Record, frozen=True):
    """A problem of a text."""

    path: Annotated[str, Meta(description="JSON pointer into the document.")]
    line: Annotated[int, Meta(description="From 1; 0 when unknown.")]
    column: Annotated[int, Meta(description="From 1; 0 when unknown.")]
    fact: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"


@dataclass(slots=True)
class Report:
    """Gathers problems, up to a bound; beyond it they are counted only."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def error(self, path: Path, fact: str, remedy: str = "") -> None:
        """Something that keeps the workflow from running."""
        self.errors += 1
        if self.errors <= _MOST:
            self.problems.append(self._problem(path, fact, remedy, "error"))

    def error_at(self, place: str, position: Position, fact: str, remedy: str) -> None:
        """An error where the reader is, whose place is not known from `positions` yet."""
        self.errors += 1
        self.problems.append(Diagnostic(place, *position, fact, remedy))

    def warning(self, path: Path, fact: str, remedy: str = "") -> None:
        """Something that runs, but hardly as it was meant."""
        self.warnings += 1
        if self.warnings <= _MOST:
            self.problems.append(self._problem(path, fact, remedy, "warning"))

    def take(self, problem: Diagnostic, path: Path) -> None:
        """Takes over a problem of another report, at a place of this one's."""
        line, column = self._position(path)
        self.errors += problem.severity == "error"
        self.warnings += problem.severity == "warning"
        self.problems.append(replace(problem, line=line, column=column))

    def closest(self, word: str, known: Iterable[str], *, otherwise: str = "") -> str:
        """As the function; looked for while there is room for what it says only, for it takes its time."""
        return otherwise if self.errors > _MOST or self.warnings > _MOST else closest(word, known, otherwise=otherwise)

    def ordered(self) -> Sequence[Diagnostic]:
        """All of them as the lines come; the same thing once."""
        unique = dict.fromkeys(self.problems)
        return tuple(sorted(unique, key=lambda one: (one.line, one.column, one.path)))

    def invalid(self) -> WorkflowInvalid:
        """The error that carries them all."""
        return invalid(self.ordered())

    def _problem(self, path: Path, fact: str, remedy: str, severity: Literal["error", "warning"]) -> Diagnostic:
        line, column = self._position(path)
        return Diagnostic(pointer(path), line, column, fact, remedy, severity)

    def _position(self, path: Path) -> Position:
        # What was put in by the compiler, or is missing, stands where the nearest thing around it stands.
        for length in range(len(path), -1, -1):
            found = self.positions.get(pointer(path[:length]))
            if found:
                return found
        return (0, 0)


def invalid(problems: Sequence[Diagnostic]) -> WorkflowInvalid:
    """The error for problems, of which one is an error at least."""
    errors = [one for one in problems if one.severity == "error"]
    first = errors[0]
    place = f"line {first.line}, column {first.column}: " if first.line else ""
    more = f" ({len(errors) - 1} more)" if errors[1:] else ""
    return WorkflowInvalid(
        f"{place}{first.path or 'the document'}: {first.fact}{more}",
        remedy=first.remedy or "correct the workflow",
        problems=[one.to_json() for one in problems],
    )


def pointer(path: Path) -> str:
    """A path as JSON pointer. Source: RFC 6901."""
    return "".join([f"/{step(one)}" for one in path])


def step(name: str | int) -> str:
    """One step of a JSON pointer."""
    text = str(name)
    return text.replace("~", "~0").replace("/", "~1") if "/" in text or "~" in text else text


def steps_of(path: str) -> Path:
    """The path that a JSON pointer says.

    >>> steps_of("/do/0/a~1b")
    ('do', '0', 'a/b')
    """
    return tuple(one.replace("~1", "/").replace("~0", "~") for one in path.split("/")[1:])


def closest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A remedy: the known word that is most like this one, or what to say when there is none."""
    found = difflib.get_close_matches(word[:_LONGEST], islice(known, _MOST_KNOWN), n=1)
    return f"did you mean `{found[0]}`?" if found else otherwise


def shown(value: Any) -> str:
    """A value as a message names it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"`{value}`" if len(value) <= _LONGEST else f"`{value[:_LONGEST]}...`"
    if value is None:
        return "nothing"
    return f"`{value}`".lower() if isinstance(value, bool) else f"`{value}`"[: _LONGEST + 2]


MOST_CHARACTERS = 1_048_576
MOST_DEPTH = 64
MOST_VALUES = 100_000
_LARGEST_WHOLE = 10**300
TOO_MANY = f"the document holds more than {MOST_VALUES} values"
SPLIT = "make several workflows of it, and run them with `run: workflow`"


def admitted(value: Any, report: Report) -> Any:
    """A copy of a value as plain JSON, its own and within bounds; what is not is reported and None."""
    return _Gate(report).take(value, ())


def canonical(value: Any) -> str:
    """JSON without spaces, keys sorted: equal documents have equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(document: Any) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def number_problem(value: float) -> str | None:
    """The reason why a number is not a JSON number."""
    if isinstance(value, float):
        return None if math.isfinite(value) else "is no number that JSON has"
    return None if -_LARGEST_WHOLE < value < _LARGEST_WHOLE else "is too large a number"


class _Gate:
    """Copies a value; counts what it has copied."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._left = MOST_VALUES

    def take(self, value: Any, path: Path) -> Any:
        self._left -= 1
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping | list | tuple):
            return self._container(value, path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value, path)
        if value is not None and not isinstance(value, bool):
            self._report.error(
                path, f"{type(value).__name__} is not a JSON value", "use texts, numbers, lists, objects"
            )
        return value

    def _container(self, value: Any, path: Path) -> Any:
        if self._left < 0 or len(path) > MOST_DEPTH:
            fact = f"is nested deeper than {MOST_DEPTH}" if self._left >= 0 else TOO_MANY
            self._report.error(path, fact, SPLIT)
            self._left = -1
            return None
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        found = []
        for index, item in enumerate(value):
            if self._left < 0:
                self._report.error((*path, index), TOO_MANY, SPLIT)
                break
            found.append(self.take(item, (*path, index)))
        return found

    def _number(self, value: float, path: Path) -> float | None:
        problem = number_problem(value)
        if problem:
            self._report.error(path, problem, "use a smaller number, or a text")
        return None if problem else value

    def _mapping(self, value: Mapping[Any, Any], path: Path) -> dict[str, Any]:
        found = {}
        for key, item in value.items():
            if self._left < 0:
                self._report.error(path, TOO_MANY, SPLIT)
                break
            if not isinstance(key, str):
                self._report.error(path, "has a key that is not text", "put the key in quotes")
            elif "\0" in key:  # names of tasks become places of rows, and PostgreSQL keeps no text with a NUL in it
                self._report.error(path, "has a key with a NUL character", "leave the character out")
            elif self._text(key, path) is not None:
                found[key] = self.take(item, (*path, key))
        return found

    def _text(self, value: str, path: Path) -> str | None:
        # A half of a surrogate pair cannot be written as UTF-8, so nothing could store or send it.
        if value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value):
            return str(value)
        self._report.error(path, "holds half of a character", "write the whole character, or leave it out")
        return None


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile("true|false|null")
_MOST_DIGITS = 300


class NotJsonError(Exception):
    """The text is no JSON; it may be YAML."""


def read_json(text: str, report: Report) -> tuple[Any, dict[str, Position]]:
    """The value and the places in it. Duplicate keys are reported. Raises: NotJsonError."""
    reader = _JsonReader(text, report)
    value = reader.value("", 0)
    reader.space()
    if reader.at != len(text):
        raise NotJsonError
    return value, reader.positions


class _JsonReader:
    def __init__(self, text: str, report: Report) -> None:
        self.text, self.at = text, 0
        self.positions: dict[str, Position] = {}
        report.positions = self.positions
        self._report = report
        self._line, self._line_begin, self._counted = 1, 0, 0

    def value(self, at: str, depth: int) -> Any:
        self.space()
        if depth > MOST_DEPTH or len(self.positions) > MOST_VALUES:
            raise NotJsonError  # the YAML reader says which bound it is
        self.positions.setdefault(at, self._position())
        match self.text[self.at : self.at + 1]:
            case "{":
                return self._object(at, depth)
            case "[":
                return self._list(at, depth)
            case '"':
                return self._string()
        return self._scalar()

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _object(self, at: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._opened("}"):
            return found
        while True:
            self.space()
            place = self._position()
            key = self._string()
            here = f"{at}/{step(key)}"
            if key in found and not self._report.errors:
                self._report.error_at(here, place, f"the key `{key[:60]}` stands here twice", "remove one of them")
            self.positions[here] = place
            self._must(":")
            found[key] = self.value(here, depth + 1)
            if self._ended("}"):
                return found

    def _list(self, at: str, depth: int) -> list[Any]:
        found: list[Any] = []
        if self._opened("]"):
            return found
        while True:
            found.append(self.value(f"{at}/{len(found)}", depth + 1))
            if self._ended("]"):
                return found

    def _string(self) -> str:
        if self.text[self.at : self.at + 1] != '"':
            raise NotJsonError
        try:
            value, self.at = scanstring(self.text, self.at + 1, True)
        except ValueError as error:
            raise NotJsonError from error
        return cast("str", value)

    def _scalar(self) -> Any:
        word = _WORD.match(self.text, self.at)
        if word:
            self.at = word.end()
            return _WORDS[word.group()]
        number = _NUMBER.match(self.text, self.at)
        if not number or len(number.group()) > _MOST_DIGITS:
            raise NotJsonError
        self.at = number.end()
        digits = number.group()
        return int(digits) if digits.lstrip("-").isdigit() else float(digits)

    def _opened(self, end: str) -> bool:
        self.at += 1
        self.space()
        if self.text[self.at : self.at + 1] != end:
            return False
        self.at += 1
        return True

    def _ended(self, end: str) -> bool:
        self.space()
        self.at += 1
        found = self.text[self.at - 1 : self.at]
        if found not in (",", end) or not found:
            raise NotJsonError
        return found == end

    def _must(self, sign: str) -> None:
        self.space()
        if self.text[self.at : self.at + 1] != sign:
            raise NotJsonError
        self.at += 1

    def _position(self) -> Position:
        breaks = self.text.count("\n", self._counted, self.at)
        if breaks:
            self._line += breaks
            self._line_begin = self.text.rindex("\n", 0, self.at) + 1
        self._counted = self.at
        return self._line, self.at - self._line_begin + 1


# The parser in C is forty times faster; both give the same events.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CORE = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_ODD = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class StopReadingError(Exception):
    """The text cannot be read further; the report says why."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """The value of an anchor, its number of values, and its depth."""

    value: Any
    size: int
    depth: int


def read_yaml(text: str, report: Report, *, most: int = MOST_VALUES) -> tuple[Any, dict[str, Position]]:
    """The one value of a text and the places in it. Raises: StopReadingError, after it was reported.

    Args:
        most: values that it may hold.
    """
    reader = _YamlReader(report, most)
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
    """True if the parser stopped at a tab in the indentation of a line."""
    line = next(islice(text.split("\n"), mark.line, None), "")
    return "\t" in line[: mark.column + 1] and not line[: mark.column].strip()


class _YamlReader:
    """Builds values of events. Owns its stack: the depth of a text is not that of our calls."""

    def __init__(self, report: Report, most: int) -> None:
        self.root: Any = None
        self.positions: dict[str, Position] = {}
        report.positions = self.positions
        self._report = report
        self._left = self._most = most
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
            self.stop_at(mark, f"the document holds more than {self._most} values", SPLIT)

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
    """The value of a plain scalar in the core schema."""
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


@dataclass(frozen=True, slots=True)
class SourceText:
    """A definition as plain JSON values, and where each of them stands: JSON pointer -> (line, column) from 1."""

    value: Mapping[str, Any]
    positions: Mapping[str, Position] = field(default_factory=dict)


def read(text: str, report: Report) -> SourceText | None:
    """The document of a text in YAML 1.2 or JSON; None, once it is reported what is wrong."""
    if len(text) > MOST_CHARACTERS:
        report.positions = {"": (1, 1)}
        report.error((), f"the text has more than {MOST_CHARACTERS} characters", "make several workflows of it")
        return None
    value: Any = None
    try:
        value, positions = _read(text, report)
    except StopReadingError:
        return None
    return document_of(SourceText(value, positions), report)


def document_of(given: SourceText, report: Report) -> SourceText | None:
    """A document with values of its own, all of them plain JSON; None, once it is reported what is wrong."""
    report.positions = given.positions or {"": (1, 1)}
    value = admitted(given.value, report)
    if not isinstance(value, dict):
        report.error((), "a workflow is an object", "begin with `document:` and `do:`; specs/workflow.md has examples")
    return None if report.errors else SourceText(value, given.positions)


def _read(text: str, report: Report) -> tuple[Any, Mapping[str, Position]]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return read_json(text, report)
        except NotJsonError:
            report.problems.clear()
            report.errors = 0
    return read_yaml(text.removeprefix("\ufeff"), report)
