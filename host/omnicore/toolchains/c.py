"""C, C++ and Zig, with the compiler of the Python package `ziglang`."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from omnicore.toolchains.languages import Built, PluginSource, Report, kit, python_program, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


INSTALL: Final = "pip install 'omnicore[zig]'"
STACK_BYTES: Final = 64 * 1024
# Safety checks cost half of the size again, and make a text of what would be a trap or go on with wrong numbers.
_FLAGS: Final = ("-target", "wasm32-freestanding", "-fno-entry", "-rdynamic", "-O", "safe", "-fstrip")


@dataclass(frozen=True, slots=True)
class ZigToolchain:
    """Builds `plugin.zig`, or one file, with the module `omnicore` beside it."""

    language: str = "zig"
    watched: tuple[str, ...] = ("**/*.zig", "plugin.toml")
    kit_files: tuple[str, ...] = ("omnicore.zig", "omnicore", "README.md")
    """Files that `omnicore new` copies of sdk/zig."""

    def find(self, path: Path) -> PluginSource | None:
        """A folder with plugin.zig, or one Zig file."""
        if path.is_dir() and (path / "plugin.zig").is_file():
            return PluginSource(self.language, path, path / "plugin.zig", path.resolve().name)
        if path.is_file() and path.suffix == ".zig":
            name = path.resolve().parent.name if path.stem == "plugin" else path.stem
            return PluginSource(self.language, path.parent, path, name)
        return None

    def build(self, source: PluginSource, report: Report) -> Built:
        """Compiles.

        Raises:
            ToolMissing: the package ziglang is not installed.
            BuildFailed: with what the compiler says.
        """
        zig = compiler("Zig")
        home = kit_for("zig", source.folder, "omnicore.zig")
        modules = ["--dep", "omnicore", f"-Mroot={source.entry.name}", f"-Momnicore={home / 'omnicore.zig'}"]
        with tempfile.TemporaryDirectory(prefix="omnicore-zig-") as scratch:
            target = Path(scratch, "plugin.wasm")
            words = [*zig, "build-exe", *_FLAGS, "--stack", str(STACK_BYTES), *modules, f"-femit-bin={target}"]
            report("compiling")
            said = run(words, cwd=source.folder, language="Zig", env=environment())
            return Built(target.read_bytes(), notes=tuple(said.splitlines()))


def compiler(language: str) -> list[str]:
    """The words that run Zig. Raises: ToolMissing."""
    return python_program("ziglang", language=language, install=INSTALL)


def environment() -> Mapping[str, str]:
    """Variables that name Zig's cache, for parts it builds once, such as a libc: a folder it can write to."""
    given = os.environ.get("ZIG_GLOBAL_CACHE_DIR")
    home = Path(given or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "omnicore", "zig"))
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        home = Path(tempfile.gettempdir(), f"omnicore-zig-{os.getuid()}")
    return {"ZIG_GLOBAL_CACHE_DIR": str(home), "ZIG_LOCAL_CACHE_DIR": str(home)}


def kit_for(language: str, folder: Path, mark: str) -> Path:
    """The kit that a plugin carries in `sdk`, else the one of this package."""
    own = folder / "sdk"
    return own.resolve() if (own / mark).is_file() else kit(language).resolve()


ZIG = ZigToolchain()


_PLUS: Final = (".cpp",)
_INCLUDE: Final = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
# Headers of the compiler itself: all others in <> are those of a libc.
_FREESTANDING: Final = frozenset(
    f"{name}.h"
    for name in ("float", "iso646", "limits", "stdalign", "stdarg", "stdbool", "stddef", "stdint", "stdnoreturn")
)
_FLAGS_OF_C: Final = ("-Os", "-Wall", "-Wextra", "-Wl,--strip-all")
# Without a libc the stack is small, and there are no imports but those that the source names.
_BARE: Final = ("-target", "wasm32-freestanding", "-Wl,--no-entry", "-Wl,-z,stack-size=65536")
_LIBC: Final = ("-target", "wasm32-wasi", "-mexec-model=reactor", "-Wl,-z,stack-size=262144")


@dataclass(frozen=True, slots=True)
class CToolchain:
    """Builds the C and C++ files beside `plugin.c` or `plugin.cpp` together, or one file."""

    language: str = "c"
    watched: tuple[str, ...] = ("**/*.c", "**/*.h", "**/*.cpp", "**/*.hpp", "plugin.toml")
    kit_files: tuple[str, ...] = ("omnicore.h", "omnicore", "README.md")
    """Files that `omnicore new` copies of sdk/c."""

    def find(self, path: Path) -> PluginSource | None:
        """A folder with plugin.c or plugin.cpp, or one C or C++ file."""
        if path.is_dir():
            entry = next((path / f"plugin{end}" for end in (".c", *_PLUS) if (path / f"plugin{end}").is_file()), None)
            return PluginSource(self.language, path, entry, path.resolve().name) if entry else None
        if path.is_file() and path.suffix in (".c", *_PLUS):
            name = path.resolve().parent.name if path.stem == "plugin" else path.stem
            return PluginSource(self.language, path.parent, path, name)
        return None

    def build(self, source: PluginSource, report: Report) -> Built:
        """Compiles; with a libc where the sources include one of its headers.

        Raises:
            ToolMissing: the package ziglang is not installed.
            BuildFailed: with what the compiler says.
        """
        zig = compiler("C")
        files = sources(source)
        home = kit_for("c", source.folder, "omnicore.h")
        plus = any(path.suffix in _PLUS for path in files)
        libc = plus or needs_libc(source.folder, files)
        report("compiling with libc" if libc else "compiling")
        with tempfile.TemporaryDirectory(prefix="omnicore-c-") as scratch:
            target = Path(scratch, "plugin.wasm")
            words = [*zig, "c++" if plus else "cc", *(_LIBC if libc else _BARE), *_FLAGS_OF_C]
            words += ["-fno-exceptions", "-fno-rtti"] if plus else []
            # As a system's header the kit gives no warnings: they are for what the author can fix.
            words += ["-isystem", str(home), f"-ffile-prefix-map={home}=sdk", "-o", str(target)]
            words += [f"./{path.name}" for path in files]  # a name may look like an option, or a file of options
            said = run(words, cwd=source.folder, language="C", env=environment())
            return Built(target.read_bytes(), notes=tuple(said.splitlines()))


def sources(source: PluginSource) -> Sequence[Path]:
    """The file, or all that stand beside a folder's `plugin.c`; those named `*_test.c` are for the machine itself."""
    if source.entry.stem != "plugin":
        return [source.entry]
    beside = (path for path in source.folder.iterdir() if path.suffix in (".c", *_PLUS))
    return sorted(path for path in beside if not path.stem.endswith("_test"))


def needs_libc(folder: Path, files: Sequence[Path]) -> bool:
    """True when a source, or a header of its folder, includes a header that only a libc has."""
    return any(name not in _FREESTANDING for path in (*files, *_headers(folder)) for name in _included(path))


def _headers(folder: Path) -> Iterator[Path]:
    kit_folder = folder / "sdk"
    return (path for path in folder.rglob("*.h*") if path.is_file() and kit_folder not in path.parents)


def _included(path: Path) -> Sequence[str]:
    return _INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace"))


C = CToolchain()
