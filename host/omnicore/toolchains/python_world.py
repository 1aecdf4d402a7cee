"""The WIT world of a plugin in Python: what it exports, and the doors it uses."""

from __future__ import annotations

from collections.abc import Collection

from omnicore.toolchains.python_hints import words
from omnicore.toolchains.python_model import Choice, Field, Function, Group, Kind, Plain, Plugin, Record

__all__ = ["WORLD", "world"]

WORLD = "plugin"
_PLAIN = {"int": "s64", "float": "f64", "bool": "bool", "str": "string", "bytes": "list<u8>"}
_GROUP = {
    "list": "list<{}>",
    "map": "list<tuple<string, {}>>",
    "option": "option<{}>",
    "tuple": "tuple<{}>",
}


def world(plugin: Plugin, doors: Collection[str]) -> str:
    """The text of the world; every function gives a result whose error is a text.

    Args:
        doors: what it imports.
    """
    parts = ["\n".join(f"    import omnicore:plugin/{door}@1.0.0;" for door in doors)] if doors else []
    parts += [_record(one) if isinstance(one, Record) else _choice(one) for one in plugin.types.values()]
    parts += [_function(one) for one in plugin.functions]
    body = "\n\n".join(parts)
    return f"package local:plugin;\n\nworld {WORLD} {{\n{body}\n}}\n"


def _record(one: Record) -> str:
    fields = "".join(f"        {_field(field)},\n" for field in one.fields)
    return f"{_doc(one.doc)}    record {_name(one.name)} {{\n{fields}    }}"


def _choice(one: Choice) -> str:
    cases = "".join(f"        {_name(case)},\n" for _, case in one.values)
    return f"{_doc(one.doc)}    enum {_name(one.name)} {{\n{cases}    }}"


def _function(one: Function) -> str:
    given = ", ".join(_field(field) for field in one.parameters)
    result = _type(one.result) if one.result else "_"
    return f"{_doc(one.doc)}    export {_name(one.name)}: func({given}) -> result<{result}, string>;"


def _field(field: Field) -> str:
    optional = isinstance(field.kind, Group) and field.kind.outer == "option"
    inner = _type(field.kind)
    return f"{_name(field.name)}: {f'option<{inner}>' if field.default and not optional else inner}"


def _type(kind: Kind) -> str:
    if isinstance(kind, Plain):
        return _PLAIN[kind.name]
    if isinstance(kind, Group):
        return _GROUP[kind.outer].format(", ".join(map(_type, kind.items)))
    return _name(kind.name)


def _name(name: str) -> str:
    """As WIT writes it; the `%` is for those that are keywords there, and does no harm to others."""
    return f"%{words(name)}"


def _doc(text: str) -> str:
    return "".join(f"    /// {line}".rstrip() + "\n" for line in text.splitlines())
