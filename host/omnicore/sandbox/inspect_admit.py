"""What plugins may not use, decided from a module's summary alone."""

from __future__ import annotations

from collections.abc import Iterator

from omnicore.errors import ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect_visible import OWN_PREFIX
from omnicore.sandbox.wasm_types import PAGE_BYTES, MemoryType, ModuleInfo

__all__ = ["admit"]

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


def _refusals(info: ModuleInfo, limits: Limits) -> Iterator[_Refusal]:
    if info.size_bytes > limits.module_bytes:
        yield (
            f"the module has {info.size_bytes} bytes where {limits.module_bytes} are allowed",
            "raise limits.module_bytes or strip the module",
        )
    if info.kind == "component":
        yield (
            "the file is a component",
            "components are not supported yet by this engine; build a core module",
        )
    for feature in sorted(info.features & _FORBIDDEN.keys()):
        yield f"the module uses {feature}, which plugins may not", _FORBIDDEN[feature]
    yield from _names(info)
    yield from _memories(info.memories, limits)
    yield from _tables(info, limits)


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
