"""How component values lie in C's memory: 32 bytes each, a kind and at eight bytes what it holds.

What Python holds for each type: bool, int, float, str; a list for lists, tuples and flags, `bytes` for `list<u8>`;
a dict for records (names with `_`), `{"tag": ..., "value": ...}` for variants, `{"ok": ...}` or `{"err": ...}` for
results, the name for enums, None for an empty option, an address for handles. Numbers are never cut to size.
"""

from __future__ import annotations

from struct import Struct

from omnicore.sandbox.wit_types import WitType

__all__ = ["AT", "ENTRY_BYTES", "INTEGERS", "KINDS", "NAME_BYTES", "PAIR", "VALUE_BYTES", "WORDS", "item_of"]

VALUE_BYTES = 32
ENTRY_BYTES = 48
"""A record's field: its name, then its value."""
NAME_BYTES = 16
AT = 8

INTEGERS = {
    "s8": (1, "b"),
    "u8": (2, "B"),
    "s16": (3, "h"),
    "u16": (4, "H"),
    "s32": (5, "i"),
    "u32": (6, "I"),
    "s64": (7, "q"),
    "u64": (8, "Q"),
}
"""Kind and `struct` letter of whole numbers."""

_OTHERS = ("f32", "f64", "char", "string", "list", "record", "tuple", "variant", "enum", "option", "result", "flags")
KINDS = (
    {"bool": 0, "own": 21, "borrow": 21}
    | {name: number for name, (number, _) in INTEGERS.items()}
    | {name: number for number, name in enumerate(_OTHERS, 9)}
)
"""Source: wasmtime/component/val.h."""

WORDS = Struct("=BxxxxxxxQQQ")
"""A whole value: its kind and three words."""
PAIR = Struct("=QQ")
"""A size and an address."""


def item_of(kind: WitType) -> WitType:
    """What a list or an option holds."""
    (item,) = kind.items
    assert item is not None  # noqa: S101  lists and options always hold something
    return item
