"""The doors as `specs/doors/*.toml` describe them, checked and with every name resolved."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DOORS", "ROOT", "VERBLESS", "Contract", "Door", "Enum", "Field", "Record", "Type", "Verb", "load"]

ROOT = Path(__file__).resolve().parents[2]

# The order of the documentation, and of everything that is written.
DOORS = ("log", "config", "kv", "http", "events", "tasks", "memory", "vectors", "connectors")
# Doors that only have a scope: the host calls the plugin, and no kit has anything for them.
VERBLESS = ("loops",)
PLAIN = frozenset({"text", "bytes", "integer", "number", "boolean", "json"})
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Type:
    """A type: `kind` is a plain one, `list`, `map` (from text), `record` or `enum`.

    `item` is what a list or a map holds, `name` the record's or enum's.
    """

    kind: str
    item: Type | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a request, reply, record or scope.

    `optional` may be left out of a request; `null` is always there and may be null. `most` bounds a number, or
    the bytes of a text; None bounds nothing here.
    """

    name: str
    type: Type
    doc: str
    optional: bool = False
    null: bool = False
    most: int | None = None
    default: Any = None


@dataclass(frozen=True, slots=True)
class Record:
    """A named group of fields."""

    name: str
    doc: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Enum:
    """A text that is one of several."""

    name: str
    doc: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing a door does. `function` is what guests import.

    `reply` are the fields of the answer. `record` names the record they make up, if they do; `maybe` says that
    all of them are null where there is nothing. A kit returns nothing for no field, the value for one, and the
    record for several.
    """

    name: str
    function: str
    doc: str
    request: tuple[Field, ...]
    reply: tuple[Field, ...]
    record: Record | None = None
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """A door with its verbs and the fields of its scope. `grant`: a person has to open it."""

    name: str
    purpose: str
    resource: str
    grant: bool
    scope: tuple[Field, ...]
    enums: tuple[Enum, ...]
    records: tuple[Record, ...]
    verbs: tuple[Verb, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """The doors with verbs, those without, and what they answer when they refuse: fields of an error, and codes."""

    doors: tuple[Door, ...]
    verbless: tuple[Door, ...]
    error: tuple[Field, ...]
    codes: Mapping[str, str]


def load(folder: Path = ROOT / "specs" / "doors") -> Contract:
    """Reads the descriptions. Raises: ValueError, with the file and what is wrong with it."""
    found = {path.stem for path in folder.glob("*.toml")}
    expected = {*DOORS, *VERBLESS, "errors"}
    if found != expected:
        raise ValueError(f"{folder} describes {sorted(found)}, not {sorted(expected)}")
    errors = _values(folder / "errors.toml")
    return Contract(
        doors=tuple(_Reader(folder / f"{name}.toml").door() for name in DOORS),
        verbless=tuple(_Reader(folder / f"{name}.toml").door() for name in VERBLESS),
        error=tuple(_Reader(folder / "errors.toml").fields(errors["fields"])),
        codes=errors["codes"],
    )


def _values(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from error


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _values(path)
        self._enums = {one["name"]: Enum(one["name"], one["doc"], tuple(one["values"])) for one in self._list("enums")}
        self._records: dict[str, Record] = {}
        for one in self._list("records"):  # a record may hold those that stand before it
            self._records[one["name"]] = Record(one["name"], one["doc"], tuple(self.fields(one["fields"])))

    def door(self) -> Door:
        values = self._values
        if values["name"] != self._path.stem:
            raise self._wrong(f"the door is called {values['name']}")
        if bool(values.get("verbs")) == (values["name"] in VERBLESS):
            raise self._wrong("a door has verbs, or stands among those without")
        return Door(
            name=values["name"],
            purpose=values["purpose"],
            resource=values["resource"],
            grant=values.get("grant", False),
            scope=tuple(self.fields(values.get("scope", ()))),
            enums=tuple(self._enums.values()),
            records=tuple(self._records.values()),
            verbs=tuple(self._verb(one) for one in values.get("verbs", ())),
        )

    def fields(self, found: Any) -> Iterator[Field]:
        for one in found:
            if not _NAME.fullmatch(one["name"]):
                raise self._wrong(f"{one['name']!r} is no field name")
            yield Field(**{**one, "type": self._type(one["type"])})

    def _verb(self, values: Mapping[str, Any]) -> Verb:
        record = None
        reply = values["reply"]
        if isinstance(reply, str):
            record = self._records.get(reply)
            if record is None:
                raise self._wrong(f"there is no record {reply!r}")
        elif len(reply) > 1:
            raise self._wrong(f"name the record that {values['name']} returns")
        name, door = values["name"], self._values["name"]
        return Verb(
            name=name,
            function=values.get("function", f"{door}_{name}_v{values.get('version', 1)}"),
            doc=values["doc"],
            request=tuple(self.fields(values["request"])),
            reply=record.fields if record else tuple(self.fields(reply)),
            record=record,
            maybe=values.get("maybe", False),
        )

    def _type(self, text: str) -> Type:
        if text in PLAIN:
            return Type(text)
        outer, _, rest = text.partition("<")
        if outer in ("list", "map") and rest.endswith(">"):
            return Type(outer, self._type(rest[:-1]))
        if text in self._records:
            return Type("record", name=text)
        if text in self._enums:
            return Type("enum", name=text)
        raise self._wrong(f"there is no type {text!r}")

    def _list(self, key: str) -> list[dict[str, Any]]:
        found = self._values.get(key, [])
        return found if isinstance(found, list) else []

    def _wrong(self, fact: str) -> ValueError:
        return ValueError(f"{self._path}: {fact}")
