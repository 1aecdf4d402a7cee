"""Tables as values: written once, made in SQLite by sqlite-utils and in PostgreSQL from the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Statements", "Step", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `columns` are `str`, `int` (64 bits), `float` or `bytes`; indexes are tuples of columns."""

    name: str
    columns: Mapping[str, type]
    pk: str | tuple[str, ...]
    not_null: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    indexes: tuple[tuple[str, ...], ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """What cannot be said as a table: triggers, partial indexes, full text."""

    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()


Step = tuple[Table | Statements, ...]
"""One numbered step of the migrations. A step that has shipped is never changed."""
