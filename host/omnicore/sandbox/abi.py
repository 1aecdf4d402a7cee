"""The words that engines and doors share. Nothing here knows how either works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from omnicore.sandbox.variables import Variables

ValueType = Literal["i32", "i64", "f32", "f64"]
LogLevel = Literal["trace", "debug", "info", "warn", "error"]

KIB = 1024
MIB = 1024 * KIB


class HostCall(Protocol):
    """What a host function is given as its first argument; valid until the function returns.

    Handles are offsets of blocks in the exchange memory that guests and host share (0 is the empty block).
    """

    host_context: Any
    """The object the caller of the guest handed down, or None."""

    deadline: float
    """When the call must be over, on the `time.monotonic()` clock. Units: seconds."""

    def read(self, handle: int) -> bytes:
        """The bytes of a block. Raises: GuestFailed for a handle that is no live block."""

    def write(self, data: bytes) -> int:
        """A new block that holds `data`. Raises: MemoryExceeded."""

    def free(self, handle: int) -> None:
        """Gives a block back; anything that is no live block is ignored."""

    def load(self, address: int, length: int) -> bytes:
        """Bytes of the guest's own memory. Raises: GuestFailed out of bounds."""

    def store(self, address: int, data: bytes) -> None:
        """Writes to the guest's own memory. Raises: GuestFailed out of bounds."""

    def log(self, level: LogLevel, message: str) -> None:
        """A line for the plugin's log, within the call's budget. Raises: LimitExceeded."""

    def spend_http(self) -> None:
        """Counts an HTTP request against the call's budget. Raises: LimitExceeded."""


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function of the host that guests may import.

    `run(call, *arguments)` takes a `HostCall` and one number for each parameter (integers unsigned) and returns
    None, a number, or a tuple of numbers. It may be a coroutine function. What it raises ends the guest's call
    and reaches the caller as itself.
    """

    namespace: str
    name: str
    params: tuple[ValueType, ...]
    results: tuple[ValueType, ...]
    run: Callable[..., Any]


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
    """What a guest sees through WASI preview 1. The default is a clock, random bytes and nothing else.

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
    """All that one plugin can reach outside its sandbox."""

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
    """What one plugin may use. Each has an error that names it, see `specs/limits.md`.

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
    compile_s: float = 10.0
    compile_bytes: int = 1024 * MIB


@dataclass(slots=True)
class Usage:
    """What the last call of an instance used. Units: `fuel` instructions, `memory_bytes` bytes."""

    fuel: int | None = None
    memory_bytes: int = 0
    host_calls: int = 0
    http_requests: int = 0
