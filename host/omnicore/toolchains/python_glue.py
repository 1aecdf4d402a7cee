"""The Python file that joins an author's functions to the bindings of their world."""

from __future__ import annotations

from collections.abc import Iterator

from omnicore.toolchains.python_hints import words
from omnicore.toolchains.python_model import Choice, Field, Function, Group, Kind, Plain, Plugin, Record

__all__ = ["APP", "glue"]

APP = "omnicore_app"
"""The module's name; the world must not have the same."""

_PLAIN = {"int": "INT", "float": "FLOAT", "bool": "BOOL", "str": "TEXT", "bytes": "BYTES"}
_GROUP = {"list": "ListOf", "map": "MapOf", "option": "OptionOf", "tuple": "TupleOf"}

# Codecs are found by name when they are first used, and `strptime` loads its rules then: too late in a plugin,
# where nothing can be imported that was not there when it was built.
_ALWAYS = ("encodings.ascii", "encodings.latin_1", "encodings.utf_8_sig", "encodings.utf_16", "encodings.cp1252")
_WITH = {"datetime": ("_strptime",), "time": ("_strptime",)}


def glue(plugin: Plugin) -> str:
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


def _type(one: Record | Choice) -> str:
    name = words(one.name)
    theirs = "wit_world." + "".join(part.capitalize() for part in name.split("-"))
    mine = f"_of_{name.replace('-', '_')}"
    if isinstance(one, Choice):
        pairs = ", ".join(f"({value}, {theirs}.{case.replace('-', '_').upper()})" for value, case in one.values)
        return f"{mine} = _types.Choice([{pairs}])"
    fields = ", ".join(f"{field.name!r}: {_kind(field.kind)}" for field in one.fields)
    defaults = [field.name for field in one.fields if field.default]
    return f"{mine} = _types.RecordOf({one.module}.{one.name}, {theirs}, {{{fields}}}, {defaults!r})"


def _kind(kind: Kind) -> str:
    if isinstance(kind, Plain):
        return f"_types.{_PLAIN[kind.name]}"
    if isinstance(kind, Group):
        return f"_types.{_GROUP[kind.outer]}({', '.join(map(_kind, kind.items))})"
    return f"_of_{words(kind.name).replace('-', '_')}"


def _export(one: Function, main: str) -> str:
    parameters = ", ".join(_parameter(field) for field in one.parameters)
    result = _kind(one.result) if one.result else "None"
    kept = "failed=componentize_py_types.Err, root=_root"
    return f"_call_{one.name} = _export.Export({main}.{one.name}, [{parameters}], {result}, {kept})"


def _parameter(field: Field) -> str:
    return f"_export.Parameter({field.name!r}, {_kind(field.kind)}, {field.default})"


def _method(one: Function) -> Iterator[str]:
    names = ", ".join(f"_{field.name}" for field in one.parameters)
    yield f"    def {one.name}(self{', ' + names if names else ''}):"
    yield f"        return _call_{one.name}({names})"
    yield ""
