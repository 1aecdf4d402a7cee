"""Python, by componentize-py: a folder with plugin.py, or one file. The result is a component."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from omnicore.errors import BuildFailed
from omnicore.toolchains.command import python_program, run
from omnicore.toolchains.kits import kit
from omnicore.toolchains.python_glue import APP, glue
from omnicore.toolchains.python_model import Plugin
from omnicore.toolchains.python_source import NOUNS, read
from omnicore.toolchains.python_world import WORLD, world
from omnicore.toolchains.toolchain import Built, Report, Source

__all__ = ["KIT_FILES", "TOOLCHAIN", "PythonToolchain"]

KIT_FILES = ("README.md", "omnicore_sdk")
"""What `omnicore new` copies of sdk/python, for editors and tests; a build takes the one that is installed."""

_INSTALL: Final = "pip install 'omnicore[python-guest]'"
_ENTRIES: Final = ("plugin.py", "app.py")
_VENDOR: Final = "vendor"
_LEFT: Final = shutil.ignore_patterns(".*", "__pycache__", "*.wasm", "venv", "node_modules", "test_*.py", "conftest.py")
_LEFT_AT_TOP: Final = frozenset({"plugins", "sdk", "tests", "wit", _VENDOR})
_COMPILE_S: Final = 60.0  # in the host, once: 3 s of processor time, more where others want it as well
_MOST_TEXT: Final = 2000  # of a description, by the manifest's schema
_TRACE: Final = re.compile(r"Error: (Traceback .*?)(?=\n\s*\nCaused by:|\Z)", re.DOTALL)
_GLUE: Final = re.compile(rf'  File "[^"]*/{APP}\.py", .*\n(?:    .*\n)*')
_TRAP: Final = re.compile(r"called trapping stub: omnicore:plugin/([\w-]+)@[\d.]+#([\w-]+)")


@dataclass(frozen=True, slots=True)
class PythonToolchain:
    """Builds with the package componentize-py, which holds CPython 3.14 for WebAssembly."""

    language: str = "python"
    watched: tuple[str, ...] = ("**/*.py", "wit/**/*.wit", "plugin.toml", "requirements.txt")

    def find(self, path: Path) -> Source | None:
        """A folder with plugin.py or app.py, or one Python file."""
        if path.is_file() and path.suffix == ".py":
            name = path.resolve().parent.name if path.name in _ENTRIES else path.stem
            return Source(self.language, path.parent, path, name)
        for entry in _ENTRIES:
            if (path / entry).is_file():
                return Source(self.language, path, path / entry, path.resolve().name)
        return None

    def build(self, source: Source, report: Report) -> Built:
        """Reads the functions' type hints, writes their world and what joins them to it, and makes the component.

        A folder with its own `wit/` is taken as it is: its module has the class `WitWorld`.

        Raises:
            ToolMissing: no componentize-py.
            BuildFailed: with the Python error and its place.
        """
        python_program("componentize_py", language="Python", install=_INSTALL)
        with tempfile.TemporaryDirectory(prefix="omnicore-python-") as scratch:
            return _Build(source, Path(scratch), report).built()


class _Build:
    """One build, in a folder of its own."""

    def __init__(self, source: Source, scratch: Path, report: Report) -> None:
        self._source = replace(source, folder=source.folder.absolute())  # the compiler runs elsewhere
        self._report = report
        self._wit = scratch / "wit"
        self._code = scratch / "code"
        self._kit = scratch / "kit"
        self._nothing = scratch / "nothing"
        self._out = scratch / "plugin.wasm"

    def built(self) -> Built:
        entry = self._source.entry.stem
        own_world = self._whole_folder() and (self._source.folder / "wit").is_dir()
        plugin = None if own_world else read(self._source.folder, entry)
        self._lay_out(plugin)
        self._report("making the component with CPython in it, some seconds")
        self._componentize(APP if plugin else entry, WORLD if plugin else None)
        described = _described(plugin) if plugin else {"limits": {"compile_s": _COMPILE_S}}
        return Built(self._out.read_bytes(), described, tuple(self._notes()))

    def _lay_out(self, plugin: Plugin | None) -> None:
        home = kit("python")
        shutil.copytree(home / "omnicore_sdk", self._kit / "omnicore_sdk", ignore=_LEFT)
        if plugin is not None or not _holds_doors(self._source.folder / "wit"):
            shutil.copytree(home.parents[1] / "specs" / "wit", self._wit / "deps")
        # Without an environment of its own, componentize-py would take in the packages of this one.
        python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        (self._nothing / "lib" / python / "site-packages").mkdir(parents=True)
        if plugin is None:
            shutil.copytree(self._source.folder / "wit", self._wit, dirs_exist_ok=True)
            shutil.copytree(self._source.folder, self._code, ignore=self._left)
            return
        self._copy_code(plugin)
        doors = NOUNS if self._vendored() else plugin.doors  # packages may use the kit, too
        (self._wit / "plugin.wit").write_text(world(plugin, doors), encoding="utf-8")
        (self._code / f"{APP}.py").write_text(glue(plugin), encoding="utf-8")

    def _copy_code(self, plugin: Plugin) -> None:
        if self._whole_folder():
            shutil.copytree(self._source.folder, self._code, ignore=self._left)
            return
        main = next(iter(plugin.modules))
        for name, path in plugin.modules.items():
            target = self._code / (f"{main}.py" if name == main else path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._source.folder / path, target)

    def _whole_folder(self) -> bool:
        """Whether other files belong to the plugin: beside a file of any name, anything could lie."""
        return self._source.entry.name in _ENTRIES

    def _left(self, folder: str, names: list[str]) -> set[str]:
        top = _LEFT_AT_TOP if Path(folder) == self._source.folder else frozenset()
        return set(_LEFT(folder, names)) | {name for name in names if name in top}

    def _componentize(self, module: str, into: str | None) -> None:
        words = [sys.executable, "-c", "import componentize_py; componentize_py.script()", "-q", "-d", str(self._wit)]
        words += ["-w", into] if into else []
        words += ["componentize", "-o", str(self._out)]
        for folder in (self._code, self._kit, *self._vendored()):
            words += ["-p", str(folder)]
        env = {"VIRTUAL_ENV": str(self._nothing), "RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"}
        try:
            run([*words, module], cwd=self._code, language="Python", env=env)
        except BuildFailed as error:
            raise _clearer(error) from error

    def _vendored(self) -> Sequence[Path]:
        folder = self._source.folder / _VENDOR
        if folder.is_dir() and self._whole_folder():
            return [folder]
        if (self._source.folder / "requirements.txt").is_file() and self._whole_folder():
            raise BuildFailed(
                f"requirements.txt names packages, and there is no folder {_VENDOR}/ that holds them",
                remedy=f"pip install --target {_VENDOR} -r requirements.txt",
            )
        return []

    def _notes(self) -> Iterator[str]:
        for folder in self._vendored():
            native = sorted({path.relative_to(folder).parts[0] for path in folder.rglob("*.so")})
            if native:
                yield f"{', '.join(native)} in {_VENDOR}/ has native code, which no plugin can load; its Python can"


def _holds_doors(wit: Path) -> bool:
    """Whether an author's own WIT brings the package of the doors with it."""
    return any("package omnicore:plugin" in path.read_text("utf-8", "replace") for path in wit.rglob("*.wit"))


def _described(plugin: Plugin) -> Mapping[str, Any]:
    """Descriptions, and time to compile CPython; the schemas come from the types of the exports."""
    found = {one.name: {"description": one.doc[:_MOST_TEXT]} if one.doc else {} for one in plugin.functions}
    described: dict[str, Any] = {"functions": found, "limits": {"compile_s": _COMPILE_S}}
    return described | ({"description": plugin.doc[:_MOST_TEXT]} if plugin.doc else {})


def _clearer(error: BuildFailed) -> BuildFailed:
    """What Python said, without what the machine around it did."""
    said = str(error.details.get("output", ""))
    if trap := _TRAP.search(said):
        fact = f"the plugin calls {trap[1]}.{trap[2]} while it is loaded, when there is no host yet"
        return BuildFailed(fact, remedy="call doors only inside of functions", output=said)
    if trace := _TRACE.search(said):
        text = _GLUE.sub("", trace[1]).replace('File "/0/', 'File "').strip()
        lacks = "\nModuleNotFoundError: " in text
        remedy = "pip install --target vendor PACKAGE, if it is pure Python" if lacks else "mend the Python source"
        return BuildFailed(f"the plugin cannot be loaded:\n{text}", remedy=remedy, output=text)
    text = said.rpartition("AssertionError: ")[2].strip()
    return BuildFailed(
        f"the component cannot be made: {text}", remedy="mend the Python source or its wit/", output=said
    )


TOOLCHAIN = PythonToolchain()
