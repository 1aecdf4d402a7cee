"""Lines of the keys and items of a TOML or JSON document, which `tomllib` and `json` do not give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["JsonPath", "json_lines", "line_of", "toml_lines"]

JsonPath = tuple[str | int, ...]
"""Keys and indexes from the root of a document."""

_STRINGS = r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
_TOML = re.compile(
    rf"(?P<skip>[ \t\r]+|\#[^\n]*)|(?P<newline>\n)|(?P<string>{_STRINGS})|(?P<mark>[\[\]{{}},=])"
    rf"|(?P<bare>[^\s\[\]{{}},=\#\"']+)|(?P<junk>.)",
    re.DOTALL,
)
_JSON = re.compile(
    r'(?P<skip>[ \t\r\n]+)|(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[\[\]{},:])'
    r'|(?P<bare>[^\s\[\]{},:"]+)|(?P<junk>.)',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def toml_lines(text: str) -> Mapping[JsonPath, int]:
    """The line of every key and item of a TOML document that `tomllib` could read; lines count from 1."""
    return _Reader(_tokens(_TOML, text)).document()


def json_lines(text: str) -> Mapping[JsonPath, int]:
    """The line of every key and item of a JSON document that `json` could read; lines count from 1."""
    reader = _Reader(_tokens(_JSON, text))
    reader.value((), 0)
    return reader.lines


def line_of(lines: Mapping[JsonPath, int], path: JsonPath) -> int:
    """The line of a path, or of the nearest thing around it that is written down."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _tokens(pattern: re.Pattern[str], text: str) -> list[_Token]:
    found, line = [], 1
    for match in pattern.finditer(text):
        if match.lastgroup != "skip":
            found.append(_Token(match.lastgroup or "", match.group(), line))
        line += match.group().count("\n")
    return [*found, _Token("end", "", line)]


class _Reader:
    """Walks tokens and notes where paths begin. The document is known to be well-formed."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.lines: dict[JsonPath, int] = {(): 1}
        self._tokens = tokens
        self._counts: dict[JsonPath, int] = {}

    def document(self) -> Mapping[JsonPath, int]:
        """Reads the statements of a TOML document."""
        position = 0
        table: JsonPath = ()
        while (token := self._tokens[position]).kind != "end":
            if token.text == "[" and token.kind == "mark":
                position, table = self._header(position)
            elif token.kind in ("bare", "string"):
                position, keys = self._key(position, "=")
                position = self.value(self._note(table, keys, token.line), position)
            else:
                position += 1
        return self.lines

    def value(self, path: JsonPath, position: int) -> int:
        """Reads one value and returns the position behind it."""
        token = self._tokens[position]
        if token.kind == "mark" and token.text == "[":
            return self._array(path, position + 1)
        if token.kind == "mark" and token.text == "{":
            return self._table(path, position + 1)
        while token.kind in ("bare", "string"):
            position += 1
            token = self._tokens[position]
        return position

    def _array(self, path: JsonPath, position: int) -> int:
        index = 0
        while (token := self._tokens[position]).text != "]" and token.kind != "end":
            if token.kind in ("newline", "junk") or token.text == ",":
                position += 1
                continue
            self.lines.setdefault((*path, index), token.line)
            position = self.value((*path, index), position)
            index += 1
        return position + 1 if token.kind != "end" else position

    def _table(self, path: JsonPath, position: int) -> int:
        while (token := self._tokens[position]).text != "}" and token.kind != "end":
            if token.kind not in ("bare", "string"):
                position += 1
                continue
            position, keys = self._key(position, "=:")
            position = self.value(self._note(path, keys, token.line), position)
        return position + 1 if token.kind != "end" else position

    def _header(self, position: int) -> tuple[int, JsonPath]:
        line = self._tokens[position].line
        many = self._tokens[position + 1].text == "["
        position, keys = self._key(position + 1 + many, "]")
        path: JsonPath = ()
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self._counts and not (many and path == keys):
                path = (*path, self._counts[path] - 1)
        if many:
            self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, self._counts[path] - 1)
        self.lines[path] = line
        return position + many, path

    def _key(self, position: int, closers: str) -> tuple[int, JsonPath]:
        keys: list[str] = []
        while (token := self._tokens[position]).kind in ("bare", "string"):
            if token.kind == "string":
                keys.append(token.text[1:-1])
            else:
                keys.extend(part for part in token.text.split(".") if part)
            position += 1
        return position + (token.text in closers and token.kind == "mark"), tuple(keys)

    def _note(self, table: JsonPath, keys: JsonPath, line: int) -> JsonPath:
        for end in range(1, len(keys) + 1):
            self.lines.setdefault((*table, *keys[:end]), line)
        return (*table, *keys)
