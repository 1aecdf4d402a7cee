"""Plain JSON values within bounds, and their one canonical form."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from omnicore.workflows.language.problems import Path, Report

__all__ = [
    "MOST_CHARACTERS",
    "MOST_DEPTH",
    "MOST_VALUES",
    "SPLIT",
    "TOO_MANY",
    "admitted",
    "canonical",
    "digest_of",
    "number_problem",
]

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
    """What keeps a number from being one of JSON."""
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
            self._report.error(path, f"{type(value).__name__} is no JSON value", "use texts, numbers, lists, objects")
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
                self._report.error(path, "has a key that is no text", "put the key in quotes")
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
