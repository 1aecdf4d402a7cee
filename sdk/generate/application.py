"""The doors of an embedding application, in the terms of `contract`, and its kits: `omnicore kit`.

A description comes as plain values, so that nothing here needs the host:

    {"doors": [{"name", "purpose", "scope": [name], "verbs": [
        {"name", "function", "doc", "request": schema, "reply": schema or null, "defs": {name: schema}, "codes": {}}]}]}

A JSON Schema that no record, list, map, enum or plain type stands for is any JSON value in the kits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sdk.generate import assemblyscript, c, go, js, python, wit, zig
from sdk.generate.breaches import breaches
from sdk.generate.contract import Door, Enum, Field, Record, Type, Verb
from sdk.generate.rust import doors as rust
from sdk.generate.text import words

__all__ = ["LANGUAGES", "breaches", "doors_of", "files", "page"]

MADE = "Made by `omnicore kit` from the doors of an application; make it again when they change."
LANGUAGES: Mapping[str, Callable[[tuple[Door, ...]], dict[str, str]]] = {
    "rust": lambda doors: rust.application(doors, MADE),
    "go": lambda doors: go.application(doors, MADE),
    "js": lambda doors: js.application(doors, MADE),
    "python": lambda doors: python.application(_spelled(doors, _signed), MADE),
    "c": lambda doors: c.application(_spelled(doors, _of_c), MADE),
    "zig": lambda doors: zig.application(_spelled(doors, _signed), MADE),
    "assemblyscript": lambda doors: assemblyscript.application(_spelled(doors, _of_assemblyscript), MADE),
    "wit": lambda doors: wit.application(doors, MADE),
}
"""What makes the files of a language; TypeScript is that of JavaScript with its types, WIT is for other components."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[a-z][a-z0-9_-]*")
_WORDS = words(  # of the languages, as names of functions and packages
    "as async await box break case catch chan class const continue crate debugger default defer delete do "
    "dyn else enum export extends extern fallthrough false final finally fn for func function gen go goto "
    "if impl import in init instanceof interface let loop macro main map match mod move mut new null "
    "package priv pub range ref return select self static struct super switch this throw trait true try "
    "type typeof unsafe use var void where while with yield"
)
_NAMES = words(  # that kits import or make, in their own spelling
    "any array b_tree_map borrowed box bytes date door_error error failure flag json literal map mapping number object "
    "option options request response result sequence string value vec"
)
_PLAIN = {"string": "text", "integer": "signed", "number": "number", "boolean": "boolean"}


def _spelled(doors: tuple[Door, ...], kind: Callable[[Type], Type]) -> tuple[Door, ...]:
    """The doors with each type as a language can spell it."""

    def fields(found: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(replace(one, type=kind(one.type)) for one in found)

    return tuple(
        replace(
            door,
            records=tuple(replace(one, fields=fields(one.fields)) for one in door.records),
            verbs=tuple(replace(one, request=fields(one.request), reply=fields(one.reply)) for one in door.verbs),
        )
        for door in doors
    )


def _signed(kind: Type) -> Type:
    """Integers, which may be negative here, by the name that they have in most kits."""
    if kind.item is not None:
        return replace(kind, item=_signed(kind.item))
    return Type("integer") if kind.kind == "signed" else kind


def _of_c(kind: Type) -> Type:
    """Lists of texts, numbers, integers and records, and texts by name; all else that holds something is JSON."""
    kind = _signed(kind)
    if kind.item is None:
        return kind
    if kind.kind == "list" and kind.item.kind == "enum":
        return Type("list", Type("text"))
    if kind.kind == "list" and kind.item.kind in ("text", "number", "integer", "record"):
        return kind
    return kind if kind == Type("map", Type("text")) else Type("json")


def _of_assemblyscript(kind: Type) -> Type:
    """Maps of texts; any other is JSON."""
    kind = _signed(kind)
    if kind.kind == "map":
        return kind if kind.item == Type("text") else Type("json")
    return replace(kind, item=_of_assemblyscript(kind.item)) if kind.item is not None else kind


def files(doors: tuple[Door, ...], language: str) -> dict[str, str]:
    """The files of a kit, by their path in its folder. Raises: KeyError: no such language."""
    return LANGUAGES[language](doors)


def doors_of(description: Mapping[str, Any]) -> tuple[Door, ...]:
    """The doors that a description holds. Raises: ValueError: a name is a word of one of the languages."""
    for one in description["doors"]:
        for name in (one["name"], *(verb["name"] for verb in one["verbs"])):
            if name in _WORDS:
                raise ValueError(f"{name} is a word of one of the languages; give the door another name")
    return tuple(_door(one) for one in description["doors"])


def _door(values: Mapping[str, Any]) -> Door:
    ends = ("", "_options", "_result")  # of names that kits make for a function
    types = _Types({f"{one['name']}{end}" for one in values["verbs"] for end in ends})
    verbs = tuple(types.verb(one) for one in values["verbs"])
    return Door(
        name=values["name"],
        purpose=_words(values["purpose"]),
        resource="",
        grant=True,
        scope=tuple(Field(name, Type("list", Type("text")), "what the grant narrows by") for name in values["scope"]),
        enums=tuple(types.enums.values()),
        records=tuple(types.records.values()),
        verbs=verbs,
    )


class _Types:
    """The records and enums of one door, found while its verbs are read. `taken` are names that they leave alone."""

    def __init__(self, taken: set[str]) -> None:
        self.records: dict[str, Record] = {}
        self.enums: dict[str, Enum] = {}
        self._taken = taken
        self._named: dict[str, Type] = {}
        self._defs: Mapping[str, Any] = {}

    def verb(self, values: Mapping[str, Any]) -> Verb:
        self._defs = values["defs"]
        request = self._fields(values["request"], values["name"])
        reply: tuple[Field, ...] = ()
        if values["reply"] is not None:
            kind, null = self._type(values["reply"], f"{values['name']}_result")
            reply = (Field("value", kind, "the result", null=null),)
        return Verb(values["name"], values["function"], _words(values["doc"]), request or (), reply)

    def _fields(self, schema: Mapping[str, Any], owner: str) -> tuple[Field, ...] | None:
        """The fields of an object; None where a kit cannot spell one of them."""
        found = schema.get("properties", {})
        if not all(_NAME.fullmatch(name) for name in found):
            return None
        needed = set(schema.get("required", ()))
        fields = []
        for name, one in found.items():
            kind, null = self._type(one, f"{owner}_{name}")
            doc = _words(one.get("description") or name.replace("_", " "))
            fields.append(Field(name, kind, doc, optional=name not in needed, null=null))
        return tuple(fields)

    def _type(self, schema: Any, hint: str) -> tuple[Type, bool]:
        """A type, and whether it may be null."""
        if not isinstance(schema, Mapping):
            return Type("json"), False
        several = schema.get("anyOf") or schema.get("oneOf")
        if several:
            rest = [one for one in several if one != {"type": "null"}]
            if len(rest) != 1:
                return Type("json"), False
            return self._type(rest[0], hint)[0], len(rest) < len(several)
        if "$ref" in schema:
            return self._referred(schema["$ref"].rpartition("/")[2]), False
        if len(schema.get("allOf", ())) == 1:
            return self._type(schema["allOf"][0], hint)
        return self._plain(schema, hint), False

    def _plain(self, schema: Mapping[str, Any], hint: str) -> Type:
        kind = schema.get("type")
        if "enum" in schema:
            return self._enum(schema, hint)
        if kind == "array" and "items" in schema and "prefixItems" not in schema:
            item, null = self._type(schema["items"], f"{hint}_item")
            return Type("json") if null else Type("list", item)
        if kind == "object" and "properties" in schema:
            return self._record(schema, hint)
        if kind == "object" and schema.get("additionalProperties"):
            item, null = self._type(schema["additionalProperties"], f"{hint}_item")
            return Type("json") if null or item.kind in ("record", "enum", "list", "map") else Type("map", item)
        return Type(_PLAIN.get(str(kind), "json"))

    def _referred(self, name: str) -> Type:
        if name not in self._named:
            self._named[name] = Type("json")  # a type that holds itself: from the second time on it is any JSON
            self._named[name], _ = self._type(self._defs.get(name, {}), _snake(name))
        return self._named[name]

    def _enum(self, schema: Mapping[str, Any], hint: str) -> Type:
        values = schema["enum"]
        if not all(isinstance(one, str) and _VALUE.fullmatch(one) for one in values):
            return Type("text" if all(isinstance(one, str) for one in values) else "json")
        name = self._free(hint)
        self.enums[name] = Enum(name, _doc(schema, name), tuple(one.replace("-", "_") for one in values))
        if any("-" in one for one in values):  # kits spell a value as it is
            del self.enums[name]
            return Type("text")
        return Type("enum", name=name)

    def _record(self, schema: Mapping[str, Any], hint: str) -> Type:
        fields = self._fields(schema, hint)
        if not fields:
            return Type("json")
        name = self._free(hint)
        self.records[name] = Record(name, _doc(schema, name), fields)
        return Type("record", name=name)

    def _free(self, name: str) -> str:
        name = name if _NAME.fullmatch(name) else "value"
        made = ("", "_read", "_read_maybe", "_write", "_list", "_of", "_text")  # names that kits make for it
        taken = _NAMES.union(self._taken, self.records, self.enums)
        while name in taken or any(f"{name}{end}" in self._taken for end in made):
            name = f"{name}_record"
        return name


def _snake(name: str) -> str:
    """`OrderItem` as `order_item`."""
    return re.sub(r"[^a-z0-9_]", "", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).lstrip("_0123456789")


def _doc(schema: Mapping[str, Any], name: str) -> str:
    return _words(schema.get("description") or name.replace("_", " ").capitalize()).rstrip(".") + "."


def _words(text: Any) -> str:
    """A description on one line that ends no comment."""
    return " ".join(str(text).split()).replace("*/", "* /").replace("/*", "/ *")


def page(description: Mapping[str, Any], doors: tuple[Door, ...]) -> str:
    """A page about the doors, for whoever writes plugins."""
    parts = [f"# Doors of the application\n\n<!-- {MADE} -->\n"]
    for values, door in zip(description["doors"], doors, strict=True):
        needs = ", ".join(f'{one} = ["*"]' for one in values["scope"])
        scope = f"\nscope = {{ {needs} }}" if needs else ""
        asks = f'[[capabilities]]\nname = "{door.name}"\nreason = "say why it needs this"{scope}'
        parts.append(
            f"## `{door.name}`\n\nThe plugin {door.purpose}. Its manifest asks for it:\n\n```toml\n{asks}\n```\n"
        )
        for verb, one in zip(door.verbs, values["verbs"], strict=True):
            parts.append(_verb(door, verb, one["codes"]))
        if door.records or door.enums:
            parts.append(_tables(door))
    return "\n".join(parts)


def _verb(door: Door, verb: Verb, codes: Mapping[str, str]) -> str:
    rows = "".join(f"| `{one.name}` | {_shown(one)} | {one.doc} |\n" for one in verb.request)
    takes = f"\n| field | type | |\n|---|---|---|\n{rows}" if rows else ""
    gives = f'`{{"value": {_shown(verb.reply[0])}}}`' if verb.reply else "`{}`"
    errors = f" Errors of its own: {', '.join(f'`{code}`' for code in codes)}." if codes else ""
    return f"### `{verb.function}`\n\n{verb.doc}\n{takes}\nReply: {gives}.{errors}\n"


def _tables(door: Door) -> str:
    found = [f"`{one.name}`: {', '.join(f'`{value}`' for value in one.values)}" for one in door.enums]
    found += [
        f"`{one.name}`: {one.doc} " + ", ".join(f"`{field.name}` {_shown(field)}" for field in one.fields)
        for one in door.records
    ]
    return "### Types\n\n" + "\n".join(f"- {one}" for one in found) + "\n"


def _shown(field: Field) -> str:
    def kind(one: Type) -> str:
        inner = f" of {kind(one.item)}" if one.item else ""
        return (one.name or {"signed": "integer"}.get(one.kind, one.kind)) + inner

    return kind(field.type) + (" or null" if field.null else "") + (", optional" if field.optional else "")
