"""C and C++, with the compiler of the Python package `ziglang`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from omnicore.toolchains.command import run
from omnicore.toolchains.toolchain import Built, Report, Source
from omnicore.toolchains.zig import compiler, environment, kit_for

__all__ = ["KIT_FILES", "TOOLCHAIN", "CToolchain", "needs_libc"]

KIT_FILES = ("omnicore.h", "omnicore", "README.md")
"""What `omnicore new` copies of sdk/c."""

_PLUS: Final = (".cpp",)
_INCLUDE: Final = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
# What a compiler brings by itself: all other headers in <> are those of a libc.
_FREESTANDING: Final = frozenset(
    f"{name}.h"
    for name in ("float", "iso646", "limits", "stdalign", "stdarg", "stdbool", "stddef", "stdint", "stdnoreturn")
)
_FLAGS: Final = ("-Os", "-Wall", "-Wextra", "-Wl,--strip-all")
# Without a libc the stack is small, and there are no imports but those that the source names.
_BARE: Final = ("-target", "wasm32-freestanding", "-Wl,--no-entry", "-Wl,-z,stack-size=65536")
_LIBC: Final = ("-target", "wasm32-wasi", "-mexec-model=reactor", "-Wl,-z,stack-size=262144")


@dataclass(frozen=True, slots=True)
class CToolchain:
    """Builds the C and C++ files beside `plugin.c` or `plugin.cpp` together, or one file."""

    language: str = "c"
    watched: tuple[str, ...] = ("**/*.c", "**/*.h", "**/*.cpp", "**/*.hpp", "plugin.toml")

    def find(self, path: Path) -> Source | None:
        """A folder with plugin.c or plugin.cpp, or one C or C++ file."""
        if path.is_dir():
            entry = next((path / f"plugin{end}" for end in (".c", *_PLUS) if (path / f"plugin{end}").is_file()), None)
            return Source(self.language, path, entry, path.resolve().name) if entry else None
        if path.is_file() and path.suffix in (".c", *_PLUS):
            name = path.resolve().parent.name if path.stem == "plugin" else path.stem
            return Source(self.language, path.parent, path, name)
        return None

    def build(self, source: Source, report: Report) -> Built:
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
            words = [*zig, "c++" if plus else "cc", *(_LIBC if libc else _BARE), *_FLAGS]
            words += ["-fno-exceptions", "-fno-rtti"] if plus else []
            # As a system's header the kit gives no warnings: they are for what the author can mend.
            words += ["-isystem", str(home), f"-ffile-prefix-map={home}=sdk", "-o", str(target)]
            words += [path.name for path in files]
            said = run(words, cwd=source.folder, language="C", env=environment())
            return Built(target.read_bytes(), notes=tuple(said.splitlines()))


def sources(source: Source) -> Sequence[Path]:
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


TOOLCHAIN = CToolchain()
