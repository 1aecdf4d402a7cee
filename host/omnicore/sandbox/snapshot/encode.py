"""The pieces of a module as bytes. Source: Wasm core specification, section 5."""

from __future__ import annotations

from collections.abc import Iterable

from omnicore.sandbox.wasm_reader import write_u32
from omnicore.sandbox.wasm_types import FuncType

__all__ = ["FUNCTION", "function_type", "name", "sized", "sleb", "vector"]

FUNCTION = 0
"""The kind of an import or export that is a function."""

_VALUES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}


def sized(content: bytes) -> bytes:
    """Bytes behind their length."""
    return write_u32(len(content)) + content


def name(text: str) -> bytes:
    """A name."""
    return sized(text.encode())


def vector(items: Iterable[bytes]) -> bytes:
    """Things behind their number."""
    found = list(items)
    return write_u32(len(found)) + b"".join(found)


def function_type(kind: FuncType) -> bytes:
    """A function's type."""
    values = [vector(bytes((_VALUES[one],)) for one in side) for side in (kind.params, kind.results)]
    return b"\x60" + b"".join(values)


def sleb(number: int) -> bytes:
    """A signed number in the shortest form."""
    out = bytearray()
    while True:
        part = number & 0x7F
        number >>= 7
        if number in (0, -1) and (number == 0) == (not part & 0x40):
            out.append(part)
            return bytes(out)
        out.append(part | 0x80)
