"""The kit for C: its own tests, its examples, and the tests of the template."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sdk.generate.contract import DOORS, ROOT

from omnicore.sandbox.inspect import inspect
from omnicore.toolchains import c

KIT = ROOT / "sdk" / "c"
TEMPLATE = ROOT / "host" / "omnicore" / "cli" / "templates" / "plugin-c"
COMPILERS = {
    "gcc": [shutil.which("gcc")],
    "zig": [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else [None],
}
needs_zig = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="the package ziglang is not here")
pytestmark = pytest.mark.toolchain


def native(compiler: str, source: Path, target: Path) -> str:
    """What a program says that is built from one file."""
    words = COMPILERS[compiler]
    if words[0] is None:
        pytest.skip(f"there is no {compiler} on this machine")
    built = subprocess.run(
        [*words, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", str(KIT), "-o", str(target), str(source)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([str(target)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_kits_own_tests_pass(compiler, tmp_path):
    assert native(compiler, KIT / "tests" / "kit_test.c", tmp_path / "kit_test") == "all is well\n"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_templates_tests_pass_without_a_host(compiler, tmp_path):
    for name in ("plugin.c", "plugin_test.c"):
        (tmp_path / name).write_text((TEMPLATE / name).read_text().replace("@name@", "hello"))
    assert native(compiler, tmp_path / "plugin_test.c", tmp_path / "plugin_test") == "all is well\n"


def test_there_is_an_example_for_each_noun():
    assert {path.stem for path in KIT.glob("examples/*.c")} == set(DOORS)


@needs_zig
@pytest.mark.parametrize("door", DOORS)
def test_an_example_builds_and_imports_its_own_door_alone(door):
    module = inspect(compiled(KIT / "examples" / f"{door}.c"))
    assert {item.name.split("_")[0] for item in module.imports if item.module == "extism:host/user"} == {door}


@needs_zig
def test_the_readmes_function_builds(tmp_path):
    (tmp_path / "plugin.c").write_text((KIT / "README.md").read_text().split("```c\n")[1].split("```")[0])
    assert "greet" in {export.name for export in inspect(compiled(tmp_path)).exports}


@needs_zig
def test_the_conformance_plugin_is_as_its_source_builds_it():
    if importlib.metadata.version("ziglang") != "0.17.0":
        pytest.skip("another version of Zig gives other bytes")
    assert compiled(KIT / "conformance") == (KIT / "conformance" / "dist" / "conformance.wasm").read_bytes()


def compiled(path: Path) -> bytes:
    source = c.C.find(path)
    assert source is not None
    built = c.C.build(source, lambda line: None)
    assert built.notes == ()
    return built.wasm
