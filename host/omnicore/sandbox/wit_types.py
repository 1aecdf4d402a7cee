"""Component types as values: what functions of components take and give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from omnicore.sandbox.wasm_types import ModuleInfo

__all__ = [
    "BLOB",
    "BOOL",
    "F64",
    "JSON",
    "PRIMITIVES",
    "S64",
    "STRING",
    "U8",
    "U32",
    "U64",
    "ComponentInfo",
    "Signature",
    "WitFunction",
    "WitType",
    "borrow",
    "enum",
    "list_of",
    "map_of",
    "option",
    "own",
    "record",
    "result",
    "tuple_of",
    "variant",
]

_MOST = 1 << 30
_NAME_CHARACTERS = 64


def _weight_of(names: Sequence[str]) -> int:
    return sum(1 + len(name) // _NAME_CHARACTERS for name in names)


@dataclass(frozen=True, slots=True)
class WitType:
    """A value type.

    `kind` is a primitive's name, or list, record, tuple, variant, enum, option, result, flags, own, borrow,
    resource. `names` are those of fields, cases, flags or the resource; `items` the types inside, None for a
    case without a payload. `meaning` says what a door's type stands for and does not count in comparisons.
    `weight` is how many types and names the whole has written out, long names more than once; `handles` whether a
    resource is among them.
    """

    kind: str
    names: tuple[str, ...] = ()
    items: tuple[WitType | None, ...] = ()
    meaning: Literal["", "json", "blob", "map"] = field(default="", compare=False)
    weight: int = field(init=False, compare=False, repr=False)
    depth: int = field(init=False, compare=False, repr=False)
    handles: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        inner = [item for item in self.items if item is not None]
        weight = min(_MOST, 1 + _weight_of(self.names) + sum(item.weight for item in inner))
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "depth", 1 + max((item.depth for item in inner), default=0))
        handles = self.kind in ("own", "borrow", "resource") or any(item.handles for item in inner)
        object.__setattr__(self, "handles", handles)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes, by name, and what it gives, if anything."""

    params: tuple[tuple[str, WitType], ...] = ()
    result: WitType | None = None

    @property
    def weight(self) -> int:
        """How many types and names it has, written out."""
        kinds = [kind for _, kind in self.params] + ([self.result] if self.result else [])
        return _weight_of([name for name, _ in self.params]) + sum(kind.weight for kind in kinds)

    @property
    def handles(self) -> bool:
        """Whether a resource passes through it."""
        return any(kind.handles for _, kind in self.params) or (self.result is not None and self.result.handles)


@dataclass(frozen=True, slots=True)
class WitFunction:
    """An exported function: the name callers use, and the export names that lead to it."""

    name: str
    path: tuple[str, ...]
    signature: Signature


@dataclass(frozen=True, slots=True)
class ComponentInfo:
    """What a component offers and wants.

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


PRIMITIVES = {
    0x7F: WitType("bool"),
    0x7E: WitType("s8"),
    0x7D: WitType("u8"),
    0x7C: WitType("s16"),
    0x7B: WitType("u16"),
    0x7A: WitType("s32"),
    0x79: WitType("u32"),
    0x78: WitType("s64"),
    0x77: WitType("u64"),
    0x76: WitType("f32"),
    0x75: WitType("f64"),
    0x74: WitType("char"),
    0x73: WitType("string"),
}
"""By their byte in a component. Source: Component Model binary format, primvaltype."""

BOOL, U8, U32 = PRIMITIVES[0x7F], PRIMITIVES[0x7D], PRIMITIVES[0x79]
S64, U64, F64, STRING = PRIMITIVES[0x78], PRIMITIVES[0x77], PRIMITIVES[0x75], PRIMITIVES[0x73]


def list_of(item: WitType) -> WitType:
    """`list<item>`."""
    return WitType("list", items=(item,))


def option(item: WitType) -> WitType:
    """`option<item>`."""
    return WitType("option", items=(item,))


def result(ok: WitType | None, err: WitType | None) -> WitType:
    """`result<ok, err>`."""
    return WitType("result", items=(ok, err))


def tuple_of(*items: WitType) -> WitType:
    """`tuple<items>`."""
    return WitType("tuple", items=items)


def record(*fields: tuple[str, WitType]) -> WitType:
    """`record { fields }`."""
    return WitType("record", tuple(name for name, _ in fields), tuple(kind for _, kind in fields))


def variant(*cases: tuple[str, WitType | None]) -> WitType:
    """`variant { cases }`."""
    return WitType("variant", tuple(name for name, _ in cases), tuple(kind for _, kind in cases))


def enum(*names: str) -> WitType:
    """`enum { names }`."""
    return WitType("enum", names)


def own(resource: str) -> WitType:
    """`own<resource>`."""
    return WitType("own", items=(WitType("resource", (resource,)),))


def borrow(resource: str) -> WitType:
    """`borrow<resource>`."""
    return WitType("borrow", items=(WitType("resource", (resource,)),))


def entry_of(kind: WitType) -> WitType | None:
    """The type of the values of a `list<tuple<string, T>>`, which is an object in JSON; None for another type."""
    pair = kind.items[0] if kind.kind == "list" else None
    if pair is None or pair.kind != "tuple" or len(pair.items) != 2 or pair.items[0] != STRING:
        return None
    return pair.items[1]


def map_of(item: WitType) -> WitType:
    """`list<tuple<string, item>>`, which stands for an object."""
    return WitType("list", items=(tuple_of(STRING, item),), meaning="map")


JSON = WitType("string", meaning="json")
"""`string` that holds JSON."""

BLOB = WitType("variant", ("text", "base64"), (STRING, STRING), meaning="blob")
"""`variant { text(string), base64(string) }`, which stands for bytes."""
