"""Reads components without an engine: their imports, exports and core modules.

Types are resolved as they are read. Sections that add nothing to the types of functions are skipped: the engine
validates the whole file when it is compiled, in a child process.

Source: Component Model, Binary.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from omnicore.sandbox.wasm import ComponentInfo, Export, Import, ModuleInfo, Reader, reject
from omnicore.sandbox.wit import PRIMITIVES, Signature, WitFunction, WitType

_DEPTH = 64
_ITEMS = 50_000
_NESTED = 16
_ENTRIES = 20_000
OTHER = "build the component with ordinary tools for the WASI 0.2 component model"


@dataclass(slots=True)
class Shape:
    """Exports of an instance or a component: functions, types, instances and components by name."""

    exports: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class DefinitionBudget:
    """Definitions that the file may still make, in all scopes together."""

    left: int = _ITEMS

    def spend(self, count: int, offset: int) -> None:
        """Raises: ModuleRejected when nothing is left."""
        self.left -= count
        if self.left < 0:
            reject(f"the component defines more than {_ITEMS} things", offset, "split it into smaller ones")


@dataclass(slots=True)
class Scope:
    """The index spaces of one component or type declaration."""

    budget: DefinitionBudget
    parent: Scope | None = None
    level: int = 0
    types: list[Any] = field(default_factory=list)
    functions: list[Signature] = field(default_factory=list)
    instances: list[Shape] = field(default_factory=list)
    components: list[Shape] = field(default_factory=list)
    imports: dict[str, Any] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)

    def inner(self, offset: int) -> Scope:
        """A scope inside this one. Raises: ModuleRejected when it is too deep."""
        if self.level >= _NESTED:
            reject(f"components are nested deeper than {_NESTED}", offset, "build it without nesting")
        return Scope(self.budget, self, self.level + 1)

    def add(self, item: Any) -> None:
        """Adds an item, which gets the next index of its kind."""
        space = _space_of(self, item)
        if space is not None:
            space.append(item)


@dataclass(frozen=True, slots=True)
class ComponentItem:
    """A component as an item, told apart from an instance."""

    shape: Shape


CORE = object()


def _space_of(scope: Scope, item: Any) -> list[Any] | None:
    if isinstance(item, Defined):
        return scope.types
    if isinstance(item, Signature):
        return scope.functions
    if isinstance(item, Shape):
        return scope.instances
    return scope.components if isinstance(item, ComponentItem) else None


@dataclass(frozen=True, slots=True)
class Defined:
    """An entry of the types: a value type, a `Signature`, a `Shape`, a `ComponentItem`, or None for a core type."""

    type: Any


def at_index(items: list[Any], reader: Reader, what: str) -> Any:
    """The item at an index read from the file. Raises: ModuleRejected."""
    offset = reader.position
    index = reader.u32()
    if index >= len(items):
        reject(f"there is no {what} {index}", offset)
    return items[index]


# Types


def _value_type(reader: Reader, scope: Scope) -> WitType:
    offset = reader.position
    byte = reader.data[offset] if offset < reader.end else -1
    if byte in PRIMITIVES:
        reader.position += 1
        return PRIMITIVES[byte]
    if 0x40 <= byte <= 0x7F:
        reject(f"value type {byte:#x} is not one that plugins may use", offset, OTHER)
    found = at_index(scope.types, reader, "type").type
    if not isinstance(found, WitType):
        reject("a type that is not a value type is used as one", offset)
    return found


def _optional_type(reader: Reader, scope: Scope) -> WitType | None:
    return _value_type(reader, scope) if read_flag(reader) else None


def read_flag(reader: Reader) -> bool:
    """A byte that is 0 or 1."""
    offset = reader.position
    byte = reader.byte()
    if byte > 1:
        reject(f"byte {byte:#x} where 0 or 1 is due", offset)
    return byte == 1


def _fields(reader: Reader, scope: Scope) -> WitType:
    fields = [(reader.name(), _value_type(reader, scope)) for _ in range(reader.count("fields", 1_000))]
    return WitType("record", tuple(name for name, _ in fields), tuple(kind for _, kind in fields))


def _cases(reader: Reader, scope: Scope) -> WitType:
    names, items = [], []
    for _ in range(reader.count("cases", 1_000)):
        names.append(reader.name())
        items.append(_optional_type(reader, scope))
        read_flag(reader)
    return WitType("variant", tuple(names), tuple(items))


def _names(kind: str) -> Callable[[Reader, Scope], WitType]:
    return lambda reader, scope: WitType(kind, tuple(reader.name() for _ in range(reader.count("names", 1_000))))


def _handle(kind: str) -> Callable[[Reader, Scope], WitType]:
    def read(reader: Reader, scope: Scope) -> WitType:
        offset = reader.position
        found = at_index(scope.types, reader, "type").type
        if not isinstance(found, WitType) or found.kind != "resource":
            reject("a handle to something that is not a resource", offset)
        return WitType(kind, items=(found,))

    return read


_VALUE_TYPES: dict[int, Callable[[Reader, Scope], WitType]] = {
    0x72: _fields,
    0x71: _cases,
    0x70: lambda reader, scope: WitType("list", items=(_value_type(reader, scope),)),
    0x6F: lambda reader, scope: WitType(
        "tuple", items=tuple(_value_type(reader, scope) for _ in range(reader.count("items", 1_000)))
    ),
    0x6E: _names("flags"),
    0x6D: _names("enum"),
    0x6B: lambda reader, scope: WitType("option", items=(_value_type(reader, scope),)),
    0x6A: lambda reader, scope: WitType("result", items=(_optional_type(reader, scope), _optional_type(reader, scope))),
    0x69: _handle("own"),
    0x68: _handle("borrow"),
}


def _signature(reader: Reader, scope: Scope) -> Signature:
    params = tuple((reader.name(), _value_type(reader, scope)) for _ in range(reader.count("parameters", 1_000)))
    if not read_flag(reader):
        return Signature(params, _value_type(reader, scope))
    offset = reader.position
    if reader.byte():
        reject("named results are no longer part of the component model", offset, OTHER)
    return Signature(params)


def read_type(reader: Reader, scope: Scope) -> Defined:
    """One entry of a type section."""
    offset = reader.position
    byte = reader.byte()
    if byte in _VALUE_TYPES:
        found = _VALUE_TYPES[byte](reader, scope)
        if found.depth > _DEPTH:
            reject(f"types are nested deeper than {_DEPTH}", offset, "use flatter types")
        return Defined(found)
    if byte in PRIMITIVES:
        return Defined(PRIMITIVES[byte])
    if byte == 0x40:
        return Defined(_signature(reader, scope))
    if byte in (0x41, 0x42):
        return Defined(_declared(reader, scope, component=byte == 0x41))
    if byte == 0x3F:  # a resource of the component's own, represented by an i32, with or without a destructor
        reader.byte()
        if read_flag(reader):
            reader.u32()
        return Defined(WitType("resource", (f"own {offset}",)))
    reject(f"type {byte:#x} is not one that plugins may use", offset, OTHER)


def _declared(reader: Reader, parent: Scope, *, component: bool) -> Shape | ComponentItem:
    scope = parent.inner(reader.position)
    for _ in range(counted(reader, scope, "declarations")):
        offset = reader.position
        kind = reader.byte()
        if kind == 1:
            scope.add(read_type(reader, scope))
        elif kind == 2:
            read_alias(reader, scope)
        elif kind == 4:
            declare(reader, scope, scope.exports)
        elif kind == 3 and component:
            declare(reader, scope, scope.imports)
        else:
            reject(f"declaration {kind:#x} is not one that plugins may use", offset, OTHER)
    shape = Shape(scope.exports)
    return ComponentItem(shape) if component else shape


def declare(reader: Reader, scope: Scope, found: dict[str, Any]) -> None:
    """Reads an import or an export declaration, gives it its index and keeps it by its name."""
    name = extern_name(reader)
    item = read_extern(reader, scope, name)
    scope.add(item)
    found[name] = item


def extern_name(reader: Reader) -> str:
    """The name of an import or export."""
    offset = reader.position
    if reader.byte() > 1:
        reject("a name is written in a form that plugins may not use", offset, OTHER)
    return reader.name()


def read_extern(reader: Reader, scope: Scope, name: str) -> Any:
    """The declared type of an import or export."""
    offset = reader.position
    kind = reader.byte()
    if kind == 0:
        reader.byte()
        reader.u32()
        return CORE
    if kind == 3:
        if not read_flag(reader):
            return at_index(scope.types, reader, "type")
        return Defined(WitType("resource", (name,)))
    wanted = {1: Signature, 4: ComponentItem, 5: Shape}.get(kind)
    if wanted is None:
        reject(f"an import or export of kind {kind:#x} is not one that plugins may use", offset, OTHER)
    found = at_index(scope.types, reader, "type").type
    if not isinstance(found, wanted):
        reject("an import or export has a type of another kind", offset)
    return found


def counted(reader: Reader, scope: Scope, what: str) -> int:
    """The length of a vector, spent from the budget."""
    offset = reader.position
    count = reader.count(what, _ENTRIES)
    scope.budget.spend(count, offset)
    return count


def read_sort(reader: Reader) -> int:
    """The kind of thing an index means; -1 for anything of a core module."""
    if (sort := reader.byte()) == 0:
        reader.byte()
        return -1
    return sort


def read_alias(reader: Reader, scope: Scope) -> None:
    """Gives something of an instance, or of a scope around this one, an index here."""
    offset = reader.position
    sort = read_sort(reader)
    target = reader.byte()
    if target == 0:
        instance = at_index(scope.instances, reader, "instance")
        name = reader.name()
        if name not in instance.exports:
            reject(f"an instance has no export {name[:80]!r}", offset)
        scope.add(instance.exports[name])
    elif target == 1:
        reader.u32()
        reader.name()
    elif target == 2:
        _outer(reader, scope, sort)
    else:
        reject(f"alias {target:#x} is not known", offset)


def _outer(reader: Reader, scope: Scope, sort: int) -> None:
    offset = reader.position
    outer: Scope | None = scope
    for _ in range(reader.count("scopes", _NESTED, entry_bytes=0)):
        outer = outer.parent if outer else None
    if outer is None:
        reject("an alias leads out of the file", offset)
    if sort == 3:
        scope.add(at_index(outer.types, reader, "type"))
    elif sort == 4:
        scope.add(ComponentItem(at_index(outer.components, reader, "component").shape))
    else:
        reader.u32()


def close_scope(parent: Scope, scope: Scope) -> None:
    """Adds a nested component to the one around it."""
    parent.add(ComponentItem(Shape(scope.exports)))


def functions_of(items: dict[str, Any]) -> dict[str, Signature]:
    """The functions among exports."""
    return {name: item for name, item in items.items() if isinstance(item, Signature)}


def is_type(item: Any) -> bool:
    """True for an import or export that is a type other than a resource."""
    return isinstance(item, Defined) and not (isinstance(item.type, WitType) and item.type.kind == "resource")


def resources_of(items: dict[str, Any]) -> dict[str, WitType]:
    """The resources among exports."""
    found = {name: item.type for name, item in items.items() if isinstance(item, Defined)}
    return {name: kind for name, kind in found.items() if isinstance(kind, WitType) and kind.kind == "resource"}


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
        reject(f"sort {sort:#x} is not one that plugins may use", offset, OTHER)
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
                    reject("a function is lifted to something that is not a function type", offset)
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
            reject(f"canonical option {kind:#x} is not one that plugins may use", offset, OTHER)


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


_MOST_MODULES = 200
_MOST_COMPONENTS = 200
_MOST_WEIGHT = 2_000
_MOST_WEIGHT_TOGETHER = 50_000  # a type is written out for each function that uses it
_HEADER = 8
_MODULE, _COMPONENT = 1, 4
# Interfaces that tools export for themselves; they are never called by name.
_PLUMBING = re.compile(r"wasi:.*|exports")
_PUBLIC = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")

_Inspect = Callable[[bytes, int, int], ModuleInfo]


@dataclass(slots=True)
class _Walk:
    """Everything found while the file is read."""

    data: bytes
    inspect: _Inspect
    budget: DefinitionBudget = field(default_factory=DefinitionBudget)
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
    """The content of a component.

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
        imports=dict(_imported_interfaces(scope)),
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


def _imported_interfaces(scope: Scope) -> Iterator[tuple[str, dict[str, Signature | WitType]]]:
    for name, item in scope.imports.items():
        if isinstance(item, Signature):
            yield "", {name: item}
        elif not isinstance(item, Shape):
            if not is_type(item):
                reject(f"the component imports {name[:80]!r}, which is not an interface", 0, "import interfaces only")
        else:
            yield name, {**resources_of(item.exports), **functions_of(item.exports)}
