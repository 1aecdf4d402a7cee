"""Builds in a folder that was cloned: nothing of it runs outside of the sandbox before its owner trusts it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.attack.commands import Commands, commands

from omnicore.config.trust import TrustRecord
from omnicore.errors import OmniError
from omnicore.toolchains.languages import LANGUAGES, find_source, native_part, python_program, run

__all__ = ["commands"]

SAID = "said"
SCRIPT = f"#!/bin/sh\ntouch {SAID}\nexit 1\n"
MODULE = f"from pathlib import Path\nPath({SAID!r}).touch()\nraise SystemExit(1)\n"
GO = 'package main\nimport _ "kit.example/sdk"\n//omnicore:export\nfunc hello() {}\nfunc main() {}\n'
FOLDERS: Mapping[str, Mapping[str, str]] = {
    "rust": {
        "Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n',
        "src/lib.rs": "",
        "build.rs": f'fn main() {{ std::fs::write("{SAID}", "").unwrap() }}',
        ".cargo/config.toml": '[build]\nrustc-wrapper = "./run"\n',
        "run": SCRIPT,
    },
    "go": {
        "go.mod": "module x\n\ngo 1.24\n\nrequire kit.example/sdk v0.0.0\n\nreplace kit.example/sdk => ./sdk\n",
        "main.go": GO,
        "sdk/go.mod": "module kit.example/sdk\n\ngo 1.24\n",
        "sdk/sdk.go": "package sdk\n",
        "sdk/exports/main.go": f'package main\nimport "os"\nfunc main() {{ os.Create("{SAID}") }}\n',
    },
    "js": {
        "plugin.ts": "export function hello() {}",
        "package.json": json.dumps({"scripts": {"preinstall": f"touch {SAID}", "build": f"touch {SAID}"}}),
        "node_modules/.bin/esbuild": SCRIPT,
    },
    "c": {"plugin.c": "int hello(void) { return 0; }", "ziglang.py": MODULE, "ziglang/__main__.py": MODULE},
    "zig": {"plugin.zig": "", "ziglang.py": MODULE, "ziglang/__main__.py": MODULE},
    "assemblyscript": {
        "asconfig.json": "{}",
        "package.json": json.dumps({"scripts": {"preinstall": f"touch {SAID}"}}),
        "node_modules/assemblyscript/bin/asc.js": f'require("fs").writeFileSync("{SAID}", "")',
        "node_modules/.package-lock.json": "{}",
    },
    "python": {"plugin.py": "def hello() -> str: return ''", "componentize_py.py": MODULE, "conftest.py": MODULE},
}


def cloned(folder: Path, language: str) -> Path:
    for name, text in FOLDERS[language].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def test_every_language_has_a_folder_here() -> None:
    assert set(FOLDERS) == set(LANGUAGES)
    assert [name for name in LANGUAGES if not native_part(name)] == ["js"]


@pytest.mark.parametrize("language", FOLDERS)
@pytest.mark.parametrize("command", [("build", "."), ("dev", ".", "--port", "0")], ids=["build", "dev"])
def test_a_build_in_a_clone_runs_none_of_its_code(
    tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch, language: str, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("omnicore.cli.build.serve_folder", lambda *_, **__: None)
    ran = commands(*command, folder=cloned(tmp_path / "clone", language))
    assert "is not trusted" in ran.err
    assert "`omnicore trust" in ran.err
    assert ran.code == (3 if command[0] == "build" else 0)
    assert list(tmp_path.rglob(SAID)) == []


def test_trust_in_a_folder_above_does_not_count(tmp_path: Path, commands: Commands) -> None:
    folder = cloned(tmp_path / "mine" / "clone", "js")
    assert commands("trust", "--yes", folder=tmp_path / "mine").code == 0
    assert commands("build", ".", folder=folder).code == 3
    assert not (folder / SAID).exists()


def test_once_trusted_it_builds_whatever_is_edited_later(tmp_path: Path, commands: Commands) -> None:
    folder = cloned(tmp_path / "clone", "js")
    assert commands("trust", "--yes", folder=folder).code == 0
    (folder / "plugin.ts").write_text("export function other() {}")
    commands("build", ".", folder=folder)
    assert (folder / SAID).exists()  # the esbuild of its node_modules, which its owner trusts now
    (folder / SAID).unlink()
    assert commands("trust", "--revoke", folder=folder).code == 0
    assert commands("build", ".", folder=folder).code == 3
    assert not (folder / SAID).exists()


def test_another_folder_in_the_place_of_a_trusted_one_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    TrustRecord().add(folder, {}, by="ann", at=0.0)
    assert TrustRecord().of(folder) is not None
    folder.rename(tmp_path / "was")
    folder.mkdir()
    assert TrustRecord().of(folder) is None


def test_plain_javascript_needs_no_trust(tmp_path: Path, commands: Commands) -> None:
    (tmp_path / "plugin.js").write_text("export function hello() { return 'hi'; }")
    assert commands("build", ".", folder=tmp_path).code == 0


@pytest.mark.parametrize("command", [("build", "clone"), ("dev", "clone", "--port", "0")], ids=["build", "dev"])
def test_a_build_in_a_clone_writes_into_no_other_folder(
    tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("omnicore.cli.build.serve_folder", lambda *_, **__: None)
    (tmp_path / "mine").mkdir()
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "plugin.js").write_text("export function hello() { return 'hi'; }")
    (tmp_path / "clone" / "plugins").symlink_to(tmp_path / "mine")
    ran = commands(*command, folder=tmp_path)
    assert "leads out of" in ran.err
    assert ran.code != 0
    assert list((tmp_path / "mine").iterdir()) == []


def test_what_was_made_here_is_trusted(tmp_path: Path, commands: Commands) -> None:
    assert commands("new", "greeter", "-t", "plugin-c", folder=tmp_path).code == 0
    assert str(tmp_path / "greeter") in commands("trust", "--ls", folder=tmp_path).out


def test_a_compiler_is_never_a_module_of_the_folder_it_runs_in(tmp_path: Path) -> None:
    (tmp_path / "platform.py").write_text(MODULE)
    run([*python_program("platform", language="C", install="")], cwd=tmp_path, language="C")
    assert not (tmp_path / SAID).exists()
    assert sys.executable


@pytest.mark.toolchain
@pytest.mark.parametrize("name", ["-fplugin=evil.c", "@options.c"])
def test_the_name_of_a_source_is_never_an_option(tmp_path: Path, name: str) -> None:
    pytest.importorskip("ziglang")
    (tmp_path / "plugin.c").write_text("int hello(void) { return 0; }")
    (tmp_path / name).write_text("--help")
    toolchain, source = find_source(tmp_path, "c")
    with pytest.raises(OmniError) as caught:
        toolchain.build(source, lambda line: None)
    assert f"./{name}" in str(caught.value)
