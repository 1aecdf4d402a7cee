"""What tools are called: `plugin.function`, made valid for the protocol, each name its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

__all__ = ["LONGEST", "tool_names"]

LONGEST = 128
"""Characters of a name. Source: Model Context Protocol, 2025-11-25, tool names."""

_VALID = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST}}}")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_DIGITS = 8


def tool_names(references: Iterable[str]) -> dict[str, str]:
    """The name of each `plugin.function`, by reference.

    One that is valid stays as it is. Of others, what is not valid becomes `_`, and a digest of the whole reference
    is added, so that a name stays the same whatever other tools there are.
    """
    known = sorted(set(references))
    names = {reference: reference for reference in known if _VALID.fullmatch(reference)}
    taken = set(names)
    for reference in known:
        if reference not in names:
            names[reference] = _made(reference, taken)
            taken.add(names[reference])
    return names


def _made(reference: str, taken: set[str]) -> str:
    digest, digits = hashlib.sha256(reference.encode()).hexdigest(), _DIGITS
    while (name := _with(reference, digest[:digits])) in taken:  # somebody chose a name that looks like a made one
        digits += 1
    return name


def _with(reference: str, digest: str) -> str:
    return f"{_STRANGE.sub('_', reference)[: LONGEST - len(digest) - 1]}-{digest}"
