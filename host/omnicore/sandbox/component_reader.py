"""Reads the definitions of a component into its index spaces, without an engine.

Source: Component Model, Binary.md. Sections that add nothing to the types of functions are passed over: the
engine validates the whole file when it is compiled, in a child.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omnicore.sandbox.component_types import (
    CORE,
    OTHER,
    Scope,
    Shape,
    at_index,
    counted,
    declare,
    extern_name,
    read_alias,
    read_extern,
    read_flag,
    read_sort,
    read_type,
)
from omnicore.sandbox.wasm_reader import Reader, reject
from omnicore.sandbox.wit_types import Signature

__all__ = ["read_definitions"]


def _types(reader: Reader, scope: Scope) -> None:
    for _ in range(counted(reader, scope, "types")):
        scope.add(read_type(reader, scope))


def _aliases(reader: Reader, scope: Scope) -> None:
    for _ in range(counted(reader, scope, "aliases")):
        read_alias(reader, scope)


def _instances(reader: Reader, scope: Scope) -> None:
    for _ in range(counted(reader, scope, "instances")):
        if not read_flag(reader):
            shape = at_index(scope.components, reader, "component").shape
            for _ in range(counted(reader, scope, "arguments")):
                reader.name()
                read_sort(reader)
                reader.u32()
            scope.add(shape)
            continue
        inline = Shape()
        for _ in range(counted(reader, scope, "exports")):
            name = extern_name(reader)
            inline.exports[name] = _indexed(reader, scope)
        scope.add(inline)


def _indexed(reader: Reader, scope: Scope) -> Any:
    offset = reader.position
    sort = read_sort(reader)
    spaces = {1: scope.functions, 3: scope.types, 4: scope.components, 5: scope.instances}
    if sort in spaces:
        return at_index(spaces[sort], reader, "such thing")
    if sort != -1:
        reject(f"sort {sort:#x} is none that plugins may use", offset, OTHER)
    reader.u32()
    return CORE


def _canons(reader: Reader, scope: Scope) -> None:
    for _ in range(counted(reader, scope, "canonical functions")):
        offset = reader.position
        kind = reader.byte()
        if kind in (0, 1):
            reader.byte()
            reader.u32()
            _canon_options(reader)
            if kind == 0:
                found = at_index(scope.types, reader, "type").type
                if not isinstance(found, Signature):
                    reject("a function is lifted to what is no function type", offset)
                scope.add(found)
        elif kind in (2, 3, 4):
            reader.u32()
        else:
            reject("the component uses the asynchronous component model", offset, OTHER)


def _canon_options(reader: Reader) -> None:
    for _ in range(reader.count("options", 16)):
        offset = reader.position
        kind = reader.byte()
        if kind in (3, 4, 5):
            reader.u32()
        elif kind > 5:
            reject(f"canonical option {kind:#x} is none that plugins may use", offset, OTHER)


def _imports(reader: Reader, scope: Scope) -> None:
    for _ in range(counted(reader, scope, "imports")):
        declare(reader, scope, scope.imports)


def _exports(reader: Reader, scope: Scope) -> None:
    for _ in range(counted(reader, scope, "exports")):
        name = extern_name(reader)
        item = _indexed(reader, scope)
        if read_flag(reader):
            item = read_extern(reader, scope, name)
        scope.add(item)
        scope.exports[name] = item


_SECTIONS: dict[int, Callable[[Reader, Scope], None]] = {
    5: _instances,
    6: _aliases,
    7: _types,
    8: _canons,
    10: _imports,
    11: _exports,
}


def read_definitions(section: int, reader: Reader, scope: Scope) -> None:
    """Reads one section into the index spaces, if it defines anything there.

    Raises: ModuleRejected: malformed, or of a part of the component model that plugins may not use.
    """
    read = _SECTIONS.get(section)
    if read is not None:
        read(reader, scope)
        reader.finish("a section")
    elif section in (9, 12):
        reject("the component has a start function or values", reader.position, OTHER)
