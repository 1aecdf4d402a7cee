"""The kinds of connectors there are. Each file loads when its kind is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from omnicore.connectors.kind import Kind
from omnicore.errors import InvalidInput
from omnicore.optional import optional

__all__ = ["KINDS", "find_kind"]

_HERE = "omnicore.connectors."
KINDS: Mapping[str, tuple[str, str]] = {
    "http": (_HERE + "web", ""),
    "openai": (_HERE + "openai", ""),
    "github": (_HERE + "github", ""),
    "gitlab": (_HERE + "gitlab", ""),
    "telegram": (_HERE + "telegram", ""),
    "discord": (_HERE + "discord", ""),
    "sqlite": (_HERE + "sqlite", ""),
    "postgresql": (_HERE + "postgresql", "postgresql"),
    "mysql": (_HERE + "mysql", "mysql"),
    "redis": (_HERE + "redis", "redis"),
    "s3": (_HERE + "s3", "aws"),
    "sqs": (_HERE + "sqs", "aws"),
}
"""The file of each kind, and the extra that brings its driver."""


@cache
def find_kind(name: str) -> Kind:
    """The kind of this name. Raises: InvalidInput: there is none; ToolMissing: its driver is not installed."""
    place = KINDS.get(name)
    if place is None:
        raise InvalidInput(f"there is no kind of connector {name[:80]!r}", remedy=f"use one of {', '.join(KINDS)}")
    module, extra = place
    kind: Kind = optional(module, extra=extra).KIND
    return kind
