"""What the reader finds in a module: its types, imports, exports and sizes, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omnicore.sandbox.wit_types import ComponentInfo

ExternKind = Literal["function", "table", "memory", "global", "tag"]

PAGE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class FuncType:
    """Value types by name: i32 i64 f32 f64 v128 funcref externref."""

    params: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemoryType:
    """A linear memory. Units: pages of 64 KiB; `maximum_pages` None where the module sets none."""

    minimum_pages: int
    maximum_pages: int | None
    imported: bool
    shared: bool = False
    wide: bool = False
    """64-bit addresses."""


@dataclass(frozen=True, slots=True)
class TableType:
    """A table. Units: elements."""

    element: str
    minimum: int
    maximum: int | None
    imported: bool
    wide: bool = False


@dataclass(frozen=True, slots=True)
class GlobalType:
    """A global."""

    value: str
    mutable: bool


ExternType = FuncType | MemoryType | TableType | GlobalType


@dataclass(frozen=True, slots=True)
class Import:
    """Something the module wants from outside; `type` is None for a tag."""

    module: str
    name: str
    kind: ExternKind
    type: ExternType | None


@dataclass(frozen=True, slots=True)
class Export:
    """Something the module offers, by its index among everything of its kind; `type` is None for a tag."""

    name: str
    kind: ExternKind
    index: int
    type: ExternType | None


@dataclass(frozen=True, slots=True)
class Section:
    """Where a section lies in the file: `header` is the offset of its id, content from `start` to `end`."""

    identifier: int
    header: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """A file as its section headers and small sections show it; function bodies were not looked at.

    `globals` counts imported ones too; `types`, `functions`, `elements` and `data_segments` count what the
    module defines. `largest_function_bytes` is exact for modules of up to 256 functions, otherwise an upper
    bound. `custom` holds the first mebibyte of each custom section, `code` the code section, as views into
    the file. Of a component, `component` says what it wants and offers and what its core modules hold; exports
    are the functions callers see, `features` and `code_bytes` those of all its core modules.
    """

    kind: Literal["core", "component"]
    size_bytes: int
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()
    memories: tuple[MemoryType, ...] = ()
    tables: tuple[TableType, ...] = ()
    globals: int = 0
    has_start: bool = False
    custom: Mapping[str, memoryview] = field(default_factory=dict)
    types: int = 0
    functions: int = 0
    elements: int = 0
    data_segments: int = 0
    element_bytes: int = 0
    data_bytes: int = 0
    code_bytes: int = 0
    largest_function_bytes: int = 0
    widest_type: int = 0
    """Most parameters and results that one function type has together."""
    features: frozenset[str] = frozenset()
    sections: tuple[Section, ...] = ()
    code: memoryview = field(default_factory=lambda: memoryview(b""), repr=False)
    component: ComponentInfo | None = None
