"""The functions of `extism:host/env` that the host serves; `kernel.wat` serves the rest.

Source: the Extism guest ABI. Keys and messages are consumed: their handles are dead afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omnicore.errors import GuestFailed, LimitExceeded, PermissionDenied
from omnicore.sandbox.abi import KIB, HostFunction, HttpRequest, LogLevel, ValueType
from omnicore.sandbox.nesting import too_deep

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["ENV", "KERNEL_TYPES", "NAMESPACE", "log_rank"]

NAMESPACE = "extism:host/env"
_Kinds = tuple[ValueType, ...]
_H: _Kinds = ("i64",)

KERNEL_TYPES: dict[str, tuple[_Kinds, _Kinds]] = {
    "alloc": (_H, _H),
    "free": (_H, ()),
    "length": (_H, _H),
    "length_unsafe": (_H, _H),
    "load_u8": (_H, ("i32",)),
    "load_u64": (_H, _H),
    "store_u8": (("i64", "i32"), ()),
    "store_u64": (("i64", "i64"), ()),
    "input_offset": ((), _H),
    "input_length": ((), _H),
    "input_load_u8": (_H, ("i32",)),
    "input_load_u64": (_H, _H),
    "input_set": (("i64", "i64"), ()),
    "output_set": (("i64", "i64"), ()),
    "output_offset": ((), _H),
    "output_length": ((), _H),
    "error_set": (_H, ()),
    "error_get": ((), _H),
    "reset": ((), ()),
    "memory_bytes": ((), _H),
}
"""What the kernel exports to guests, with parameter and result types."""

_LEVELS: tuple[LogLevel, ...] = ("trace", "debug", "info", "warn", "error")
_OFF = 0x7FFFFFFF
# What is decoded or parsed takes many times its size and cannot be interrupted.
_KEY_BYTES = 64 * KIB
_REQUEST_BYTES = 64 * KIB  # a URL and headers


def _key(cell: Cell, handle: int) -> str:
    try:
        key = _bounded(cell.read(handle), "a key", _KEY_BYTES).decode()
    except UnicodeDecodeError as error:
        raise GuestFailed("a key is not UTF-8", remedy="use text for keys") from error
    cell.free(handle)
    return key


def _bounded(data: bytes, what: str, most: int) -> bytes:
    if len(data) > most:
        raise GuestFailed(f"{what} of {len(data)} bytes where {most} are allowed", remedy="make it shorter")
    return data


def _config_get(cell: Cell, handle: int) -> int:
    value = cell.config.get(_key(cell, handle))
    return 0 if value is None else cell.write(value)


def _var_get(cell: Cell, handle: int) -> int:
    value = cell.variables.get(_key(cell, handle))
    return 0 if value is None else cell.write(value)


def _var_set(cell: Cell, key: int, handle: int) -> None:
    value = cell.read(handle) if handle else None
    cell.variables.set(_key(cell, key), value)
    cell.free(handle)


def _log(level: LogLevel) -> Callable[[Cell, int], None]:
    rank = _LEVELS.index(level)

    def log(cell: Cell, handle: int) -> None:
        if rank >= cell.log_rank:
            line = cell.read(handle)[: cell.limits.log_bytes + 1]  # one byte more is over the budget
            cell.log(level, line.decode(errors="replace"))
        cell.free(handle)

    return log


def _get_log_level(cell: Cell) -> int:
    return cell.log_rank


def _http_status(cell: Cell) -> int:
    return cell.http_status


def _http_headers(cell: Cell) -> int:
    if not cell.doors.http_headers:
        return 0
    return cell.write(json.dumps(cell.http_response_headers).encode())


async def _http_request(cell: Cell, request: int, body: int) -> int:
    cell.http_status, cell.http_response_headers = 0, {}
    prepared = _prepare(cell, request, body)
    if cell.doors.http is None:
        raise PermissionDenied(
            f"HTTP request to {prepared.url[:200]} is not allowed: the plugin has no grant for http",
            remedy="ask for `http` in its manifest and run `omnicore plugins grant PLUGIN http`",
            capability="http",
            resource=prepared.url[:200],
        )
    response = await cell.doors.http(prepared)
    cell.http_status = response.status
    cell.http_response_headers = dict(response.headers)
    return cell.write(response.body)


def _prepare(cell: Cell, request: int, body: int) -> HttpRequest:
    limits = cell.limits
    cell.spend_http()
    fields = _fields(_bounded(cell.read(request), "an HTTP request", _REQUEST_BYTES))
    cell.free(request)
    content = cell.read(body) if body else b""
    cell.free(body)
    if len(content) > limits.http_request_bytes:
        raise LimitExceeded(
            f"the HTTP request has {len(content)} bytes, {limits.http_request_bytes} are allowed",
            remedy="send less, or raise limits.http_request_bytes",
            limit="http_request_bytes",
            allowed=limits.http_request_bytes,
        )
    return HttpRequest(
        method=(fields.get("method") or "GET").upper(),
        url=fields["url"],
        headers=fields.get("headers") or {},
        body=content,
        timeout_s=max(0.001, cell.seconds_left()),
        max_bytes=limits.http_response_bytes,
    )


def _fields(data: bytes) -> dict[str, Any]:
    if too_deep(data, 2):
        raise _malformed("it is nested deeper than its `headers`")
    try:
        fields = json.loads(data.decode())  # UTF-8 only: the brackets were counted in it
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("url"), str):
        raise _malformed("it is an object with a `url`")
    unknown = set(fields) - {"url", "method", "headers"}
    if unknown:
        raise _malformed(f"unknown field {sorted(unknown)[0]!r}")
    headers = fields.get("headers") or {}
    texts = [fields.get("method") or "", *headers, *headers.values()] if isinstance(headers, dict) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise _malformed("`method` is text, `headers` maps names to text")
    return fields


def _malformed(detail: str) -> GuestFailed:
    return GuestFailed(f"the HTTP request cannot be read: {detail}", remedy='send {"url", "method", "headers"}')


ENV: tuple[HostFunction, ...] = (
    HostFunction(NAMESPACE, "config_get", _H, _H, _config_get),
    HostFunction(NAMESPACE, "var_get", _H, _H, _var_get),
    HostFunction(NAMESPACE, "var_set", ("i64", "i64"), (), _var_set),
    HostFunction(NAMESPACE, "http_request", ("i64", "i64"), _H, _http_request),
    HostFunction(NAMESPACE, "http_status_code", (), ("i32",), _http_status),
    HostFunction(NAMESPACE, "http_headers", (), _H, _http_headers),
    HostFunction(NAMESPACE, "get_log_level", (), ("i32",), _get_log_level),
    *(HostFunction(NAMESPACE, f"log_{level}", _H, (), _log(level)) for level in _LEVELS),
)


def log_rank(level: LogLevel | None) -> int:
    """A level as `get_log_level` gives it: trace 0 to error 4, none the largest i32."""
    return _OFF if level is None else _LEVELS.index(level)
