"""Manifests as written: a stranger's TOML or JSON to plain values, or the path and line of what is wrong."""

from __future__ import annotations

import difflib
import json
import math
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from omnicore.errors import ManifestInvalid
from omnicore.plugins.locate import json_lines, line_of, toml_lines
from omnicore.plugins.schemas import JsonPath, problems_of_schema, write_path
from omnicore.sandbox.nesting import too_deep

__all__ = ["Document", "read_json", "read_toml"]

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 32
_MAX_OPEN = 100  # beyond this not even the line is looked for: that would recurse
_SCHEMAS_S = 2.0  # for all schemas of a manifest together
_MAX_DOTS = 300
_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as written: plain values, and where it came from."""

    path: str
    text: str
    values: Mapping[str, Any]
    locate: Callable[[str], Mapping[JsonPath, int]]

    def line(self, path: JsonPath) -> int:
        """The line of a key or item; lines count from 1."""
        return line_of(self.locate(self.text), path)

    def invalid(self, problems: list[tuple[JsonPath, str]]) -> ManifestInvalid:
        """The error for what is wrong, the first in the file on top."""
        found = sorted((self.line(path), write_path(path), message) for path, message in problems)
        line, place, message = found[0]
        return ManifestInvalid(
            f"{self.path}:{line}: {place + ': ' if place else ''}{message}",
            remedy="correct the manifest" + (f"; {len(found) - 1} more problems follow" if found[1:] else ""),
            path=self.path,
            line=line,
            problems=[{"line": number, "path": where, "message": text} for number, where, text in found],
        )


def read_toml(data: bytes, path: str) -> Document:
    """Reads a sidecar. Raises: ManifestInvalid."""
    text = _text(data, path)
    for number, content in enumerate(text.split("\n"), start=1):
        if content.count(".") > _MAX_DOTS:  # tomllib takes time by the square of the parts of a dotted key
            raise _at(path, number, f"more than {_MAX_DOTS} dots on one line")
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise _at(path, 1, "nested too deep") from error
    except ValueError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        raise _at(path, line, f"no valid TOML: {_TOML_PLACE.sub('', str(error)).strip()}") from error
    return _checked(Document(path, text, values, toml_lines))


def read_json(data: bytes, path: str) -> Document:
    """Reads an embedded manifest. Raises: ManifestInvalid."""
    text = _text(data, path)
    if too_deep(data, _MAX_OPEN):
        raise _at(path, 1, "nested too deep")
    try:
        values = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise _at(path, line, f"no valid JSON: {getattr(error, 'msg', error)}") from error
    if not isinstance(values, dict):
        raise _at(path, 1, "must be an object")
    return _checked(Document(path, text, values, json_lines))


def _text(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        raise _at(path, 1, f"has {len(data)} bytes where {MAX_BYTES} are allowed")
    try:
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _at(path, data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from error


def _at(path: str, line: int, message: str) -> ManifestInvalid:
    return Document(path, "", {}, lambda _: {(): line}).invalid([((), message)])


def _checked(document: Document) -> Document:
    # Depth and kinds first: what comes after may then recurse and serialise without surprises.
    for look in (_unplain(document.values, ()), _breaches(document.values), _bad_schemas(document.values)):
        problems = list(look)
        if problems:
            raise document.invalid(problems)
    return document


def _unplain(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    if len(path) > _MAX_DEPTH:
        yield path, f"nested deeper than {_MAX_DEPTH}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unplain(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unplain(item, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, "must be a finite number"
    elif not isinstance(value, str | int | float | type(None)):
        yield path, "dates and times are not taken; write text"


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    text = resources.files(__package__).joinpath("plugin.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _breaches(values: Mapping[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    for error in _validator().iter_errors(values):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.schema, dict):
            yield from _unknown_keys(error, path)
        elif error.validator == "required":
            wanted: Any = error.validator_value
            instance: Any = error.instance
            missing = [key for key in wanted if key not in instance]
            yield path, f"lacks {', '.join(missing)}"
        elif error.validator == "propertyNames" or (error.parent is None and "propertyNames" in error.schema_path):
            yield (*path, str(error.instance)), "is no name a function can have"
        else:
            yield path, error.message[:200]


def _unknown_keys(error: ValidationError, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    schema: Any = error.schema
    known = list(schema["properties"])
    instance: Any = error.instance
    for key in instance:
        if key not in known:
            close = difflib.get_close_matches(key[:64], known, n=1)
            yield (*path, key), "is no known key" + (f"; did you mean {close[0]!r}?" if close else "")


def _bad_schemas(values: Mapping[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    places: list[JsonPath] = [
        ("functions", name, side)
        for name, function in values.get("functions", {}).items()
        for side in ("input", "output")
        if side in function
    ]
    if "config" in values:
        places.append(("config",))
    end = time.monotonic() + _SCHEMAS_S
    for place in places:
        schema: Any = values
        for step in place:
            schema = schema[step]
        for path, message in problems_of_schema(schema, timeout_s=end - time.monotonic()):
            yield (*place, *path), message
