"""What a component's types say of its functions: JSON Schemas and media types, so that no manifest is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omnicore.sandbox.wit_calls import Way, input_way, output_way, returned
from omnicore.sandbox.wit_types import Signature, WitType, entry_of

__all__ = ["described"]

_MEDIA: dict[Way, str] = {
    "nothing": "application/octet-stream",
    "text": "text/plain",
    "bytes": "application/octet-stream",
    "json": "application/json",
}
_INTEGERS = {f"{sign}{bits}": (sign, bits) for sign in "su" for bits in (8, 16, 32, 64)}
_BASE64 = {
    "type": "object",
    "properties": {"base64": {"type": "string"}},
    "required": ["base64"],
    "additionalProperties": False,
}
_BYTES = {"anyOf": [{"type": "string"}, _BASE64]}


def described(signature: Signature) -> dict[str, Any]:
    """`input`, `output` and their media types, as a manifest would write them; None where bytes travel as they are."""
    given, taken = returned(signature), input_way(signature)
    if len(signature.params) > 1:
        fields: dict[str, Any] | None = _object([(name, kind) for name, kind in signature.params])
    else:
        fields = _schema(signature.params[0][1]) if signature.params else None
    return {
        "input": fields if taken in ("text", "json") else None,
        "output": _schema(given) if given is not None and output_way(signature) in ("text", "json") else None,
        "input_media": _MEDIA[taken],
        "output_media": _MEDIA[output_way(signature)],
    }


def _schema(kind: WitType) -> dict[str, Any]:
    if kind.kind in _INTEGERS:
        return _whole(*_INTEGERS[kind.kind])
    return _SCHEMAS[kind.kind](kind)


def _whole(sign: str, bits: int) -> dict[str, Any]:
    least, most = (0, (1 << bits) - 1) if sign == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
    return {"type": "integer", "minimum": least, "maximum": most}


def _object(fields: list[tuple[str, WitType]]) -> dict[str, Any]:
    required = [_snake(name) for name, kind in fields if kind.kind != "option"]
    return {
        "type": "object",
        "properties": {_snake(name): _schema(kind) for name, kind in fields},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _record(kind: WitType) -> dict[str, Any]:
    return _object([(name, item) for name, item in zip(kind.names, kind.items, strict=True) if item is not None])


def _list(kind: WitType) -> dict[str, Any]:
    (item,) = _inside(kind)
    if (value := entry_of(kind)) is not None:
        return {"type": "object", "additionalProperties": _schema(value)}
    return dict(_BYTES) if item.kind == "u8" else {"type": "array", "items": _schema(item)}


def _tuple(kind: WitType) -> dict[str, Any]:
    items = [_schema(item) for item in _inside(kind)]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _option(kind: WitType) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, *(_schema(item) for item in _inside(kind))]}


def _variant(kind: WitType) -> dict[str, Any]:
    return {"oneOf": [_case(name, item) for name, item in zip(kind.names, kind.items, strict=True)]}


def _case(name: str, item: WitType | None) -> dict[str, Any]:
    tag = {"tag": {"const": name}}
    properties = tag if item is None else {**tag, "value": _schema(item)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _result(kind: WitType) -> dict[str, Any]:
    sides = zip(("ok", "err"), kind.items, strict=True)
    return {"oneOf": [_side(name, {"type": "null"} if item is None else _schema(item)) for name, item in sides]}


def _side(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def _flags(kind: WitType) -> dict[str, Any]:
    return {"type": "array", "items": {"enum": list(kind.names)}, "uniqueItems": True}


def _inside(kind: WitType) -> list[WitType]:
    return [item for item in kind.items if item is not None]


def _snake(name: str) -> str:
    return name.replace("-", "_")


_SCHEMAS: dict[str, Callable[[WitType], dict[str, Any]]] = {
    "bool": lambda kind: {"type": "boolean"},
    "f32": lambda kind: {"type": "number"},
    "f64": lambda kind: {"type": "number"},
    "char": lambda kind: {"type": "string", "minLength": 1, "maxLength": 1},
    "string": lambda kind: {"type": "string"},
    "list": _list,
    "tuple": _tuple,
    "record": _record,
    "variant": _variant,
    "enum": lambda kind: {"enum": list(kind.names)},
    "option": _option,
    "result": _result,
    "flags": _flags,
}
