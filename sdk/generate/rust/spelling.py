"""How Rust writes names and types."""

from __future__ import annotations

import re

from sdk.generate.contract import Field, Type
from sdk.generate.text import pascal, words

__all__ = ["borrowed", "literal", "name", "owned", "sentence"]

_WIDTH = 120
_KEYWORDS = words(
    "abstract as async await become box break const continue do dyn else enum extern false final fn for "
    "gen if impl in let loop macro match mod move mut override priv pub ref return static struct trait "
    "true try type typeof unsafe unsized use virtual where while yield"
)
_OWNED = {"text": "String", "bytes": "Vec<u8>", "integer": "u64", "signed": "i64"} | {
    "number": "f64",
    "boolean": "bool",
    "json": "Json",
}


def name(field: Field) -> str:
    """A field's name, also where it is a word of the language."""
    return f"r#{field.name}" if field.name in _KEYWORDS else field.name


def owned(kind: Type) -> str:
    """The type of what is kept: in replies, and in records."""
    if kind.kind in _OWNED:
        return _OWNED[kind.kind]
    if kind.item is None:
        return pascal(kind.name)
    if kind.kind == "map":
        return "Map" if kind.item.kind == "json" else f"BTreeMap<String, {owned(kind.item)}>"
    return f"Vec<{owned(kind.item)}>"


def borrowed(kind: Type, lifetime: str) -> str:
    """The type of what is lent: in requests."""
    if kind.kind == "text":
        return f"&{lifetime} str"
    if kind.kind == "bytes":
        return f"&{lifetime} [u8]"
    if kind.kind == "map" and kind.item and kind.item.kind == "text":
        return f"BTreeMap<{borrowed(kind.item, lifetime)}, {borrowed(kind.item, lifetime)}>"
    if kind.kind == "list" and kind.item:
        return f"&{lifetime} [{borrowed(kind.item, lifetime)}]"
    return owned(kind)


def sentence(text: str) -> str:
    """A description with a capital letter and a full stop, and Rust's word for null."""
    text = re.sub(r"\bnull\b", "`None`", text)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def literal(variable: str, kind: str, values: list[str]) -> list[str]:
    """The lines of a function that fill a struct into a variable, broken as rustfmt does."""
    inner = f"{kind} {{ {', '.join(values)} }};" if values else f"{kind} {{}};"
    if len(inner) + len(variable) <= _WIDTH - 11:
        return [f"    let {variable} = {inner}"]
    if len(inner) <= _WIDTH - 8:
        return [f"    let {variable} =", f"        {inner}"]
    return [f"    let {variable} = {kind} {{", *(f"        {value}," for value in values), "    };"]
