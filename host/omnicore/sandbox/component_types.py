"""The index spaces of a component, and the types in them, resolved as they are read.

Source: Component Model, Binary.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from omnicore.sandbox.wasm_reader import Reader, reject
from omnicore.sandbox.wit_types import PRIMITIVES, Signature, WitType

__all__ = [
    "CORE",
    "OTHER",
    "Budget",
    "ComponentItem",
    "Scope",
    "Shape",
    "at_index",
    "close_scope",
    "counted",
    "declare",
    "extern_name",
    "functions_of",
    "is_type",
    "read_alias",
    "read_extern",
    "read_flag",
    "read_sort",
    "read_type",
    "resources_of",
]

_DEPTH = 64
_ITEMS = 50_000
_NESTED = 16
_ENTRIES = 20_000
OTHER = "build the component with ordinary tools for the WASI 0.2 component model"


@dataclass(slots=True)
class Shape:
    """What an instance or a component offers: functions, types, instances and components by name."""

    exports: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Budget:
    """How much more the file may define, all scopes together."""

    left: int = _ITEMS

    def spend(self, count: int, offset: int) -> None:
        """Raises: ModuleRejected when nothing is left."""
        self.left -= count
        if self.left < 0:
            reject(f"the component defines more than {_ITEMS} things", offset, "split it into smaller ones")


@dataclass(slots=True)
class Scope:
    """The index spaces of one component or type declaration."""

    budget: Budget
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
        """Gives something its index."""
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
    """What an index read from the file leads to. Raises: ModuleRejected."""
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
        reject(f"value type {byte:#x} is none that plugins may use", offset, OTHER)
    found = at_index(scope.types, reader, "type").type
    if not isinstance(found, WitType):
        reject("a type that is no value type is used as one", offset)
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
            reject("a handle to what is no resource", offset)
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
    reject(f"type {byte:#x} is none that plugins may use", offset, OTHER)


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
            reject(f"declaration {kind:#x} is none that plugins may use", offset, OTHER)
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
    """What an import or export is said to be."""
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
        reject(f"an import or export of kind {kind:#x} is none that plugins may use", offset, OTHER)
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
    """Whether an import or export is a type that is no resource."""
    return isinstance(item, Defined) and not (isinstance(item.type, WitType) and item.type.kind == "resource")


def resources_of(items: dict[str, Any]) -> dict[str, WitType]:
    """The resources among exports."""
    found = {name: item.type for name, item in items.items() if isinstance(item, Defined)}
    return {name: kind for name, kind in found.items() if isinstance(kind, WitType) and kind.kind == "resource"}
