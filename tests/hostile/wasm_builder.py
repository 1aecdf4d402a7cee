"""Writes WebAssembly modules byte by byte, well-formed or not: also what no compiler would emit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wasmtime import wat2wasm

MAGIC = b"\0asm\x01\0\0\0"
I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F
FUNCTION, TABLE, MEMORY, GLOBAL = 0, 1, 2, 3
END = b"\x0b"


def wat(source: str) -> bytes:
    """A module from its text."""
    return bytes(wat2wasm(source))


def u32(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def s32(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value & 0x7F))


def text(value: str | bytes) -> bytes:
    """A name."""
    raw = value.encode() if isinstance(value, str) else value
    return u32(len(raw)) + raw


def vector(entries: Sequence[bytes]) -> bytes:
    """A counted list."""
    return u32(len(entries)) + b"".join(entries)


def section(identifier: int, content: bytes) -> bytes:
    """A section with its header."""
    return bytes((identifier,)) + u32(len(content)) + content


def custom(name: str, content: bytes) -> bytes:
    """A custom section."""
    return section(0, text(name) + content)


def func_type(params: Iterable[int] = (), results: Iterable[int] = ()) -> bytes:
    """An entry of the type section."""
    return b"\x60" + vector([bytes((code,)) for code in params]) + vector([bytes((code,)) for code in results])


def body(code: bytes, local_groups: Sequence[tuple[int, int]] = ()) -> bytes:
    """A function body of instructions without the final `end`; locals as (count, value type)."""
    groups = vector([u32(count) + bytes((kind,)) for count, kind in local_groups])
    content = groups + code + END
    return u32(len(content)) + content


def limits(minimum: int, maximum: int | None = None, *, flags: int = 0) -> bytes:
    """Limits of a memory or a table."""
    if maximum is None:
        return bytes((flags,)) + u32(minimum)
    return bytes((flags | 1,)) + u32(minimum) + u32(maximum)


def export(name: str | bytes, kind: int, index: int) -> bytes:
    """An entry of the export section."""
    return text(name) + bytes((kind,)) + u32(index)


def imported(module: str, name: str | bytes, description: bytes) -> bytes:
    """An entry of the import section; the description is the kind and its type."""
    return text(module) + text(name) + description


@dataclass(slots=True)
class ModuleBuilder:
    """Sections as lists of ready entries, written in the canonical order when they are not empty."""

    types: list[bytes] = field(default_factory=lambda: [func_type()])
    imports: list[bytes] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    tables: list[bytes] = field(default_factory=list)
    memories: list[bytes] = field(default_factory=list)
    globals: list[bytes] = field(default_factory=list)
    exports: list[bytes] = field(default_factory=list)
    elements: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    start: int | None = None

    def build(self, *tail: bytes) -> bytes:
        """The module, with `tail` (custom sections) behind it."""
        found = ((1, self.types), (2, self.imports), (3, [u32(kind) for kind in self.functions]))
        rest = ((4, self.tables), (5, self.memories), (6, self.globals), (7, self.exports))
        parts = [MAGIC]
        parts += [section(number, vector(entries)) for number, entries in found + rest if entries]
        if self.start is not None:
            parts.append(section(8, u32(self.start)))
        last = ((9, self.elements), (10, self.bodies), (11, self.data))
        parts += [section(number, vector(entries)) for number, entries in last if entries]
        return b"".join((*parts, *tail))


def run_module(code: bytes, local_groups: Sequence[tuple[int, int]] = (), *tail: bytes) -> bytes:
    """A module with one function `run` and one page of memory."""
    builder = ModuleBuilder(functions=[0], memories=[limits(1)], bodies=[body(code, local_groups)])
    builder.exports = [export("run", FUNCTION, 0), export("memory", MEMORY, 0)]
    return builder.build(*tail)
