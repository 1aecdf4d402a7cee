"""How deep JSON from a guest is nested, counted before it is parsed.

The parser recurses in C: where an application has raised Python's recursion limit, a few hundred kilobytes of
brackets end the process, on the small stack of a suspended call first.
"""

from __future__ import annotations

import re

__all__ = ["too_deep"]

# The closing quote may be absent: an open string is taken to its end at once, not searched from every quote.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def too_deep(data: bytes, most: int) -> bool:
    """True when more than `most` brackets stand open at once.

    >>> too_deep(b'{"a": [1, "[["]}', 2), too_deep(b"[[[]]]", 2)
    (False, True)
    """
    if data.count(b"[") + data.count(b"{") <= most:
        return False
    depth = 0
    for found in _BRACKETS.finditer(_STRINGS.sub(b"", data)):
        depth += 1 if found[0] in b"[{" else -1
        if depth > most:
            return True
    return False
