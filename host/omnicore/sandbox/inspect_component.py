"""Bytes of a component to what it wants and offers, and what its core modules hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from omnicore.sandbox.component_reader import read_definitions
from omnicore.sandbox.component_types import (
    Budget,
    Scope,
    Shape,
    close_scope,
    functions_of,
    is_type,
    resources_of,
)
from omnicore.sandbox.wasm_reader import Reader, reject
from omnicore.sandbox.wasm_types import Export, Import, ModuleInfo
from omnicore.sandbox.wit_types import ComponentInfo, Signature, WitFunction, WitType

__all__ = ["read_component", "snake"]

_MOST_MODULES = 200
_MOST_COMPONENTS = 200
_MOST_WEIGHT = 2_000
_MOST_WEIGHT_TOGETHER = 50_000  # a type is written out for each function that uses it
_HEADER = 8
_MODULE, _COMPONENT = 1, 4
# Interfaces that tools export for themselves; nobody calls them by name.
_PLUMBING = re.compile(r"wasi:.*|exports")
_PUBLIC = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")

_Inspect = Callable[[bytes, int, int], ModuleInfo]


@dataclass(slots=True)
class _Walk:
    """What is found on the way through the file."""

    data: bytes
    inspect: _Inspect
    budget: Budget = field(default_factory=Budget)
    modules: list[ModuleInfo] = field(default_factory=list)
    custom: dict[str, memoryview] = field(default_factory=dict)
    components: int = 0

    def component(self, reader: Reader, scope: Scope) -> None:
        """Reads the sections of a component, this one's own and those of what is nested in it."""
        while reader.position < reader.end:
            header = reader.position
            section, size = reader.byte(), reader.u32()
            start = reader.position
            if size > reader.end - start:
                reject(f"section {section} announces {size} bytes, the file has {reader.end - start}", header)
            reader.position = end = start + size
            if section == 0:
                self._custom(Reader(self.data, start, end), top=scope.parent is None)
            elif section == _MODULE:
                self._module(start, end)
            elif section == _COMPONENT:
                self._nested(start, end, scope)
            else:
                read_definitions(section, Reader(self.data, start, end), scope)

    def _custom(self, content: Reader, *, top: bool) -> None:
        name = content.name()
        if top:
            self.budget.spend(1, content.position)
            self.custom.setdefault(name, memoryview(self.data)[content.position : content.end])

    def _module(self, start: int, end: int) -> None:
        if len(self.modules) >= _MOST_MODULES:
            reject(f"the component holds more than {_MOST_MODULES} core modules", start, "link them into one")
        self.modules.append(self.inspect(self.data, start, end))

    def _nested(self, start: int, end: int, scope: Scope) -> None:
        self.components += 1
        if self.components > _MOST_COMPONENTS:
            reject(f"the component holds more than {_MOST_COMPONENTS} others", start, "build it without nesting")
        if self.data[start : start + _HEADER] != self.data[:_HEADER]:
            reject("a nested component has another version", start)
        inner = scope.inner(start)
        self.component(Reader(self.data, start + _HEADER, end), inner)
        close_scope(scope, inner)


def read_component(data: bytes, inspect: _Inspect) -> ModuleInfo:
    """What a component holds.

    Args:
        inspect: reads the core module that lies between two offsets.

    Raises:
        ModuleRejected: malformed, more of something than any plugin needs, or a part of the component model
            that plugins may not use; with the offset.
    """
    walk = _Walk(data, inspect)
    scope = Scope(walk.budget)
    walk.component(Reader(data, _HEADER, len(data)), scope)
    found = _summary(scope, walk)
    modules = found.modules
    return ModuleInfo(
        kind="component",
        size_bytes=len(data),
        imports=tuple(
            Import(interface, name, "function", None)
            for interface, items in found.imports.items()
            for name, signature in items.items()
            if isinstance(signature, Signature)
        ),
        exports=tuple(Export(one.name, "function", index, None) for index, one in enumerate(found.functions)),
        custom=walk.custom,
        element_bytes=max((module.element_bytes for module in modules), default=0),
        code_bytes=sum(module.code_bytes for module in modules),
        features=frozenset().union(*(module.features for module in modules)),
        component=found,
    )


def _summary(scope: Scope, walk: _Walk) -> ComponentInfo:
    memories = [memory for module in walk.modules for memory in module.memories if not memory.imported]
    tables = [table for module in walk.modules for table in module.tables if not table.imported]
    largest = max((table.minimum for table in tables), default=0)
    return ComponentInfo(
        functions=tuple(_functions(scope)),
        imports=dict(_imports(scope)),
        modules=tuple(walk.modules),
        nested=walk.components,
        memories=len(memories),
        tables=len(tables),
        minimum_pages=sum(memory.minimum_pages for memory in memories),
        minimum_elements=sum(table.minimum for table in tables),
        largest_table=largest,
        most_elements=sum(largest if table.maximum is None else min(largest, table.maximum) for table in tables),
    )


def snake(name: str) -> str:
    """`recall-bytes` as `recall_bytes`, which is what callers write."""
    return name.replace("-", "_").lower()


def _functions(scope: Scope) -> Iterator[WitFunction]:
    """Exported functions, then those of exported interfaces as `interface.function`."""
    seen: dict[str, tuple[str, ...]] = {}
    weight = 0
    for path, signature in _exported(scope):
        name = ".".join(snake(_short(part)) for part in path)
        if not _PUBLIC.fullmatch(name):
            reject(f"the export {path[-1][:80]!r} gives no name that callers can write", len(scope.exports))
        if name in seen:
            both = f"{'/'.join(seen[name])} and {'/'.join(path)}"
            reject(f"the exports {both[:200]} have the same name {name!r}", 0, "rename one of the interfaces")
        if signature.handles:
            reject(
                f"the exported function {name!r} takes or gives a resource, which callers of plugins cannot hold",
                0,
                "export functions over records, strings and numbers",
            )
        if signature.weight > _MOST_WEIGHT:
            reject(f"the exported function {name!r} has types of {signature.weight} parts", 0, "use simpler types")
        weight += 1 + signature.weight
        if weight > _MOST_WEIGHT_TOGETHER:
            reject(f"the exported functions have types of more than {_MOST_WEIGHT_TOGETHER} parts", 0, "export fewer")
        seen[name] = path
        yield WitFunction(name, path, signature)


def _exported(scope: Scope) -> Iterator[tuple[tuple[str, ...], Signature]]:
    for name, item in scope.exports.items():
        if isinstance(item, Signature):
            yield (name,), item
        elif isinstance(item, Shape) and not _PLUMBING.fullmatch(name):
            for inner, signature in functions_of(item.exports).items():
                yield (name, inner), signature


def _short(name: str) -> str:
    """`greeter` of `acme:demo/greeter@1.0.0`."""
    return name.rpartition("/")[2].partition("@")[0]


def _imports(scope: Scope) -> Iterator[tuple[str, dict[str, Signature | WitType]]]:
    for name, item in scope.imports.items():
        if isinstance(item, Signature):
            yield "", {name: item}
        elif not isinstance(item, Shape):
            if not is_type(item):
                reject(f"the component imports {name[:80]!r}, which is no interface", 0, "import interfaces only")
        else:
            yield name, {**resources_of(item.exports), **functions_of(item.exports)}
