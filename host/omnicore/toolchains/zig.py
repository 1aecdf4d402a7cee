"""Zig, with the compiler of the Python package `ziglang`, which compiles C as well."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from omnicore.toolchains.command import python_program, run
from omnicore.toolchains.kits import kit
from omnicore.toolchains.toolchain import Built, Report, Source

__all__ = ["INSTALL", "KIT_FILES", "TOOLCHAIN", "ZigToolchain", "compiler", "environment", "kit_for"]

KIT_FILES = ("omnicore.zig", "omnicore", "README.md")
"""What `omnicore new` copies of sdk/zig."""

INSTALL: Final = "pip install 'omnicore[zig]'"
STACK_BYTES: Final = 64 * 1024
# Safety checks cost half of the size again, and make a text of what would be a trap or go on with wrong numbers.
_FLAGS: Final = ("-target", "wasm32-freestanding", "-fno-entry", "-rdynamic", "-O", "safe", "-fstrip")


@dataclass(frozen=True, slots=True)
class ZigToolchain:
    """Builds `plugin.zig`, or one file, with the module `omnicore` beside it."""

    language: str = "zig"
    watched: tuple[str, ...] = ("**/*.zig", "plugin.toml")

    def find(self, path: Path) -> Source | None:
        """A folder with plugin.zig, or one Zig file."""
        if path.is_dir() and (path / "plugin.zig").is_file():
            return Source(self.language, path, path / "plugin.zig", path.resolve().name)
        if path.is_file() and path.suffix == ".zig":
            name = path.resolve().parent.name if path.stem == "plugin" else path.stem
            return Source(self.language, path.parent, path, name)
        return None

    def build(self, source: Source, report: Report) -> Built:
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
    """Where Zig keeps what it built once, such as a libc: it needs a folder it can write to."""
    given = os.environ.get("ZIG_GLOBAL_CACHE_DIR")
    home = Path(given or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "omnicore", "zig"))
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        home = Path(tempfile.gettempdir(), f"omnicore-zig-{os.getuid()}")
    return {"ZIG_GLOBAL_CACHE_DIR": str(home), "ZIG_LOCAL_CACHE_DIR": str(home)}


def kit_for(language: str, folder: Path, mark: str) -> Path:
    """The kit that a plugin carries in `sdk`, else the one that omnicore brings."""
    own = folder / "sdk"
    return own.resolve() if (own / mark).is_file() else kit(language).resolve()


TOOLCHAIN = ZigToolchain()
