"""JSON Schema in Python: the vocabulary that the schemas of the OpenAPI document are written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]
"""Schemas by name."""

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
TEXTS: Schema = {"type": "array", "items": TEXT}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
TABLE: Schema = {"type": "object"}
MAYBE_TABLE: Schema = {"type": ["object", "null"]}
TIME: Schema = {"type": "number", "description": "Seconds since the Unix epoch."}
MAYBE_TIME: Schema = {"type": ["number", "null"], "description": "Seconds since the Unix epoch."}
NEXT: Schema = {"type": ["string", "null"], "description": "Cursor, null at the end."}


def object_of(*optional: str, **members: Schema) -> dict[str, Any]:
    """An object whose members are all required, except the `optional` ones."""
    return order_of(*(name for name in members if name not in optional), **members)


def order_of(*required: str, **members: Schema) -> dict[str, Any]:
    """An object whose members are all optional, except the `required` ones."""
    return {"type": "object", "properties": members, **({"required": list(required)} if required else {})}


def list_of(items: str | Schema) -> dict[str, Any]:
    """An array of a schema or of a named one."""
    return {"type": "array", "items": ref(items) if isinstance(items, str) else items}


def maybe(schema: str | Schema) -> dict[str, Any]:
    """A value of a schema, or of a named one, or null."""
    if isinstance(schema, str):
        return {"anyOf": [ref(schema), {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def page_of(name: str) -> dict[str, Any]:
    """A page of a list."""
    return object_of(items=list_of(name), next=NEXT)
