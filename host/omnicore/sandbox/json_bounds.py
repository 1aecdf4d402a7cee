"""Depth and size of JSON from a guest, measured before it is parsed.

The parser recurses in C: where an application has raised Python's recursion limit, a few hundred kilobytes of
brackets crash the process, first on the small stack of a suspended call. Three bytes of brackets also become sixty
bytes of Python objects. Every step here is one pass in C, so measuring is never slower than parsing.
"""

from __future__ import annotations

__all__ = ["MOST_PARTS", "MOST_VALUES", "too_deep", "too_many"]

MOST_PARTS = 200_000
"""Objects, arrays and texts that one document may hold together."""

MOST_VALUES = 1_000_000
"""Values that one document may hold in its arrays and objects."""

_SQUARE = bytes.maketrans(b"{}", b"[]")
_ELSE = bytes(set(range(256)) - set(b"[]{}"))


def too_deep(data: bytes, most: int) -> bool:
    """True when more than `most` brackets stand open at once.

    >>> too_deep(b'{"a": [1, "[["]}', 2), too_deep(b"[[[]]]", 2)
    (False, True)
    """
    if data.count(b"[") + data.count(b"{") <= most:
        return False
    brackets = _without_texts(data).translate(_SQUARE, _ELSE)
    for _ in range(most):  # each round takes the innermost level away
        brackets, before = brackets.replace(b"[]", b""), brackets
        if brackets == before:
            break
    return b"[]" in brackets or brackets.count(b"[") > most


def too_many(data: bytes) -> bool:
    """True when there are more than `MOST_PARTS` or `MOST_VALUES`.

    >>> too_many(b"[" + b"{}," * 1000 + b"1]"), too_many(b"[" + b"{}," * 200_000 + b"1]")
    (False, True)
    """
    # Each part and each value takes at least two bytes, and what stands in texts can only make the count too high.
    if len(data) <= MOST_PARTS or (_parts(data) <= MOST_PARTS and data.count(b",") < MOST_VALUES):
        return False
    whole = _unescaped(data)
    texts = whole.count(b'"') // 2
    if texts > MOST_PARTS:
        return True
    bare = b"".join(whole.split(b'"')[::2])
    return bare.count(b"[") + bare.count(b"{") + texts > MOST_PARTS or bare.count(b",") >= MOST_VALUES


def _parts(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{") + data.count(b'"') // 2


def _without_texts(data: bytes) -> bytes:
    """The bytes outside of texts; an open text goes to the end."""
    return b"".join(_unescaped(data).split(b'"')[::2])


def _unescaped(data: bytes) -> bytes:
    """Without escaped quotes: pairs of backslashes go first, from the left, as a parser reads them."""
    return data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
