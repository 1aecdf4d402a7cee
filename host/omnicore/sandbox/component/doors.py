"""The doors as components see them: typed functions, turned into the requests of `specs/abi.md` and back.

A door's code is the same for core modules and components: it reads a JSON request and writes a JSON reply.
`doors.json` is made from the same description as the WIT files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from omnicore.errors import EngineFailed
from omnicore.sandbox.wit_types import (
    BLOB,
    BOOL,
    F64,
    JSON,
    S64,
    STRING,
    Signature,
    WitType,
    enum,
    list_of,
    map_of,
    option,
    record,
    result,
)

__all__ = ["PACKAGE", "DoorFunction", "door_functions", "error_value"]

PACKAGE = "omnicore:plugin"
_PLAIN = {"string": STRING, "blob": BLOB, "json": JSON, "s64": S64, "f64": F64, "bool": BOOL}
_Writer = Callable[[Any], str]
_Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class DoorFunction:
    """One function of a door's interface.

    `function` is the host function behind it. `request` makes its JSON text from the arguments; `reply` makes
    the returned value from what the door answered.
    """

    name: str
    function: str
    signature: Signature
    request: Callable[[list[Any]], str]
    reply: Callable[[Mapping[str, Any]], Any]


@cache
def door_functions() -> Mapping[str, Mapping[str, DoorFunction]]:
    """Every function by its interface, without the version, and its name."""
    text = resources.files(__package__).joinpath("doors.json").read_text(encoding="utf-8")
    table = json.loads(text)
    error = record(*((name, STRING if name in ("code", "message") else option(STRING)) for name in table["error"]))
    return {
        f"{PACKAGE}/{door}": {name: _function(name, row, error) for name, row in verbs.items()}
        for door, verbs in table["doors"].items()
    }


def error_value(error: Mapping[str, Any]) -> dict[str, Any]:
    """A door's error as the value of `door-error`."""
    shown = {name: error.get(name) for name in ("remedy", "capability", "resource", "limit")}
    texts = {name: None if value is None else str(value) for name, value in shown.items()}
    return {"code": str(error["code"]), "message": str(error["message"]), **texts}


def _function(name: str, row: Mapping[str, Any], error: WitType) -> DoorFunction:
    params = tuple((one, _type(kind)) for one, kind, _ in row["request"])
    fields = [(one, _type(kind)) for one, kind in row["reply"]]
    return DoorFunction(
        name,
        row["function"],
        Signature(params, result(_reply_type(row, fields), error)),
        _request([(one.replace("-", "_"), _type(kind), how == "optional") for one, kind, how in row["request"]]),
        _reply(row, [(one.replace("-", "_"), kind) for one, kind in fields]),
    )


def _type(written: Any) -> WitType:
    if isinstance(written, str):
        return _PLAIN[written]
    kind, inner = written
    if kind == "enum":
        return enum(*inner)
    if kind == "record":
        return record(*((name, _type(one)) for name, one in inner))
    return {"option": option, "list": list_of, "map": map_of}[kind](_type(inner))


def _reply_type(row: Mapping[str, Any], fields: list[tuple[str, WitType]]) -> WitType | None:
    if not fields:
        return None
    inner = record(*fields) if row["record"] else fields[0][1]
    return option(inner) if row["maybe"] else inner


# Requests: values to JSON text. JSON from the guest is put in as it is; the door reads all of it with suspicion.


def _request(fields: list[tuple[str, WitType, bool]]) -> Callable[[list[Any]], str]:
    written = [(json.dumps(name), _writer(kind), optional) for name, kind, optional in fields]

    def request(values: list[Any]) -> str:
        pairs = zip(written, values, strict=True)
        parts = (
            f"{name}:{write(value)}" for (name, write, optional), value in pairs if value is not None or not optional
        )
        return "{" + ",".join(parts) + "}"

    return request


def _writer(kind: WitType) -> _Writer:
    make = _WRITERS.get(kind.meaning or kind.kind)
    return _dumps if make is None else make(kind)


def _write_blob(value: Any) -> str:
    return _dumps(value["value"] if value["tag"] == "text" else {"base64": value["value"]})


def _option_writer(kind: WitType) -> _Writer:
    write = _writer(_inside(kind))
    return lambda value: "null" if value is None else write(value)


def _map_writer(kind: WitType) -> _Writer:
    write = _writer(_values_of(kind))
    return lambda value: "{" + ",".join(f"{_dumps(key)}:{write(one)}" for key, one in value.items()) + "}"


def _list_writer(kind: WitType) -> _Writer:
    write = _writer(_inside(kind))
    if write is _dumps:
        return _dumps
    return lambda value: "[" + ",".join(map(write, value)) + "]"


def _record_writer(kind: WitType) -> _Writer:
    fields = [(name, json.dumps(name), _writer(item), item.kind == "option") for name, item in _fields(kind)]

    def write(value: dict[str, Any]) -> str:
        parts = (
            f"{shown}:{one(value[name])}"
            for name, shown, one, optional in fields
            if value[name] is not None or not optional
        )
        return "{" + ",".join(parts) + "}"

    return write


_WRITERS: dict[str, Callable[[WitType], _Writer]] = {
    "json": lambda kind: str,
    "blob": lambda kind: _write_blob,
    "map": _map_writer,
    "option": _option_writer,
    "list": _list_writer,
    "record": _record_writer,
}


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fields(kind: WitType) -> Iterator[tuple[str, WitType]]:
    for name, item in zip(kind.names, kind.items, strict=True):
        if item is not None:
            yield name.replace("-", "_"), item


def _values_of(kind: WitType) -> WitType:
    """What the values of a map are."""
    item = _inside(kind).items[1]
    assert item is not None  # noqa: S101  a map's values have a type
    return item


def _inside(kind: WitType) -> WitType:
    item = kind.items[0]
    assert item is not None  # noqa: S101  lists and options always hold something
    return item


# Replies: JSON values to the values of the types.


def _reply(row: Mapping[str, Any], fields: list[tuple[str, WitType]]) -> Callable[[Mapping[str, Any]], Any]:
    readers = [(name, _reader(kind)) for name, kind in fields]
    whole, maybe = row["record"], row["maybe"]

    def reply(values: Mapping[str, Any]) -> Any:
        if "error" in values and isinstance(values["error"], dict) and "code" in values["error"]:
            return {"err": error_value(values["error"])}
        if not readers:
            return {"ok": None}
        if maybe and all(values.get(name) is None for name, _ in readers):
            return {"ok": None}
        found = {name: read(values.get(name)) for name, read in readers}
        return {"ok": found if whole else found[readers[0][0]]}

    return reply


def _reader(kind: WitType) -> _Reader:
    make = _READERS.get(kind.meaning or kind.kind)
    return _as_it_is if make is None else make(kind)


def _as_it_is(value: Any) -> Any:
    return value


def _read_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _option_reader(kind: WitType) -> _Reader:
    read = _reader(_inside(kind))
    return lambda value: None if value is None else read(value)


def _map_reader(kind: WitType) -> _Reader:
    read = _reader(_values_of(kind))
    return lambda value: [[key, read(one)] for key, one in _due(value, dict).items()]


def _list_reader(kind: WitType) -> _Reader:
    read = _reader(_inside(kind))
    return lambda value: [read(one) for one in _due(value, list)]


def _record_reader(kind: WitType) -> _Reader:
    readers = [(name, _reader(item)) for name, item in _fields(kind)]
    return lambda value: {name: read(_due(value, dict).get(name)) for name, read in readers}


def _read_blob(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"tag": "text", "value": value}
    return {"tag": "base64", "value": _due(value, dict)["base64"]}


def _due(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise EngineFailed(f"a door answered {type(value).__name__} where {kind.__name__} is due")
    return value


_READERS: dict[str, Callable[[WitType], _Reader]] = {
    "json": lambda kind: _read_json,
    "blob": lambda kind: _read_blob,
    "map": _map_reader,
    "option": _option_reader,
    "list": _list_reader,
    "record": _record_reader,
}
