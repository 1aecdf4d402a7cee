"""Traps and errors of the engine, turned into values once and freed."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from omnicore.sandbox.capi.library import Buffer, copy_bytes, lib, read_pointer, view_at

__all__ = ["EngineFault", "TrapCode", "new_error", "new_trap", "take_error", "take_fault", "take_trap"]

_MESSAGE_BYTES = 4096
_FRAMES = 20


class TrapCode(enum.IntEnum):
    """Reasons of traps. Source: wasmtime/trap.h; codes the presets cannot produce are left out."""

    STACK_OVERFLOW = 0
    MEMORY_OUT_OF_BOUNDS = 1
    HEAP_MISALIGNED = 2
    TABLE_OUT_OF_BOUNDS = 3
    INDIRECT_CALL_TO_NULL = 4
    BAD_SIGNATURE = 5
    INTEGER_OVERFLOW = 6
    INTEGER_DIVISION_BY_ZERO = 7
    BAD_CONVERSION_TO_INTEGER = 8
    UNREACHABLE_CODE_REACHED = 9
    INTERRUPT = 10
    OUT_OF_FUEL = 11


@dataclass(frozen=True, slots=True)
class EngineFault:
    """An error or trap of the engine: its text, the trap code if there is one, the guest's frames, innermost first."""

    message: str
    code: TrapCode | None
    backtrace: tuple[str, ...]


def new_error(text: bytes) -> int:
    """A new error. Owns: the engine, once a callback has returned it."""
    return int(lib.wasmtime_error_new(text))


def new_trap(text: str) -> int:
    """A new trap. Owns: the engine, once a callback has returned it."""
    data = text.encode(errors="replace")[:_MESSAGE_BYTES]
    return int(lib.wasmtime_trap_new(data, len(data)))


def take_error(pointer: int) -> EngineFault:
    """Reads an error and frees it."""
    message = _text(lib.wasmtime_error_message, pointer)
    backtrace = _frames(lib.wasmtime_error_wasm_trace, pointer)
    lib.wasmtime_error_delete(pointer)
    return EngineFault(message, _code_in(message), backtrace)


def take_trap(pointer: int) -> EngineFault:
    """Reads a trap and frees it."""
    message = _text(lib.wasm_trap_message, pointer)
    backtrace = _frames(lib.wasm_trap_trace, pointer)
    code = Buffer(1)
    known = lib.wasmtime_trap_code(pointer, code.address)
    lib.wasm_trap_delete(pointer)
    number = code.words[0] & 0xFF
    return EngineFault(message, TrapCode(number) if known and number <= TrapCode.OUT_OF_FUEL else None, backtrace)


def take_fault(error: int | None, trap: int) -> EngineFault | None:
    """The fault behind an error or a trap pointer, freed; None when both are null."""
    if error:
        return take_error(error)
    return take_trap(trap) if trap else None


def _code_in(message: str) -> TrapCode | None:
    # A trap under a host call or in an initialiser comes back as an error; only its text gives the kind.
    if "all fuel consumed" in message:
        return TrapCode.OUT_OF_FUEL
    if "call stack exhausted" in message:
        return TrapCode.STACK_OVERFLOW
    return None


def _text(read: object, pointer: int) -> str:
    vector = Buffer(2)
    read(pointer, vector.address)  # type: ignore[operator]
    size, data = vector.words
    text = copy_bytes(data, min(size, _MESSAGE_BYTES)).decode(errors="replace") if data else ""
    lib.wasm_byte_vec_delete(vector.address)
    return text.rstrip("\0")


def _frames(read: object, pointer: int) -> tuple[str, ...]:
    vector = Buffer(2)
    read(pointer, vector.address)  # type: ignore[operator]
    size, data = vector.words
    frames = tuple(_frame(read_pointer(data + 8 * i)) for i in range(min(size, _FRAMES)))
    lib.wasm_frame_vec_delete(vector.address)
    return frames


def _frame(frame: int) -> str:
    name = lib.wasmtime_frame_func_name(frame)
    index = lib.wasm_frame_func_index(frame)
    if not name:
        return f"<function {index}>"
    size = view_at(name, 16).cast("q")
    return f"{copy_bytes(size[1], min(size[0], 200)).decode(errors='replace')} (function {index})"
