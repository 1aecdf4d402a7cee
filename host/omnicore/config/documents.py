"""Settings files: TOML, YAML and JSON read into plain values, with the line of each key."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from omnicore.config.schema import SettingPath, leaves
from omnicore.errors import InvalidSetting

JsonPath = tuple[str | int, ...]
"""Keys and indexes from the root of a document."""

LARGEST_FILE = 64 * 1024  # YAML takes half a second for the worst that fits
LARGEST_TREE = 20_000  # nodes after aliases are followed; the deepest honest settings file is far below
_LINE_IN_TEXT = re.compile(r" \(at line (\d+), column \d+\)")
_DEEP_KEY = re.compile(r"""(?<![\w."'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")
_MOST_BRACES = 2_000


@dataclass(frozen=True, slots=True)
class Document:
    """The contents of a file: `values` by path, and `lines` for the paths whose line is known."""

    values: Mapping[SettingPath, Any]
    lines: Mapping[JsonPath, int]

    def line(self, path: SettingPath) -> int | None:
        """The line of a path, or of the nearest table around it."""
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.lines:
                return self.lines[path[:depth]]
        return None


@dataclass(frozen=True, slots=True)
class Text:
    """A settings file as it was read, once: what is parsed is what the digest (SHA-256) is of."""

    file: Path
    text: str
    digest: str


def read_document(file: Path) -> Document:
    """Reads and parses one file. Raises: InvalidSetting: see `read_text` and `parse_document`."""
    return parse_document(read_text(file))


def parse_document(source: Text) -> Document:
    """The contents of a file, read by its suffix. Raises: InvalidSetting: it is malformed, or too large as a tree."""
    file = source.file
    try:
        values, lines = _READERS[file.suffix.lower()](source.text)
        if not isinstance(values, dict):
            raise _Malformed(1, "it holds no table of settings")
        return Document(dict(leaves(values)) if values else {}, lines)
    except _Malformed as malformed:
        raise _unusable(file, malformed.line, malformed.reason) from malformed.__cause__
    except RecursionError as cause:
        raise _unusable(file, None, "it is nested too deeply") from cause


class _Malformed(Exception):
    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def read_text(file: Path) -> Text:
    """Reads one file. Raises: InvalidSetting: it is missing, too big, of another kind, or not UTF-8."""
    if file.suffix.lower() not in _READERS:
        raise InvalidSetting(f"{file} is not a settings file", remedy="use .toml, .yaml, .yml or .json")
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:  # no pipe is waited for
            data = stream.read(LARGEST_FILE + 1) or b""
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise InvalidSetting(f"{file} cannot be read ({reason})", remedy="check the path and its rights") from cause
    if len(data) > LARGEST_FILE:
        raise _unusable(file, None, f"it is larger than {LARGEST_FILE} bytes")
    try:
        return Text(file, data.decode("utf-8-sig"), hashlib.sha256(data).hexdigest())
    except UnicodeDecodeError as cause:
        raise _unusable(file, data.count(b"\n", 0, cause.start) + 1, "it is not UTF-8 text") from cause


def _unusable(file: Path, line: int | None, reason: str) -> InvalidSetting:
    place = f"{file}:{line}" if line else str(file)
    return InvalidSetting(f"{place} cannot be used: {reason}", remedy="correct the file")


def _read_toml(text: str) -> tuple[Any, Mapping[JsonPath, int]]:
    if (deep := _DEEP_KEY.search(text)) is not None:  # the time of `tomllib` grows with the square of a key's parts
        raise _Malformed(text.count("\n", 0, deep.start()) + 1, "a key has too many parts")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        at = _LINE_IN_TEXT.search(str(cause))
        reason = _LINE_IN_TEXT.sub("", str(cause))
        raise _Malformed(int(at[1]) if at else None, reason) from cause
    except ValueError as cause:  # a number of thousands of digits
        raise _Malformed(None, str(cause)) from cause
    return values, toml_lines(text)


def _read_json(text: str) -> tuple[Any, Mapping[JsonPath, int]]:
    try:
        values = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as cause:
        raise _Malformed(cause.lineno, cause.msg) from cause
    except ValueError as cause:  # a number of thousands of digits
        raise _Malformed(None, str(cause)) from cause
    return values, (json_lines(text) if isinstance(values, dict) else {})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _Malformed(None, f"the key {twice!r} stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise _Malformed(None, f"{name} is not a JSON value")


def _read_yaml(text: str) -> tuple[Any, Mapping[JsonPath, int]]:
    if text.count("[") + text.count("{") > _MOST_BRACES:  # PyYAML's time grows with the square of their depth
        raise _Malformed(None, "it is nested too deeply")
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        lines: dict[JsonPath, int] = {}
        _walk_yaml(node, (), lines, [LARGEST_TREE])
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        raise _Malformed(mark.line + 1 if mark else None, cause.problem or str(cause.context)) from cause
    except (yaml.YAMLError, ValueError) as cause:  # ValueError: a date such as 2024-99-99
        raise _Malformed(None, str(cause).splitlines()[0]) from cause
    finally:
        loader.dispose()


def _walk_yaml(node: yaml.Node, path: SettingPath, lines: dict[JsonPath, int], left: list[int]) -> None:
    """Notes each key's line and counts nodes as often as aliases repeat them, which stops alias bombs."""
    left[0] -= 1
    if left[0] < 0:
        raise _Malformed(None, f"it has more than {LARGEST_TREE} values once its aliases are followed")
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _walk_yaml(item, (*path, "-"), lines, left)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Malformed(key.start_mark.line + 1, "a key is not plain text")
            if key.value in seen:
                raise _Malformed(key.start_mark.line + 1, f"the key {key.value!r} stands twice")
            if key.tag != "tag:yaml.org,2002:merge":
                seen.add(key.value)
                lines.setdefault((*path, key.value), key.start_mark.line + 1)
            _walk_yaml(item, (*path, key.value), lines, left)


_READERS: dict[str, Callable[[str], tuple[Any, Mapping[JsonPath, int]]]] = {
    ".toml": _read_toml,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_json,
}


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
