"""The kit for Go: its own tests, its examples, and a plugin built without omnicore."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sdk.generate.contract import DOORS, ROOT

from omnicore.sandbox.inspect import inspect
from omnicore.toolchains import go

KIT = ROOT / "sdk" / "go"
TEMPLATE = ROOT / "host" / "omnicore" / "cli" / "templates" / "plugin-go"
pytestmark = [
    pytest.mark.toolchain,
    pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go on this machine"),
]


def run(*words: str, cwd: Path, **env: str) -> str:
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", **env}
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compiled(path: Path) -> bytes:
    source = go.TOOLCHAIN.find(path)
    assert source is not None
    return go.TOOLCHAIN.build(source, lambda line: None).wasm


def test_the_kits_own_tests_pass():
    run("go", "vet", "./...", cwd=KIT)
    assert "ok" in run("go", "test", "./...", cwd=KIT)


def test_made_and_written_go_is_formatted():
    assert run("gofmt", "-l", str(KIT), str(TEMPLATE), str(ROOT / "plugins" / "csv"), cwd=KIT) == ""


def test_there_is_an_example_for_each_noun():
    assert {path.stem for path in KIT.glob("examples/*.go")} == set(DOORS)


@pytest.mark.parametrize("door", DOORS)
def test_an_example_builds_and_imports_its_own_door_alone(door):
    module = inspect(compiled(KIT / "examples" / f"{door}.go"))
    assert {item.name.split("_")[0] for item in module.imports if item.module == "extism:host/user"} == {door}


def test_the_template_can_be_built_by_go_alone(tmp_path):
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    module = (TEMPLATE / "go.mod").read_text().replace("@name@", "hello").replace("./sdk", str(KIT))
    (tmp_path / "go.mod").write_text(module)
    exports = (tmp_path / "omnicore_exports.go").read_bytes()
    run("go", "generate", "./...", cwd=tmp_path)
    assert (tmp_path / "omnicore_exports.go").read_bytes() == exports
    run("go", "test", "./...", cwd=tmp_path)
    run(
        "go",
        "build",
        "-trimpath",
        "-buildmode=c-shared",
        "-o",
        "p.wasm",
        ".",
        cwd=tmp_path,
        GOOS="wasip1",
        GOARCH="wasm",
    )
    module = inspect((tmp_path / "p.wasm").read_bytes())
    assert {"shout", "greet"} <= {export.name for export in module.exports}


def test_the_conformance_plugin_is_as_its_source_builds_it():
    if "go1.26.8" not in run("go", "version", cwd=KIT):
        pytest.skip("another version of Go gives other bytes")
    kept = KIT / "conformance" / "dist" / "conformance.wasm"
    assert compiled(KIT / "conformance") == kept.read_bytes()
