"""Every dependency is locked with its hash: Python's for CI and the image, Rust's, and npm's."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
_PYTHONS = ("3.11", "3.12", "3.13")
LOCKS = ("locked.txt", "runtime.txt", "image.txt", "build.txt")
_CRATES = 'source = "registry+https://github.com/rust-lang/crates.io-index"'
"""What every Cargo.lock calls the usual registry, whatever machine wrote it; no host of a mirror."""


def locked(name: str) -> dict[str, list[tuple[str, Marker | None, int]]]:
    """The packages of a lock by name: version, marker, number of hashes."""
    found: dict[str, list[tuple[str, Marker | None, int]]] = {}
    text = (ROOT / "requirements" / name).read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if not line or line.lstrip().startswith("#"):
            continue
        words = re.split(r"\s+--hash=", line.strip())
        requirement = Requirement(words[0])
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        entry = (pin.version, requirement.marker, len(words) - 1)
        found.setdefault(canonicalize_name(requirement.name), []).append(entry)
    return found


def asked() -> Iterator[Requirement]:
    """What pyproject.toml, requirements/*.in and tox.ini ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    own = (*project["project"]["dependencies"], *project["build-system"]["requires"])
    for text in (*own, *(one for extra in extras for one in extra)):
        yield Requirement(text)
    for file in sorted((ROOT / "requirements").glob("*.in")):
        yield from (Requirement(line) for line in file.read_text("utf-8").splitlines() if line and line[0] != "#")
    tox = (ROOT / "tox.ini").read_text("utf-8")
    for block in re.findall(r"^deps =((?: .*)?(?:\n    .*)*)", tox, re.MULTILINE):
        yield from (Requirement(line) for line in block.split("\n") if line.strip() and "{" not in line)


def test_what_is_asked_for_is_locked_on_every_python() -> None:
    lock = locked("locked.txt")
    missing = []
    for requirement in asked():
        if requirement.name == "omnicore":
            continue
        for python in _PYTHONS:
            fits = [
                version
                for version, marker, _ in lock.get(canonicalize_name(requirement.name), [])
                if _holds(marker, python) and requirement.specifier.contains(version, prereleases=True)
            ]
            if not fits and _holds(requirement.marker, python):
                missing.append(f"{requirement} on {python}")
    assert missing == [], "run `tox -e lock`"


def _holds(marker: Marker | None, python: str) -> bool:
    surroundings = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return marker is None or marker.evaluate(surroundings)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_lock_names_a_host(name: str) -> None:
    assert [package for package, entries in locked(name).items() if any(not count for _, _, count in entries)] == []
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text


def test_the_image_installs_what_the_tests_ran_with() -> None:
    whole = locked("locked.txt")
    different = {
        package: (versions, whole.get(package))
        for package, entries in [*locked("image.txt").items(), *locked("build.txt").items()]
        if not (versions := {version for version, _, _ in entries})
        <= {version for version, _, _ in whole.get(package, [])}
    }
    assert different == {}
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert dockerfile.count("--require-hashes") == 2  # of what builds, and of what runs
    steps = [
        step for line in _installs(dockerfile) for step in line.split("&&") if re.search(r"pip .*(wheel|install)", step)
    ]
    assert all(any(word in step for word in ("--no-deps", "--no-index", "--require-hashes")) for step in steps)


def _installs(dockerfile: str) -> list[str]:
    return [line for line in dockerfile.replace("\\\n", " ").splitlines() if re.search(r"pip .*(wheel|install)", line)]


def test_tox_takes_the_lock() -> None:
    tox = (ROOT / "tox.ini").read_text("utf-8")
    assert "constraints = requirements/locked.txt\nconstrain_package_deps = true" in tox
    assert "PIP_CONSTRAINT = {tox_root}/requirements/locked.txt" in tox


def _crates() -> list[Path]:
    skipped = {"target", "templates", ".tox", "node_modules", "macros", "examples"}
    return [path.parent for path in ROOT.glob("*/**/Cargo.toml") if not skipped & set(path.relative_to(ROOT).parts)]


@pytest.mark.parametrize("folder", _crates(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_every_crate_that_is_built_here_has_a_lock_with_checksums(folder: Path) -> None:
    lock = (folder / "Cargo.lock").read_text("utf-8")
    packages = tomllib.loads(lock)["package"]
    assert [one["name"] for one in packages if "source" in one and "checksum" not in one] == []
    assert {line for line in lock.splitlines() if "://" in line} <= {_CRATES}
    manifest = tomllib.loads((folder / "Cargo.toml").read_text("utf-8"))
    assert manifest["package"]["name"] in {one["name"] for one in packages}


def test_locks_of_npm_hold_hashes_and_no_addresses() -> None:
    found = [path.relative_to(ROOT) for path in ROOT.glob("*/**/package-lock.json")]
    others = ("node_modules", ".tox", ".venv")  # of packages that are installed here
    locks = [ROOT / path for path in found if not set(others) & set(path.parts)]
    assert locks
    for path in locks:
        packages = json.loads(path.read_text("utf-8")).get("packages", {})
        wrong = [name for name, one in packages.items() if name and not one.get("link") and "integrity" not in one]
        assert wrong == [], path
        assert [name for name, one in packages.items() if "resolved" in one] == [], path


def test_the_lock_is_for_every_python_that_is_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert SpecifierSet(project["requires-python"]).contains(_PYTHONS[0])
