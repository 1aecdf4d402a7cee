"""How a call that did not simply return is told to its caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.errors import DeadlineExceeded, FuelExhausted, GuestFailed, GuestTrapped, OmniError
from omnicore.sandbox.capi.faults import Fault, TrapCode
from omnicore.sandbox.capi.presets import STACK_BYTES
from omnicore.sandbox.capi.store import take_fault
from omnicore.sandbox.wasi.session import WasiExit

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell

__all__ = ["conclude"]

_TEXT = 8_192  # bytes of a guest's error: it goes into logs and answers


def conclude(cell: Cell, error: int | None, *, odd: bool) -> bool:
    """Raises what the call came to; returns when it succeeded after all, by an exit with code 0.

    First what ended the call from outside or in a host function, then the text the guest set, then the trap,
    then the exit code. `odd` marks an export whose result is no exit code.

    Source: the Extism host's precedence of error texts.
    """
    fault = take_fault(error, cell.trap.words[0])
    code = -1 if odd else _signed(cell.values.words[0])
    cell.trap.words[0] = cell.values.words[0] = 0
    raised, cell.error = cell.error, None
    if isinstance(raised, WasiExit):
        _after_exit(cell, raised.code)
        return True
    if raised is not None:
        if fault is not None and fault.backtrace:
            raised.add_note("in the guest: " + " < ".join(fault.backtrace))
        raise raised
    used = cell.fuel_used()
    if used is not None and used > (cell.limits.fuel or 0):
        raise _out_of_fuel(cell)
    text = cell.exchange.error_text(_TEXT)
    if text is not None:
        raise _reported(text)
    if fault is not None:
        raise _trapped(cell, fault)
    if code:
        raise GuestFailed(f"Error code: {code}", remedy="see `omnicore plugins logs`", exit_code=code)
    return True


def _after_exit(cell: Cell, code: int) -> None:
    text = cell.exchange.error_text(_TEXT)
    if text is not None:
        raise _reported(text)
    if code:
        raise GuestFailed(f"Error code: {code} (the guest exited)", exit_code=code)


def _reported(text: str) -> GuestFailed:
    return GuestFailed(text or "the guest reported an error without a text")


def _signed(word: int) -> int:
    low = word & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


def _trapped(cell: Cell, fault: Fault) -> OmniError:
    if fault.code is TrapCode.OUT_OF_FUEL:
        return _out_of_fuel(cell)
    if fault.code is TrapCode.INTERRUPT:
        return DeadlineExceeded("timeout: the call was cut", limit="timeout_s")
    if fault.code is TrapCode.STACK_OVERFLOW:
        return GuestTrapped(
            f"wasm trap: call stack exhausted ({STACK_BYTES} bytes)",
            remedy="recurse less deeply",
            trap="stack-overflow",
            backtrace=fault.backtrace,
        )
    name = fault.code.name.lower().replace("_", "-") if fault.code is not None else "error"
    return GuestTrapped(
        f"wasm trap: {name}: {fault.message.splitlines()[-1] if fault.message else ''}".rstrip(": "),
        remedy=_advice(cell),
        trap=name,
        backtrace=fault.backtrace,
    )


def _out_of_fuel(cell: Cell) -> FuelExhausted:
    return FuelExhausted(
        "plugin ran out of fuel: all fuel consumed",
        remedy="do less in one call, or raise limits.fuel",
        limit="fuel",
        allowed=cell.limits.fuel,
    )


def _advice(cell: Cell) -> str:
    held, allowed = cell.memory_bytes(), cell.limits.memory_bytes
    if held * 10 >= allowed * 8:
        return f"it may be out of memory (it holds {held} of {allowed} bytes): raise limits.memory_bytes"
    return "the plugin has a bug; its backtrace is in the error's details"
