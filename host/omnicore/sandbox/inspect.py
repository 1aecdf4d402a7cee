"""The content of a WebAssembly file, read before any engine sees it.

`inspect` reads section headers and small sections only: 0.1 to 0.3 ms, also for a module of 18 MB. `admit`
refuses what plugins may not use. `harmless` is True for modules that may be compiled in the host's own process.
`with_visible_limits` exports memories and tables that the module keeps private, for the host.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from types import MappingProxyType

from omnicore.errors import LinkFailed, ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.components import read_component
from omnicore.sandbox.wasm import (
    PAGE_BYTES,
    SECTIONS,
    ComponentInfo,
    Draft,
    Export,
    FuncType,
    GlobalType,
    Import,
    MemoryType,
    ModuleInfo,
    Reader,
    Section,
    TableType,
    reject,
    write_u32,
)

__all__ = [
    "OWN_PREFIX",
    "WASI_PACKAGES",
    "Export",
    "FuncType",
    "GlobalType",
    "Import",
    "MemoryType",
    "ModuleInfo",
    "Section",
    "TableType",
    "admit",
    "check_provided",
    "harmless",
    "inspect",
    "unprovided",
    "with_visible_limits",
]


_CODE_BYTES = 4_096
_COMPONENT_BYTES = 16_384
_MOST_MODULES = 4
_DATA_BYTES = 1_048_576
_MOST = 256
_WIDEST_TYPE = 100
# Worst cases found within these bounds, wasmtime 50, one thread, fuel counted: 400 memory.grow instructions
# 40 ms, 400 nested loops 15 ms, 60 locals changed in 100 nested loops 20 ms.
_MOST_JOINS = 400
_MOST_MOVES = 20_000
# Where control flow forks, joins or leaves for the runtime, the compiler may have to move every live value:
# block loop if else try throw br br_if br_table return calls try_table table.get table.set memory.grow.
# Immediates that happen to hold the same byte are counted too.
_JOINS = bytes.fromhex("02 03 04 05 06 08 0c 0d 0e 0f 10 11 12 13 1f 25 26 40")
_BRANCH_TABLE = 0x0E


def harmless(info: ModuleInfo) -> bool:
    """True when compiling in the host's own process is cheap: under 50 ms for the worst case found within bounds.

    Components with others inside never are: the engine makes code for what these pass each other, which grows with
    the types and not with the file.
    """
    if info.component is not None:
        found = info.component
        plain = info.size_bytes <= _COMPONENT_BYTES and not found.nested and len(found.modules) <= _MOST_MODULES
        return plain and all(harmless(module) for module in found.modules)
    small = (
        info.kind == "core"
        and info.code_bytes <= _CODE_BYTES
        and info.data_bytes <= _DATA_BYTES
        and info.element_bytes <= _CODE_BYTES
        and info.widest_type <= _WIDEST_TYPE
        and max(info.types, info.functions, info.globals, info.elements, info.data_segments) <= _MOST
        and max(len(info.imports), len(info.exports)) <= _MOST
    )
    return small and _plain(bytes(info.code), info.widest_type)


def _plain(code: bytes, widest_type: int) -> bool:
    reader = Reader(code, 0, len(code))
    all_joins = all_moves = 0
    try:
        for _ in range(reader.u32() if code else 0):
            values, joins, targets = _measure(reader)
            all_joins += joins
            all_moves += (values + widest_type + 1) * (joins + targets + 1)
    except ModuleRejected:
        return False
    return all_joins <= _MOST_JOINS and all_moves <= _MOST_MOVES


def _measure(reader: Reader) -> tuple[int, int, int]:
    """Of the next body: locals, places where values may have to move, and branch targets at most."""
    size = reader.u32()
    body = Reader(reader.data, reader.position, reader.position + size)
    reader.take(size)
    values = 0
    for _ in range(body.count("locals", _CODE_BYTES, entry_bytes=2)):
        values += body.u32()
        body.byte()
    rest = body.data[body.position : body.end]
    joins = len(rest) - len(rest.translate(None, _JOINS))
    return values, joins, len(rest) if _BRANCH_TABLE in rest else 0


OWN_PREFIX = "omnicore:"
"""Export names that start so are the host's; `admit` refuses modules that use one."""

_EXPORT, _START = 7, 8
_FUNCTION_KIND, _TABLE_KIND, _MEMORY_KIND = b"\x00", b"\x01", b"\x02"
# Sections that stand behind the export section: start, elements, data count, code, data.
_LATER = frozenset((_START, 9, 12, 10, 11))


def with_visible_limits(data: bytes, info: ModuleInfo) -> bytes:
    """The module with its own memory exported as `omnicore:memory`, its own tables as `omnicore:table:N`.

    N counts defined tables from 0. The start section becomes the export `omnicore:start`, so that the host
    runs it like any other function, under the deadline and on either kind of thread. Its type is the caller's
    to check: the engine no longer sees it as a start function. Nothing else changes; a module with none of
    these comes back as it is.
    """
    added = _entries(info)
    for section in info.sections:
        if section.identifier == _START:
            start = Reader(data, section.start, section.end).u32()
            added.append(_entry("start", _FUNCTION_KIND, start))
            data = data[: section.header] + data[section.end :]
    if not added:
        return data
    for section in info.sections:
        if section.identifier == _EXPORT:
            reader = Reader(data, section.start, section.end)
            content = [write_u32(reader.u32() + len(added)), data[reader.position : section.end], *added]
            return _spliced(data, section.header, section.end, content)
        if section.identifier in _LATER:  # a start section that is gone began where its successor does now
            return _spliced(data, section.header, section.header, [write_u32(len(added)), *added])
    return _spliced(data, len(data), len(data), [write_u32(len(added)), *added])


def _entries(info: ModuleInfo) -> list[bytes]:
    own = [index for index, memory in enumerate(info.memories) if not memory.imported]
    entries = [_entry("memory", _MEMORY_KIND, index) for index in own[:1]]
    tables = [index for index, table in enumerate(info.tables) if not table.imported]
    entries += [_entry(f"table:{number}", _TABLE_KIND, index) for number, index in enumerate(tables)]
    return entries


def _entry(name: str, kind: bytes, index: int) -> bytes:
    text = (OWN_PREFIX + name).encode()
    return write_u32(len(text)) + text + kind + write_u32(index)


def _spliced(data: bytes, start: int, end: int, content: list[bytes]) -> bytes:
    size = sum(map(len, content))
    return b"".join((data[:start], bytes((_EXPORT,)), write_u32(size), *content, data[end:]))


WASI_PACKAGES = ("wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets")
"""The packages of WASI 0.2 that components may import; what most of their functions do is refuse."""

_ABI = frozenset({"extism:host/env", "wasi_snapshot_preview1", "wasi_unstable"})
_INTERFACES = ("omnicore:plugin/", "wasi:")
_APPLICATION = "omnicore:application/"
_VERSIONED = re.compile(r".+_v[1-9][0-9]{0,8}")
_USER = "extism:host/user"
_MOST_SHOWN = 10
_MOST_NAMED = 100
_MOST_TABLES = 8
# A segment's entry is at most six bytes; 10 MB of them took 5 to 9 GB to compile.
_ELEMENT_BYTES_EACH = 16
_ELEMENT_BYTES_FREE = 65_536
_FORBIDDEN = {
    "exceptions": "build the plugin without WebAssembly exceptions",
    "externref": "build the plugin without references to host objects",
    "threads": "build the plugin without shared memory and atomics",
    "memory64": "build the plugin for wasm32",
    "custom-page-sizes": "build the plugin with pages of 64 KiB",
}

_Refusal = tuple[str, str]


def admit(info: ModuleInfo, limits: Limits) -> None:
    """Checks a module against the presets and the plugin's limits.

    Raises:
        ModuleRejected: the first thing that is not allowed, with what to do about it.
    """
    for fact, remedy in _refusals(info, limits):
        raise ModuleRejected(fact, remedy=remedy)


def unprovided(info: ModuleInfo, functions: Collection[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The imports, as namespace and name, that neither the guest ABI, WASI nor one of the functions provides.

    Args:
        functions: namespace and name of each function that the host provides. A component imports interfaces
            instead; those of the package `omnicore:plugin` are the host's, and of `omnicore:application` each
            function stands for one of the embedding application.
    """
    return tuple(
        dict.fromkeys(
            (item.module, item.name)
            for item in info.imports
            if item.module not in _ABI and not item.module.startswith(_INTERFACES)
            if (item.module, item.name) not in functions
            if (_USER, application_function(item.module.partition("@")[0], item.name)) not in functions
        )
    )


def application_function(interface: str, name: str) -> str:
    """The name by which core modules import the function of an application that a component imports.

    `get-order` of `omnicore:application/orders` is `orders_get_order_v1`, and `get-order-v2` is `orders_get_order_v2`.
    "" for another interface.
    """
    if not interface.startswith(_APPLICATION):
        return ""
    door, verb = interface.removeprefix(_APPLICATION).replace("-", "_"), name.replace("-", "_")
    versioned = _VERSIONED.fullmatch(verb)
    return f"{door}_{verb}" if versioned else f"{door}_{verb}_v1"


def check_provided(info: ModuleInfo, functions: Collection[tuple[str, str]]) -> None:
    """Checks that everything the module imports is provided. Raises: LinkFailed, with all the names."""
    if absent := unprovided(info, functions):
        shown = [f"{namespace[:64]}::{name[:64]}" for namespace, name in absent[:_MOST_SHOWN]]
        more = f" and {len(absent) - _MOST_SHOWN} more" if len(absent) > _MOST_SHOWN else ""
        raise LinkFailed(
            f"it imports {', '.join(shown)}{more}, which nobody provides",
            remedy="build it for this host, or let the application provide them with `@host.door` "
            "or `Host(functions=...)`",
            imports=[f"{namespace[:64]}::{name[:64]}" for namespace, name in absent[:_MOST_NAMED]],
        )


def _refusals(info: ModuleInfo, limits: Limits) -> Iterator[_Refusal]:
    limit = "component_bytes" if info.component else "module_bytes"
    if info.size_bytes > getattr(limits, limit):
        yield (
            f"the {'component' if info.component else 'module'} has {info.size_bytes} bytes"
            f" where {getattr(limits, limit)} are allowed",
            f"raise limits.{limit} or strip the module",
        )
    if info.component is not None:
        yield from _component(info.component, limits)
        return
    yield from _core(info, limits)


def _core(info: ModuleInfo, limits: Limits) -> Iterator[_Refusal]:
    for feature in sorted(info.features & _FORBIDDEN.keys()):
        yield f"the module uses {feature}, which plugins may not", _FORBIDDEN[feature]
    yield from _names(info)
    yield from _memories(info.memories, limits)
    yield from _tables(info, limits)


def _component(info: ComponentInfo, limits: Limits) -> Iterator[_Refusal]:
    yield from _interfaces(info)
    for module in info.modules:
        yield from _core(module, limits)
    if info.minimum_pages * PAGE_BYTES > limits.memory_bytes:
        yield (
            f"oom: the component starts with {info.minimum_pages * PAGE_BYTES} bytes of memory"
            f" where {limits.memory_bytes} are allowed",
            "raise limits.memory_bytes or build it with less initial memory",
        )
    if info.minimum_elements > limits.table_elements:
        yield (
            f"the component's tables start with {info.minimum_elements} elements"
            f" where {limits.table_elements} are allowed",
            "raise limits.table_elements",
        )
    if info.most_elements > limits.table_elements:  # the engine bounds single tables, by the size of the largest
        yield (
            f"the component's tables can grow to {info.most_elements} elements"
            f" where {limits.table_elements} are allowed",
            "give the tables a maximum when they are linked, or raise limits.table_elements",
        )


def _interfaces(info: ComponentInfo) -> Iterator[_Refusal]:
    for interface, wanted in info.imports.items():
        package = interface.partition("/")[0]
        if package == "wasi:http":
            yield (
                f"the component imports {interface[:100]}, which reaches any address",
                "use the door omnicore:plugin/http, which has an allow-list",
            )
        elif wanted and package not in (*WASI_PACKAGES, "omnicore:plugin", "omnicore:application"):
            yield (
                f"the component imports {interface[:100] or 'a bare function'}, which this host does not provide",
                "import interfaces of omnicore:plugin and WASI 0.2 only",
            )


def _names(info: ModuleInfo) -> Iterator[_Refusal]:
    for export in info.exports:
        if export.name.startswith(OWN_PREFIX):
            yield (
                f"the export {export.name[:64]!r} has a name of the host",
                f"do not export {OWN_PREFIX} names",
            )
    for item in info.imports:
        if item.module == "extism:host/env" and item.kind != "function":
            yield (
                f"the import {item.name[:64]!r} from extism:host/env is a {item.kind}, it has only functions",
                "read and write through its load and store functions",
            )


def _memories(memories: tuple[MemoryType, ...], limits: Limits) -> Iterator[_Refusal]:
    if len(memories) > 1:
        yield f"the module has {len(memories)} memories where one is allowed", "build it without multi-memory"
    for memory in memories:
        if memory.minimum_pages * PAGE_BYTES > limits.memory_bytes:
            yield (
                f"oom: the module starts with {memory.minimum_pages * PAGE_BYTES} bytes of memory"
                f" where {limits.memory_bytes} are allowed",
                "raise limits.memory_bytes or build it with less initial memory",
            )


def _tables(info: ModuleInfo, limits: Limits) -> Iterator[_Refusal]:
    if len(info.tables) > _MOST_TABLES:
        yield f"the module has {len(info.tables)} tables where {_MOST_TABLES} are allowed", "merge its tables"
    elements = sum(table.minimum for table in info.tables)
    if elements > limits.table_elements:
        yield (
            f"the module's tables start with {elements} elements where {limits.table_elements} are allowed",
            "raise limits.table_elements",
        )
    if info.element_bytes > _ELEMENT_BYTES_FREE + _ELEMENT_BYTES_EACH * limits.table_elements:
        yield (
            f"the module has {info.element_bytes} bytes of element segments, more than its tables can take",
            "raise limits.table_elements or remove unused segments",
        )


_MAGIC = b"\0asm"
_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"
_MOST_CUSTOM = 1_000
_CUSTOM_BYTES = 1_048_576
_BUILD = "drop a module that starts with the bytes 00 61 73 6d 01 00 00 00"


def inspect(data: bytes) -> ModuleInfo:
    """The content of a file.

    Raises:
        ModuleRejected: no WebAssembly, malformed, more of something than any plugin needs, or a value type
            that plugins may not use; with the offset.
    """
    if _kind(data) == "component":
        return read_component(data, _read_core)
    return _read_core(data, 0, len(data))


def _read_core(data: bytes, start: int, end: int) -> ModuleInfo:
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
