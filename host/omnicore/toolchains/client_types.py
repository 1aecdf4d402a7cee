"""JSON Schemas as Python types: TypedDicts, literals, lists and unions."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

__all__ = ["TypeBook", "comment", "identifier", "pascal", "quoted"]

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_TYPE_NAMES = frozenset({"str", "bytes", "int", "float", "bool", "list", "dict"})
_USED = frozenset({"Any", "BlockingHost", "Host", "Literal", "NotRequired", "TypeAlias", "TypedDict", "cast"})
_DEEPEST = 32

Schema = Any


def pascal(text: str) -> str:
    """A class name: `count_vowels` becomes `CountVowels`."""
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", text))
    return identifier(name) if name else "Value"


def identifier(text: str) -> str:
    """A name Python takes: what is none becomes `_`."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not name or name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def quoted(value: Any) -> str:
    """A value in source, text in double quotes where that needs no escapes."""
    text = repr(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text


def comment(text: str, indent: str) -> list[str]:
    """A text as comment lines."""
    return [f"{indent}# {line}".rstrip() for line in text.split("\n")] if text else []


@dataclass(slots=True)
class TypeBook:
    """The types of one client. `definitions` are their source, in the order they may stand in."""

    taken: set[str] = field(default_factory=lambda: set(_USED | _TYPE_NAMES))
    definitions: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)

    def named(self, schema: Schema, name: str) -> str:
        """A type for a whole input or output that is one name, so that nothing in a class can hide a part of it."""
        kind = _Writer(self, schema).type_of(schema, name, ())
        if kind in ("str", "bytes", "Any", "None") or (kind.isidentifier() and kind not in _TYPE_NAMES):
            return kind
        alias = self.free(pascal(name))
        self.aliases.append(f"{alias}: TypeAlias = {quoted(kind)}")
        return alias

    def free(self, wanted: str) -> str:
        """The name, or it with a number where it is taken; taken from now on."""
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name


@dataclass(slots=True)
class _Writer:
    """Writes the types of one schema, within which references point."""

    book: TypeBook
    root: Schema
    references: dict[str, str] = field(default_factory=dict)

    def type_of(self, schema: Schema, name: str, path: tuple[str, ...]) -> str:
        if not isinstance(schema, Mapping) or len(path) > _DEEPEST:
            return "Any"
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]), path)
        if "const" in schema or "enum" in schema:
            return _literal([schema["const"]] if "const" in schema else schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                parts = enumerate(schema[key], 1)
                return _union(self.type_of(one, f"{name}{number}", (*path, key)) for number, one in parts)
        if "allOf" in schema:
            return self._all_of(schema, name, path)
        kinds = schema.get("type", _implied(schema))
        return _union(self._plain(kind, schema, name, path) for kind in (kinds if isinstance(kinds, list) else [kinds]))

    def _plain(self, kind: Any, schema: Mapping[str, Any], name: str, path: tuple[str, ...]) -> str:
        if kind == "object":
            return self._object(schema, name, path)
        if kind == "array":
            if "prefixItems" in schema or "items" not in schema:
                return "list[Any]"
            return f"list[{self.type_of(schema['items'], f'{name}Item', (*path, 'items'))}]"
        return _PLAIN.get(str(kind), "Any")

    def _object(self, schema: Mapping[str, Any], name: str, path: tuple[str, ...]) -> str:
        properties = schema.get("properties")
        if properties:
            return self._typed_dict(schema, self.book.free(pascal(name)), path)
        more = schema.get("additionalProperties", True)
        inner = self.type_of(more, f"{name}Value", (*path, "additionalProperties"))
        return f"dict[str, {inner}]"

    def _typed_dict(self, schema: Mapping[str, Any], name: str, path: tuple[str, ...]) -> str:
        if schema is self.root:
            self.references["#"] = name
        required = frozenset(schema.get("required", ()))
        kinds = {}
        for key, one in schema["properties"].items():
            kind = self.type_of(one, name + pascal(key), (*path, key))
            kinds[key] = kind if key in required else f"NotRequired[{kind}]"
        about = str(schema.get("description", ""))
        write = _as_class if all(map(_plain_key, kinds)) else _as_call
        self.book.definitions.append("\n".join(write(name, about, kinds, schema["properties"])))
        return name

    def _all_of(self, schema: Mapping[str, Any], name: str, path: tuple[str, ...]) -> str:
        parts = [self._resolved(one) for one in (*schema["allOf"], {k: v for k, v in schema.items() if k != "allOf"})]
        parts = [one for one in parts if isinstance(one, Mapping) and one]
        if len(parts) == 1:
            return self.type_of(parts[0], name, (*path, "allOf"))
        if not all(_implied(one) == "object" or one.get("type") == "object" for one in parts):
            return "Any"
        properties = {key: value for one in parts for key, value in one.get("properties", {}).items()}
        required = [key for one in parts for key in one.get("required", ())]
        return self._object({"properties": properties, "required": required}, name, (*path, "allOf"))

    def _referred(self, reference: str, path: tuple[str, ...]) -> str:
        if reference in self.references:
            return self.references[reference]
        schema, name = self._target(reference), reference.rpartition("/")[2].strip("#") or "Root"
        if isinstance(schema, Mapping) and schema.get("properties") and "allOf" not in schema:
            # Known before its fields are: it may hold itself.
            self.references[reference] = self.book.free(pascal(name))
            return self._typed_dict(schema, self.references[reference], path)
        self.references[reference] = "Any"
        kind = self.references[reference] = self.type_of(schema, name, (*path, name))
        return kind

    def _resolved(self, schema: Schema) -> Schema:
        return self._target(str(schema["$ref"])) if isinstance(schema, Mapping) and "$ref" in schema else schema

    def _target(self, reference: str) -> Schema:
        found = self.root
        for step in unquote(reference).lstrip("#").lstrip("/").split("/") if reference != "#" else ():
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                found = found[int(key)] if key.isdigit() and int(key) < len(found) else None
            else:
                found = found.get(key) if isinstance(found, Mapping) else None
        return found


def _implied(schema: Mapping[str, Any]) -> str:
    if "properties" in schema or "additionalProperties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else ""


def _literal(values: Sequence[Any]) -> str:
    if not values or any(isinstance(one, float | dict | list) for one in values):
        return "Any"
    if values == [None]:
        return "None"
    return f"Literal[{', '.join(map(quoted, values))}]"


def _union(kinds: Iterable[str]) -> str:
    found = list(dict.fromkeys(kinds))
    if "Any" in found or not found:
        return "Any"
    return " | ".join(sorted(found, key=lambda kind: kind == "None"))


def _plain_key(key: str) -> bool:
    """Whether a key can be written as a field of a class without hiding a type that its neighbours need."""
    return (
        key.isidentifier()
        and key.isascii()
        and not keyword.iskeyword(key)
        and not key.startswith("__")
        and key not in _TYPE_NAMES | _USED
    )


def _as_class(name: str, about: str, kinds: Mapping[str, str], properties: Mapping[str, Schema]) -> list[str]:
    lines = [f"class {name}(TypedDict):"]
    if about:
        lines += [f'    """{_documented(about)}"""', ""]
    for key, kind in kinds.items():
        lines += comment(_about(properties[key]), "    ")
        lines.append(f"    {key}: {kind}")
    return lines


def _as_call(name: str, about: str, kinds: Mapping[str, str], properties: Mapping[str, Schema]) -> list[str]:
    lines = [*comment(about, ""), f"{name} = TypedDict(", f"    {quoted(name)},", "    {"]
    for key, kind in kinds.items():
        lines += comment(_about(properties[key]), "        ")
        lines.append(f"        {quoted(key)}: {quoted(kind)},")
    return [*lines, "    },", ")"]


def _about(schema: Schema) -> str:
    return str(schema.get("description", "")) if isinstance(schema, Mapping) else ""


def _documented(text: str) -> str:
    """A text within a docstring."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
