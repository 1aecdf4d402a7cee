"""The C library that the `extism` package ships, and the few shapes that are handed to it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from typing import Any, Final

from extism.extism import _ffi as ffi
from extism.extism import _lib as lib

from omnicore.errors import InvalidSetting
from omnicore.sandbox.abi import Doors, Limits, WasiGrant
from omnicore.sandbox.engine import Module

__all__ = ["CALLBACK", "NULL", "ffi", "lib", "manifest", "message", "version"]

NULL: Final[Any] = ffi.NULL
CALLBACK: Final = "void(ExtismCurrentPlugin*, const ExtismVal*, ExtismSize, ExtismVal*, ExtismSize, void*)"

_PAGE_BYTES: Final = 65_536


def version() -> str:
    """The version of the library, not of the Python package."""
    return str(ffi.string(lib.extism_version()).decode())


def message(pointer: Any) -> str:
    """The text behind a `char*`."""
    return str(ffi.string(pointer).decode(errors="replace"))


def manifest(modules: Sequence[Module], limits: Limits, doors: Doors) -> bytes:
    """The Extism manifest of a plugin. No hosts are allowed: its own HTTP does not check redirects.

    Raises: InvalidSetting for a WASI grant that the library cannot keep to.
    """
    described: dict[str, Any] = {
        "wasm": [
            {"name": name, "data": base64.b64encode(wasm).decode()} if len(modules) > 1 else _only(wasm)
            for name, wasm in modules
        ],
        "memory": {
            "max_pages": limits.memory_bytes // _PAGE_BYTES,
            "max_var_bytes": limits.var_bytes,
            "max_http_response_bytes": limits.http_response_bytes,
        },
        "config": dict(doors.config),
    }
    if math.isfinite(limits.timeout_s):
        described["timeout_ms"] = max(1, round(limits.timeout_s * 1000))
    if doors.wasi is not None:
        described["allowed_paths"] = _allowed_paths(doors.wasi)
    return json.dumps(described).encode()


def _only(wasm: bytes) -> dict[str, str]:
    return {"data": base64.b64encode(wasm).decode()}


def _allowed_paths(grant: WasiGrant) -> dict[str, str]:
    if grant.arguments or grant.environment or grant.seed is not None or grant.frozen_clock_ns is not None:
        raise InvalidSetting(
            "the reference engine has no arguments, environment, frozen clock or seed for guests",
            remedy="take them out of the WASI grant, or use the engine `omnicore`",
        )
    return {host if writable else f"ro:{host}": guest for host, guest, writable in grant.preopens}
