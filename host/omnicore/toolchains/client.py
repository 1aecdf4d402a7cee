"""A typed Python client for a plugin, from the JSON Schemas of its functions."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from omnicore.plugins.schemas import FunctionSpec

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
    """A text as comment lines. Python ends a line at a carriage return too, after which a stranger's text would run."""
    return [f"{indent}# {line}".rstrip() for line in text.splitlines()]


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
    """True for a key that can be a field of a class without hiding a type that other fields need."""
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


_RESERVED = frozenset({"Any", "bytes", "float", "str", "__init__", "_host"})
_JSON, _TEXT = "application/json", "text/plain"


@dataclass(frozen=True, slots=True)
class _Method:
    """A function as a method: `gives` is its input's type with a default where it may be left out."""

    name: str
    function: str
    about: str
    gives: str
    passes: str
    returns: str


def client_file(plugin: str) -> str:
    """The file's name: `my-plugin` has `my_plugin_client.py`."""
    return f"{identifier(plugin)}_client.py"


def client_source(plugin: str, version: str, functions: Sequence[FunctionSpec]) -> str:
    """The client's source: a class for programs without an event loop, and one to await."""
    book = TypeBook()
    classes = [book.free(pascal(plugin)), book.free(f"Async{pascal(plugin)}")]
    methods = list(_methods(book, functions))
    body = "\n\n\n".join([*book.definitions, *(["\n".join(book.aliases)] if book.aliases else [])])
    blocks = [
        _head(plugin, version, body, methods),
        *([body] if body else []),
        _class(classes[0], plugin, methods, waits=False),
        _class(classes[1], plugin, methods, waits=True),
    ]
    return "\n\n\n".join(blocks) + "\n"


def _methods(book: TypeBook, functions: Sequence[FunctionSpec]) -> Iterator[_Method]:
    kinds = [(one, _input(book, one), _output(book, one)) for one in functions]
    taken = set(_RESERVED | book.taken)
    for function, (gives, passes), returns in kinds:
        name = _free(identifier(function.name), taken)
        yield _Method(name, function.name, function.description, gives, passes, returns)


def _free(wanted: str, taken: set[str]) -> str:
    # `list` and its like may be methods: no signature says `list`, it has the name of an alias.
    name = wanted
    while name in taken and name not in ("list", "dict", "int", "bool"):
        name += "_"
    taken.add(name)
    return name


def _input(book: TypeBook, function: FunctionSpec) -> tuple[str, str]:
    """The parameter, and what is passed on."""
    if function.input_media == _JSON:
        kind = "Any" if function.input is None else book.named(function.input, f"{pascal(function.name)}Input")
        if kind == "None":
            return "data: None = None", "data"
        schema = function.input or {}
        if schema.get("type") == "object" and not schema.get("required") and "allOf" not in schema:
            return f"data: {kind} | None = None", "{} if data is None else data"
        return f"data: {kind}", "data"
    if function.input_media == _TEXT:
        return f"data: {_text(book, function.input, f'{pascal(function.name)}Input')}", "data"
    return 'data: bytes = b""', "data"


def _output(book: TypeBook, function: FunctionSpec) -> str:
    name = f"{pascal(function.name)}Output"
    if function.output_media == _JSON:
        return "Any" if function.output is None else book.named(function.output, name)
    return _text(book, function.output, name) if function.output_media == _TEXT else "bytes"


def _text(book: TypeBook, schema: object, name: str) -> str:
    return book.named(schema, name) if isinstance(schema, dict) and {"enum", "const"} & set(schema) else "str"


def _head(plugin: str, version: str, body: str, methods: Sequence[_Method]) -> str:
    signatures = " ".join(f"{one.gives} {one.returns}" for one in methods)
    used = [
        name
        for name in ("Any", "Literal", "NotRequired", "TypeAlias", "TypedDict")
        if re.search(rf"\b{name}\b", f"{body} {signatures}")
    ]
    if any(one.returns not in ("Any", "None") for one in methods):
        used.append("cast")
    typing = [f"from typing import {', '.join(used)}", ""] if used else []
    of = _docstring(" ".join(f"{plugin} {version}".split()))
    return "\n".join(
        [
            f'"""A typed client for the plugin {of}, made by `omnicore plugins stub {plugin}`."""',
            "",
            "from __future__ import annotations",
            "",
            *typing,
            "from omnicore import BlockingHost, Host",
        ]
    )


def _class(name: str, plugin: str, methods: Sequence[_Method], *, waits: bool) -> str:
    host, use = ("Host", "`async with Host(...) as host`") if waits else ("BlockingHost", "`with Host(...) as host`")
    lines = [
        f"class {name}:",
        f'    """The functions of {plugin}, called on the host of {use}."""',
        "",
        f"    def __init__(self, host: {host}) -> None:",
        "        self._host = host",
    ]
    for method in methods:
        lines += ["", *_method(plugin, method, waits=waits)]
    return "\n".join(lines)


def _method(plugin: str, method: _Method, *, waits: bool) -> Iterator[str]:
    head, call = ("async def", "await self._host.call") if waits else ("def", "self._host.call")
    yield f"    {head} {method.name}(self, {method.gives}, *, timeout_s: float | None = None) -> {method.returns}:"
    if method.about:
        yield f'        """{_docstring(method.about)}"""'
    made = f"{call}({quoted(f'{plugin}.{method.function}')}, {method.passes}, timeout_s=timeout_s)"
    if method.returns == "None":
        yield f"        {made}"
    elif method.returns == "Any":
        yield f"        return {made}"
    else:
        yield f"        return cast({method.returns}, {made})"


def _docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\n        ")
