"""What plugins may not use, decided from a module's summary alone."""

from __future__ import annotations

from collections.abc import Iterator

from omnicore.errors import ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect_visible import OWN_PREFIX
from omnicore.sandbox.wasm_types import PAGE_BYTES, MemoryType, ModuleInfo
from omnicore.sandbox.wit_types import ComponentInfo

__all__ = ["WASI_PACKAGES", "admit"]

WASI_PACKAGES = ("wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets")
"""The packages of WASI 0.2 that components may import; what most of their functions do is refuse."""

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
        elif wanted and package not in (*WASI_PACKAGES, "omnicore:plugin"):
            yield (
                f"the component imports {interface[:100] or 'a bare function'}, which nobody provides",
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
