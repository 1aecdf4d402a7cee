"""Bytes of a file to what is in it, before any engine sees them.

`inspect` reads section headers and small sections only: 0.1 to 0.3 ms, also for a module of 18 MB. `admit`
refuses what plugins may not use. `harmless` says whether compiling may happen in the host's own process.
`with_visible_limits` lets the host see memories and tables that the module keeps to itself.
"""

from __future__ import annotations

from types import MappingProxyType

from omnicore.sandbox.inspect_admit import admit
from omnicore.sandbox.inspect_component import read_component
from omnicore.sandbox.inspect_harmless import harmless
from omnicore.sandbox.inspect_visible import OWN_PREFIX, with_visible_limits
from omnicore.sandbox.wasm_reader import Reader, reject
from omnicore.sandbox.wasm_sections import SECTIONS, Draft
from omnicore.sandbox.wasm_types import (
    Export,
    FuncType,
    GlobalType,
    Import,
    MemoryType,
    ModuleInfo,
    Section,
    TableType,
)

__all__ = [
    "OWN_PREFIX",
    "Export",
    "FuncType",
    "GlobalType",
    "Import",
    "MemoryType",
    "ModuleInfo",
    "Section",
    "TableType",
    "admit",
    "harmless",
    "inspect",
    "with_visible_limits",
]

_MAGIC = b"\0asm"
_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"
_MOST_CUSTOM = 1_000
_CUSTOM_BYTES = 1_048_576
_BUILD = "drop a module that starts with the bytes 00 61 73 6d 01 00 00 00"


def inspect(data: bytes) -> ModuleInfo:
    """What a file holds.

    Raises:
        ModuleRejected: no WebAssembly, malformed, more of something than any plugin needs, or a value type
            that plugins may not use; with the offset.
    """
    if _kind(data) == "component":
        return read_component(data, _core)
    return _core(data, 0, len(data))


def _core(data: bytes, start: int, end: int) -> ModuleInfo:
    """A core module that lies between two offsets of the file."""
    if data[start : start + 8] != _MAGIC + _CORE:
        reject("a core module has another version", start)
    draft, sections = Draft(), []
    custom: dict[str, memoryview] = {}
    view = memoryview(data)
    reader = Reader(data, start + 8, end)
    rank = customs = 0
    while reader.position < reader.end:
        section = _section(reader)
        if section.identifier:
            rank = _read(data, section, draft, rank)
            sections.append(section)
        elif (customs := customs + 1) > _MOST_CUSTOM:
            reject(f"more than {_MOST_CUSTOM} custom sections", section.header, "strip the module")
        else:
            _custom(data, view, section, custom)
    return _summary(data, end - start, draft, tuple(sections), custom)


def _kind(data: bytes) -> str:
    head = data[:8]
    if head == _MAGIC + _CORE:
        return "core"
    if head == _MAGIC + _COMPONENT:
        return "component"
    reject(_what_it_is(data), min(len(data), 4), _BUILD)


def _what_it_is(data: bytes) -> str:
    if not data:
        return "the file is empty"
    if data[:4] == _MAGIC:
        return f"WebAssembly version {int.from_bytes(data[4:8], 'little')}" if len(data) >= 8 else "only a header"
    if data[:4] == b"\x7fELF":
        return "native or precompiled code, which is never loaded"
    if data[:1024].lstrip().startswith((b"(", b";;")):
        return "WebAssembly text in a file that should hold a module; name it .wat"
    return "not a WebAssembly module"


def _section(reader: Reader) -> Section:
    header = reader.position
    identifier = reader.byte()
    size = reader.u32()
    start = reader.position
    if size > reader.end - start:
        reject(f"section {identifier} announces {size} bytes, the file has {reader.end - start}", header)
    reader.position = start + size
    return Section(identifier, header, start, start + size)


def _read(data: bytes, section: Section, draft: Draft, rank: int) -> int:
    """Reads a section and returns its place in the order."""
    if section.identifier not in SECTIONS:
        reject(f"section {section.identifier} is not known", section.header)
    place, name, read = SECTIONS[section.identifier]
    if place <= rank:
        reject(f"{name} is out of order or stands twice", section.header)
    content = Reader(data, section.start, section.end)
    read(content, draft)
    content.finish(name)
    return place


def _custom(data: bytes, view: memoryview, section: Section, found: dict[str, memoryview]) -> None:
    content = Reader(data, section.start, section.end)
    name = content.name()
    found.setdefault(name, view[content.position : min(section.end, content.position + _CUSTOM_BYTES)])


def _summary(
    data: bytes, size: int, draft: Draft, sections: tuple[Section, ...], custom: dict[str, memoryview]
) -> ModuleInfo:
    sizes = {section.identifier: section.end - section.start for section in sections}
    code = next((memoryview(data)[one.start : one.end] for one in sections if one.identifier == 10), memoryview(b""))
    if draft.functions and not code:
        reject(f"{draft.functions} functions are declared and none has a body", size)
    return ModuleInfo(
        kind="core",
        size_bytes=size,
        imports=tuple(draft.imports),
        exports=tuple(draft.exports),
        memories=tuple(draft.memories),
        tables=tuple(draft.tables),
        globals=len(draft.globals),
        has_start=draft.start is not None,
        custom=MappingProxyType(custom),
        types=len(draft.types),
        functions=draft.functions,
        elements=draft.elements,
        data_segments=draft.data_segments,
        element_bytes=sizes.get(9, 0),
        data_bytes=sizes.get(11, 0),
        code_bytes=len(code),
        largest_function_bytes=draft.largest_function,
        widest_type=draft.widest_type,
        features=frozenset(draft.features),
        sections=sections,
        code=code,
    )
