"""Prints the licences of what a build takes into a module beside the project's own code: `dist/LICENSES.txt`.

    python plugins/licenses.py KIND FOLDER [PACKAGE ...]

KIND is `rust` or `go` (what the folder's lock names), `npm` (the named packages of its node_modules), `zig` (the standard
library of Zig) or `wasi` (the C library that Zig brings for WASI).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_TEXTS = (
    "LICENSE-MIT",
    "LICENSE-MIT.txt",
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "license.txt",
    "COPYING",
    "COPYRIGHT",
)
_TARGETS = ("wasm32-unknown-unknown", "wasm32-wasip2")

Part = tuple[str, Path | None]
"""What is named, and the file of its licence; None where the package has none."""


def main(arguments: list[str]) -> int:
    """Prints the text. Returns: the exit code."""
    kind, folder, names = arguments[0], Path(arguments[1]), arguments[2:]
    found = {"rust": rust, "go": go, "npm": npm, "zig": zig, "wasi": wasi}[kind](folder, names)
    for title, file in found:
        text = file.read_text("utf-8", "replace").strip() if file is not None else "See the licence named above."
        print(f"{title}\n{'=' * len(title)}\n\n{text}\n\n")
    return 0


def rust(folder: Path, names: list[str]) -> Iterator[Part]:
    """The crates that are linked, not those that only build, and Rust's own library."""
    target = names[0] if names else _TARGETS[0]
    tree = ["cargo", "tree", "--locked", "--target", target, "-e", "normal", "--prefix", "none", "--no-dedupe"]
    used = set(_said([*tree, "-f", "{p}|{l}"], folder).splitlines())
    metadata = json.loads(_said(["cargo", "metadata", "--locked", "--format-version", "1"], folder))
    places = {f"{one['name']} v{one['version']}": one for one in metadata["packages"] if one["source"]}
    for line in sorted(used):
        name, _, licence = line.partition("|")
        package = places.get(" ".join(name.split()[:2]))
        if package is not None and "(proc-macro)" not in name:
            home = Path(package["manifest_path"]).parent
            yield f"{package['name']} {package['version']}: {licence}", _text(home)
    share = Path(_said(["rustc", "--print", "sysroot"], folder).strip()) / "share" / "doc" / "rust"
    texts = sorted(share.glob("**/LICENSE-MIT*")) or sorted(share.glob("**/MIT.txt"))
    yield "Rust's standard library: MIT OR Apache-2.0", texts[0] if texts else None


def go(folder: Path, _names: list[str]) -> Iterator[Part]:
    """The modules whose packages are linked, and Go's own library."""
    form = "{{with .Module}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}"
    said = _said(["go", "list", "-deps", "-f", form, "."], folder, GOOS="wasip1", GOARCH="wasm")
    for line in sorted({line for line in said.splitlines() if line}):
        name, version, home = line.split("|")
        if version and version != "v0.0.0":
            yield f"{name} {version}", _text(Path(home))
    yield "Go's standard library", _text(Path(_said(["go", "env", "GOROOT"], folder).strip()))


def npm(folder: Path, names: list[str]) -> Iterator[Part]:
    """Packages that `npm ci` has brought."""
    for name in names:
        home = folder / "node_modules" / name
        package = json.loads((home / "package.json").read_text("utf-8"))
        yield f"{name} {package['version']}: {package.get('license', '')}", _text(home)


def zig(_folder: Path, _names: list[str]) -> Iterator[Part]:
    """Zig's standard library, of the Python package `ziglang`."""
    yield "Zig's standard library", _text(_zig_home())


def wasi(_folder: Path, _names: list[str]) -> Iterator[Part]:
    """wasi-libc and musl, which the Python package `ziglang` carries."""
    libc = _zig_home() / "lib" / "libc"
    yield "musl", libc / "musl" / "COPYRIGHT"
    yield "wasi-libc", libc / "wasi" / "LICENSE-MIT"
    yield "cloudlibc, in wasi-libc", libc / "wasi" / "libc-bottom-half" / "cloudlibc" / "LICENSE"


def _zig_home() -> Path:
    import ziglang  # only those who build with it have it

    return Path(ziglang.__file__).parent


def _text(home: Path) -> Path | None:
    return next((home / name for name in _TEXTS if (home / name).is_file()), None)


def _said(words: list[str], folder: Path, **variables: str) -> str:
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
