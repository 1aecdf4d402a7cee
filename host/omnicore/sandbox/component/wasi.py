"""The part of WASI 0.2 that components get with a `wasi` grant: clocks, random bytes, and streams to the log.

Nothing here reaches a file, a socket, a variable or an argument of the host. The engine's own WASI is not used:
its waiting cannot be cut at the deadline, its streams call back on threads of their own, and nothing in it can be
left out. What tools import beyond this is linked as a refusal; `wasi:http` and everything else is not linked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.errors import GuestFailed, LimitExceeded
from omnicore.sandbox.component.cell import Cell
from omnicore.sandbox.component.streams import Stream
from omnicore.sandbox.wit_types import (
    BOOL,
    STRING,
    U8,
    U32,
    U64,
    Signature,
    WitType,
    borrow,
    enum,
    list_of,
    option,
    own,
    record,
    result,
    tuple_of,
    variant,
)

__all__ = ["WasiExitError", "WasiFunction", "wasi_functions"]

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


class WasiExitError(Exception):
    """The guest exited. Args: its code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class WasiFunction:
    """One function: its type, and what answers. Handles come and go as the host's own objects."""

    signature: Signature
    run: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Pollable:
    """Something to wait for: a moment of the guest's monotonic clock. Units: nanoseconds."""

    at_ns: int = 0


def _ready(cell: Cell, pollable: Pollable) -> bool:
    return cell.clocks.read(1) >= pollable.at_ns


def _block(cell: Cell, pollable: Pollable) -> None:
    _poll(cell, [pollable])


def _poll(cell: Cell, pollables: list[Pollable]) -> list[int]:
    """Waits until the first of them is ready, in naps that end with the call."""
    if not pollables:
        raise GuestFailed("poll was called with nothing to wait for")
    soonest = min(one.at_ns for one in pollables)
    left = soonest - cell.clocks.read(1)
    if left > 0 and cell.clocks.frozen:
        cell.clocks.skip(left)
    while (left := soonest - cell.clocks.read(1)) > 0:
        cell.wait(left / 1e9)
    cell.check()
    now = cell.clocks.read(1)
    return [index for index, one in enumerate(pollables) if one.at_ns <= now]


def _read(cell: Cell, stream: Any, length: int) -> Any:
    return _CLOSED


def _check_write(cell: Cell, stream: Stream) -> Any:
    permit = stream.permit()
    return {"ok": permit} if permit else _CLOSED


def _write(cell: Cell, stream: Stream, data: bytes) -> Any:
    return {"ok": None} if stream.write(data) else _CLOSED


def _flush(cell: Cell, stream: Stream) -> Any:
    return {"ok": None}


def _zeroes(cell: Cell, stream: Stream, length: int) -> Any:
    return _write(cell, stream, bytes(min(length, 4_096)))


def _now(cell: Cell) -> dict[str, int]:
    seconds, nanoseconds = divmod(cell.clocks.read(0), 1_000_000_000)
    return {"seconds": max(0, seconds), "nanoseconds": nanoseconds}


def _draw(cell: Cell, length: int) -> bytes:
    if length > _RANDOM_BYTES:
        raise LimitExceeded(
            f"the component asked for {length} random bytes at once",
            remedy=f"ask for at most {_RANDOM_BYTES}",
            limit="random_bytes",
            allowed=_RANDOM_BYTES,
        )
    return cell.random(length)


def _number(cell: Cell) -> int:
    return int.from_bytes(cell.random(8), "little")


def _exit(cell: Cell, status: dict[str, Any]) -> None:
    raise WasiExitError(0 if "ok" in status else 1)


def _exit_with(cell: Cell, code: int) -> None:
    raise WasiExitError(code)


def _environment(cell: Cell) -> list[list[str]]:
    wasi = cell.parts.doors.wasi
    return [[name, value] for name, value in wasi.environment.items()] if wasi else []


def _arguments(cell: Cell) -> list[str]:
    wasi = cell.parts.doors.wasi
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
    return {name: WasiFunction(_takes(gives=option(own(kind))), lambda cell: None)}


_FUNCTIONS: dict[str, dict[str, WasiFunction]] = {
    "wasi:io/error": {
        "[method]error.to-debug-string": WasiFunction(
            _takes(("self", borrow("error")), gives=STRING), lambda cell, error: "refused"
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
            _takes(_INPUT, gives=own("pollable")), lambda cell, stream: Pollable()
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
            _takes(_OUTPUT, gives=own("pollable")), lambda cell, stream: Pollable()
        ),
    },
    "wasi:cli/environment": {
        "get-environment": WasiFunction(_takes(gives=list_of(tuple_of(STRING, STRING))), _environment),
        "get-arguments": WasiFunction(_takes(gives=list_of(STRING)), _arguments),
        "initial-cwd": WasiFunction(_takes(gives=option(STRING)), lambda cell: None),
    },
    "wasi:cli/exit": {
        "exit": WasiFunction(_takes(("status", result(None, None))), _exit),
        "exit-with-code": WasiFunction(_takes(("status-code", U8)), _exit_with),
    },
    "wasi:cli/stdin": {"get-stdin": WasiFunction(_takes(gives=own("input-stream")), lambda cell: None)},
    "wasi:cli/stdout": {
        "get-stdout": WasiFunction(_takes(gives=own("output-stream")), lambda cell: cell.printed.output)
    },
    "wasi:cli/stderr": {
        "get-stderr": WasiFunction(_takes(gives=own("output-stream")), lambda cell: cell.printed.error)
    },
    "wasi:cli/terminal-stdin": _terminal("get-terminal-stdin", "terminal-input"),
    "wasi:cli/terminal-stdout": _terminal("get-terminal-stdout", "terminal-output"),
    "wasi:cli/terminal-stderr": _terminal("get-terminal-stderr", "terminal-output"),
    "wasi:clocks/wall-clock": {
        "now": WasiFunction(_takes(gives=_DATETIME), _now),
        "resolution": WasiFunction(_takes(gives=_DATETIME), lambda cell: {"seconds": 0, "nanoseconds": 1}),
    },
    "wasi:clocks/monotonic-clock": {
        "now": WasiFunction(_takes(gives=U64), lambda cell: cell.clocks.read(1)),
        "resolution": WasiFunction(_takes(gives=U64), lambda cell: 1),
        "subscribe-instant": WasiFunction(
            _takes(("when", U64), gives=own("pollable")), lambda cell, when: Pollable(when)
        ),
        "subscribe-duration": WasiFunction(
            _takes(("when", U64), gives=own("pollable")),
            lambda cell, when: Pollable(cell.clocks.read(1) + when),
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
        "insecure-seed": WasiFunction(_takes(gives=_PAIR), lambda cell: [_number(cell), _number(cell)])
    },
    "wasi:filesystem/preopens": {
        "get-directories": WasiFunction(_takes(gives=list_of(tuple_of(own("descriptor"), STRING))), lambda cell: [])
    },
    "wasi:sockets/instance-network": {
        "instance-network": WasiFunction(_takes(gives=own("network")), lambda cell: None)
    },
    "wasi:sockets/tcp-create-socket": {
        "create-tcp-socket": WasiFunction(
            _takes(("address-family", _FAMILY), gives=result(own("tcp-socket"), _SOCKET_ERROR)),
            lambda cell, family: _DENIED,
        )
    },
    "wasi:sockets/udp-create-socket": {
        "create-udp-socket": WasiFunction(
            _takes(("address-family", _FAMILY), gives=result(own("udp-socket"), _SOCKET_ERROR)),
            lambda cell, family: _DENIED,
        )
    },
    "wasi:sockets/ip-name-lookup": {
        "resolve-addresses": WasiFunction(
            _takes(
                ("network", borrow("network")),
                ("name", STRING),
                gives=result(own("resolve-address-stream"), _SOCKET_ERROR),
            ),
            lambda cell, network, name: _DENIED,
        )
    },
}


def wasi_functions(interface: str) -> Mapping[str, WasiFunction]:
    """The functions of an interface, named without its version, that do something."""
    return _FUNCTIONS.get(interface, {})
