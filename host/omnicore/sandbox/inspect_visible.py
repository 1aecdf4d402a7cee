"""Lets the host see the memories and tables that a module does not export."""

from __future__ import annotations

from omnicore.sandbox.wasm_reader import Reader, write_u32
from omnicore.sandbox.wasm_types import ModuleInfo

__all__ = ["OWN_PREFIX", "with_visible_limits"]

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
