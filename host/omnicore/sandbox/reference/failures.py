"""The library's error texts as errors of ours."""

from __future__ import annotations

import time

from omnicore.errors import (
    EngineFailed,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    LinkFailed,
    MemoryExceeded,
    ModuleRejected,
    NotFound,
    OmniError,
)
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.reasons import cancelled, overtime
from omnicore.sandbox.reference.call import ReferenceCall

__all__ = ["creation_failure", "failure"]

_TRAP_CODE = 134
_TRAP_TEXT = "error while executing at wasm backtrace"
_FUEL = ("ran out of fuel", "all fuel consumed")
_LINK = (
    "unknown import",
    "incompatible",
    "Invalid function import",
    "Duplicate module name",
    "non-function exports",
)


def creation_failure(text: str, limits: Limits) -> OmniError:
    """Why a plugin could not be compiled or instantiated."""
    fact = text.removeprefix("Unable to compile Extism plugin: ").removeprefix("Unable to create Extism plugin: ")
    if any(part in fact for part in _FUEL):
        return _fuel(limits)
    if fact.endswith("oom"):
        return _memory(limits)
    if any(part in fact for part in _LINK):
        return LinkFailed(fact, remedy="provide the import, or build the plugin against this host")
    if "wasm trap" in fact:
        return GuestTrapped(fact, remedy="the plugin's start function has a bug", trap="error")
    return ModuleRejected(fact, remedy="rebuild the plugin")


def failure(text: str | None, code: int, call: ReferenceCall, limits: Limits) -> OmniError:
    """Why a call failed: `text` is the library's error, None when only the exit code tells."""
    if text is None:
        return GuestFailed(f"Error code: {code}", remedy="see `omnicore plugins logs`", exit_code=code)
    if code == _TRAP_CODE or text.startswith(_TRAP_TEXT):
        return _trapped(text, call)
    if text == "timeout":
        return _cut(call)
    return _refused(text, limits)


def _trapped(text: str, call: ReferenceCall) -> OmniError:
    """After a trap: the library's words, or those the guest had set before it."""
    if text == "timeout":
        return _cut(call)
    if not text.startswith(_TRAP_TEXT):
        return GuestFailed(text)
    first, *frames = text.splitlines()
    return GuestTrapped(f"wasm trap: {first}", trap="error", backtrace=tuple(frame.strip() for frame in frames))


def _refused(text: str, limits: Limits) -> OmniError:
    if text.startswith("Function not found") or text.endswith("results, expected 0 or 1"):
        return NotFound(text, remedy="call a function that the plugin exports")
    if text == "oom":
        return _memory(limits)
    if any(part in text for part in _FUEL):
        return _fuel(limits)
    return GuestFailed(text or "the guest reported an error without a text")


def _cut(call: ReferenceCall) -> OmniError:
    if call.cancelled:
        return cancelled()
    # The library rounds to milliseconds and its timer is its own: a little early is still on time.
    if time.monotonic() >= call.deadline - 0.010:
        return overtime()
    return EngineFailed(
        "timeout: another instance of the plugin was cut and took this one with it",
        remedy="use the engine `omnicore`, whose instances are independent",
    )


def _memory(limits: Limits) -> MemoryExceeded:
    return MemoryExceeded(
        f"oom: the guest wanted more than {limits.memory_bytes} bytes",
        remedy="use less memory, or raise limits.memory_bytes",
        limit="memory_bytes",
        allowed=limits.memory_bytes,
    )


def _fuel(limits: Limits) -> FuelExhausted:
    return FuelExhausted(
        "plugin ran out of fuel: all fuel consumed",
        remedy="do less in one call, or raise limits.fuel",
        limit="fuel",
        allowed=limits.fuel,
    )
