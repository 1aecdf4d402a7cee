"""Component values from C to Python: one function for each type, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct, iter_unpack
from typing import Any

from omnicore.errors import EngineFailed
from omnicore.sandbox.capi.memory import copy_bytes
from omnicore.sandbox.capi.value_layout import (
    AT,
    ENTRY_BYTES,
    INTEGERS,
    KINDS,
    NAME_BYTES,
    PAIR,
    VALUE_BYTES,
    item_of,
)
from omnicore.sandbox.wit_types import WitType, entry_of

__all__ = ["Decoder", "Meter", "TooLargeError", "decoder"]

_NUMBER_BYTES, _ITEM_BYTES = 4, 16  # what an item of a list costs a meter: numbers are read all at once


class TooLargeError(Exception):
    """A guest passed more than the host wants to copy. Args: how many bytes it may be."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"more than {allowed} bytes")
        self.allowed = allowed


class Meter:
    """How many bytes one call may still copy out of C's memory: those of texts, and a few for each item of a list."""

    __slots__ = ("_allowed", "_left")

    def __init__(self, allowed: int) -> None:
        self._allowed = self._left = allowed

    def spend(self, count: int) -> None:
        """Raises: TooLargeError."""
        self._left -= count
        if self._left < 0:
            raise TooLargeError(self._allowed)


Decoder = Callable[[bytes, int, Meter], Any]
"""`decode(buffer, offset, meter)`: the value at an offset of copied memory.

Raises: EngineFailed: another type; TooLargeError.
"""

_ONE = Struct("=Q")


@lru_cache(maxsize=1024)
def decoder(kind: WitType) -> Decoder:
    """What reads values of a type."""
    number = KINDS[kind.kind]
    read = _READERS.get(kind.kind, _read_number)(kind)

    def decode(buffer: bytes, at: int, meter: Meter) -> Any:
        if buffer[at] != number:
            raise EngineFailed(f"the engine gave a value of kind {buffer[at]} where {kind.kind} is due")
        return read(buffer, at + AT, meter)

    return decode


def _read_number(kind: WitType) -> Decoder:
    letter = INTEGERS[kind.kind][1] if kind.kind in INTEGERS else {"f32": "f", "f64": "d"}[kind.kind]
    unpack = Struct(f"={letter}").unpack_from
    return lambda buffer, at, meter: unpack(buffer, at)[0]


def _text_at(buffer: bytes, at: int, meter: Meter) -> str:
    size, data = PAIR.unpack_from(buffer, at)
    meter.spend(size)
    return copy_bytes(data, size).decode() if size else ""


def _read_list(kind: WitType) -> Decoder:
    item = item_of(kind)
    if item.kind == "u8":
        return _bytes_at
    if item.kind in INTEGERS or item.kind in ("f32", "f64"):
        return _numbers_at(item)
    decode = decoder(item)

    def read(buffer: bytes, at: int, meter: Meter) -> list[Any]:
        size, data = PAIR.unpack_from(buffer, at)
        meter.spend(_ITEM_BYTES * size)
        inner = copy_bytes(data, size * VALUE_BYTES) if size else b""
        return [decode(inner, VALUE_BYTES * index, meter) for index in range(size)]

    if entry_of(kind) is not None:
        return lambda buffer, at, meter: dict(read(buffer, at, meter))
    return read


def _bytes_at(buffer: bytes, at: int, meter: Meter) -> bytes:
    size, data = PAIR.unpack_from(buffer, at)
    meter.spend(size)
    return copy_bytes(data, size * VALUE_BYTES)[AT::VALUE_BYTES] if size else b""


def _numbers_at(item: WitType) -> Decoder:
    letter = INTEGERS[item.kind][1] if item.kind in INTEGERS else {"f32": "f", "f64": "d"}[item.kind]
    padding = VALUE_BYTES - AT - Struct(f"={letter}").size
    layout = f"=8x{letter}{padding}x"

    def read(buffer: bytes, at: int, meter: Meter) -> list[Any]:
        size, data = PAIR.unpack_from(buffer, at)
        meter.spend(_NUMBER_BYTES * size)
        inner = copy_bytes(data, size * VALUE_BYTES) if size else b""
        return [number for (number,) in iter_unpack(layout, inner)]

    return read


def _read_tuple(kind: WitType) -> Decoder:
    decoders = [decoder(item) for item in kind.items if item is not None]

    def read(buffer: bytes, at: int, meter: Meter) -> list[Any]:
        size, data = PAIR.unpack_from(buffer, at)
        _expect(size, len(decoders))
        inner = copy_bytes(data, size * VALUE_BYTES) if size else b""
        return [decode(inner, VALUE_BYTES * index, meter) for index, decode in enumerate(decoders)]

    return read


def _read_record(kind: WitType) -> Decoder:
    decoders = [
        (NAME_BYTES + ENTRY_BYTES * index, name.replace("-", "_"), decoder(item))
        for index, (name, item) in enumerate(zip(kind.names, kind.items, strict=True))
        if item is not None
    ]

    def read(buffer: bytes, at: int, meter: Meter) -> dict[str, Any]:
        size, data = PAIR.unpack_from(buffer, at)
        _expect(size, len(decoders))
        inner = copy_bytes(data, size * ENTRY_BYTES) if size else b""
        return {name: decode(inner, offset, meter) for offset, name, decode in decoders}

    return read


def _read_variant(kind: WitType) -> Decoder:
    pairs = zip(kind.names, kind.items, strict=True)
    decoders = {name: None if item is None else decoder(item) for name, item in pairs}

    def read(buffer: bytes, at: int, meter: Meter) -> dict[str, Any]:
        tag, pointer = _text_at(buffer, at, meter), _ONE.unpack_from(buffer, at + NAME_BYTES)[0]
        decode = decoders[tag]
        return {"tag": tag} if decode is None else {"tag": tag, "value": _behind(decode, pointer, meter)}

    return read


def _behind(decode: Decoder, pointer: int, meter: Meter) -> Any:
    if not pointer:
        raise EngineFailed("the engine left out a value")
    return decode(copy_bytes(pointer, VALUE_BYTES), 0, meter)


def _read_option(kind: WitType) -> Decoder:
    decode = decoder(item_of(kind))

    def read(buffer: bytes, at: int, meter: Meter) -> Any:
        pointer = _ONE.unpack_from(buffer, at)[0]
        return decode(copy_bytes(pointer, VALUE_BYTES), 0, meter) if pointer else None

    return read


def _read_result(kind: WitType) -> Decoder:
    ok, err = (None if item is None else decoder(item) for item in kind.items)

    def read(buffer: bytes, at: int, meter: Meter) -> dict[str, Any]:
        decode, pointer = (ok if buffer[at] else err), _ONE.unpack_from(buffer, at + 8)[0]
        return {"ok" if buffer[at] else "err": _behind(decode, pointer, meter) if decode else None}

    return read


def _read_flags(kind: WitType) -> Decoder:
    def read(buffer: bytes, at: int, meter: Meter) -> list[str]:
        size, data = PAIR.unpack_from(buffer, at)
        _expect(size <= len(kind.names), True)
        inner = copy_bytes(data, size * NAME_BYTES) if size else b""
        return [_text_at(inner, NAME_BYTES * index, meter) for index in range(size)]

    return read


def _expect(found: int, due: int) -> None:
    if found != due:
        raise EngineFailed(f"the engine gave {found} parts where {due} are due")


_READERS: dict[str, Callable[[WitType], Decoder]] = {
    "bool": lambda kind: lambda buffer, at, meter: buffer[at] != 0,
    "char": lambda kind: lambda buffer, at, meter: chr(int.from_bytes(buffer[at : at + 4], "little")),
    "string": lambda kind: _text_at,
    "list": _read_list,
    "tuple": _read_tuple,
    "record": _read_record,
    "variant": _read_variant,
    "enum": lambda kind: _text_at,
    "option": _read_option,
    "result": _read_result,
    "flags": _read_flags,
    "own": lambda kind: lambda buffer, at, meter: _ONE.unpack_from(buffer, at)[0],
    "borrow": lambda kind: lambda buffer, at, meter: _ONE.unpack_from(buffer, at)[0],
}
