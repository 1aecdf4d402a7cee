"""The plan that links each import to the kernel, the host or another module. Pure: no engine is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from omnicore.errors import LinkFailed
from omnicore.sandbox.abi import HostFunction, ValueType
from omnicore.sandbox.inspect import OWN_PREFIX, FuncType, Import, ModuleInfo
from omnicore.sandbox.wasm import ExternType, GlobalType, MemoryType, TableType

NAMESPACE = "extism:host/env"
_Kinds = tuple[ValueType, ...]
_H: _Kinds = ("i64",)

KERNEL_TYPES: dict[str, tuple[_Kinds, _Kinds]] = {
    "alloc": (_H, _H),
    "free": (_H, ()),
    "length": (_H, _H),
    "length_unsafe": (_H, _H),
    "load_u8": (_H, ("i32",)),
    "load_u64": (_H, _H),
    "store_u8": (("i64", "i32"), ()),
    "store_u64": (("i64", "i64"), ()),
    "input_offset": ((), _H),
    "input_length": ((), _H),
    "input_load_u8": (_H, ("i32",)),
    "input_load_u64": (_H, _H),
    "input_set": (("i64", "i64"), ()),
    "output_set": (("i64", "i64"), ()),
    "output_offset": ((), _H),
    "output_length": ((), _H),
    "error_set": (_H, ()),
    "error_get": ((), _H),
    "reset": ((), ()),
    "memory_bytes": ((), _H),
}
"""Exports of the kernel to guests, with parameter and result types."""


def fits(wanted: ExternType | None, provided: ExternType | None) -> bool:
    """True when an export can be used for an import, by their types. Source: Wasm specification, import matching."""
    if isinstance(wanted, MemoryType) and isinstance(provided, MemoryType):
        alike = (wanted.shared, wanted.wide) == (provided.shared, provided.wide)
        return alike and _within(_pages(wanted), _pages(provided))
    if isinstance(wanted, TableType) and isinstance(provided, TableType):
        alike = (wanted.element, wanted.wide) == (provided.element, provided.wide)
        return alike and _within((wanted.minimum, wanted.maximum), (provided.minimum, provided.maximum))
    return wanted == provided


def described(kind: ExternType | None) -> str:
    """A description of a memory, table or global for messages."""
    match kind:
        case MemoryType():
            return f"a memory of {_bounds(*_pages(kind))} pages"
        case TableType():
            return f"a table of {_bounds(kind.minimum, kind.maximum)} {kind.element}"
        case GlobalType():
            return f"a {'mutable' if kind.mutable else 'constant'} {kind.value} global"
    return "something else"


def _pages(memory: MemoryType) -> tuple[int, int | None]:
    return memory.minimum_pages, memory.maximum_pages


def _within(wanted: tuple[int, int | None], provided: tuple[int, int | None]) -> bool:
    if provided[0] < wanted[0]:
        return False
    return wanted[1] is None or (provided[1] is not None and provided[1] <= wanted[1])


def _bounds(least: int, most: int | None) -> str:
    return f"{least} or more" if most is None else f"{least} to {most}"


_T = TypeVar("_T")
_MOST_MODULES = 16
_VOID = FuncType((), ())
_HS_INIT = FuncType(("i32", "i32"), ())


@dataclass(frozen=True, slots=True)
class ImportSource:
    """The provider of an import: `index` counts kernel functions or host functions of the plan, or modules."""

    kind: Literal["kernel", "host", "module", "command"]
    index: int
    name: str
    type: FuncType


@dataclass(frozen=True, slots=True)
class Initialiser:
    """A function that prepares a fresh instance, called with `zeros` zero arguments."""

    name: str
    zeros: int


@dataclass(frozen=True, slots=True)
class LinkedModule:
    """One module with its imports resolved. A `command` is instantiated for every call of an imported function."""

    name: str
    info: ModuleInfo
    sources: tuple[ImportSource, ...]
    initialisers: tuple[Initialiser, ...]
    command: bool


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """All modules in the order of their instantiation, the index of `main`, and the functions they import."""

    modules: tuple[LinkedModule, ...]
    main: int
    kernel: tuple[str, ...]
    host: tuple[HostFunction, ...]


def plan_links(modules: Mapping[str, ModuleInfo], functions: Sequence[HostFunction]) -> LinkPlan:
    """Resolves every import.

    Raises: LinkFailed: an import without a provider, one of the wrong type, or modules that import in a circle.
    """
    if len(modules) > _MOST_MODULES:
        raise LinkFailed(f"the plugin has {len(modules)} modules, {_MOST_MODULES} are allowed", remedy="merge some")
    return _Planner(modules, functions).plan()


class _Planner:
    def __init__(self, modules: Mapping[str, ModuleInfo], functions: Sequence[HostFunction]) -> None:
        self._infos = modules
        self._functions = {(function.namespace, function.name): function for function in functions}
        self._order: list[str] = []
        self._kernel: list[str] = []
        self._host: list[HostFunction] = []

    def plan(self) -> LinkPlan:
        for name in ("main", *self._infos):
            self._visit(name, ())
        linked = tuple(self._link(name) for name in self._order)
        return LinkPlan(linked, self._order.index("main"), tuple(self._kernel), tuple(self._host))

    def _visit(self, name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise LinkFailed(f"circular import between modules: {circle}", remedy="break the circle")
        if name in self._order:
            return
        for item in self._infos[name].imports:
            if item.module in self._infos:
                self._visit(item.module, (*path, name))
        self._order.append(name)

    def _link(self, name: str) -> LinkedModule:
        info = self._infos[name]
        sources = tuple(self._source(item) for item in info.imports)
        initialisers = tuple(_initialisers(info, main=name == "main"))
        return LinkedModule(name, info, sources, initialisers, _is_command(name, info))

    def _source(self, item: Import) -> ImportSource:
        if item.module in self._infos:
            found = self._from_module(item)
            if found is not None:
                return found
        function = self._functions.get((item.module, item.name))
        if function is not None:
            self._check(item, FuncType(function.params, function.results))
            return ImportSource(
                "host", _index(self._host, function), item.name, FuncType(function.params, function.results)
            )
        if item.module == NAMESPACE:
            return self._from_kernel(item)
        raise LinkFailed(
            f"unknown import: `{item.module[:100]}::{item.name[:100]}` has not been defined",
            remedy=_who_could(item),
        )

    def _from_kernel(self, item: Import) -> ImportSource:
        if item.kind != "function":
            raise LinkFailed(
                f"linked modules cannot access non-function exports of extism kernel: {item.name[:100]}",
                remedy="use its load and store functions",
            )
        if item.name not in KERNEL_TYPES:
            raise LinkFailed(
                f"Invalid function import from extism:host/env: {item.name[:100]}",
                remedy="rebuild with an Extism kit of version 1",
            )
        kind = FuncType(*KERNEL_TYPES[item.name])
        self._check(item, kind)
        return ImportSource("kernel", _index(self._kernel, item.name), item.name, kind)

    def _from_module(self, item: Import) -> ImportSource | None:
        provider = self._infos[item.module]
        export = next((export for export in provider.exports if export.name == item.name), None)
        if export is None or item.name.startswith(OWN_PREFIX):  # what we made visible is for the host alone
            return None
        if export.kind != item.kind:
            raise _incompatible(item, export.kind)
        kind = _VOID
        if item.kind == "function" and isinstance(export.type, FuncType):
            kind = export.type
            self._check(item, kind)
        elif not fits(item.type, export.type):
            raise _incompatible(item, described(export.type))
        index = self._order.index(item.module)
        if not _is_command(item.module, provider):
            return ImportSource("module", index, item.name, kind)
        if item.kind != "function":  # there is no instance to take it from: each call has its own
            raise LinkFailed(
                f"`{item.module[:100]}::{item.name[:100]}` is the {item.kind} of a command",
                remedy="import functions from it only, or build it without `_start`",
            )
        return ImportSource("command", index, item.name, kind)

    @staticmethod
    def _check(item: Import, provided: FuncType) -> None:
        if item.kind != "function" or item.type != provided:
            raise _incompatible(item, _shown(provided))


def _index(entries: list[_T], entry: _T) -> int:
    if entry not in entries:
        entries.append(entry)
    return entries.index(entry)


def _exports(info: ModuleInfo, name: str) -> FuncType | None:
    for export in info.exports:
        if export.name == name and isinstance(export.type, FuncType):
            return export.type
    return None


def _is_command(name: str, info: ModuleInfo) -> bool:
    return name != "main" and _exports(info, "_start") is not None and _exports(info, "_initialize") is None


def _initialisers(info: ModuleInfo, *, main: bool) -> Iterator[Initialiser]:
    """Source: the Extism host's order, in which a language's own start-up comes first."""
    if _exports(info, OWN_PREFIX + "start") is not None:
        yield Initialiser(OWN_PREFIX + "start", 0)
    initialize = _exports(info, "_initialize") == _VOID
    if main and _exports(info, "hs_init") == _HS_INIT:
        if initialize:
            yield Initialiser("_initialize", 0)
        yield Initialiser("hs_init", 2)
    elif _exports(info, "__wasm_call_ctors") == _VOID:
        yield Initialiser("__wasm_call_ctors", 0)
    elif initialize:
        yield Initialiser("_initialize", 0)


def _shown(kind: FuncType) -> str:
    return f"({' '.join(kind.params)}) -> ({' '.join(kind.results)})"


def _incompatible(item: Import, provided: str) -> LinkFailed:
    wanted = _shown(item.type) if isinstance(item.type, FuncType) else described(item.type)
    return LinkFailed(
        f"types incompatible: `{item.module[:100]}::{item.name[:100]}` is wanted as {wanted}, it is {provided}",
        remedy="rebuild the plugin against this version of the interface (specs/abi.md)",
    )


def _who_could(item: Import) -> str:
    if item.module == "wasi_snapshot_preview1":
        return "allow WASI in the manifest: `wasi = true`"
    if item.module == "extism:host/user":
        return "see `omnicore plugins show` for the doors of this host, or register a host function"
    return "add the module that exports it, or register a host function"
