from __future__ import annotations

import json
import tomllib

import pytest

from omnicore.config.documents import JsonPath, json_lines, line_of, toml_lines

TOML = '''# a comment with [brackets] and "quotes"
name = "x"
text = """
[not.a.table]
key = 1
"""
a.b.c = 1

[functions.add]
input = { type = "object", properties = { x = { type = "integer" } } }
list = [
  1,  # one
  { deep = [ "]", '[' ] },
]

[[capabilities]]
name = "kv"
[[capabilities]]
name = "http"
[capabilities.scope]
hosts = ["a", "b"]

["quoted key"]
'single' = 1979-05-27 07:32:00
'''
WHERE = [
    (("name",), 2),
    (("text",), 3),
    (("a", "b", "c"), 7),
    (("functions", "add"), 9),
    (("functions", "add", "input", "properties", "x", "type"), 10),
    (("functions", "add", "list", 0), 12),
    (("functions", "add", "list", 1, "deep", 1), 13),
    (("capabilities", 0, "name"), 17),
    (("capabilities", 1), 18),
    (("capabilities", 1, "name"), 19),
    (("capabilities", 1, "scope", "hosts", 1), 21),
    (("quoted key", "single"), 24),
]


@pytest.mark.parametrize(("path", "line"), WHERE)
def test_every_key_and_item_of_a_toml_document_has_its_line(path: JsonPath, line: int) -> None:
    assert toml_lines(TOML)[path] == line


def test_every_path_of_the_parsed_document_is_located() -> None:
    located = toml_lines(TOML)
    assert all(path in located for path in _paths(tomllib.loads(TOML), ()))
    values = {"a": [1, {"b": ["x", {}]}], "c": {"d": None, 'e\\"f': True}}
    for indent in (None, 1):
        lines = json_lines(json.dumps(values, indent=indent))
        assert all(path in lines for path in _paths(values, ()) if 'e\\"f' not in path)


def test_lines_of_a_json_document_count_from_one() -> None:
    lines = json_lines('{"a": 1,\n "b": {\n  "c": [1,\n 2]}}')
    assert (lines[("a",)], lines[("b", "c")], lines[("b", "c", 1)]) == (1, 3, 4)


def test_a_path_that_is_not_written_has_the_line_of_what_is_around_it() -> None:
    lines = toml_lines("a = 1\n[b]\nc = 2\n")
    assert line_of(lines, ("b", "missing", 0)) == 2
    assert line_of(lines, ("nothing",)) == 1


def _paths(value: object, path: JsonPath) -> list[JsonPath]:
    if isinstance(value, dict):
        return [path, *(found for key, item in value.items() for found in _paths(item, (*path, key)))]
    if isinstance(value, list):
        return [path, *(found for index, item in enumerate(value) for found in _paths(item, (*path, index)))]
    return [path]
