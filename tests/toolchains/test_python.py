"""A folder or file of Python becomes a component by componentize-py, and the host runs it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore import BlockingHost, Host
from omnicore.errors import BuildFailed, GuestFailed, InvalidInput, ToolMissing
from omnicore.toolchains import python
from omnicore.toolchains.build import build, write
from omnicore.toolchains.languages import PluginSource, find_source
from omnicore.toolchains.python import TOOLCHAIN

ROOT = Path(__file__).parents[2]
STATS = ROOT / "plugins" / "stats"
HELLO = "from omnicore_sdk import function\n@function\ndef hello() -> str:\n    return 'hello'\n"
needs_compiler = pytest.mark.skipif(
    importlib.util.find_spec("componentize_py") is None,
    reason="no componentize-py: pip install 'omnicore[python-guest]'",
)


def silent(_line: str) -> None:
    pass


def source(folder: Path, text: str, name: str = "plugin.py") -> PluginSource:
    (folder / name).write_text(text)
    found = TOOLCHAIN.find(folder)
    assert found is not None
    return found


def test_a_folder_is_known_by_its_file_and_a_file_by_its_ending(tmp_path: Path) -> None:
    folder = tmp_path / "greeter"
    folder.mkdir()
    assert TOOLCHAIN.find(folder) is None
    (folder / "app.py").write_text("")
    (folder / "words.py").write_text("")
    assert TOOLCHAIN.find(folder) == PluginSource("python", folder, folder / "app.py", "greeter")
    (folder / "plugin.py").write_text("")
    assert TOOLCHAIN.find(folder) == PluginSource("python", folder, folder / "plugin.py", "greeter")
    assert TOOLCHAIN.find(folder / "plugin.py") == PluginSource("python", folder, folder / "plugin.py", "greeter")
    assert TOOLCHAIN.find(folder / "words.py") == PluginSource("python", folder, folder / "words.py", "words")
    assert TOOLCHAIN.find(tmp_path / "none") is None


def test_a_missing_compiler_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match="componentize_py") as caught:
        TOOLCHAIN.build(source(tmp_path, HELLO), silent)
    assert caught.value.remedy == "pip install 'omnicore[python-guest]'"


@needs_compiler
def test_packages_that_are_named_but_not_there_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mistune\n")
    with pytest.raises(BuildFailed, match=r"requirements\.txt") as caught:
        TOOLCHAIN.build(source(tmp_path, HELLO), silent)
    assert caught.value.remedy == "pip install --target vendor -r requirements.txt"


@needs_compiler
@pytest.mark.slow
@pytest.mark.toolchain
def test_a_door_called_while_the_plugin_is_loaded_is_named(tmp_path: Path) -> None:
    text = HELLO + "from omnicore_sdk import kv\nkv.get('k')\n"
    with pytest.raises(BuildFailed, match=r"the plugin calls kv\.get while it is loaded"):
        TOOLCHAIN.build(source(tmp_path, text), silent)


LOADED = """Traceback (most recent call last):
  File "<string>", line 1, in <module>
AssertionError: Traceback (most recent call last):
  File "/0/omnicore_app.py", line 10, in <module>
    import plugin
  File "/0/plugin.py", line 5, in <module>
    raise ValueError("no data")
ValueError: no data


Caused by:
    ValueError: no data
"""


def test_what_fails_while_it_is_loaded_is_told_as_python_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> str:
        raise BuildFailed("python failed with code 1", remedy="mend it", output=LOADED)

    monkeypatch.setattr(python, "run", failing)
    monkeypatch.setattr(python, "python_program", lambda *_, **__: [])
    with pytest.raises(BuildFailed) as caught:
        TOOLCHAIN.build(source(tmp_path, HELLO), silent)
    assert caught.value.fact.splitlines() == [
        "the plugin cannot be loaded:",
        "Traceback (most recent call last):",
        '  File "plugin.py", line 5, in <module>',
        '    raise ValueError("no data")',
        "ValueError: no data",
    ]


def test_a_package_that_is_not_there_comes_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = LOADED.replace("ValueError: no data", "ModuleNotFoundError: No module named 'numpy'")

    def failing(*_: object, **__: object) -> str:
        raise BuildFailed("python failed with code 1", remedy="mend it", output=said)

    monkeypatch.setattr(python, "run", failing)
    monkeypatch.setattr(python, "python_program", lambda *_, **__: [])
    with pytest.raises(BuildFailed, match=r"No module named 'numpy'; pip install --target vendor"):
        TOOLCHAIN.build(source(tmp_path, HELLO), silent)


# Components as the host runs them.

SHOP = '''"""A shop."""
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import helper
from words import WORD

from omnicore_sdk import function, kv, log

DATA = Path(__file__).with_name("data.txt").read_text()


@dataclass
class Order:
    item: str
    count: int = 1
    wrap: Literal["paper", "gift-box"] | None = None


@function
def place(order: Order, by: tuple[float, float], more: int = 0) -> list[Order]:
    """Places an order."""
    print("placing", order.item)
    log.info("placed", item=order.item)
    if order.item == "air":
        raise ValueError("we have no air")
    return [Order(order.item, order.count + more, order.wrap)]


@function
def turned(data: bytes) -> bytes:
    return data[::-1]


@function
def known() -> list[str]:
    """What is in the component."""
    import fractions
    return [DATA, WORD, helper.NAME, str(fractions.Fraction(1, 2))]


@function
def chance() -> tuple[float, float]:
    return random.random(), time.time()


@function
def keep(value: str) -> int:
    return kv.put("k", value)


@function
def late(module: str) -> str:
    return __import__(module).__name__
'''


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingHost]:
    """A host with the shop, a single file, and the plugin `stats`."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "vendor").mkdir()
    (folder / "data.txt").write_text("data")
    (folder / "words.py").write_text("WORD = 'word'\n")
    (folder / "vendor" / "helper.py").write_text("NAME = 'helper'\n")
    (folder / "vendor" / "fast.so").write_bytes(b"")
    (folder / "plugin.toml").write_text('name = "shop"\n')
    shop = build(TOOLCHAIN, source(folder, SHOP), report=silent)
    assert "fast.so in vendor/ has native code" in shop.notes[0]
    stats = build(*find_source(STATS), report=silent)
    plugins = tmp_path_factory.mktemp("plugins")
    write(plugins / "shop.wasm", shop)
    write(plugins / "stats.wasm", stats)
    with Host(plugins=plugins, data=tmp_path_factory.mktemp("data"), watch=False) as opened:
        yield opened


slow = [needs_compiler, pytest.mark.slow, pytest.mark.toolchain, pytest.mark.timeout(300)]


class TestComponents:
    """What is built, in a host."""

    pytestmark = slow

    def test_the_example_answers_as_it_promises(self, host: BlockingHost) -> None:
        for case in json.loads((STATS / "expected.json").read_text()):
            reference = f"stats.{case['function']}"
            if "error" in case:
                with pytest.raises(GuestFailed, match=case["error"]):
                    host.call(reference, case["input"])
            else:
                assert host.call(reference, case["input"]) == case["output"], case

    def test_hints_are_schemas_and_docstrings_descriptions(self, host: BlockingHost) -> None:
        plugin = host.plugins.get("shop")
        assert plugin.description == "A shop."
        place = next(one for one in plugin.functions if one.name == "place")
        assert place.description == "Places an order."
        assert place.input is not None
        assert place.input["required"] == ["order", "by"]
        with pytest.raises(InvalidInput):
            host.call("shop.place", {"order": {"item": 1}, "by": [0, 0]})

    def test_typed_values_come_in_and_go_out(self, host: BlockingHost) -> None:
        order = {"item": "tea", "wrap": "gift-box"}
        found = host.call("shop.place", {"order": order, "by": [1, 2.5], "more": 1})
        assert found == [{"item": "tea", "count": 2, "wrap": "gift-box"}]
        lines = [line.message for line in host.plugins.logs("shop")]
        assert "placing tea" in lines
        assert 'placed item="tea"' in lines
        assert host.call("shop.turned", b"\x00\xff") == b"\xff\x00"

    def test_an_exception_is_the_error_with_its_place(self, host: BlockingHost) -> None:
        with pytest.raises(GuestFailed) as caught:
            host.call("shop.place", {"order": {"item": "air"}, "by": [0, 0]})
        line = SHOP[: SHOP.index("raise ValueError")].count("\n") + 1
        assert f"ValueError: we have no air\n  at plugin.py:{line} in place" in caught.value.fact

    def test_a_door_that_refuses_is_an_error_with_the_remedy(self, host: BlockingHost) -> None:
        with pytest.raises(GuestFailed, match=r"permission-denied: .*kv.*\n  at plugin.py:\d+ in keep"):
            host.call("shop.keep", "v")

    def test_files_and_modules_are_there_as_they_were_at_build_time(self, host: BlockingHost) -> None:
        assert host.call("shop.known") == ["data", "word", "helper", "1/2"]
        with pytest.raises(GuestFailed, match="import it at the top"):
            host.call("shop.late", "sqlite3")

    def test_chance_and_time_are_live(self, host: BlockingHost) -> None:
        first, second = host.call("shop.chance"), host.call("shop.chance")
        assert first[0] != second[0]
        assert second[1] > first[1] > 1_700_000_000


OWN = """from wit_world import WitWorld as Bindings
from omnicore_sdk import config


class WitWorld(Bindings):
    def hello(self, name: str) -> str:
        return f"{config.get('word') or 'Hello'}, {name}!"
"""
OWN_WIT = """package local:hello;
world hello {
    include omnicore:plugin/imports@1.0.0;
    export hello: func(name: string) -> string;
}
"""


@needs_compiler
@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_a_folder_with_its_own_world_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    (folder / "wit").mkdir(parents=True)
    (folder / "wit" / "hello.wit").write_text(OWN_WIT)
    plugin = build(TOOLCHAIN, source(folder, OWN), report=silent)
    assert [one.name for one in plugin.manifest.functions] == ["hello"]


def test_the_kit_that_projects_carry_is_there() -> None:
    assert [name for name in TOOLCHAIN.kit_files if not (ROOT / "sdk" / "python" / name).exists()] == []
