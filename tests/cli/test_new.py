"""`omnicore new` makes a folder that works as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_an_app_has_settings_a_plugin_with_manifest_and_a_readme(omnicore, tmp_path):
    ran = omnicore("new", "demo")
    assert ran.code == 0
    made = {str(path.relative_to(tmp_path / "demo")) for path in (tmp_path / "demo").rglob("*") if path.is_file()}
    assert made == {"README.md", ".gitignore", "omnicore.toml", "plugins/hello.toml", "plugins/hello.wat"}
    assert (tmp_path / "demo" / "README.md").read_text().startswith("# demo\n")
    assert "cd demo" in ran.out


def test_the_settings_of_an_app_are_valid(omnicore, tmp_path):
    omnicore("new", "demo")
    ran = omnicore("config", "show", "limits.timeout_s", "--origin", folder=tmp_path / "demo")
    assert ran.out.splitlines()[1] == "limits.timeout_s\t1.0\tomnicore.toml:7"


def test_json_names_the_files_and_the_next_commands(omnicore):
    document = json.loads(omnicore("new", "demo", "-o", "json").out)
    assert document["folder"] == "demo"
    assert "demo/plugins/hello.wat" in document["files"]
    assert document["next"][0] == "cd demo"


def test_a_folder_with_something_in_it_is_left_alone(omnicore, tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    ran = omnicore("new", "demo")
    assert ran.code == 1
    assert "demo is there and not empty" in ran.err
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(omnicore, tmp_path):
    (tmp_path / "demo").mkdir()
    assert omnicore("new", "demo").code == 0


@pytest.mark.parametrize("name", ["Demo", "1st", "a_b", "..", "a b", "x" * 64])
def test_a_name_that_no_plugin_may_have_is_refused(omnicore, tmp_path, name):
    ran = omnicore("new", name)
    assert ran.code == 2
    assert "lower-case letters" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(omnicore, tmp_path):
    (tmp_path / "file").write_text("")
    ran = omnicore("new", "file/demo")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "file/demo" in ran.err


def test_a_c_plugin_carries_its_name_and_its_build_line(omnicore, tmp_path):
    assert omnicore("new", "loud", "-t", "plugin-c").code == 0
    assert (tmp_path / "loud/plugins/loud.toml").read_text().startswith('name = "loud"')
    assert "-o plugins/loud.wasm plugin.c" in (tmp_path / "loud/build.sh").read_text()


def wasm_compiler() -> str | None:
    """What builds Wasm from C: `WASM_CC`, ziglang beside this Python, or clang with lld."""
    if "WASM_CC" in os.environ:
        return os.environ["WASM_CC"]
    if subprocess.run([sys.executable, "-m", "ziglang", "version"], capture_output=True).returncode == 0:
        return f"{sys.executable} -m ziglang cc"
    return "clang" if shutil.which("clang") and shutil.which("wasm-ld") else None


@pytest.mark.slow
@pytest.mark.skipif(wasm_compiler() is None, reason="no C compiler here builds Wasm")
def test_a_c_plugin_builds_and_answers(omnicore, tmp_path):
    omnicore("new", "loud", "-t", "plugin-c")
    folder: Path = tmp_path / "loud"
    build = subprocess.run(
        ["sh", "build.sh"],
        cwd=folder,
        env={"WASM_CC": wasm_compiler(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert build.returncode == 0
    assert omnicore("call", "loud.shout", "hello", folder=folder).out == "HELLO"
