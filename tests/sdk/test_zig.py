"""The kit for Zig: its own tests, its examples, and the tests of the template."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from sdk.generate.contract import DOORS, ROOT

from omnicore.toolchains import c

KIT = ROOT / "sdk" / "zig"
TEMPLATE = ROOT / "host" / "omnicore" / "cli" / "templates" / "plugin-zig"
TARGET = ("-target", "wasm32-freestanding", "-fno-entry", "-rdynamic", "-fno-emit-bin")
pytestmark = [
    pytest.mark.toolchain,
    pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="the package ziglang is not here"),
]


def run(*words: str, cwd: Path) -> str:
    """What Zig says when all goes well."""
    env: Mapping[str, str] = {**os.environ, **c.environment()}
    done = subprocess.run([sys.executable, "-m", "ziglang", *words], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def modules(root: Path) -> tuple[str, ...]:
    return "--dep", "omnicore", f"-Mroot={root}", f"-Momnicore={KIT / 'omnicore.zig'}"


@pytest.mark.slow
def test_the_kits_own_tests_pass():
    assert "tests passed" in run("test", "omnicore.zig", cwd=KIT)


@pytest.mark.slow
def test_the_templates_tests_pass_without_a_host(tmp_path):
    (tmp_path / "plugin.zig").write_text((TEMPLATE / "plugin.zig").read_text().replace("@name@", "hello"))
    assert "All 2 tests passed" in run("test", *modules(tmp_path / "plugin.zig"), cwd=tmp_path)


def test_made_and_written_zig_is_formatted():
    assert run("fmt", "--check", str(KIT), str(TEMPLATE), cwd=KIT) == ""


def test_there_is_an_example_for_each_noun():
    assert {path.stem for path in KIT.glob("examples/*.zig")} == set(DOORS)


@pytest.mark.parametrize("door", DOORS)
def test_an_example_compiles(door, tmp_path):
    run("build-exe", *TARGET, *modules(KIT / "examples" / f"{door}.zig"), cwd=tmp_path)


def test_the_readmes_function_compiles(tmp_path):
    (tmp_path / "plugin.zig").write_text((KIT / "README.md").read_text().split("```zig\n")[1].split("```")[0])
    run("build-exe", *TARGET, *modules(tmp_path / "plugin.zig"), cwd=tmp_path)


@pytest.mark.slow
def test_the_conformance_plugin_is_as_its_source_builds_it():
    if importlib.metadata.version("ziglang") != "0.17.0":
        pytest.skip("another version of Zig gives other bytes")
    source = c.ZIG.find(KIT / "conformance")
    assert source is not None
    kept = KIT / "conformance" / "dist" / "conformance.wasm"
    assert c.ZIG.build(source, lambda line: None).wasm == kept.read_bytes()
