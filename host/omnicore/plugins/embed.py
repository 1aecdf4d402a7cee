"""Schemas of plugins inside another document: their references lead to where they now stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["embedded"]

_ONE = frozenset({"additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"})
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_DROPPED = frozenset({"$schema", "$id"})


def embedded(schema: Any, place: str) -> Any:
    """A copy whose `#/...` references begin at `place`; values such as `const` stay as they are.

    >>> embedded({"items": {"$ref": "#/$defs/a"}, "const": {"$ref": "#"}}, "#/x")
    {'items': {'$ref': '#/x/$defs/a'}, 'const': {'$ref': '#'}}
    """
    if not isinstance(schema, Mapping):
        return schema
    return {key: _member(key, value, place) for key, value in schema.items() if key not in _DROPPED}


def _member(key: str, value: Any, place: str) -> Any:
    if key == "$ref" and isinstance(value, str) and value.startswith("#"):
        return place + value[1:]
    if key in _ONE:
        return embedded(value, place)
    if key in _SEVERAL and isinstance(value, list):
        return [embedded(one, place) for one in value]
    if key in _NAMED and isinstance(value, Mapping):
        return {name: embedded(one, place) for name, one in value.items()}
    return value
