"""Rebuilds the example plugins and the guests of the tests, and compares them with what is kept in the repository.

    python plugins/build.py [--write] [NAME ...]

Each folder with a `build.sh` is copied to a temporary place and built there, so that nothing here changes and no path of
this machine gets into a module. A folder whose tools are not on this machine is skipped, and says what it lacks.
Fails when a build fails, or when the same version of the tools gives another module. `--write` keeps what was built.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("plugins", "tests/guests")


@dataclass(frozen=True)
class Tool:
    """What `# tools:` in a build.sh names. Where `version` is another, other bytes are to be expected."""

    ask: tuple[str, ...]
    version: str
    install: str


TOOLS = {
    "rust": Tool(
        ("rustc", "--version"),
        "1.95.0",
        "https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
    ),
    "go": Tool(("go", "version"), "1.26.8", "https://go.dev/dl, 1.24 or later"),
    "zig": Tool(("python-zig", "version"), "0.17.0", "`pip install ziglang==0.17.0`"),
    # The compiler itself is fixed by package-lock.json: the version of npm does not matter.
    "npm": Tool(("npm", "--version"), "", "https://nodejs.org, 20 or later"),
}


def main() -> int:
    """Builds, compares, prints a line for each folder. Returns: the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep what was built")
    parser.add_argument("names", nargs="*", metavar="NAME", help="folders; default: all")
    chosen = parser.parse_args()
    found = {folder.name: folder for place in PLACES for folder in folders(ROOT / place)}
    unknown = sorted(set(chosen.names) - set(found))
    if unknown:
        parser.error(f"there is no folder {', '.join(unknown)}; there are {', '.join(found)}")
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="omnicore-plugins-") as scratch:
        copy = copy_sources(Path(scratch))
        os.environ["CARGO_TARGET_DIR"] = f"{scratch}/target"  # crates are built once for all folders
        os.environ["PYTHONPATH"] = str(ROOT / "host")  # where embed.py finds what it shares with `omnicore build`
        os.environ["XDG_STATE_HOME"] = f"{scratch}/state"  # the copies are trusted there, and nowhere else
        os.environ.setdefault("PYTHON", sys.executable)
        for name in chosen.names or found:
            verdict, good = check(found[name], copy / found[name].relative_to(ROOT), write=chosen.write)
            wrong += not good
            print(f"{name:<15} {verdict}", flush=True)
    return 1 if wrong else 0


def folders(place: Path) -> list[Path]:
    """The folders that can be built, in order."""
    return sorted(script.parent for script in place.glob("*/build.sh"))


def copy_sources(scratch: Path) -> Path:
    """A copy of all sources, without what was built from them."""
    ignore = shutil.ignore_patterns("*.wasm", "target", "node_modules", "__pycache__")
    for place in PLACES:
        shutil.copytree(ROOT / place, scratch / place, ignore=ignore)
    for kit in ("go", "rust"):  # some plugins lead there
        shutil.copytree(ROOT / "sdk" / kit, scratch / "sdk" / kit, ignore=ignore)
    return scratch


def check(kept: Path, copy: Path, *, write: bool) -> tuple[str, bool]:
    """What became of one folder, and whether that is well."""
    names = tools_of(kept)
    missing = [f"no {name} here ({TOOLS[name].install})" for name in names if version_of(name) is None]
    if missing:
        return f"skipped: {'; '.join(missing)}", True
    subprocess.run(
        [os.environ["PYTHON"], "-m", "omnicore", "trust", str(copy), "--yes"], check=True, capture_output=True
    )
    built = subprocess.run(["sh", "build.sh"], cwd=copy, capture_output=True, text=True)
    if built.returncode:
        return f"FAILED\n{built.stdout}{built.stderr}", False
    if write:
        keep(kept, copy)
        return "written", True
    different = list(differences(kept, copy))
    if not different:
        return "same", True
    others = [text for name in names if (text := other_version(name))]
    if others:
        return f"differs, as it may: built with {'; '.join(others)}", True
    return f"DIFFERS: {', '.join(different)}; run `python plugins/build.py --write {kept.name}`", False


def tools_of(folder: Path) -> list[str]:
    """What the line `# tools:` of its build.sh names."""
    lines = (folder / "build.sh").read_text(encoding="utf-8").splitlines()
    return next(line.split()[2:] for line in lines if line.startswith("# tools:"))


def version_of(name: str) -> str | None:
    """What the tool says of itself, or None where it cannot build."""
    try:
        said = subprocess.run(TOOLS[name].ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return said if name != "rust" or has_rust_target() else None


def has_rust_target() -> bool:
    """True when Rust's standard library for Wasm is installed."""
    asked = ["rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown"]
    place = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    return bool(place) and any(Path(place).glob("libstd-*.rlib"))


def other_version(name: str) -> str:
    """`rust 1.95.0, here 1.96.0`, or nothing for the version the kept modules were built with."""
    here = version_of(name) or ""
    wanted = TOOLS[name].version
    return "" if wanted in here else f"{name} {wanted}, here {here}"


def differences(kept: Path, copy: Path) -> Iterator[str]:
    """The modules that are not the same byte for byte."""
    for path in sorted({*modules(kept), *modules(copy)}):
        before, after = kept / path, copy / path
        if not before.exists() or not after.exists() or before.read_bytes() != after.read_bytes():
            yield str(path)


def modules(folder: Path) -> list[Path]:
    """The built modules, without what lies in build folders."""
    found = (path.relative_to(folder) for path in folder.rglob("*.wasm"))
    return [path for path in found if not {"target", "node_modules"} & set(path.parts)]


def keep(kept: Path, copy: Path) -> None:
    """Puts the built modules in the place of the kept ones."""
    for path in modules(copy):
        target = kept / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((copy / path).read_bytes())
        target.chmod(0o644)


if __name__ == "__main__":
    sys.exit(main())
