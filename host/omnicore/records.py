"""Records: one declaration of fields for decoding, JSON Schema and the API's view, and for a table (`storage.table`).

```python
class Pet(Record, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=80, description="What it is called.")]
    born_at: Time | None = None
    traits: Json = None
    seal: Annotated[int, HIDDEN] = 0

decode(Pet, {"name": ""}, "pet")    # InvalidInput: path "name", remedy "pass text of 1 to 80 characters"
schema(Pet), pet.to_json()          # for OpenAPI; neither has `seal`
```

Types are looked at when something is first asked of them, so a declaration costs an import next to nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, NoReturn, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
import msgspec.yaml
from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import asdict, replace

from omnicore.errors import InvalidInput

__all__ = [
    "HIDDEN",
    "UNSET",
    "Field",
    "Json",
    "MaybeJson",
    "Meta",
    "Record",
    "Seconds",
    "Time",
    "UnsetType",
    "asdict",
    "checked",
    "decode",
    "field",
    "fields",
    "from_text",
    "from_yaml",
    "not_null",
    "quick",
    "ref",
    "replace",
    "schema",
    "to_text",
    "view",
]


HIDDEN = Meta(extra={"hidden": True})
"""Marks a field that is stored and not shown."""
Time = Annotated[float, Meta(description="Seconds since the Unix epoch.")]
Seconds = Annotated[float, Meta(description="Seconds.")]
Json = Annotated[Any, Meta(extra={"nullable": False})]
"""Any JSON value. None is stored as the JSON value null."""
MaybeJson = Annotated[Any, Meta(extra={"nullable": True})]
"""Any JSON value, or None where there is none: stored as NULL."""

_JSON_TYPES: Mapping[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_SCHEMA_TYPES: Mapping[type, str] = {
    **{msgspec.inspect.StrType: "string", msgspec.inspect.IntType: "integer", msgspec.inspect.FloatType: "number"},
    **{msgspec.inspect.BoolType: "boolean", msgspec.inspect.NoneType: "null"},
}
_PYTHON_TYPES = {**{kind.__name__: word for kind, word in _JSON_TYPES.items()}, "object": "object", "array": "array"}
_BOUNDS = {
    **{"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "pattern": "pattern"},
    **{"min_length": "minLength", "max_length": "maxLength"},
}
_AT = re.compile(r" - at `(?:key` in `)?\$\.?(.*)`$")
_EXPECTED = re.compile(r"^Expected `(\w+)")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A thing that is stored, sent or shown. `decode` and `checked` check its fields; constructing it does not."""

    def to_json(self) -> dict[str, Any]:
        """The fields that the API and `-o json` show, by their JSON names."""
        return view(self)


_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record. `column` is the type in the database, where a `coded` field is kept as JSON text."""

    name: str
    json_name: str
    column: type
    coded: bool
    nullable: bool
    hidden: bool
    required: bool
    default: Any
    schema: Mapping[str, Any]


@cache
def fields(record: type[Record]) -> tuple[Field, ...]:
    """The fields of a record, in the order of their declaration."""
    hints = get_type_hints(record, include_extras=True)
    info = cast(msgspec.inspect.StructType, msgspec.inspect.type_info(record))
    return tuple(_field(one, hints[one.name]) for one in info.fields)


# -- values


def decode(record: type[_R], values: Any, what: str) -> _R:
    """The record that a JSON object holds. Null stands for the default of a field that cannot be null.

    Args:
        what: the noun for messages, such as `task`.

    Raises: InvalidInput, with `path` of what is wrong.
    """
    if not isinstance(values, Mapping):
        raise InvalidInput(f"the {what} is not a JSON object", remedy="pass a JSON object", path="")
    known = {one.json_name: one for one in fields(record) if not one.hidden}
    for name in sorted(map(str, values.keys() - known.keys())):
        _refuse_unknown(record, what, name)
    given = {name: value for name, value in values.items() if value is not None or _takes_null(known[name])}
    for name, one in known.items():
        if one.required and name not in given:
            _refuse(record, what, name, "is missing")
    return _converted(record, given, what)


def from_text(record: type[_R], text: str | bytes, what: str) -> _R:
    """The record that a JSON text holds, as `decode` gives it, about ten times as fast where nothing is wrong.

    Raises: InvalidInput, with `path` of what is wrong.
    """
    try:
        try:
            return msgspec.json.decode(text, type=record)
        except msgspec.ValidationError:
            return decode(record, msgspec.json.decode(text), what)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"the {what} is not JSON: {str(error)[:200]}", remedy="pass an object", path="") from None


def to_text(record: Record) -> str:
    """The record as JSON text, fields that are not shown among them."""
    return msgspec.json.encode(record).decode()


def from_yaml(text: bytes) -> Any:
    """The value of a YAML file that comes with the host. What others wrote is read by `workflows.language`."""
    return msgspec.yaml.decode(text)


def checked(record: _R, what: str) -> _R:
    """A record that was constructed, after the checks of `decode`. Raises: InvalidInput."""
    return _converted(type(record), _plain(record), what)


def _plain(value: Any) -> Any:
    """A value without records inside it, which the decoder would take unseen."""
    if isinstance(value, Record):
        return {one.json_name: _plain(getattr(value, one.name)) for one in fields(type(value))}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _converted(record: type[_R], values: Mapping[str, Any], what: str) -> _R:
    try:
        found = msgspec.convert(values, record, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        at, unknown = _AT.search(str(error)), _UNKNOWN.search(str(error))
        path = at[1] if at else ""
        if unknown:
            _refuse_unknown(record, what, f"{path}.{unknown[1]}")
        _refuse(record, what, path, "cannot be used", expected=_EXPECTED.search(str(error)))
    for one in fields(record):
        value = getattr(found, one.name)
        if isinstance(value, str) and not one.coded and _UNSTORABLE.search(value):
            _refuse(record, what, one.json_name, "cannot be used")
    return found


def _takes_null(one: Field) -> bool:
    return one.nullable or not one.schema.keys() & {"type", "enum", "const", "$ref", "anyOf"}


def view(record: Record) -> dict[str, Any]:
    """The record as the API shows it. JSON values inside stay as they are."""
    return {name: _shown(getattr(record, attribute)) for name, attribute in _visible(type(record))}


def _shown(value: Any) -> Any:
    if isinstance(value, Record):
        return view(value)
    return [_shown(one) for one in value] if isinstance(value, tuple) else value


@cache
def _visible(record: type[Record]) -> tuple[tuple[str, str], ...]:
    return tuple((one.json_name, one.name) for one in fields(record) if not one.hidden)


def _refuse(record: type[Record], what: str, path: str, fact: str, expected: re.Match[str] | None = None) -> NoReturn:
    name = re.split(r"[.\[]", path)[0]
    found: Mapping[str, Any] = next((one.schema for one in fields(record) if one.json_name == name), {})
    if path.endswith("]"):
        found = found.get("items", found)
    elif "." in path:  # inside of another record: the decoder's own words
        found = {"type": _PYTHON_TYPES.get(expected[1], "")} if expected else {}
    raise InvalidInput(f"{path or 'value'} of the {what} {fact}", remedy=f"pass {_words(name, found)}", path=path)


def _refuse_unknown(record: type[Record], what: str, path: str) -> NoReturn:
    names = [one.json_name for one in fields(record) if not one.hidden]
    remedy = f"fields are {', '.join(sorted(names))}" if "." not in path else "remove it"
    raise InvalidInput(f"the {what} has no field {path[:80]!r}", remedy=remedy, path=path[:80])


def _words(name: str, found: Mapping[str, Any]) -> str:
    """The remedy for a schema, in words."""
    if "enum" in found:
        return f"one of {', '.join(str(one) for one in found['enum'] if one is not None)}"
    kinds = found.get("type", ())
    kind = next((one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null"), "")
    least = found.get("minimum", found.get("minLength", found.get("minItems")))
    most = found.get("maximum", found.get("maxLength", found.get("maxItems")))
    above = found.get("exclusiveMinimum")
    start = f" above {above:g}" if above is not None else "" if least is None else f" from {least:g}"
    bounds = start + ("" if most is None else f" to {most:g}" if start else f" up to {most:g}")
    if kind == "string":
        span = f"{least} to {most}" if least is not None and most is not None else f"up to {most}"
        return f"text of {span} characters" if most is not None else "text"
    if kind == "array":
        return f"a list of {'up to ' + str(most) + ' ' if most is not None else ''}{_ITEMS.get(name[-2:], 'values')}"
    noun = {"integer": "a whole number", "number": f"a number{' of seconds' if name.endswith('_s') else ''}"}
    return noun.get(kind, {"boolean": "true or false", "object": "an object"}.get(kind, "a JSON value")) + bounds


_ITEMS = {"_s": "numbers of seconds"}


# -- JSON Schema


def schema(record: type[Record], *, shown: bool = False) -> dict[str, Any]:
    """JSON Schema of a record: as input, or as it is `shown`, where no field is left out."""
    members = [one for one in fields(record) if not one.hidden]
    required = [one.json_name for one in members if shown or one.required]
    found = {"type": "object", "properties": {one.json_name: dict(one.schema) for one in members}}
    return {**found, "required": required} if required else found


def not_null(found: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without null and without its description, as parameters of a query have it."""
    kinds = found.get("type", ())
    rest = {name: value for name, value in found.items() if name != "description"}
    if "enum" in rest:
        rest["enum"] = [one for one in rest["enum"] if one is not None]
    if isinstance(kinds, list):
        left = [one for one in kinds if one != "null"]
        rest["type"] = left[0] if len(left) == 1 else left
    return rest


def ref(name: str) -> dict[str, Any]:
    """A reference to a schema of the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def _field(info: msgspec.inspect.Field, hint: Any) -> Field:
    found, extra = _schema(info.type)
    if "enum" in found:
        found["enum"].sort(key=_declared(hint).index)
    kinds = found.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    members = found.get("enum", [found["const"]] if "const" in found else [])
    kinds += [_JSON_TYPES.get(type(one), "") for one in members]
    columns = {column for column, kind in _JSON_TYPES.items() if kind in kinds} - {type(None)}
    column = bytes if found.get("contentEncoding") == "base64" else columns.pop() if len(columns) == 1 else str
    coded = column is str and (not set(kinds) <= {"string", "null"} or not kinds)
    nullable = extra.get("nullable", "null" in kinds or {"type": "null"} in found.get("anyOf", ()))
    default = None if info.default is msgspec.NODEFAULT else info.default
    hidden = bool(extra.get("hidden"))
    return Field(info.name, info.encode_name, column, coded, nullable, hidden, info.required, default, found)


def _declared(hint: Any) -> list[Any]:
    """The values of a Literal or Enum in their order, which the decoder does not keep; None comes last."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [one.value for one in hint]
    return [value for inner in get_args(hint) for value in _declared(inner)] + [None]


def _schema(kind: msgspec.inspect.Type) -> tuple[dict[str, Any], dict[str, Any]]:
    """A type's JSON Schema and its other marks; those of outer annotations win over inner ones."""
    notes: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    while isinstance(kind, msgspec.inspect.Metadata):
        notes = {**(kind.extra_json_schema or {}), **notes}
        extra = {**(kind.extra or {}), **extra}
        kind = kind.type
    if not isinstance(kind, msgspec.inspect.UnionType):
        return {**_plain_schema(kind), **notes}, extra
    parts = [_schema(one) for one in kind.types]
    for _, more in parts:
        extra = {**more, **extra}
    return {**_union([found for found, _ in parts]), **notes}, extra


def _union(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Schemas as one: types join in a list, None joins the values of an enumeration; references stand beside."""
    others = [one for one in parts if one != {"type": "null"}]
    null = len(others) < len(parts)
    if len(others) == 1 and "enum" in others[0]:
        return {**others[0], "enum": [*others[0]["enum"], *([None] if null else [])]}
    if all(isinstance(one.get("type"), str) for one in others):
        joined = {name: value for one in others for name, value in one.items()}
        return {**joined, "type": [*(one["type"] for one in others), *(["null"] if null else [])]}
    return {"anyOf": list(parts)}


def _plain_schema(kind: msgspec.inspect.Type) -> dict[str, Any]:
    bounds = {word: value for name, word in _BOUNDS.items() if (value := getattr(kind, name, None)) is not None}
    found: dict[str, Any]
    match kind:
        case msgspec.inspect.LiteralType(values=values):
            found = {"enum": list(values)} if len(values) > 1 else {"const": values[0]}
        case msgspec.inspect.EnumType(cls=cls):
            found = {"enum": [one.value for one in cls]}
        case msgspec.inspect.StructType(cls=cls):
            found = ref(cls.__name__)
        case msgspec.inspect.DictType(value_type=inner):
            of = _schema(inner)[0]
            found = {"type": "object", **({"additionalProperties": of} if of else {})}
        case msgspec.inspect.ListType(item_type=inner) | msgspec.inspect.VarTupleType(item_type=inner):
            bounds = {name.replace("Length", "Items"): value for name, value in bounds.items()}
            found = {"type": "array", "items": _schema(inner)[0]}
        case msgspec.inspect.BytesType():
            found = {"type": "string", "contentEncoding": "base64"}
        case _:
            word = _SCHEMA_TYPES.get(type(kind))
            found = {"type": word} if word else {}
    return {**found, **bounds}


_T = TypeVar("_T")


def quick(cls: type[_T]) -> type[_T]:
    """Makes a frozen dataclass with slots about three times as fast to make; put it above `@dataclass`.

    The type checker still refuses to change such a value. The program no longer does: what guards each member also has
    each of them set by a call of its own.

    >>> from dataclasses import dataclass
    >>> @quick
    ... @dataclass(frozen=True, slots=True)
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0), len({Point(1), Point(1)})
    (Point(x=1, y=0), True, 1)
    """
    if not dataclasses.is_dataclass(cls) or "__setattr__" not in cls.__dict__:
        raise TypeError(f"{cls.__name__} is no frozen dataclass")
    members: list[Any] = [(one.name, Any, _like(one)) for one in dataclasses.fields(cls)]
    twin = dataclasses.make_dataclass(cls.__name__, members)
    made: Any = cls
    made.__init__ = vars(twin)["__init__"]
    del made.__setattr__, made.__delattr__
    return cls


def _like(one: Any) -> Any:
    if one.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=one.default_factory)
    return dataclasses.field() if one.default is dataclasses.MISSING else dataclasses.field(default=one.default)
