"""What all instances of one component share: machine code, links, doors and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.capi.components import CompiledComponent, ComponentLinker
from omnicore.sandbox.capi.presets import RawEngine
from omnicore.sandbox.component.entry import Entry

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The shared parts.

    The engine's limiter knows single memories and tables, and how many there are. Each memory gets its share of the
    limit, so that together they cannot pass it; nearly all components have one. A table gets its share too, or what
    the largest one starts with where that is more.
    """

    engine: RawEngine
    component: CompiledComponent
    linker: ComponentLinker
    entries: Mapping[str, Entry]
    limits: Limits
    doors: Doors
    most_memories: int
    most_tables: int
    memory_share: int
    table_share: int
    generation: int
