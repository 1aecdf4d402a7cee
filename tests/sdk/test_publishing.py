"""The kits can be packed as their registries want them, and no text names a registry that does not have them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from host_build.published import ROOT, published, texts, told
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


def _run(*command: str, cwd: Path, lacking: str) -> str:
    """Whatever a tool prints; the test is skipped where it lacks what it cannot get here."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if ran.returncode and re.search(lacking, ran.stderr):
        pytest.skip(ran.stderr.strip().splitlines()[-1])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.toolchain
def test_npm_packs_the_kit_and_nothing_else() -> None:
    (packed,) = json.loads(_run("npm", "pack", "--dry-run", "--json", cwd=ROOT / "sdk" / "js", lacking="ENOTCACHED"))
    files = {one["path"] for one in packed["files"]}
    assert {"index.d.ts", "omnicore.d.ts", "testing.mjs", "testing.d.ts", "src/nouns/kv.js", "README.md"} <= files
    assert [one for one in files if one.startswith(("engine", "conformance", "examples"))] == []


@pytest.mark.toolchain
@pytest.mark.parametrize("crate", ["sdk/rust", "sdk/rust/macros"])
def test_cargo_packs_the_kit_and_nothing_else(crate: str) -> None:
    command = ("cargo", "package", "--list", "--allow-dirty", "--offline")
    files = _run(*command, cwd=ROOT / crate, lacking="no matching package|offline").split()
    assert {"Cargo.toml", "src/lib.rs"} <= set(files)
    assert [one for one in files if one.startswith(("conformance", "examples", "macros/", "target"))] == []


@pytest.mark.toolchain
def test_pip_makes_a_wheel_of_the_kit(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), ".")
    _run(*pip, cwd=ROOT / "sdk" / "python", lacking="No matching distribution found for hatchling|No module named pip")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert {"omnicore_sdk/__init__.py", "omnicore_sdk/kv.py", "omnicore_sdk/py.typed"} <= names
    assert [one for one in names if not one.startswith("omnicore_sdk")] == []
