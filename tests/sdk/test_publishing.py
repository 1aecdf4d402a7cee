"""The kits can be packed as their registries want them, and no text names a registry that does not have them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from host_build.published import ROOT, go_path, published, renamed, texts, told
from tests.architecture.test_tracked_files import tracked_files

_STRANGE = re.compile(
    r"npm (install|i|add) [^`\n]*\bomnicore\b|cargo add [^`\n]*omnicore|go get [^`\n]*omnicore"
    r"|pip install '?omnicore'?(?![\w\[])"
)


def test_one_switch_says_where_omnicore_is_installed_from() -> None:
    stale = [
        path.name for path in texts() if told(path.read_text("utf-8"), released=published()) != path.read_text("utf-8")
    ]
    assert stale == [], "python host_build/published.py writes them"
    for path in texts():
        text = path.read_text("utf-8")
        assert told(told(text, released=not published()), released=published()) == text, path
        assert "/path/to/omnicore" not in told(text, released=True)


def test_one_place_says_where_the_go_modules_are() -> None:
    assert "." in go_path().partition("/")[0]
    for module, folder in (("sdk", "sdk/go"), ("client", "sdk/clients/go"), ("client/fleet", "sdk/clients/go/fleet")):
        assert f"module {go_path()}/{module}\n" in (ROOT / folder / "go.mod").read_text("utf-8"), (
            "python host_build/published.py writes them"
        )
    text = 'import "here.is/sdk/kv" // /x/here.is/sdk, here.is/sdks'
    assert renamed(text, "here.is", "a.b/c") == 'import "a.b/c/sdk/kv" // /x/here.is/sdk, here.is/sdks'


@pytest.mark.skipif(published(), reason="registries have them")
def test_nobody_is_told_to_install_from_a_registry_what_is_not_there() -> None:
    """With an extra pip looks for what OmniCore lacks, and not for OmniCore: it is installed when a message says so."""
    wrong = [
        f"{name}: {found[0]}"
        for name in tracked_files(ROOT)
        if name.endswith((".md", ".py")) and not name.startswith("tests/") and name != "host_build/published.py"
        for found in _STRANGE.finditer((ROOT / name).read_text("utf-8"))
    ]
    assert wrong == []


@pytest.mark.skipif(published(), reason="registries have them")
def test_no_kit_is_published_by_accident() -> None:
    for name in ("sdk/js", "sdk/clients/ts"):
        assert json.loads((ROOT / name / "package.json").read_text())["private"] is True, name
    for name in ("sdk/rust", "sdk/rust/macros"):
        assert tomllib.loads((ROOT / name / "Cargo.toml").read_text())["package"]["publish"] is False, name
    project = tomllib.loads((ROOT / "sdk/python/pyproject.toml").read_text())["project"]
    assert "Private :: Do Not Upload" in project["classifiers"]


def _run(*command: str, cwd: Path, lacking: str, env: Mapping[str, str] | None = None) -> str:
    """Whatever a tool prints; the test is skipped where it lacks what it cannot get here."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    ran = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )
    if ran.returncode and re.search(lacking, ran.stderr):
        pytest.skip(ran.stderr.strip().splitlines()[-1])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.toolchain
def test_npm_packs_the_kit_and_nothing_else(tmp_path: Path) -> None:
    pack = ("npm", "pack", "--json", "--pack-destination", str(tmp_path))
    (packed,) = json.loads(_run(*pack, cwd=ROOT / "sdk" / "js", lacking="ENOTCACHED"))
    files = {one["path"] for one in packed["files"]}
    assert {"index.d.ts", "omnicore.d.ts", "testing.mjs", "testing.d.ts", "src/nouns/kv.js", "README.md"} <= files
    assert [one for one in files if one.startswith(("engine", "conformance", "examples"))] == []
    install = ("npm", "install", "--offline", "--no-audit", "--no-fund", f"./{packed['filename']}")
    _run(*install, cwd=tmp_path, lacking="ENOTCACHED")
    text = """
import { kv } from "omnicore";
import { host } from "omnicore/testing";
kv.put("a", "b");
console.log(host.kv.get("a").value);
"""
    assert _run("node", "--input-type=module", "-e", text, cwd=tmp_path, lacking="^$") == "b\n"


@pytest.mark.toolchain
@pytest.mark.parametrize("crate", ["sdk/rust", "sdk/rust/macros"])
def test_cargo_packs_the_kit_and_nothing_else(crate: str) -> None:
    command = ("cargo", "package", "--list", "--allow-dirty", "--offline")
    files = _run(*command, cwd=ROOT / crate, lacking="no matching package|offline").split()
    assert {"Cargo.toml", "src/lib.rs"} <= set(files)
    assert [one for one in files if one.startswith(("conformance", "examples", "macros/", "target"))] == []


@pytest.mark.toolchain
@pytest.mark.timeout(600)
def test_cargo_builds_the_packed_crates(tmp_path: Path) -> None:
    """Both at once, as for a release: the kit needs the macros from a registry, and here cargo stands in for one."""
    copy = tmp_path / "rust"
    shutil.copytree(ROOT / "sdk" / "rust", copy, ignore=shutil.ignore_patterns("target", "conformance", "examples"))
    for manifest in (copy / "Cargo.toml", copy / "macros" / "Cargo.toml"):
        manifest.write_text(manifest.read_text().replace("publish = false\n", ""))
    with (copy / "Cargo.toml").open("a") as manifest:
        manifest.write('\n[workspace]\nmembers = ["macros"]\n')
    command = ("cargo", "package", "--workspace", "--allow-dirty", "--offline", "--quiet")
    _run(
        *command,
        cwd=copy,
        lacking=r"no matching package named `(?!omnicore)|failed to download|attempting to make an HTTP",
    )
    assert {one.name for one in (copy / "target" / "package").glob("*.crate")} == {
        "omnicore-sdk-0.1.0.crate",
        "omnicore-sdk-macros-0.1.0.crate",
    }


@pytest.mark.toolchain
def test_go_takes_the_kit_from_where_modules_are_published(tmp_path: Path) -> None:
    """As a proxy of modules serves them, a folder of files is enough for `go get`."""
    cached = _run("go", "env", "GOMODCACHE", cwd=tmp_path, lacking="no go").strip()
    path, version = f"{go_path()}/sdk", "v0.1.0"
    place = tmp_path / "proxy" / path / "@v"
    place.mkdir(parents=True)
    kit = ROOT / "sdk" / "go"
    nested = [one.parent for one in kit.rglob("go.mod") if one.parent != kit]
    with zipfile.ZipFile(place / f"{version}.zip", "w") as packed:
        for name in tracked_files(ROOT):
            file = ROOT / name
            if file.is_relative_to(kit) and not any(file.is_relative_to(one) for one in nested):
                packed.write(file, f"{path}@{version}/{file.relative_to(kit)}")
    shutil.copyfile(kit / "go.mod", place / f"{version}.mod")
    (place / f"{version}.info").write_text(json.dumps({"Version": version}))
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "go.mod").write_text("module mine\n\ngo 1.24\n")
    (plugin / "main.go").write_text(f'package main\n\nimport "{path}/log"\n\nfunc main() {{ log.Info("x") }}\n')
    env = {
        "GOPROXY": f"file://{tmp_path}/proxy,file://{cached}/cache/download",
        "GOSUMDB": "off",
        "GOMODCACHE": str(tmp_path / "cache"),
        "GOFLAGS": "-modcacherw",
    }
    _run("go", "get", f"{path}@{version}", cwd=plugin, lacking="go-pdk.*no such file", env=env)
    _run("go", "mod", "tidy", cwd=plugin, lacking="go-pdk.*no such file", env=env)
    wasm = {"GOOS": "wasip1", "GOARCH": "wasm"}
    _run("go", "vet", "./...", cwd=plugin, lacking="^$", env=env)
    _run("go", "build", "-buildmode=c-shared", "-o", "x.wasm", ".", cwd=plugin, lacking="^$", env=env | wasm)
    assert (plugin / "x.wasm").read_bytes().startswith(b"\0asm")
    assert f"{path} {version}" in (plugin / "go.mod").read_text()


@pytest.mark.toolchain
def test_pip_makes_a_wheel_of_the_kit(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), ".")
    _run(*pip, cwd=ROOT / "sdk" / "python", lacking="No matching distribution found for hatchling|No module named pip")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert {"omnicore_sdk/__init__.py", "omnicore_sdk/kv.py", "omnicore_sdk/py.typed"} <= names
    assert [one for one in names if not one.startswith("omnicore_sdk")] == []
    place = tmp_path / "installed"
    _run(
        *pip[:3],
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(place),
        str(wheel),
        cwd=tmp_path,
        lacking="^$",
    )
    text = """
from omnicore_sdk import kv
from omnicore_sdk.testing import FakeHost
with FakeHost(kv={"a": "b"}):
    print(kv.get("a").value.decode())
"""
    command = (sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(place)!r})\n{text}")
    assert _run(*command, cwd=tmp_path, lacking="^$") == "b\n"
