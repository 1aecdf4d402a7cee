"""Python, by componentize-py: a folder with plugin.py, or one file. The result is a component."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from omnicore.errors import BuildFailed
from omnicore.toolchains.languages import Built, PluginSource, Report, kit, python_program, run
from omnicore.toolchains.python_source import (
    MODULES,
    ChoiceType,
    GroupType,
    Kind,
    PlainType,
    PythonFunction,
    PythonPlugin,
    RecordType,
    TypedField,
    packaged_doors,
    read,
    words,
)

APP = "omnicore_app"
"""The module's name; the world must not have the same."""

_PLAIN = {"int": "INT", "float": "FLOAT", "bool": "BOOL", "str": "TEXT", "bytes": "BYTES"}
_GROUP = {"list": "ListOf", "map": "MapOf", "option": "OptionOf", "tuple": "TupleOf"}

# Codecs are found by name when they are first used, and `strptime` loads its rules then: too late in a plugin,
# where nothing can be imported that was not there when it was built.
_ALWAYS = ("encodings.ascii", "encodings.latin_1", "encodings.utf_8_sig", "encodings.utf_16", "encodings.cp1252")
_WITH = {"datetime": ("_strptime",), "time": ("_strptime",)}


def glue(plugin: PythonPlugin) -> str:
    """The text of the module."""
    main = next(iter(plugin.modules))
    homes = sorted({main, *(one.module for one in plugin.types.values() if one.module)})
    late = [*_ALWAYS, *plugin.late, *(name for used, names in _WITH.items() if used in plugin.uses for name in names)]
    lines = [
        '"""Made by `omnicore build`: the functions of the plugin as the host calls them."""',
        "import contextlib",
        "import importlib",
        "import os",
        "",
        "import componentize_py_types",
        "import wit_world",
        "from omnicore_sdk import _export, _types",
        "",
        *(f"import {name}" for name in homes),
        "",
        f"for _name in {tuple(dict.fromkeys(late))!r}:",
        "    with contextlib.suppress(ImportError):",
        "        importlib.import_module(_name)",
        "",
        f"_root = os.path.dirname({main}.__file__)",
        *(_type(one) for one in plugin.types.values()),
        *(_export(one, main) for one in plugin.functions),
        "",
        "",
        "class WitWorld(wit_world.WitWorld):",
        *(line for one in plugin.functions for line in _method(one)),
    ]
    return "\n".join(lines) + "\n"


def _type(one: RecordType | ChoiceType) -> str:
    name = words(one.name)
    theirs = "wit_world." + "".join(part.capitalize() for part in name.split("-"))
    mine = f"_of_{name.replace('-', '_')}"
    if isinstance(one, ChoiceType):
        pairs = ", ".join(f"({value}, {theirs}.{case.replace('-', '_').upper()})" for value, case in one.values)
        return f"{mine} = _types.Choice([{pairs}])"
    fields = ", ".join(f"{field.name!r}: {_kind(field.kind)}" for field in one.fields)
    defaults = [field.name for field in one.fields if field.default]
    return f"{mine} = _types.RecordOf({one.module}.{one.name}, {theirs}, {{{fields}}}, {defaults!r})"


def _kind(kind: Kind) -> str:
    if isinstance(kind, PlainType):
        return f"_types.{_PLAIN[kind.name]}"
    if isinstance(kind, GroupType):
        return f"_types.{_GROUP[kind.outer]}({', '.join(map(_kind, kind.items))})"
    return f"_of_{words(kind.name).replace('-', '_')}"


def _export(one: PythonFunction, main: str) -> str:
    parameters = ", ".join(_parameter(field) for field in one.parameters)
    result = _kind(one.result) if one.result else "None"
    kept = "failed=componentize_py_types.Err, root=_root"
    return f"_call_{one.name} = _export.Export({main}.{one.name}, [{parameters}], {result}, {kept})"


def _parameter(field: TypedField) -> str:
    return f"_export.Parameter({field.name!r}, {_kind(field.kind)}, {field.default})"


def _method(one: PythonFunction) -> Iterator[str]:
    names = ", ".join(f"_{field.name}" for field in one.parameters)
    yield f"    def {one.name}(self{', ' + names if names else ''}):"
    yield f"        return _call_{one.name}({names})"
    yield ""


WORLD = "plugin"
_WIT_PLAIN = {"int": "s64", "float": "f64", "bool": "bool", "str": "string", "bytes": "list<u8>"}
_WIT_GROUP = {
    "list": "list<{}>",
    "map": "list<tuple<string, {}>>",
    "option": "option<{}>",
    "tuple": "tuple<{}>",
}


def world(plugin: PythonPlugin, doors: Collection[str]) -> str:
    """The text of the world; every function gives a result whose error is a text.

    Args:
        doors: what it imports.
    """
    parts = ["\n".join(f"    import omnicore:plugin/{door}@1.0.0;" for door in doors)] if doors else []
    parts += [_record(one) if isinstance(one, RecordType) else _choice(one) for one in plugin.types.values()]
    parts += [_function(one) for one in plugin.functions]
    body = "\n\n".join(parts)
    return f"package local:plugin;\n\nworld {WORLD} {{\n{body}\n}}\n"


def _record(one: RecordType) -> str:
    fields = "".join(f"        {_field(field)},\n" for field in one.fields)
    return f"{_doc(one.doc)}    record {_name(one.name)} {{\n{fields}    }}"


def _choice(one: ChoiceType) -> str:
    cases = "".join(f"        {_name(case)},\n" for _, case in one.values)
    return f"{_doc(one.doc)}    enum {_name(one.name)} {{\n{cases}    }}"


def _function(one: PythonFunction) -> str:
    given = ", ".join(_field(field) for field in one.parameters)
    result = _wit_type(one.result) if one.result else "_"
    return f"{_doc(one.doc)}    export {_name(one.name)}: func({given}) -> result<{result}, string>;"


def _field(field: TypedField) -> str:
    optional = isinstance(field.kind, GroupType) and field.kind.outer == "option"
    inner = _wit_type(field.kind)
    return f"{_name(field.name)}: {f'option<{inner}>' if field.default and not optional else inner}"


def _wit_type(kind: Kind) -> str:
    if isinstance(kind, PlainType):
        return _WIT_PLAIN[kind.name]
    if isinstance(kind, GroupType):
        return _WIT_GROUP[kind.outer].format(", ".join(map(_wit_type, kind.items)))
    return _name(kind.name)


def _name(name: str) -> str:
    """As WIT writes it; the `%` is for those that are keywords there, and does no harm to others."""
    return f"%{words(name)}"


def _doc(text: str) -> str:
    return "".join(f"    /// {line}".rstrip() + "\n" for line in text.splitlines())


_INSTALL: Final = "pip install 'omnicore[python-guest]'"
_ENTRIES: Final = ("plugin.py", "app.py")
_VENDOR: Final = "vendor"
_LEFT: Final = shutil.ignore_patterns(".*", "__pycache__", "*.wasm", "venv", "node_modules", "test_*.py", "conftest.py")
_LEFT_AT_TOP: Final = frozenset({"plugins", "sdk", "tests", "wit", _VENDOR})
_MOST_TEXT: Final = 2000  # of a description, by the manifest's schema
_TRACE: Final = re.compile(r"Error: (Traceback .*?)(?=\n\s*\nCaused by:|\Z)", re.DOTALL)
_GLUE: Final = re.compile(rf'  File "[^"]*/{APP}\.py", .*\n(?:    .*\n)*')
_TRAP: Final = re.compile(r"called trapping stub: omnicore:plugin/([\w-]+)@[\d.]+#([\w-]+)")


@dataclass(frozen=True, slots=True)
class PythonToolchain:
    """Builds with the package componentize-py, which holds CPython 3.14 for WebAssembly."""

    language: str = "python"
    watched: tuple[str, ...] = ("**/*.py", "wit/**/*.wit", "plugin.toml", "requirements.txt")
    kit_files: tuple[str, ...] = ("README.md", "omnicore_sdk")
    """Files that `omnicore new` copies of sdk/python, for editors and tests; a build takes the installed ones."""

    def find(self, path: Path) -> PluginSource | None:
        """A folder with plugin.py or app.py, or one Python file."""
        if path.is_file() and path.suffix == ".py":
            name = path.resolve().parent.name if path.name in _ENTRIES else path.stem
            return PluginSource(self.language, path.parent, path, name)
        for entry in _ENTRIES:
            if (path / entry).is_file():
                return PluginSource(self.language, path, path / entry, path.resolve().name)
        return None

    def build(self, source: PluginSource, report: Report) -> Built:
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

    def __init__(self, source: PluginSource, scratch: Path, report: Report) -> None:
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
        described = _described(plugin) if plugin else {}
        return Built(self._out.read_bytes(), described, tuple(self._notes()))

    def _lay_out(self, plugin: PythonPlugin | None) -> None:
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
        packaged = frozenset[str]().union(*map(packaged_doors, self._vendored()))  # packages may use the kit, too
        doors = [door for door in MODULES if door in plugin.doors or door in packaged]
        (self._wit / "plugin.wit").write_text(world(plugin, doors), encoding="utf-8")
        (self._code / f"{APP}.py").write_text(glue(plugin), encoding="utf-8")

    def _copy_code(self, plugin: PythonPlugin) -> None:
        if self._whole_folder():
            shutil.copytree(self._source.folder, self._code, ignore=self._left)
            return
        main = next(iter(plugin.modules))
        for name, path in plugin.modules.items():
            target = self._code / (f"{main}.py" if name == main else path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._source.folder / path, target)

    def _whole_folder(self) -> bool:
        """True when other files of the folder belong to the plugin: not beside a file of any other name."""
        return self._source.entry.name in _ENTRIES

    def _left(self, folder: str, names: list[str]) -> set[str]:
        top = _LEFT_AT_TOP if Path(folder) == self._source.folder else frozenset()
        return set(_LEFT(folder, names)) | {name for name in names if name in top}

    def _componentize(self, module: str, into: str | None) -> None:
        # -P: a module of the plugin may have the name of one that the compiler imports.
        words = [sys.executable, "-P", "-c", "import componentize_py; componentize_py.script()"]
        words += ["-q", "-d", str(self._wit)]
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
    """True when an author's own WIT contains the package of the doors."""
    return any("package omnicore:plugin" in path.read_text("utf-8", "replace") for path in wit.rglob("*.wit"))


def _described(plugin: PythonPlugin) -> Mapping[str, Any]:
    """Descriptions; the schemas come from the types of the exports."""
    found = {one.name: {"description": one.doc[:_MOST_TEXT]} if one.doc else {} for one in plugin.functions}
    described: dict[str, Any] = {"functions": found}
    return described | ({"description": plugin.doc[:_MOST_TEXT]} if plugin.doc else {})


def _clearer(error: BuildFailed) -> BuildFailed:
    """The Python error, without the output of the tools around it."""
    said = str(error.details.get("output", ""))
    if trap := _TRAP.search(said):
        fact = f"the plugin calls {trap[1]}.{trap[2]} while it is loaded, when there is no host yet"
        return BuildFailed(fact, remedy="call doors only inside of functions", output=said)
    if trace := _TRACE.search(said):
        text = _GLUE.sub("", trace[1]).replace('File "/0/', 'File "').strip()
        lacks = "\nModuleNotFoundError: " in text
        remedy = "pip install --target vendor PACKAGE, if it is pure Python" if lacks else "fix the Python source"
        return BuildFailed(f"the plugin cannot be loaded:\n{text}", remedy=remedy, output=text)
    text = said.rpartition("AssertionError: ")[2].strip()
    return BuildFailed(f"the component cannot be made: {text}", remedy="fix the Python source or its wit/", output=said)


TOOLCHAIN = PythonToolchain()
