"""What a language has to offer to be built by `omnicore build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Built", "Report", "Source", "Toolchain"]

Report = Callable[[str], None]
"""Takes a line about what happens now ("compiling 12 crates"), for people who wait."""


@dataclass(frozen=True, slots=True)
class Source:
    """A plugin's source: its folder, with `plugin.toml` if it has one, and the file or folder to compile.

    `name` is what the plugin is called unless its manifest says otherwise.
    """

    language: str
    folder: Path
    entry: Path
    name: str


@dataclass(frozen=True, slots=True)
class Built:
    """A module without its manifest, and what the compiler learnt that belongs there.

    `described` has the shape of a manifest; what `plugin.toml` says wins over it. `notes` are lines for the
    author, such as a warning of the compiler.
    """

    wasm: bytes
    described: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Toolchain(Protocol):
    """One language."""

    language: str
    watched: tuple[str, ...]
    """Patterns of the files a build depends on, such as `src/**/*.rs`, relative to the source's folder."""

    def find(self, path: Path) -> Source | None:
        """The source at a file or folder, if it is of this language."""

    def build(self, source: Source, report: Report) -> Built:
        """Compiles.

        Raises:
            ToolMissing: with the command that installs what is missing.
            BuildFailed: with what the compiler says.
        """
