"""Types and functions of components, and the encoding of their inputs and outputs as bytes.

A function without parameters takes no input. One string parameter: the input is the text. One `list<u8>`: the input
unchanged. One parameter of another type: its JSON value. Several: a JSON object of them by name. Results are encoded
in the same way; for a `result`, the ok value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

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
    meaning: Literal["", "json", "blob", "map", "choice"] = field(default="", compare=False)
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
    """Parameters of a function, by name, and its result, if any."""

    params: tuple[tuple[str, WitType], ...] = ()
    result: WitType | None = None

    @property
    def weight(self) -> int:
        """Types and names it has, written out."""
        kinds = [kind for _, kind in self.params] + ([self.result] if self.result else [])
        return _weight_of([name for name, _ in self.params]) + sum(kind.weight for kind in kinds)

    @property
    def handles(self) -> bool:
        """True when a resource passes through it."""
        return any(kind.handles for _, kind in self.params) or (self.result is not None and self.result.handles)


@dataclass(frozen=True, slots=True)
class WitFunction:
    """An exported function: the name callers use, and the export names that lead to it."""

    name: str
    path: tuple[str, ...]
    signature: Signature


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


Way = Literal["nothing", "text", "bytes", "json"]


def input_way(signature: Signature) -> Way:
    """The encoding of a function's input."""
    if len(signature.params) > 1:
        return "json"
    return _way(signature.params[0][1] if signature.params else None)


def output_way(signature: Signature) -> Way:
    """The encoding of a function's output."""
    return _way(returned(signature))


def returned(signature: Signature) -> WitType | None:
    """The type of the result of a successful call."""
    kind = signature.result
    return kind.items[0] if kind is not None and kind.kind == "result" else kind


def _way(kind: WitType | None) -> Way:
    if kind is None:
        return "nothing"
    if kind.kind == "string":
        return "text"
    if kind.kind == "list" and kind.items[0] is not None and kind.items[0].kind == "u8":
        return "bytes"
    return "json"
