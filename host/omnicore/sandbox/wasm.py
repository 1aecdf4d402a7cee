"""The binary format of core modules: a reader that never passes the end of its input, sections, and their types.

Source: Wasm core specification 3.0, chapter 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal, NoReturn, cast

from omnicore.errors import ModuleRejected
from omnicore.sandbox.wit import Signature, WitFunction, WitType

_NAME_BYTES = 4_096
_BROKEN = "build the plugin again or copy the whole file"


def reject(reason: str, offset: int, remedy: str = _BROKEN) -> NoReturn:
    """Raises: ModuleRejected, always."""
    raise ModuleRejected(f"{reason} (at byte {offset})", remedy=remedy, offset=offset)


def write_u32(value: int) -> bytes:
    """The shortest LEB128 form of a number. Source: Wasm core specification 5.2.2."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    """Reads `data[position:end]` forward. Raises: ModuleRejected from every method that meets the end."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self.data = data
        self.position = position
        self.end = end

    def byte(self) -> int:
        """One byte."""
        at = self.position
        if at >= self.end:
            reject("the file ends inside a section", at)
        self.position = at + 1
        return self.data[at]

    def u32(self) -> int:
        """An unsigned number of up to 32 bits."""
        return self._unsigned(32)

    def u64(self) -> int:
        """An unsigned number of up to 64 bits."""
        return self._unsigned(64)

    def _unsigned(self, bits: int) -> int:
        start = self.position
        first = self.byte()
        if first < 0x80:
            return first
        value, shift = first & 0x7F, 7
        while shift < bits:
            part = self.byte()
            value |= (part & 0x7F) << shift
            if part < 0x80:
                return value if value >> bits == 0 else reject("a number is too large", start)
            shift += 7
        reject("a number is longer than its type allows", start)

    def skip_number(self, longest: int) -> None:
        """Passes a LEB128 number of at most `longest` bytes."""
        for _ in range(longest):
            if self.byte() < 0x80:
                return
        reject("a number is longer than its type allows", self.position)

    def count(self, what: str, most: int, *, entry_bytes: int = 1) -> int:
        """The length of a vector of at most `most` entries that take at least `entry_bytes` each."""
        start = self.position
        number = self.u32()
        if number * entry_bytes > self.end - self.position:
            reject(f"the file announces {number} {what}, more than it has bytes for", start)
        if number > most:
            reject(f"{number} {what} where {most} are allowed", start, "split the plugin into smaller ones")
        return number

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        at = self.position
        if length > self.end - at:
            reject("the file ends inside a section", at)
        self.position = at + length
        return self.data[at : at + length]

    def name(self) -> str:
        """A name: UTF-8, at most 4,096 bytes."""
        start = self.position
        length = self.u32()
        if length > _NAME_BYTES and length <= self.end - self.position:
            reject(f"a name of {length} bytes where {_NAME_BYTES} are allowed", start, "use shorter names")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            reject("a name is not UTF-8 text", start)

    def finish(self, what: str) -> None:
        """Raises: ModuleRejected when bytes are left over."""
        if self.position != self.end:
            reject(f"{what} has {self.end - self.position} bytes too many", self.position)


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
    """The place of a section in the file: `header` is the offset of its id, content from `start` to `end`."""

    identifier: int
    header: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ComponentInfo:
    """Exports, imports and sizes of a component.

    `imports` are the functions and resources it wants, by interface and name. `nested` counts components inside.
    `memories` and `tables` count what its core modules define, `minimum_pages` and `minimum_elements` with how much
    these start together; `largest_table` is the largest of these, and `most_elements` what all tables hold when
    each has grown to that size or its own maximum.
    """

    functions: tuple[WitFunction, ...]
    imports: dict[str, dict[str, Signature | WitType]]
    modules: tuple[ModuleInfo, ...]
    nested: int
    memories: int
    tables: int
    minimum_pages: int
    minimum_elements: int
    largest_table: int
    most_elements: int


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


MOST_TYPES = 10_000
MOST_IMPORTS = 2_000
MOST_EXPORTS = 10_000
# CPython's interpreter has 13,000 functions, StarlingMonkey 20,000; 900,000 cost 21 s and 4.9 GB to compile.
MOST_FUNCTIONS = 100_000
MOST_GLOBALS = 10_000
MOST_TABLES = 100
MOST_MEMORIES = 100
MOST_SEGMENTS = 100_000
_WALKED_FUNCTIONS = 256

_VALUES = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
}
_VALUE_BYTES = bytes(_VALUES)
_KINDS: tuple[ExternKind, ...] = ("function", "table", "memory", "global", "tag")
_ENDS = bytes(1 if byte < 0x80 else 0 for byte in range(256))
_FORBIDDEN = "build the plugin without garbage collection, typed references and exceptions"
# Bytes of immediates after each opcode that a constant expression may hold: 4 and 8 are raw, None is LEB128.
_CONSTANTS = {0x41: None, 0x42: None, 0x43: 4, 0x44: 8, 0x23: None, 0xD0: None, 0xD2: None}
_OPERATORS = frozenset((0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E))
_LONGEST_CONSTANT = 64


@dataclass(slots=True)
class Draft:
    """Everything read so far, and the index spaces that later sections refer to."""

    types: list[tuple[bytes, bytes]] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    imported_functions: list[FuncType] = field(default_factory=list)
    tables: list[TableType] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    globals: list[GlobalType] = field(default_factory=list)
    functions: int = 0
    elements: int = 0
    data_segments: int = 0
    start: int | None = None
    largest_function: int = 0
    widest_type: int = 0
    features: set[str] = field(default_factory=set)
    function_bytes: bytes = b""
    function_ends: list[int] = field(default_factory=list)

    def function_type(self, index: int, at: int) -> FuncType:
        """The type of a function by its index among imported and defined ones."""
        known = len(self.imported_functions)
        if index < known:
            return self.imported_functions[index]
        place = index - known
        if place >= self.functions:
            reject(f"function {index} does not exist", at)
        begin = self.function_ends[place - 1] + 1 if place else 0
        entry = Reader(self.function_bytes, begin, self.function_ends[place] + 1)
        return self.type_at(entry.u32(), at)

    def type_at(self, index: int, at: int) -> FuncType:
        """A type of the type section by its index."""
        if index >= len(self.types):
            reject(f"type {index} does not exist", at)
        params, results = self.types[index]
        return FuncType(tuple(_VALUES[code] for code in params), tuple(_VALUES[code] for code in results))


def _value(reader: Reader) -> str:
    at = reader.position
    code = reader.byte()
    name = _VALUES.get(code)
    return name if name is not None else reject(f"value type 0x{code:02x} is not allowed", at, _FORBIDDEN)


def _values(reader: Reader) -> bytes:
    length = reader.byte()
    if length > 0x7F:
        reader.position -= 1
        length = reader.count("value types", 1_000)
    return reader.take(length)


def _types(reader: Reader, draft: Draft) -> None:
    for _ in range(reader.count("types", MOST_TYPES)):
        at = reader.position
        form = reader.byte()
        if form != 0x60:
            reject(f"type form 0x{form:02x} is not a function type", at, _FORBIDDEN)
        params = _values(reader)
        draft.types.append((params, _values(reader)))
    used = b"".join([part for entry in draft.types for part in entry])
    if strange := used.translate(None, _VALUE_BYTES):
        reject(f"value type 0x{strange[0]:02x} is not allowed", reader.position, _FORBIDDEN)
    if 0x6F in used:
        draft.features.add("externref")
    if 0x7B in used:
        draft.features.add("simd")
    draft.widest_type = max([len(params) + len(results) for params, results in draft.types], default=0)


def _limits(reader: Reader, *, most_flags: int) -> tuple[int, int, int | None]:
    """Flags, minimum and maximum of a memory or a table."""
    at = reader.position
    flags = reader.byte()
    if flags > most_flags:
        reject(f"limits of form 0x{flags:02x} are not known", at)
    number = reader.u64 if flags & 4 else reader.u32
    minimum = number()
    return flags, minimum, number() if flags & 1 else None


def _memory(reader: Reader, draft: Draft, imported: bool) -> MemoryType:
    flags, minimum, maximum = _limits(reader, most_flags=15)
    for bit, feature in ((2, "threads"), (4, "memory64"), (8, "custom-page-sizes")):
        if flags & bit:
            draft.features.add(feature)
    if flags & 8:
        reader.u32()
    found = MemoryType(minimum, maximum, imported, shared=bool(flags & 2), wide=bool(flags & 4))
    draft.memories.append(found)
    return found


def _table(reader: Reader, draft: Draft, imported: bool) -> TableType:
    element = _value(reader)
    if not element.endswith("ref"):
        reject(f"a table cannot hold {element}", reader.position)
    flags, minimum, maximum = _limits(reader, most_flags=7)
    if flags & 4:
        draft.features.add("memory64")
    if flags & 2:
        draft.features.add("threads")
    if element == "externref":
        draft.features.add("externref")
    found = TableType(element, minimum, maximum, imported, wide=bool(flags & 4))
    draft.tables.append(found)
    return found


def _global(reader: Reader, draft: Draft) -> GlobalType:
    value = _value(reader)
    if value == "externref":
        draft.features.add("externref")
    at = reader.position
    flag = reader.byte()
    if flag & 2:
        draft.features.add("threads")
    found = GlobalType(value, bool(flag & 1)) if flag < 4 else reject(f"a global of form 0x{flag:02x}", at)
    draft.globals.append(found)
    return found


def _import_type(reader: Reader, draft: Draft, kind: ExternKind) -> ExternType | None:
    at = reader.position
    if kind == "function":
        draft.imported_functions.append(draft.type_at(reader.u32(), at))
        return draft.imported_functions[-1]
    if kind == "table":
        return _table(reader, draft, True)
    if kind == "memory":
        return _memory(reader, draft, True)
    if kind == "global":
        return _global(reader, draft)
    draft.features.add("exceptions")
    reader.byte()
    reader.u32()
    return None


def _kind(reader: Reader) -> ExternKind:
    at = reader.position
    code = reader.byte()
    return _KINDS[code] if code < len(_KINDS) else reject(f"0x{code:02x} is not a kind of import or export", at)


def _imports(reader: Reader, draft: Draft) -> None:
    for _ in range(reader.count("imports", MOST_IMPORTS, entry_bytes=4)):
        module, name = reader.name(), reader.name()
        kind = _kind(reader)
        draft.imports.append(Import(module, name, kind, _import_type(reader, draft, kind)))


def _functions(reader: Reader, draft: Draft) -> None:
    # Only the types of exported functions are wanted: where each entry ends is found at C speed (10,000
    # functions in 0.2 ms), and an entry is decoded when it is asked for.
    at = reader.position
    draft.functions = reader.count("functions", MOST_FUNCTIONS)
    draft.function_bytes = reader.take(reader.end - reader.position)
    marks = draft.function_bytes.translate(_ENDS)
    draft.function_ends = list(compress(range(len(marks)), marks))
    if len(draft.function_ends) != draft.functions or (marks and not marks[-1]):
        reject(f"the function section does not hold {draft.functions} entries", at)


def _constant(reader: Reader) -> None:
    """Passes a constant expression."""
    for _ in range(_LONGEST_CONSTANT):
        at = reader.position
        code = reader.byte()
        if code == 0x0B:
            return
        if code == 0xFD:
            # v128.const is the only vector instruction that is constant.
            reader.take(17)
        elif code in _OPERATORS:
            continue
        elif code not in _CONSTANTS:
            reject(f"instruction 0x{code:02x} is not constant", at, _FORBIDDEN)
        elif size := _CONSTANTS[code]:
            reader.take(size)
        else:
            reader.skip_number(10)
    reject("a constant expression is too long", reader.position)


def _tables(reader: Reader, draft: Draft) -> None:
    for _ in range(reader.count("tables", MOST_TABLES, entry_bytes=3)):
        if reader.position < reader.end and reader.data[reader.position] == 0x40:
            reject("a table with an initial value", reader.position, _FORBIDDEN)
        _table(reader, draft, False)


def _memories(reader: Reader, draft: Draft) -> None:
    for _ in range(reader.count("memories", MOST_MEMORIES, entry_bytes=2)):
        _memory(reader, draft, False)


def _tags(reader: Reader, draft: Draft) -> None:
    draft.features.add("exceptions")
    reader.position = reader.end


def _globals(reader: Reader, draft: Draft) -> None:
    for _ in range(reader.count("globals", MOST_GLOBALS, entry_bytes=3)):
        _global(reader, draft)
        _constant(reader)


def _export_type(draft: Draft, kind: ExternKind, index: int, at: int) -> ExternType | None:
    if kind == "function":
        return draft.function_type(index, at)
    if kind == "tag":
        return None
    spaces = {"table": draft.tables, "memory": draft.memories, "global": draft.globals}
    space = cast("list[ExternType]", spaces[kind])
    return space[index] if index < len(space) else reject(f"{kind} {index} does not exist", at)


def _exports(reader: Reader, draft: Draft) -> None:
    names = set()
    for _ in range(reader.count("exports", MOST_EXPORTS, entry_bytes=3)):
        at = reader.position
        name, kind = reader.name(), _kind(reader)
        index = reader.u32()
        if name in names:
            reject("two exports have the same name", at)
        names.add(name)
        draft.exports.append(Export(name, kind, index, _export_type(draft, kind, index, at)))


def _start(reader: Reader, draft: Draft) -> None:
    at = reader.position
    draft.start = reader.u32()
    if draft.function_type(draft.start, at) != FuncType((), ()):
        reject("the start function takes parameters or has results", at)


def _elements(reader: Reader, draft: Draft) -> None:
    draft.elements = reader.count("element segments", MOST_SEGMENTS, entry_bytes=2)
    reader.position = reader.end


def _data_count(reader: Reader, draft: Draft) -> None:
    draft.features.add("bulk-memory")
    reader.u32()


def _code(reader: Reader, draft: Draft) -> None:
    at = reader.position
    bodies = reader.count("function bodies", MOST_FUNCTIONS, entry_bytes=3)
    if bodies != draft.functions:
        reject(f"{draft.functions} functions are declared and {bodies} have a body", at)
    draft.largest_function = reader.end - reader.position
    if bodies > _WALKED_FUNCTIONS:
        reader.position = reader.end
        return
    largest = 0
    for _ in range(bodies):
        size = reader.u32()
        if size > reader.end - reader.position:
            reject("a function body ends behind its section", reader.position)
        reader.position += size
        largest = max(largest, size)
    draft.largest_function = largest


def _data(reader: Reader, draft: Draft) -> None:
    draft.data_segments = reader.count("data segments", MOST_SEGMENTS, entry_bytes=2)
    reader.position = reader.end


SECTIONS: dict[int, tuple[int, str, Callable[[Reader, Draft], None]]] = {
    1: (1, "the type section", _types),
    2: (2, "the import section", _imports),
    3: (3, "the function section", _functions),
    4: (4, "the table section", _tables),
    5: (5, "the memory section", _memories),
    13: (6, "the tag section", _tags),
    6: (7, "the global section", _globals),
    7: (8, "the export section", _exports),
    8: (9, "the start section", _start),
    9: (10, "the element section", _elements),
    12: (11, "the data count section", _data_count),
    10: (12, "the code section", _code),
    11: (13, "the data section", _data),
}
"""Each section's id with its place in the canonical order, its name and its reader."""
