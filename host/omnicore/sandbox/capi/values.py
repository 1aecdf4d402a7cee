"""Component values: their layout in C's memory, and functions that read and write them, made once for each type.

A value takes 32 bytes: a kind, and its content at offset 8. In Python a value is a bool, int, float or str; a list for
lists, tuples and flags, `bytes` for `list<u8>`; a dict for records (names with `_`); `{"tag": ..., "value": ...}` for
variants, `{"ok": ...}` or `{"err": ...}` for results; the name for enums, None for an empty option, an address for
handles. Numbers are never cut to size.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
from collections.abc import Callable
from functools import lru_cache
from struct import Struct, error, iter_unpack, pack
from typing import Any

from omnicore.errors import EngineFailed
from omnicore.sandbox.capi.library import copy_bytes, lib
from omnicore.sandbox.wit import WitType, entry_of

VALUE_BYTES = 32
ENTRY_BYTES = 48
"""A record's field: its name, then its value."""
NAME_BYTES = 16
AT = 8

INTEGERS = {
    "s8": (1, "b"),
    "u8": (2, "B"),
    "s16": (3, "h"),
    "u16": (4, "H"),
    "s32": (5, "i"),
    "u32": (6, "I"),
    "s64": (7, "q"),
    "u64": (8, "Q"),
}
"""Kind and `struct` letter of whole numbers."""

_OTHERS = ("f32", "f64", "char", "string", "list", "record", "tuple", "variant", "enum", "option", "result", "flags")
KINDS = (
    {"bool": 0, "own": 21, "borrow": 21}
    | {name: number for name, (number, _) in INTEGERS.items()}
    | {name: number for number, name in enumerate(_OTHERS, 9)}
)
"""Source: wasmtime/component/val.h."""

WORDS = Struct("=BxxxxxxxQQQ")
"""A whole value: its kind and three words."""
PAIR = Struct("=QQ")
"""A size and an address."""


def item_of(kind: WitType) -> WitType:
    """The type inside a list or an option."""
    (item,) = kind.items
    assert item is not None  # noqa: S101  lists and options always hold something
    return item


_NUMBER_BYTES, _ITEM_BYTES = 4, 16  # what an item of a list costs a meter: numbers are read all at once


class TooLargeError(Exception):
    """A guest passed more than the host copies. Args: the most bytes it may pass."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"more than {allowed} bytes")
        self.allowed = allowed


class CopyMeter:
    """Bytes that one call may still copy out of C's memory: those of texts, and a few for each item of a list."""

    __slots__ = ("_allowed", "_left")

    def __init__(self, allowed: int) -> None:
        self._allowed = self._left = allowed

    def spend(self, count: int) -> None:
        """Raises: TooLargeError."""
        self._left -= count
        if self._left < 0:
            raise TooLargeError(self._allowed)


Decoder = Callable[[bytes, int, CopyMeter], Any]
"""`decode(buffer, offset, meter)`: the value at an offset of copied memory.

Raises: EngineFailed: another type; TooLargeError.
"""

_ONE = Struct("=Q")


@lru_cache(maxsize=1024)
def decoder(kind: WitType) -> Decoder:
    """A function that reads values of a type."""
    number = KINDS[kind.kind]
    read = _READERS.get(kind.kind, _read_number)(kind)

    def decode(buffer: bytes, at: int, meter: CopyMeter) -> Any:
        if buffer[at] != number:
            raise EngineFailed(f"the engine gave a value of kind {buffer[at]} where {kind.kind} is due")
        return read(buffer, at + AT, meter)

    return decode


def _read_number(kind: WitType) -> Decoder:
    letter = INTEGERS[kind.kind][1] if kind.kind in INTEGERS else {"f32": "f", "f64": "d"}[kind.kind]
    unpack = Struct(f"={letter}").unpack_from
    return lambda buffer, at, meter: unpack(buffer, at)[0]


def _text_at(buffer: bytes, at: int, meter: CopyMeter) -> str:
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

    def read(buffer: bytes, at: int, meter: CopyMeter) -> list[Any]:
        size, data = PAIR.unpack_from(buffer, at)
        meter.spend(_ITEM_BYTES * size)
        inner = copy_bytes(data, size * VALUE_BYTES) if size else b""
        return [decode(inner, VALUE_BYTES * index, meter) for index in range(size)]

    if entry_of(kind) is not None:
        return lambda buffer, at, meter: dict(read(buffer, at, meter))
    return read


def _bytes_at(buffer: bytes, at: int, meter: CopyMeter) -> bytes:
    size, data = PAIR.unpack_from(buffer, at)
    meter.spend(size)
    return copy_bytes(data, size * VALUE_BYTES)[AT::VALUE_BYTES] if size else b""


def _numbers_at(item: WitType) -> Decoder:
    letter = INTEGERS[item.kind][1] if item.kind in INTEGERS else {"f32": "f", "f64": "d"}[item.kind]
    padding = VALUE_BYTES - AT - Struct(f"={letter}").size
    layout = f"=8x{letter}{padding}x"

    def read(buffer: bytes, at: int, meter: CopyMeter) -> list[Any]:
        size, data = PAIR.unpack_from(buffer, at)
        meter.spend(_NUMBER_BYTES * size)
        inner = copy_bytes(data, size * VALUE_BYTES) if size else b""
        return [number for (number,) in iter_unpack(layout, inner)]

    return read


def _read_tuple(kind: WitType) -> Decoder:
    decoders = [decoder(item) for item in kind.items if item is not None]

    def read(buffer: bytes, at: int, meter: CopyMeter) -> list[Any]:
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

    def read(buffer: bytes, at: int, meter: CopyMeter) -> dict[str, Any]:
        size, data = PAIR.unpack_from(buffer, at)
        _expect(size, len(decoders))
        inner = copy_bytes(data, size * ENTRY_BYTES) if size else b""
        return {name: decode(inner, offset, meter) for offset, name, decode in decoders}

    return read


def _read_variant(kind: WitType) -> Decoder:
    pairs = zip(kind.names, kind.items, strict=True)
    decoders = {name: None if item is None else decoder(item) for name, item in pairs}

    def read(buffer: bytes, at: int, meter: CopyMeter) -> dict[str, Any]:
        tag, pointer = _text_at(buffer, at, meter), _ONE.unpack_from(buffer, at + NAME_BYTES)[0]
        decode = decoders[tag]
        return {"tag": tag} if decode is None else {"tag": tag, "value": _behind(decode, pointer, meter)}

    return read


def _behind(decode: Decoder, pointer: int, meter: CopyMeter) -> Any:
    if not pointer:
        raise EngineFailed("the engine left out a value")
    return decode(copy_bytes(pointer, VALUE_BYTES), 0, meter)


def _read_option(kind: WitType) -> Decoder:
    decode = decoder(item_of(kind))

    def read(buffer: bytes, at: int, meter: CopyMeter) -> Any:
        pointer = _ONE.unpack_from(buffer, at)[0]
        return decode(copy_bytes(pointer, VALUE_BYTES), 0, meter) if pointer else None

    return read


def _read_result(kind: WitType) -> Decoder:
    ok, err = (None if item is None else decoder(item) for item in kind.items)

    def read(buffer: bytes, at: int, meter: CopyMeter) -> dict[str, Any]:
        decode, pointer = (ok if buffer[at] else err), _ONE.unpack_from(buffer, at + 8)[0]
        return {"ok" if buffer[at] else "err": _behind(decode, pointer, meter) if decode else None}

    return read


def _read_flags(kind: WitType) -> Decoder:
    def read(buffer: bytes, at: int, meter: CopyMeter) -> list[str]:
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


_DOUBLE = Struct("=Bxxxxxxxdxxxxxxxxxxxxxxxx")


class UnfitValueError(Exception):
    """A value that its type cannot hold: what is wrong, and the path to it."""

    def __init__(self, fact: str) -> None:
        super().__init__(fact)
        self.fact = fact
        self.path: list[str] = []

    def __str__(self) -> str:
        where = "".join(reversed(self.path)).removeprefix(".")
        return f"{where}: {self.fact}" if where else self.fact


def _address(data: bytes) -> int:
    """The address of bytes, valid while they are referenced."""
    return ctypes.c_void_p.from_buffer(ctypes.c_char_p(data)).value or 0


class Arena:
    """Memory for values on their way to C. Owns: everything placed in it, until it is dropped.

    Args:
        most: how many bytes it may hold; a record's absent fields take memory that its JSON does not show.
    """

    __slots__ = ("_kept", "_left", "_most")

    def __init__(self, most: int | None = None) -> None:
        self._kept: list[bytes] = []
        self._most = self._left = most

    def place(self, data: bytes) -> int:
        """Keeps bytes where they are and returns their address. Raises: UnfitValueError: there is no more room."""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise UnfitValueError(f"its values take more than {self._most} bytes of memory")
        self._kept.append(data)
        return _address(data)


Encoder = Callable[[Any, Arena], bytes]
"""`encode(value, arena)`: the value's 32 bytes. Raises: UnfitValueError."""


@lru_cache(maxsize=1024)
def encoder(kind: WitType) -> Encoder:
    """A function that writes values of a type."""
    return _WRITERS[kind.kind](kind)


def _wrong(due: str, value: Any) -> UnfitValueError:
    found = {type(None): "null", dict: "an object", list: "an array", str: "text", bool: "a boolean"}
    return UnfitValueError(f"must be {due}, not {found.get(type(value), type(value).__name__)}")


def _write_bool(kind: WitType) -> Encoder:
    def write(value: Any, arena: Arena) -> bytes:
        if not isinstance(value, bool):
            raise _wrong("true or false", value)
        return WORDS.pack(0, value, 0, 0)

    return write


def _write_integer(kind: WitType) -> Encoder:
    number, letter = INTEGERS[kind.kind]
    packer = Struct(f"=Bxxxxxxx{letter}")

    def write(value: Any, arena: Arena) -> bytes:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong("a whole number", value)
        try:
            return packer.pack(number, value).ljust(VALUE_BYTES, b"\0")
        except error:
            raise UnfitValueError(f"{value} does not fit {kind.kind}") from None

    return write


def _write_double(kind: WitType) -> Encoder:
    def write(value: Any, arena: Arena) -> bytes:
        return _DOUBLE.pack(10, _number(value))

    return write


def _write_single(kind: WitType) -> Encoder:
    def write(value: Any, arena: Arena) -> bytes:
        try:
            return pack("=Bxxxxxxxf20x", 9, _number(value))
        except OverflowError:
            raise UnfitValueError(f"{value} does not fit f32") from None

    return write


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise UnfitValueError("the number is too large") from None


def _write_char(kind: WitType) -> Encoder:
    def write(value: Any, arena: Arena) -> bytes:
        if not isinstance(value, str) or len(value) != 1 or 0xD800 <= ord(value) <= 0xDFFF:
            raise _wrong("text of one character", value)
        return WORDS.pack(11, ord(value), 0, 0)

    return write


def _text(value: Any, arena: Arena) -> tuple[int, int]:
    if not isinstance(value, str):
        raise _wrong("text", value)
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise UnfitValueError("the text has halves of characters, which no UTF-8 has") from None
    return len(data), arena.place(data) if data else 0


def _write_string(kind: WitType) -> Encoder:
    return lambda value, arena: WORDS.pack(12, *_text(value, arena), 0)


def _write_list(kind: WitType) -> Encoder:
    item = item_of(kind)
    if item.kind == "u8":
        return _write_bytes
    encode = encoder(item)
    entries = entry_of(kind) is not None

    def write(value: Any, arena: Arena) -> bytes:
        if entries and isinstance(value, dict):
            value = [list(pair) for pair in value.items()]
        if not isinstance(value, list):
            raise _wrong("an object" if entries else "an array", value)
        parts = [_encoded(encode, one, arena, f"[{index}]") for index, one in enumerate(value)]
        return WORDS.pack(13, len(parts), arena.place(b"".join(parts)) if parts else 0, 0)

    return write


def _write_bytes(value: Any, arena: Arena) -> bytes:
    data = _blob(value)
    values = bytearray(VALUE_BYTES * len(data))
    values[0::VALUE_BYTES] = b"\x02" * len(data)
    values[AT::VALUE_BYTES] = data
    return WORDS.pack(13, len(data), arena.place(bytes(values)) if data else 0, 0)


def _blob(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    if isinstance(value, dict) and set(value) == {"base64"} and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, ValueError):
            raise UnfitValueError("must hold standard base64 with padding") from None
    raise _wrong('text or {"base64": "..."}', value)


def _encoded(encode: Encoder, value: Any, arena: Arena, step: str) -> bytes:
    try:
        return encode(value, arena)
    except UnfitValueError as failed:
        failed.path.append(step)
        raise


def _write_tuple(kind: WitType) -> Encoder:
    encoders = [encoder(item) for item in kind.items if item is not None]

    def write(value: Any, arena: Arena) -> bytes:
        if not isinstance(value, list) or len(value) != len(encoders):
            raise _wrong(f"an array of {len(encoders)}", value)
        pairs = enumerate(zip(encoders, value, strict=True))
        parts = [_encoded(encode, one, arena, f"[{index}]") for index, (encode, one) in pairs]
        return WORDS.pack(15, len(parts), arena.place(b"".join(parts)) if parts else 0, 0)

    return write


def _write_record(kind: WitType) -> Encoder:
    written = [name.encode() for name in kind.names]
    fields = [
        (name.replace("-", "_"), data, PAIR.pack(len(data), _address(data)), encoder(item), item.kind == "option")
        for name, data, item in zip(kind.names, written, kind.items, strict=True)
        if item is not None
    ]
    known = {field[0] for field in fields}

    def write(value: Any, arena: Arena) -> bytes:
        if not isinstance(value, dict):
            raise _wrong("an object", value)
        if unknown := value.keys() - known:
            raise UnfitValueError(f"has the unknown field {min(unknown)[:80]!r}")
        parts = []
        for name, _kept, pair, encode, optional in fields:
            if name not in value and not optional:
                raise UnfitValueError(f"lacks {name!r}")
            parts.append(pair)
            parts.append(_encoded(encode, value.get(name), arena, f".{name}"))
        return WORDS.pack(14, len(fields), arena.place(b"".join(parts)) if parts else 0, 0)

    return write


def _write_variant(kind: WitType) -> Encoder:
    pairs = zip(kind.names, kind.items, strict=True)
    cases = {name: None if item is None else encoder(item) for name, item in pairs}

    def write(value: Any, arena: Arena) -> bytes:
        tag = value.get("tag") if isinstance(value, dict) else None
        if not isinstance(tag, str) or tag not in cases or set(value) - {"tag", "value"}:
            raise _wrong(f'{{"tag": ..., "value": ...}} with a tag of {", ".join(cases)}'[:300], value)
        encode, payload = cases[tag], value.get("value")
        if encode is None and payload is not None:
            raise UnfitValueError(f"{tag} has no value")
        inner = arena.place(_encoded(encode, payload, arena, ".value")) if encode else 0
        return WORDS.pack(16, *_text(tag, arena), inner)

    return write


def _write_enum(kind: WitType) -> Encoder:
    def write(value: Any, arena: Arena) -> bytes:
        if value not in kind.names:
            raise _wrong(f"one of {', '.join(kind.names)}"[:300], value)
        return WORDS.pack(17, *_text(value, arena), 0)

    return write


def _write_option(kind: WitType) -> Encoder:
    encode = encoder(item_of(kind))
    return lambda value, arena: WORDS.pack(18, 0 if value is None else arena.place(encode(value, arena)), 0, 0)


def _write_result(kind: WitType) -> Encoder:
    pairs = zip(("ok", "err"), kind.items, strict=True)
    sides = {side: None if item is None else encoder(item) for side, item in pairs}

    def write(value: Any, arena: Arena) -> bytes:
        if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= {"ok", "err"}:
            raise _wrong('{"ok": ...} or {"err": ...}', value)
        ((side, payload),) = value.items()
        encode = sides[side]
        if encode is None and payload is not None:
            raise UnfitValueError(f"{side} has no value")
        return WORDS.pack(19, side == "ok", arena.place(encode(payload, arena)) if encode else 0, 0)

    return write


def _write_flags(kind: WitType) -> Encoder:
    def write(value: Any, arena: Arena) -> bytes:
        if not isinstance(value, list) or any(one not in kind.names for one in value):
            raise _wrong(f"an array of {', '.join(kind.names)}"[:300], value)
        names = [PAIR.pack(*_text(one, arena)) for one in dict.fromkeys(value)]
        return WORDS.pack(20, len(names), arena.place(b"".join(names)) if names else 0, 0)

    return write


def _write_handle(kind: WitType) -> Encoder:
    return lambda value, arena: WORDS.pack(21, value, 0, 0)


_WRITERS: dict[str, Callable[[WitType], Encoder]] = {
    "bool": _write_bool,
    "f32": _write_single,
    "f64": _write_double,
    "char": _write_char,
    "string": _write_string,
    "list": _write_list,
    "tuple": _write_tuple,
    "record": _write_record,
    "variant": _write_variant,
    "enum": _write_enum,
    "option": _write_option,
    "result": _write_result,
    "flags": _write_flags,
    "own": _write_handle,
    "borrow": _write_handle,
    **dict.fromkeys(INTEGERS, _write_integer),
}


def hand_over(value: bytes, arena: Arena, address: int) -> None:
    """Copies a value and all it holds to memory of C's own, at an address where C expects a result."""
    lib.wasmtime_component_val_clone(arena.place(value), address)
