"""The types that engines and doors share. Nothing here knows how either works."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from omnicore.errors import LimitExceeded

_ENTRY_BYTES = 48  # what a variable costs beside its key and value; the figure of the Extism runtime


class Variables:
    """Values by key, together at most `limit` bytes. Safe to share between instances and threads.

    Source: the Extism host's accounting: a variable costs 48 bytes, its key and its value; a limit of 0
    turns variables off.
    """

    __slots__ = ("_limit", "_lock", "_used", "_values")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[str, bytes] = {}
        self._used = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        return self._values.get(key)

    def set(self, key: str, value: bytes | None) -> None:
        """Stores a value; None deletes. Raises: LimitExceeded."""
        if not self._limit:
            raise self._refusal("Vars are disabled by this host")
        with self._lock:
            old = self._values.get(key)
            if value is None:
                if old is not None:
                    del self._values[key]
                    self._used -= _cost(key, old)
                return
            # An overwrite counts the old value too: so does the reference, and plugins are tuned to it.
            if self._used + _cost(key, value) > self._limit:
                raise self._refusal("Variable store is full")
            self._values[key] = value
            self._used += _cost(key, value) - (_cost(key, old) if old is not None else 0)

    def clear(self) -> None:
        """Deletes all values."""
        with self._lock:
            self._values.clear()
            self._used = 0

    def _refusal(self, fact: str) -> LimitExceeded:
        return LimitExceeded(fact, remedy="raise limits.var_bytes", limit="var_bytes", allowed=self._limit)


def _cost(key: str, value: bytes) -> int:
    return _ENTRY_BYTES + len(key.encode()) + len(value)


ValueType = Literal["i32", "i64", "f32", "f64"]
LogLevel = Literal["trace", "debug", "info", "warn", "error"]
LOG_LEVELS: tuple[LogLevel, ...] = ("trace", "debug", "info", "warn", "error")

KIB = 1024
MIB = 1024 * KIB


class HostCall(Protocol):
    """The first argument of a host function; valid until the function returns.

    Handles are offsets of blocks in the exchange memory that guests and host share (0 is the empty block).
    """

    host_context: Any
    """The object that the caller of the guest passed, or None."""

    deadline: float
    """Time at which the call must be over, on the `time.monotonic()` clock. Units: seconds."""

    @property
    def on_loop(self) -> bool:
        """True when the call runs on an event loop, which no host function may hold for long."""

    def size(self, handle: int) -> int:
        """The length of a block, without copying it; 0 for anything but a live block."""

    def read(self, handle: int) -> bytes:
        """The bytes of a block. Raises: GuestFailed: the handle is not a live block."""

    def write(self, data: bytes) -> int:
        """A new block that holds `data`. Raises: MemoryExceeded."""

    def free(self, handle: int) -> None:
        """Frees a block; other handles are ignored."""

    def load(self, address: int, length: int) -> bytes:
        """Bytes of the guest's own memory. Raises: GuestFailed out of bounds."""

    def store(self, address: int, data: bytes) -> None:
        """Writes to the guest's own memory. Raises: GuestFailed out of bounds."""

    def log(self, level: LogLevel, message: str) -> None:
        """A line for the plugin's log, within the call's budget. Raises: LimitExceeded."""

    def spend_http(self) -> None:
        """Counts an HTTP request against the call's budget. Raises: LimitExceeded."""

    def spend(self, name: str, most: int) -> None:
        """Counts a use of something that a call may use `most` times. Raises: LimitExceeded."""


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function of the host that guests may import.

    `run(call, *arguments)` takes a `HostCall` and one number for each parameter (integers unsigned) and returns
    None, a number, or a tuple of numbers. It may be a coroutine function. One that `may_wait` returns either a result
    or a coroutine. An exception ends the guest's call and reaches the caller unchanged. `application` is the capability
    of the embedding application that it belongs to, if any: components call such functions by their names.
    """

    namespace: str
    name: str
    params: tuple[ValueType, ...]
    results: tuple[ValueType, ...]
    run: Callable[..., Any]
    may_wait: bool = False
    application: str = ""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request a guest makes. `url` is absolute; `max_bytes` bounds the response body."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer; header names in lower case, repeated ones joined by `, `."""

    status: int
    headers: Mapping[str, str]
    body: bytes


HttpSend = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Sends a request within whatever policy it closes over. Raises: PermissionDenied, DeadlineExceeded,
LimitExceeded, Unavailable."""

LogSink = Callable[[LogLevel, str], None]


@dataclass(frozen=True, slots=True)
class WasiGrant:
    """Access through WASI preview 1. The default is a clock, random bytes and nothing else.

    `preopens` are (host directory, guest path, writable). `frozen_clock_ns` and `seed` make runs repeatable.
    `max_files` bounds open descriptors, `max_disk_bytes` what one call may write to preopens.
    """

    preopens: tuple[tuple[str, str, bool], ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    frozen_clock_ns: int | None = None
    seed: bytes | None = None
    max_files: int = 64
    max_disk_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything one plugin can reach outside its sandbox."""

    functions: tuple[HostFunction, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)
    http: HttpSend | None = None
    http_headers: bool = True
    log: LogSink | None = None
    log_level: LogLevel | None = "info"
    wasi: WasiGrant | None = None
    variables: Variables | None = None
    """Shared by all instances of the plugin; without one each instance has its own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one plugin. Each has an error that names it, see `specs/limits.md`.

    Units: bytes, seconds, counts; `fuel` in Wasm instructions, None for no count.
    `memory_bytes` bounds the sum over all memories of an instance, the exchange memory among them.
    """

    timeout_s: float = 1.0
    fuel: int | None = None
    memory_bytes: int = 64 * MIB
    table_elements: int = 10_000
    input_bytes: int = 1 * MIB
    output_bytes: int = 4 * MIB
    log_bytes: int = 64 * KIB
    log_lines: int = 1_000
    var_bytes: int = 1 * MIB
    host_calls: int = 1_000
    http_requests: int = 8
    http_request_bytes: int = 1 * MIB
    http_response_bytes: int = 4 * MIB
    module_bytes: int = 10 * MIB
    component_bytes: int = 50 * MIB
    compile_s: float = 30.0
    compile_bytes: int = 1024 * MIB


DoorNote = tuple[str, float, float, str]
"""Something that a guest asked of a door: the verb, when that began and ended on `perf_counter`, and the outcome."""


@dataclass(slots=True)
class Usage:
    """Resources that the last call of an instance used. Units: `fuel` instructions, `memory_bytes` bytes. `doors` has
    the last things that it and calls before it asked of doors."""

    fuel: int | None = None
    memory_bytes: int = 0
    host_calls: int = 0
    http_requests: int = 0
    doors: tuple[DoorNote, ...] = ()
