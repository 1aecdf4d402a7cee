"""Settings as a form needs them: a JSON Schema for each, and rows of what is set."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from omnicore.config.entry import leaves
from omnicore.config.loader import SCHEMA, Loaded
from omnicore.config.overrides import value_of
from omnicore.config.schema import Leaf
from omnicore.config.settings import MASK

__all__ = ["Row", "origin_of", "plain", "rows", "schema_for"]

Row = tuple[str, Leaf, Any]
"""A dotted name, the setting it belongs to, and its value with secrets masked."""

_KINDS: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}


def schema_for(leaf: Leaf) -> dict[str, Any]:
    """The JSON Schema of a setting's value.

    >>> schema_for(SCHEMA[("port",)])
    {'type': 'integer', 'minimum': 0, 'maximum': 65535}
    """
    schema = _schema(leaf.type)
    bounds = {"minimum": leaf.minimum, "maximum": leaf.maximum}
    if schema.get("type") in ("integer", "number"):
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    elif schema.get("anyOf"):
        schema["anyOf"][0] |= {
            name: bound
            for name, bound in bounds.items()
            if bound is not None and schema["anyOf"][0].get("type") in ("integer", "number")
        }
    return schema


def rows(found: Loaded) -> list[Row]:
    """Every setting, and every key of tables that are free-form, such as `app`."""
    return [row for leaf in SCHEMA.values() for row in _rows(leaf, found)]


def origin_of(found: Loaded, name: str) -> str:
    """The origin of a setting; a masked list or table inside plugin settings has that of what holds it."""
    while name and name not in found.origins:
        name = name.rpartition(".")[0]
    return str(found.origins[name]) if name else "default"


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _rows(leaf: Leaf, found: Loaded) -> list[Row]:
    value = value_of(found.settings, leaf.path)
    if not leaf.free:
        return [(leaf.name, leaf, MASK if leaf.secret and value is not None else plain(value))]
    inside = leaves(found.settings.to_json()[leaf.name], leaf.path) if value else ()
    return [(".".join(path), leaf, MASK if leaf.secret else item) for path, item in inside]


def _schema(kind: Any) -> dict[str, Any]:
    origin = get_origin(kind)
    if origin in (UnionType, typing.Union):
        inner = next(one for one in get_args(kind) if one is not NoneType)
        return {"anyOf": [_schema(inner), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if origin is tuple:
        return {"type": "array", "items": {"type": "string"}}
    if origin is Mapping:
        return {}
    return {"type": _KINDS[kind]}
