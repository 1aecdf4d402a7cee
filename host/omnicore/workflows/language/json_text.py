"""JSON as text, with the place of each value. YAML is no help with it: it refuses surrogate pairs in escapes."""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, cast

from omnicore.workflows.language.problems import Position, Report, step
from omnicore.workflows.language.values import MOST_DEPTH, MOST_VALUES

__all__ = ["NotJsonError", "read_json"]

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile("true|false|null")
_MOST_DIGITS = 300


class NotJsonError(Exception):
    """The text is no JSON; it may be YAML."""


def read_json(text: str, report: Report) -> tuple[Any, dict[str, Position]]:
    """The value and the places in it. Duplicate keys are reported. Raises: NotJsonError."""
    reader = _Reader(text, report)
    value = reader.value("", 0)
    reader.space()
    if reader.at != len(text):
        raise NotJsonError
    return value, reader.positions


class _Reader:
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
        return cast(str, value)

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
