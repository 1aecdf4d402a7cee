"""How a call that did not simply return is told to its caller."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from omnicore.errors import (
    DeadlineExceeded,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    LimitExceeded,
    LinkFailed,
    MemoryExceeded,
    OmniError,
)
from omnicore.sandbox.capi.faults import Fault, take_error
from omnicore.sandbox.capi.presets import STACK_BYTES
from omnicore.sandbox.component.wasi import WasiExitError

if TYPE_CHECKING:
    from omnicore.sandbox.component.cell import Cell

__all__ = ["conclude", "out_of_fuel"]

_SAID = 4_096  # bytes of standard error that go into an error
_NUMBER = re.compile(r"^\d+: ")
# What the engine writes of a trap, which has no code in an error. The names are those of `capi.faults.TrapCode`.
_TRAPS = {
    "`unreachable` instruction": "unreachable-code-reached",
    "out of bounds memory access": "memory-out-of-bounds",
    "undefined element": "table-out-of-bounds",
    "uninitialized element": "indirect-call-to-null",
    "indirect call type mismatch": "bad-signature",
    "integer overflow": "integer-overflow",
    "integer divide by zero": "integer-division-by-zero",
    "invalid conversion to integer": "bad-conversion-to-integer",
}


def conclude(cell: Cell, error: int) -> NoReturn:
    """Raises what a call came to: first what ended it from outside or in a host function, then the trap."""
    fault = take_error(error)
    raised, cell.error = cell.error, None
    if isinstance(raised, WasiExitError):
        raise GuestFailed(f"the guest exited with code {raised.code} instead of returning", exit_code=raised.code)
    if raised is not None:
        if fault.backtrace:
            raised.add_note("in the guest: " + " < ".join(fault.backtrace))
        raise raised
    raise _explained(cell, fault)


def _explained(cell: Cell, fault: Fault) -> OmniError:
    text = fault.message
    lines = text.strip().splitlines() or ["no reason given"]
    last = _NUMBER.sub("", lines[-1].strip())[:1_000].removeprefix("wasm trap: ")
    for sign, explain in _SIGNS:
        if sign in text:
            return explain(cell, last, fault)
    return _trapped(cell, last, fault)


def _cut(cell: Cell, text: str, fault: Fault) -> OmniError:
    return DeadlineExceeded("timeout: the call was cut", limit="timeout_s")


def _too_deep(cell: Cell, text: str, fault: Fault) -> OmniError:
    return GuestTrapped(
        f"wasm trap: call stack exhausted ({STACK_BYTES} bytes)",
        remedy="recurse less deeply",
        trap="stack-overflow",
        backtrace=fault.backtrace,
    )


def _too_many_values(cell: Cell, text: str, fault: Fault) -> OmniError:
    return LimitExceeded(
        "the component passed more values at once than the engine copies",
        remedy="pass text or fewer values; lists of single bytes cost most",
        limit="values",
    )


def _unlinked(cell: Cell, text: str, fault: Fault) -> OmniError:
    return LinkFailed(f"the component cannot be linked: {fault.message[:500]}", remedy="rebuild it")


def _trapped(cell: Cell, text: str, fault: Fault) -> GuestTrapped:
    """With what the guest said before: runtimes write panics and tracebacks to standard error and then trap."""
    name = next((name for sign, name in _TRAPS.items() if sign in text), "error")
    said = cell.printed.error.data[-_SAID:].decode(errors="replace").strip()
    return GuestTrapped(
        f"wasm trap: {name}: {said or text}",
        remedy="the plugin has a bug, or it is out of memory and limits.memory_bytes must be raised",
        trap=name,
        backtrace=fault.backtrace,
    )


def _over(cell: Cell, text: str, fault: Fault) -> OmniError:
    limits = cell.limits
    if "memory" in text or "memories" in text:
        remedy, most = "raise limits.memory_bytes", limits.memory_bytes
        return MemoryExceeded(f"oom: {text}", remedy=remedy, limit="memory_bytes", allowed=most)
    if "table" in text:
        remedy, most = "raise limits.table_elements", limits.table_elements
        return LimitExceeded(text, remedy=remedy, limit="table_elements", allowed=most)
    return LimitExceeded(text, remedy="build it with fewer instances", limit="instances")


def out_of_fuel(cell: Cell) -> FuelExhausted:
    """The error of a call that used too many instructions."""
    return FuelExhausted(
        "plugin ran out of fuel: all fuel consumed",
        remedy="do less in one call, or raise limits.fuel",
        limit="fuel",
        allowed=cell.limits.fuel,
    )


_Explain = Callable[["Cell", str, Fault], OmniError]
# The engine gives components' failures as text alone.
_SIGNS: tuple[tuple[str, _Explain], ...] = (
    ("all fuel consumed", lambda cell, text, fault: out_of_fuel(cell)),
    ("wasm trap: interrupt", _cut),
    ("call stack exhausted", _too_deep),
    ("resource limit exceeded", _over),
    ("exceeds memory limits", _over),
    ("minimum size", _over),
    ("too much data is being copied", _too_many_values),
    ("component imports", _unlinked),
    ("type mismatch", _unlinked),
)
