"""The services that REST reaches beside plugins."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rooms"]


@dataclass(frozen=True, slots=True)
class Rooms:
    """One optional field for each service; None is one that this host does not have."""
