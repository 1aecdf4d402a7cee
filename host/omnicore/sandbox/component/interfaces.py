"""The interfaces that components may import: doors, and a part of WASI 0.2.

A door's code is the same for core modules and components: it reads a JSON request and writes a JSON reply, see
`specs/abi.md`. `doors.json` is generated from the same description as the WIT files.

Components with a `wasi` grant get clocks, random bytes and streams to the log. Nothing here reaches a file, a socket,
a variable or an argument of the host. The engine's own WASI is not used: its waits cannot be interrupted at the
deadline, its streams call back on threads of their own, and no part of it can be left out. Other functions that
tools import are linked as refusals; `wasi:http` and everything else is not linked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from omnicore.errors import EngineFailed, GuestFailed, LimitExceeded, LinkFailed
from omnicore.sandbox.component.call import ComponentCall, PrintedStream, WasiExitError
from omnicore.sandbox.inspect import application_function
from omnicore.sandbox.wit import (
    BLOB,
    BOOL,
    F64,
    JSON,
    S64,
    STRING,
    U8,
    U32,
    U64,
    Signature,
    WitType,
    borrow,
    entry_of,
    enum,
    list_of,
    map_of,
    option,
    own,
    record,
    result,
    tuple_of,
    variant,
)

PACKAGE = "omnicore:plugin"
_MOST_WEIGHT = 10_000
APPLICATION = f"{PACKAGE}/application"
"""The interface by which a component calls functions of the embedding application."""
_PLAIN = {"string": STRING, "blob": BLOB, "json": JSON, "s64": S64, "f64": F64, "bool": BOOL}
_Writer = Callable[[Any], str]
_Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class DoorFunction:
    """One function of a door's interface.

    `function` is the host function behind it. `request` makes its JSON text from the arguments; `reply` makes
    the returned value from the door's reply.
    """

    name: str
    function: str
    signature: Signature
    request: Callable[[list[Any]], str]
    reply: Callable[[Mapping[str, Any]], Any]


@cache
def door_functions() -> Mapping[str, Mapping[str, DoorFunction]]:
    """Every function by its interface, without the version, and its name."""
    table = _table()
    error = _error(table)
    return {
        f"{PACKAGE}/{door}": {name: _function(name, row, error) for name, row in verbs.items()}
        for door, verbs in table["doors"].items()
    }


def _table() -> Any:
    return json.loads(resources.files(__package__).joinpath("doors.json").read_text(encoding="utf-8"))


def _error(table: Mapping[str, Any]) -> WitType:
    return record(*((name, STRING if name in ("code", "message") else option(STRING)) for name in table["error"]))


@cache
def application_signature() -> Signature:
    """The type of `call` of `APPLICATION`: the name of a function and a request, both texts."""
    return Signature((("function", STRING), ("request", JSON)), result(JSON, _error(_table())))


def refused_value(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    """The value of a reply that is an error; None for any other."""
    error = reply.get("error")
    return {"err": error_value(error)} if isinstance(error, dict) and "code" in error else None


def typed_function(interface: str, name: str, signature: Signature) -> DoorFunction | None:
    """A function of a door of the embedding application, by the types with which a component imports it.

    The door itself checks what it is sent, so the types decide only how values become JSON. None for another
    interface. Raises: LinkFailed: a type that no door has.
    """
    function = application_function(interface, name)
    if not function:
        return None
    gives = signature.result
    if gives is None or gives.kind != "result" or gives.items[1] != _error(_table()) or signature.weight > _MOST_WEIGHT:
        raise _untyped(interface, name)
    try:
        params = [(one.replace("-", "_"), _meant(kind), kind.kind == "option") for one, kind in signature.params]
        reply = [] if gives.items[0] is None else [("value", _meant(gives.items[0]))]
    except ValueError as error:
        raise _untyped(interface, name) from error
    read = _reply({"record": False, "maybe": False}, reply)
    return DoorFunction(name, function, signature, _request(params), read)


def _untyped(interface: str, name: str) -> LinkFailed:
    return LinkFailed(
        f"the component imports {interface[:100]}.{name[:100]} with a type that no door has",
        remedy="build it with the WIT that `omnicore kit` writes",
    )


_VALUES = frozenset({"bool", "s64", "f64", "string"})
_ANY_JSON = variant(("json", STRING))


def _meant(kind: WitType) -> WitType:
    """A type of a component with what its parts stand for. Raises: ValueError: it is none of a door."""
    if kind.kind in _VALUES:
        return kind
    if kind.kind == "enum":
        return replace(kind, meaning="choice")
    if kind.kind == "variant" and kind == _ANY_JSON:
        return replace(kind, meaning="json")
    if (item := entry_of(kind)) is not None:
        return map_of(_meant(item))
    if kind.kind in ("option", "list", "record"):
        return replace(kind, items=tuple(_meant(one) for one in kind.items if one is not None))
    raise ValueError(kind.kind)


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


def _write_wrapped(value: Any) -> str:
    return str(value["value"])


def _write_choice(value: str) -> str:
    return _dumps(value.replace("-", "_"))


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
    "json": lambda kind: str if kind.kind == "string" else _write_wrapped,
    "choice": lambda kind: _write_choice,
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
    """The type of a map's values."""
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
        if refused := refused_value(values):
            return refused
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


def _read_wrapped(value: Any) -> dict[str, str]:
    return {"tag": "json", "value": _read_json(value)}


def _read_choice(value: Any) -> str:
    return str(_due(value, str)).replace("_", "-")


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
    "json": lambda kind: _read_json if kind.kind == "string" else _read_wrapped,
    "choice": lambda kind: _read_choice,
    "blob": lambda kind: _read_blob,
    "map": _map_reader,
    "option": _option_reader,
    "list": _list_reader,
    "record": _record_reader,
}


_RANDOM_BYTES = 65_536  # at once: a list of bytes costs the engine 1 us for each

_STREAM_ERROR = variant(("last-operation-failed", own("error")), ("closed", None))
_CLOSED = {"err": {"tag": "closed"}}
_BYTES = list_of(U8)
_SOCKET_ERROR = enum(
    *("unknown", "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout"),
    *("concurrency-conflict", "not-in-progress", "would-block", "invalid-state", "new-socket-limit"),
    *("address-not-bindable", "address-in-use", "remote-unreachable", "connection-refused", "connection-reset"),
    *("connection-aborted", "datagram-too-large", "name-unresolvable", "temporary-resolver-failure"),
    "permanent-resolver-failure",
)
_FAMILY = enum("ipv4", "ipv6")
_DENIED = {"err": "access-denied"}
_INPUT, _OUTPUT = ("self", borrow("input-stream")), ("self", borrow("output-stream"))


@dataclass(frozen=True, slots=True)
class WasiFunction:
    """One function: its type and its implementation. Handles are passed as the host's own objects."""

    signature: Signature
    run: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Pollable:
    """Something to wait for: a moment of the guest's monotonic clock. Units: nanoseconds."""

    at_ns: int = 0


def _ready(call: ComponentCall, pollable: Pollable) -> bool:
    return call.clocks.read(1) >= pollable.at_ns


def _block(call: ComponentCall, pollable: Pollable) -> None:
    _poll(call, [pollable])


def _poll(call: ComponentCall, pollables: list[Pollable]) -> list[int]:
    """Waits until the first of them is ready, in naps that end with the call."""
    if not pollables:
        raise GuestFailed("poll was called with nothing to wait for")
    soonest = min(one.at_ns for one in pollables)
    left = soonest - call.clocks.read(1)
    if left > 0 and call.clocks.frozen:
        call.clocks.skip(left)
    while (left := soonest - call.clocks.read(1)) > 0:
        call.wait(left / 1e9)
    call.check()
    now = call.clocks.read(1)
    return [index for index, one in enumerate(pollables) if one.at_ns <= now]


def _read(call: ComponentCall, stream: Any, length: int) -> Any:
    return _CLOSED


def _check_write(call: ComponentCall, stream: PrintedStream) -> Any:
    permit = stream.permit()
    return {"ok": permit} if permit else _CLOSED


def _write(call: ComponentCall, stream: PrintedStream, data: bytes) -> Any:
    return {"ok": None} if stream.write(data) else _CLOSED


def _flush(call: ComponentCall, stream: PrintedStream) -> Any:
    return {"ok": None}


def _zeroes(call: ComponentCall, stream: PrintedStream, length: int) -> Any:
    return _write(call, stream, bytes(min(length, 4_096)))


def _now(call: ComponentCall) -> dict[str, int]:
    seconds, nanoseconds = divmod(call.clocks.read(0), 1_000_000_000)
    return {"seconds": max(0, seconds), "nanoseconds": nanoseconds}


def _draw(call: ComponentCall, length: int) -> bytes:
    if length > _RANDOM_BYTES:
        raise LimitExceeded(
            f"the component asked for {length} random bytes at once",
            remedy=f"ask for at most {_RANDOM_BYTES}",
            limit="random_bytes",
            allowed=_RANDOM_BYTES,
        )
    return call.random(length)


def _number(call: ComponentCall) -> int:
    return int.from_bytes(call.random(8), "little")


def _exit(call: ComponentCall, status: dict[str, Any]) -> None:
    raise WasiExitError(0 if "ok" in status else 1)


def _exit_with(call: ComponentCall, code: int) -> None:
    raise WasiExitError(code)


def _environment(call: ComponentCall) -> list[list[str]]:
    wasi = call.doors.wasi
    return [[name, value] for name, value in wasi.environment.items()] if wasi else []


def _arguments(call: ComponentCall) -> list[str]:
    wasi = call.doors.wasi
    return list(wasi.arguments) if wasi else []


def _takes(*params: tuple[str, WitType], gives: WitType | None = None) -> Signature:
    return Signature(params, gives)


_READS = _takes(_INPUT, ("len", U64), gives=result(_BYTES, _STREAM_ERROR))
_SKIPS = _takes(_INPUT, ("len", U64), gives=result(U64, _STREAM_ERROR))
_WRITES = _takes(_OUTPUT, ("contents", _BYTES), gives=result(None, _STREAM_ERROR))
_FLUSHES = _takes(_OUTPUT, gives=result(None, _STREAM_ERROR))
_ZEROES = _takes(_OUTPUT, ("len", U64), gives=result(None, _STREAM_ERROR))
_DATETIME = record(("seconds", U64), ("nanoseconds", U32))
_PAIR = tuple_of(U64, U64)

_RANDOM = {
    "bytes": WasiFunction(_takes(("len", U64), gives=_BYTES), _draw),
    "u64": WasiFunction(_takes(gives=U64), _number),
}


def _terminal(name: str, kind: str) -> dict[str, WasiFunction]:
    return {name: WasiFunction(_takes(gives=option(own(kind))), lambda call: None)}


_FUNCTIONS: dict[str, dict[str, WasiFunction]] = {
    "wasi:io/error": {
        "[method]error.to-debug-string": WasiFunction(
            _takes(("self", borrow("error")), gives=STRING), lambda call, error: "refused"
        )
    },
    "wasi:io/poll": {
        "[method]pollable.ready": WasiFunction(_takes(("self", borrow("pollable")), gives=BOOL), _ready),
        "[method]pollable.block": WasiFunction(_takes(("self", borrow("pollable"))), _block),
        "poll": WasiFunction(_takes(("in", list_of(borrow("pollable"))), gives=list_of(U32)), _poll),
    },
    "wasi:io/streams": {
        "[method]input-stream.read": WasiFunction(_READS, _read),
        "[method]input-stream.blocking-read": WasiFunction(_READS, _read),
        "[method]input-stream.skip": WasiFunction(_SKIPS, _read),
        "[method]input-stream.blocking-skip": WasiFunction(_SKIPS, _read),
        "[method]input-stream.subscribe": WasiFunction(
            _takes(_INPUT, gives=own("pollable")), lambda call, stream: Pollable()
        ),
        "[method]output-stream.check-write": WasiFunction(
            _takes(_OUTPUT, gives=result(U64, _STREAM_ERROR)), _check_write
        ),
        "[method]output-stream.write": WasiFunction(_WRITES, _write),
        "[method]output-stream.blocking-write-and-flush": WasiFunction(_WRITES, _write),
        "[method]output-stream.flush": WasiFunction(_FLUSHES, _flush),
        "[method]output-stream.blocking-flush": WasiFunction(_FLUSHES, _flush),
        "[method]output-stream.write-zeroes": WasiFunction(_ZEROES, _zeroes),
        "[method]output-stream.subscribe": WasiFunction(
            _takes(_OUTPUT, gives=own("pollable")), lambda call, stream: Pollable()
        ),
    },
    "wasi:cli/environment": {
        "get-environment": WasiFunction(_takes(gives=list_of(tuple_of(STRING, STRING))), _environment),
        "get-arguments": WasiFunction(_takes(gives=list_of(STRING)), _arguments),
        "initial-cwd": WasiFunction(_takes(gives=option(STRING)), lambda call: None),
    },
    "wasi:cli/exit": {
        "exit": WasiFunction(_takes(("status", result(None, None))), _exit),
        "exit-with-code": WasiFunction(_takes(("status-code", U8)), _exit_with),
    },
    "wasi:cli/stdin": {"get-stdin": WasiFunction(_takes(gives=own("input-stream")), lambda call: None)},
    "wasi:cli/stdout": {
        "get-stdout": WasiFunction(_takes(gives=own("output-stream")), lambda call: call.printed.output)
    },
    "wasi:cli/stderr": {
        "get-stderr": WasiFunction(_takes(gives=own("output-stream")), lambda call: call.printed.error)
    },
    "wasi:cli/terminal-stdin": _terminal("get-terminal-stdin", "terminal-input"),
    "wasi:cli/terminal-stdout": _terminal("get-terminal-stdout", "terminal-output"),
    "wasi:cli/terminal-stderr": _terminal("get-terminal-stderr", "terminal-output"),
    "wasi:clocks/wall-clock": {
        "now": WasiFunction(_takes(gives=_DATETIME), _now),
        "resolution": WasiFunction(_takes(gives=_DATETIME), lambda call: {"seconds": 0, "nanoseconds": 1}),
    },
    "wasi:clocks/monotonic-clock": {
        "now": WasiFunction(_takes(gives=U64), lambda call: call.clocks.read(1)),
        "resolution": WasiFunction(_takes(gives=U64), lambda call: 1),
        "subscribe-instant": WasiFunction(
            _takes(("when", U64), gives=own("pollable")), lambda call, when: Pollable(when)
        ),
        "subscribe-duration": WasiFunction(
            _takes(("when", U64), gives=own("pollable")),
            lambda call, when: Pollable(call.clocks.read(1) + when),
        ),
    },
    "wasi:random/random": {
        "get-random-bytes": _RANDOM["bytes"],
        "get-random-u64": _RANDOM["u64"],
    },
    "wasi:random/insecure": {
        "get-insecure-random-bytes": _RANDOM["bytes"],
        "get-insecure-random-u64": _RANDOM["u64"],
    },
    "wasi:random/insecure-seed": {
        "insecure-seed": WasiFunction(_takes(gives=_PAIR), lambda call: [_number(call), _number(call)])
    },
    "wasi:filesystem/preopens": {
        "get-directories": WasiFunction(_takes(gives=list_of(tuple_of(own("descriptor"), STRING))), lambda call: [])
    },
    "wasi:sockets/instance-network": {
        "instance-network": WasiFunction(_takes(gives=own("network")), lambda call: None)
    },
    "wasi:sockets/tcp-create-socket": {
        "create-tcp-socket": WasiFunction(
            _takes(("address-family", _FAMILY), gives=result(own("tcp-socket"), _SOCKET_ERROR)),
            lambda call, family: _DENIED,
        )
    },
    "wasi:sockets/udp-create-socket": {
        "create-udp-socket": WasiFunction(
            _takes(("address-family", _FAMILY), gives=result(own("udp-socket"), _SOCKET_ERROR)),
            lambda call, family: _DENIED,
        )
    },
    "wasi:sockets/ip-name-lookup": {
        "resolve-addresses": WasiFunction(
            _takes(
                ("network", borrow("network")),
                ("name", STRING),
                gives=result(own("resolve-address-stream"), _SOCKET_ERROR),
            ),
            lambda call, network, name: _DENIED,
        )
    },
}


def wasi_functions(interface: str) -> Mapping[str, WasiFunction]:
    """The functions of an interface, named without its version, that do something."""
    return _FUNCTIONS.get(interface, {})
