"""A client's types are those of the schemas, whatever names and shapes these have."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from omnicore import Host
from omnicore.plugins.schemas import FunctionSpec
from omnicore.testing.trial import read_subject
from omnicore.toolchains.client import client_file, client_source

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(ROOT.glob("plugins/*/dist/*.wasm"))
JSON = "application/json"

STRANGE = {
    "type": "object",
    "description": 'A "strange"\nthing \\ """',
    "required": ["class", "a-b", "list", "1st", "tree"],
    "properties": {
        "class": {"type": "string", "description": "a keyword\nof Python"},
        "a-b": {"type": ["integer", "null"]},
        "list": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        "1st": {"enum": ["x", 'y"', 1, True, None]},
        "__private": {"const": "z"},
        "NotRequired": {"type": "number"},
        "tree": {"$ref": "#/$defs/node"},
        "again": {"$ref": "#"},
        "odd": {"enum": [1.5, {"a": 1}]},
        "map": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "boolean"}}},
        "any": True,
        "none": {"type": "null"},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}]},
        "either": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"x": {"type": "integer"}}}]},
        "both": {"allOf": [{"$ref": "#/$defs/node"}, {"properties": {"more": {"type": "string"}}}]},
        "loose": {"allOf": [{"type": "string"}, {"minLength": 1}]},
        "loop": {"$ref": "#/$defs/loop"},
        "lost": {"$ref": "#/$defs/nowhere"},
    },
    "$defs": {
        "node": {
            "type": "object",
            "required": ["value"],
            "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
        },
        "loop": {"type": "array", "items": {"$ref": "#/$defs/loop"}},
    },
}
FUNCTIONS = [
    FunctionSpec("list", "Lists\nthem", STRANGE, {"type": "array", "items": {"type": "string"}}, JSON, JSON),
    FunctionSpec("int", "", {"type": "object"}, {"type": "integer"}, JSON, JSON),
    FunctionSpec("str", "", None, None, "text/plain", "text/plain"),
    FunctionSpec("bytes"),
    FunctionSpec("float", "", {"type": "null"}, {"type": "null"}, JSON, JSON),
    FunctionSpec("class", "", None, None, JSON, JSON),
    FunctionSpec("a.b-c", "", {"type": ["string", "null"]}, STRANGE, JSON, JSON),
    FunctionSpec("a:b_c", "", {"enum": ["x"]}, {"const": 1}, "text/plain", JSON),
    FunctionSpec("$", "", {"type": "boolean"}, {"type": "object", "properties": {"a": {}}}, JSON, JSON),
    FunctionSpec("ListInput", "", STRANGE, {"anyOf": [{"type": "number"}, {"type": "null"}]}, JSON, JSON),
    FunctionSpec("_host"),
]


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Recording:
    """A host that answers with what it was called with."""

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None) -> Any:
        return ref, data, timeout_s


@pytest.fixture
def strange(tmp_path) -> ModuleType:
    file = tmp_path / client_file("my-plugin")
    file.write_text(client_source("my-plugin", "1.0", FUNCTIONS))
    return loaded(file)


def test_a_clients_file_has_the_plugins_name():
    assert client_file("my-plugin") == "my_plugin_client.py"


def test_every_function_is_a_method_under_a_name_python_takes(strange):
    client = strange.MyPlugin(_Recording())
    assert client.list({}) == ("my-plugin.list", {}, None)
    assert client.int() == ("my-plugin.int", {}, None)
    assert client.str_("x") == ("my-plugin.str", "x", None)
    assert client.bytes_() == ("my-plugin.bytes", b"", None)
    assert client.float_() is None
    assert client.class_(1, timeout_s=0.5) == ("my-plugin.class", 1, 0.5)
    assert client.a_b_c(None) == ("my-plugin.a.b-c", None, None)
    assert client.a_b_c_("x") == ("my-plugin.a:b_c", "x", None)
    assert client._(True) == ("my-plugin.$", True, None)
    assert client._host_() == ("my-plugin._host", b"", None)


def test_the_types_are_those_of_the_schemas(strange):
    kinds = strange.ListInput.__annotations__
    shown = {key: getattr(kind, "__forward_arg__", kind) for key, kind in kinds.items()}
    assert shown["class"] == "str"
    assert shown["a-b"] == "int | None"
    assert shown["list"] == "list[Node]"
    assert shown["1st"] == """Literal["x", 'y"', 1, True, None]"""
    assert shown["again"] == "NotRequired[ListInput]"
    assert shown["odd"] == "NotRequired[Any]"
    assert shown["map"] == "NotRequired[dict[str, list[bool]]]"
    assert shown["pair"] == "NotRequired[list[Any]]"
    assert shown["either"].startswith("NotRequired[str | ListInputEither")
    node = {key: kind.__forward_arg__ for key, kind in strange.Node.__annotations__.items()}
    assert node == {"value": "int", "next": "NotRequired[Node]"}


def test_a_plugin_without_functions_has_a_client_too(tmp_path):
    file = tmp_path / "empty.py"
    file.write_text(client_source("empty", "", []))
    assert loaded(file).Empty


@pytest.mark.long
def test_clients_of_all_shipped_plugins_and_of_strange_ones_are_well_typed(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "strange_client.py").write_text(client_source("strange", "1.0", FUNCTIONS))
    for path in SHIPPED:
        manifest = read_subject(path).manifest
        source = client_source(manifest.name, manifest.version, manifest.functions)
        (tmp_path / client_file(manifest.name)).write_text(source)
    (tmp_path / "use.py").write_text(USE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", ".cache", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout == 'use.py:8: note: Revealed type is "builtins.int"\n', done.stdout + done.stderr


USE = """\
from omnicore import Host
from text_client import AsyncText, Text


def use() -> None:
    with Host() as host:
        text = Text(host)
        reveal_type(text.count_vowels("hello")["count"])


async def use_async() -> int:
    async with Host() as host:
        return (await AsyncText(host).count_vowels("hello", timeout_s=1.0))["count"]
"""


def test_a_client_calls_the_plugin(tmp_path):
    manifest = read_subject(ROOT / "plugins/text/dist/text.wasm").manifest
    file = tmp_path / client_file("text")
    file.write_text(client_source("text", manifest.version, manifest.functions))
    client = loaded(file)
    (tmp_path / "plugins").mkdir()
    shutil.copy(ROOT / "plugins/text/dist/text.wasm", tmp_path / "plugins")
    settings = {"plugins": tmp_path / "plugins", "data": tmp_path / "data", "watch": False}
    with Host(**settings) as host:
        assert client.Text(host).count_vowels("hello") == {"count": 2}

    async def wait() -> Any:
        async with Host(**settings) as host:
            return await client.AsyncText(host).slug("Hello, World!")

    assert asyncio.run(wait()) == "hello-world"


@pytest.mark.parametrize("breaks", ["\n", "\r", "\r\n", "\x0c", "\u2028"])
def test_nothing_that_a_manifest_says_becomes_code(breaks: str) -> None:
    evil = f'"""{breaks}import nowhere{breaks}"""{breaks}# \\'
    fields = {"plain": {"type": "string", "description": evil}, evil: {"const": evil, "description": evil}}
    schemas = [{"type": "object", "description": evil, "properties": dict([one])} for one in fields.items()]
    functions = [FunctionSpec("f", evil, schema, schema, "application/json", "application/json") for schema in schemas]
    tree = ast.parse(client_source("evil", evil, functions))
    imported = [one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    assert not [one for one in ast.walk(tree) if isinstance(one, ast.Import)]
    assert imported == ["__future__", "typing", "omnicore"]
