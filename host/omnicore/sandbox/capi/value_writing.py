"""Component values from Python to C: one function for each type, made once."""

from __future__ import annotations

import base64
import binascii
import ctypes
from collections.abc import Callable
from functools import lru_cache
from struct import Struct, error, pack
from typing import Any

from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.value_layout import (
    AT,
    INTEGERS,
    PAIR,
    VALUE_BYTES,
    WORDS,
    item_of,
)
from omnicore.sandbox.wit_types import WitType, entry_of

__all__ = ["Arena", "Encoder", "UnfitValueError", "encoder", "hand_over"]

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
    """Where bytes stand, for as long as somebody keeps them."""
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
    """What writes values of a type."""
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
