"""A connector as plugins see it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Connector"]


@dataclass(frozen=True, slots=True)
class Connector:
    """A service the host is connected to, and what it can do."""

    name: str
    kind: str
    actions: tuple[str, ...]
