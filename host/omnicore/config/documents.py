"""Settings files: TOML, YAML and JSON read into plain values, with the line of each key."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from omnicore.config.entry import SettingPath, leaves
from omnicore.errors import InvalidSetting

__all__ = ["LARGEST_FILE", "Document", "read_document"]

LARGEST_FILE = 256 * 1024
LARGEST_TREE = 20_000  # nodes after aliases are followed; the deepest honest settings file is far below
_LINE_IN_TEXT = re.compile(r" \(at line (\d+), column \d+\)")
_TOML_TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*")
_TOML_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: `values` by path, and `lines` for the paths whose line is known."""

    values: Mapping[SettingPath, Any]
    lines: Mapping[SettingPath, int]

    def line(self, path: SettingPath) -> int | None:
        """The line of a path, or of the nearest table around it."""
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.lines:
                return self.lines[path[:depth]]
        return None


def read_document(file: Path) -> Document:
    """Reads one file by its suffix.

    Raises:
        InvalidSetting: the file is missing, too big, of another kind, or not well formed.
    """
    read = _READERS.get(file.suffix.lower())
    if read is None:
        raise InvalidSetting(f"{file} is no settings file", remedy="use .toml, .yaml, .yml or .json")
    try:
        values, lines = read(_text(file))
    except _Malformed as malformed:
        raise _unusable(file, malformed.line, malformed.reason) from malformed.__cause__
    except RecursionError as cause:
        raise _unusable(file, None, "it is nested too deeply") from cause
    if not isinstance(values, dict):
        raise _unusable(file, 1, "it holds no table of settings")
    return Document(dict(leaves(values)) if values else {}, lines)


class _Malformed(Exception):
    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise InvalidSetting(f"{file} cannot be read ({reason})", remedy="check the path and its rights") from cause
    if len(data) > LARGEST_FILE:
        raise _unusable(file, None, f"it is larger than {LARGEST_FILE} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise _unusable(file, data.count(b"\n", 0, cause.start) + 1, "it is not UTF-8 text") from cause


def _unusable(file: Path, line: int | None, reason: str) -> InvalidSetting:
    place = f"{file}:{line}" if line else str(file)
    return InvalidSetting(f"{place} cannot be used: {reason}", remedy="correct the file")


def _read_toml(text: str) -> tuple[Any, dict[SettingPath, int]]:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        at = _LINE_IN_TEXT.search(str(cause))
        reason = _LINE_IN_TEXT.sub("", str(cause))
        raise _Malformed(int(at[1]) if at else None, reason) from cause
    except ValueError as cause:  # a number of thousands of digits
        raise _Malformed(None, str(cause)) from cause
    return values, _toml_lines(text)


def _toml_lines(text: str) -> dict[SettingPath, int]:
    """Lines of keys, by reading table heads and keys; a key in an inline table has that table's line."""
    lines: dict[SettingPath, int] = {}
    table: SettingPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if (head := _TOML_TABLE.fullmatch(line.split("#")[0])) is not None:
            table = _toml_path(head[1])
            lines.setdefault(table, number)
        elif (key := _TOML_KEY.match(line)) is not None:
            lines.setdefault((*table, *_toml_path(key[1])), number)
    return lines


def _toml_path(dotted: str) -> SettingPath:
    return tuple(part.strip("\"' ") for part in re.findall(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""", dotted))


def _read_json(text: str) -> tuple[Any, dict[SettingPath, int]]:
    try:
        values = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as cause:
        raise _Malformed(cause.lineno, cause.msg) from cause
    except ValueError as cause:  # a number of thousands of digits
        raise _Malformed(None, str(cause)) from cause
    return values, (_json_lines(text, values) if isinstance(values, dict) else {})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Malformed(None, f"the key {twice!r} stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise _Malformed(None, f"{name} is no JSON value")


def _json_lines(text: str, values: dict[str, Any]) -> dict[SettingPath, int]:
    """Lines of keys in document order, which is the order in which `json` gives them."""
    lines: dict[SettingPath, int] = {}
    position = 0

    def visit(tree: Any, path: SettingPath) -> None:
        nonlocal position
        for item in tree if isinstance(tree, list) else ():
            visit(item, (*path, "-"))
        for key, item in tree.items() if isinstance(tree, dict) else ():
            found = re.compile(re.escape(json.dumps(key)) + r"\s*:").search(text, position)
            if found is not None:  # a key written with other escapes keeps its table's line
                position = found.end()
                lines[(*path, key)] = text.count("\n", 0, found.start()) + 1
            visit(item, (*path, key))

    visit(values, ())
    return lines


def _read_yaml(text: str) -> tuple[Any, dict[SettingPath, int]]:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        lines: dict[SettingPath, int] = {}
        _walk_yaml(node, (), lines, [LARGEST_TREE])
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        raise _Malformed(mark.line + 1 if mark else None, cause.problem or str(cause.context)) from cause
    except (yaml.YAMLError, ValueError) as cause:  # ValueError: a date such as 2024-99-99
        raise _Malformed(None, str(cause).splitlines()[0]) from cause
    finally:
        loader.dispose()


def _walk_yaml(node: yaml.Node, path: SettingPath, lines: dict[SettingPath, int], left: list[int]) -> None:
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
                raise _Malformed(key.start_mark.line + 1, "a key is no plain text")
            if key.value in seen:
                raise _Malformed(key.start_mark.line + 1, f"the key {key.value!r} stands twice")
            if key.tag != "tag:yaml.org,2002:merge":
                seen.add(key.value)
                lines.setdefault((*path, key.value), key.start_mark.line + 1)
            _walk_yaml(item, (*path, key.value), lines, left)


_READERS: dict[str, Callable[[str], tuple[Any, dict[SettingPath, int]]]] = {
    ".toml": _read_toml,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_json,
}
