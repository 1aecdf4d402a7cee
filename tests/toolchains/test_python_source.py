"""What a plugin in Python offers is read off its type hints, and nothing of it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnicore.errors import BuildFailed
from omnicore.toolchains.python import glue, world
from omnicore.toolchains.python_source import NOUNS, packaged_doors, read

HEAD = """from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Literal, Optional
from omnicore_sdk import function
"""


def offered(folder: Path, text: str, head: str = HEAD) -> str:
    """The world of a plugin with this source, with its lines stripped and keywords' escapes taken out."""
    (folder / "plugin.py").write_text(head + text)
    plugin = read(folder, "plugin")
    lines = world(plugin, plugin.doors).replace("%", "").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


@pytest.mark.parametrize(
    ("hint", "type_"),
    [
        ("int", "s64"),
        ("float", "f64"),
        ("int | float", "f64"),
        ("bool", "bool"),
        ("str", "string"),
        ("bytes", "list<u8>"),
        ("list[float]", "list<f64>"),
        ("Sequence[str]", "list<string>"),
        ("tuple[int, ...]", "list<s64>"),
        ("tuple[int, str]", "tuple<s64, string>"),
        ("dict[str, int]", "list<tuple<string, s64>>"),
        ("Mapping[str, list[bool]]", "list<tuple<string, list<bool>>>"),
        ("int | None", "option<s64>"),
        ("Optional[int]", "option<s64>"),
        ("'list[int]'", "list<s64>"),
        ("Numbers", "list<f64>"),
    ],
)
def test_a_hint_becomes_a_type(tmp_path: Path, hint: str, type_: str) -> None:
    text = f"Numbers = list[float]\n@function\ndef f(a: {hint}) -> {hint}: ...\n"
    assert f"export f: func(a: {type_}) -> result<{type_}, string>;" in offered(tmp_path, text)


def test_nothing_returned_is_a_result_without_a_value(tmp_path: Path) -> None:
    assert "export f: func() -> result<_, string>;" in offered(tmp_path, "@function\ndef f() -> None: ...\n")


def test_what_has_a_default_may_be_left_out(tmp_path: Path) -> None:
    found = offered(tmp_path, "@function\ndef f(a: int, b: str = '', *, c: int | None = None) -> None: ...\n")
    assert "export f: func(a: s64, b: option<string>, c: option<s64>) -> result<_, string>;" in found


def test_a_dataclass_is_a_record_after_those_it_holds(tmp_path: Path) -> None:
    text = '''
class Color(Enum):
    """What it looks like."""
    RED = "red"
    DARK = 2

@dataclass
class Base:
    id: int

@dataclass(frozen=True)
class HTTPPage(Base):
    shared: ClassVar[int] = 1
    color: Color
    tags: list[str] = field(default_factory=list)

@function
def open_page(page: HTTPPage) -> HTTPPage:
    """Opens a page.

    And shows it.
    """
'''
    found = offered(tmp_path, text)
    assert "/// What it looks like.\nenum color {\nred,\ndark,\n}" in found
    assert "record http-page {\nid: s64,\ncolor: color,\ntags: option<list<string>>,\n}" in found
    assert found.index("enum color") < found.index("record http-page")
    assert "/// Opens a page.\n///\n/// And shows it.\nexport open-page: func(page: http-page)" in found


def test_a_literal_is_an_enum_named_after_its_alias_or_place(tmp_path: Path) -> None:
    text = 'Mode = Literal["fast", "very slow"]\n@function\ndef f(mode: Mode, way: Literal["in", "out"]) -> None: ...\n'
    found = offered(tmp_path, text)
    assert "enum mode {\nfast,\nvery-slow,\n}" in found
    assert "func(mode: mode, way: f-way)" in found


def test_types_may_stand_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "__init__.py").write_text("from shapes.flat import Point\n")
    (tmp_path / "shapes" / "flat.py").write_text(HEAD + "@dataclass\nclass Point:\n    x: float\n")
    text = "from shapes import Point as P\n@function\ndef f(point: P) -> None: ...\n"
    assert "record point {\nx: f64,\n}" in offered(tmp_path, text)
    plugin = read(tmp_path, "plugin")
    assert set(plugin.modules.values()) == {"plugin.py", "shapes/__init__.py", "shapes/flat.py"}
    assert "_types.RecordOf(shapes.flat.Point, wit_world.Point" in glue(plugin)


def test_modules_imported_inside_of_functions_are_loaded_at_build_time(tmp_path: Path) -> None:
    text = "import datetime\n@function\ndef f() -> None:\n    import statistics\n    from xml import sax\n"
    offered(tmp_path, text)
    plugin = read(tmp_path, "plugin")
    assert {"statistics", "xml", "xml.sax"} == set(plugin.late)
    assert "'_strptime'" in glue(plugin)


@pytest.mark.parametrize(
    "source",
    ["import omnicore_sdk\n@omnicore_sdk.function\n", "from omnicore_sdk import function as shown\n@shown\n"],
)
def test_the_mark_is_known_by_where_it_comes_from(tmp_path: Path, source: str) -> None:
    assert "export f:" in offered(tmp_path, source + "def f() -> None: ...\n", head="")


def test_a_mark_of_the_authors_own_is_none(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="no function is marked"):
        offered(tmp_path, "def function(f): return f\n@function\ndef f() -> None: ...\n", head="")


def test_nothing_of_the_source_runs(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    offered(tmp_path, trap + f"@function\ndef f(a: int = {trap.strip()}) -> None: ...\n")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "line", "fact"),
    [
        ("def f(:\n", 1, "SyntaxError"),
        ("x = 1\n", 1, "no function is marked with @function"),
        ("@function\ndef f(a) -> None: ...\n", 2, "f.a has no type hint"),
        ("@function\ndef f(): ...\n", 2, "the result of f has no type hint"),
        ("@function\ndef f(a: set[str]) -> None: ...\n", 2, "f.a is set[str], which cannot cross the border"),
        ("@function\ndef f(a: int | str) -> None: ...\n", 2, "f.a is int | str"),
        ("@function\ndef f(a: dict[int, str]) -> None: ...\n", 2, "f.a is dict[int, str]"),
        ("@function\ndef f(a: Literal[1]) -> None: ...\n", 2, "f.a is Literal[1]"),
        ("@function\ndef f(a: 'list[') -> None: ...\n", 2, "f.a is"),
        ("@function\ndef f(a: Unknown) -> None: ...\n", 2, "f.a is Unknown"),
        ("@function\nasync def f() -> None: ...\n", 2, "f is async"),
        ("@function\ndef f(*a: int) -> None: ...\n", 2, "f has parameters that cannot be named"),
        ("@function\ndef _f() -> None: ...\n", 2, "a function cannot be called '_f'"),
        ("@function\ndef f(a_1: int) -> None: ...\n", 2, "a parameter cannot be called 'a_1'"),
        ("class A:\n    b: int\n@function\ndef f(a: A) -> None: ...\n", 1, "A is neither a dataclass nor an Enum"),
        ("@dataclass\nclass A:\n    ...\n@function\ndef f(a: A) -> None: ...\n", 2, "A has no fields"),
        ("@dataclass\nclass A:\n    a: 'A | None'\n@function\ndef f(a: A) -> None: ...\n", 3, "A holds itself"),
        ("A = list['A']\n@function\ndef f(a: A) -> None: ...\n", 3, "A holds itself"),
        ("@function\ndef aB() -> None: ...\n", 2, "a function cannot be called 'aB'"),
        ("@dataclass\nclass A(Far):\n    a: int\n@function\ndef f(a: A) -> None: ...\n", 2, "A has a base that is not"),
        ("@dataclass\nclass A:\n    a: set\n@function\ndef f(a: A) -> None: ...\n", 3, "A.a is set"),
        (
            "@dataclass\nclass Optional:\n    a: int\n@function\ndef f(a: Optional) -> None: ...\n",
            2,
            "Optional is a name",
        ),
        ("class E(Enum):\n    pass\n@function\ndef f(a: E) -> None: ...\n", 1, "E has no members"),
    ],
)
def test_what_cannot_be_built_is_named_with_its_place(tmp_path: Path, text: str, line: int, fact: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        offered(tmp_path, text)
    place = line if text.startswith("x") else line + HEAD.count("\n")
    assert caught.value.fact.startswith(f"plugin.py:{place}: {fact}"), caught.value.fact
    assert caught.value.remedy


def test_two_types_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(HEAD + "@dataclass\nclass A:\n    b: str\n")
    text = "from other import A as B\n@dataclass\nclass A:\n    a: int\n@function\ndef f(a: A, b: B) -> None: ...\n"
    with pytest.raises(BuildFailed, match="two types called A"):
        offered(tmp_path, text)


@pytest.mark.parametrize("name", ["my-plugin", "http"])
def test_a_file_whose_name_is_none_for_a_module_becomes_the_module_plugin(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text(
        HEAD + "@dataclass\nclass A:\n    b: int\n@function\ndef f(a: A) -> None: ...\n"
    )
    plugin = read(tmp_path, name)
    assert plugin.modules == {"plugin": f"{name}.py"}
    assert "_types.RecordOf(plugin.A, wit_world.A" in glue(plugin)


@pytest.mark.parametrize(
    ("imports", "doors"),
    [
        ("", ()),
        ("from omnicore_sdk import kv, log as lines\n", ("kv", "log")),
        ("import omnicore_sdk.http\nfrom omnicore_sdk.events import publish\n", ("events", "http")),
        ("import helper\n", ("tasks",)),
        ("import omnicore_sdk\n", NOUNS),
        ("from omnicore_sdk import *\n", NOUNS),
    ],
)
def test_a_plugin_imports_the_doors_it_uses_and_no_other(tmp_path: Path, imports: str, doors: tuple[str, ...]) -> None:
    (tmp_path / "helper.py").write_text("def f():\n    from omnicore_sdk import tasks\n")
    found = offered(tmp_path, imports + "@function\ndef f() -> None: ...\n")
    assert {line[23:-7] for line in found.splitlines() if line.startswith("import ")} == set(doors)


@pytest.mark.parametrize(
    ("text", "doors"),
    [
        ("import json\n", set()),
        ("from omnicore_sdk import kv\n", {"kv"}),
        ("def late():\n    from omnicore_sdk.memory import recall\n", {"memory"}),
        ("from omnicore_sdk import *\n", set(NOUNS)),
        ("import omnicore_sdk, (\n", set(NOUNS)),
    ],
)
def test_a_package_that_comes_along_asks_for_the_doors_it_uses(tmp_path: Path, text: str, doors: set[str]) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "one.py").write_text(text)
    assert packaged_doors(tmp_path) == doors
