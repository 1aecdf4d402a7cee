"""Memories on each database, with a clock that stands still and a list of what was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.config.settings import MemorySettings
from omnicore.memory.embedder import Embedder, Sense, StaticEmbedder
from omnicore.memory.memories import Memories
from omnicore.resilience.breaker import Breaker

SHIPPED = StaticEmbedder()


@dataclass
class Mind:
    """Memories and what they were made with."""

    memories: Memories
    clock: ManualClock
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def texts(self, *args: Any, **named: Any) -> list[str]:
        return [item.text for item in self.memories.recall(*args, **named).items]

    def tier(self, item: str) -> str | None:
        found = self.memories.get(item)
        return found.tier if found else None


MakeMind = Callable[..., Mind]


class BrokenEmbedder:
    """An embedder that fails until it is repaired."""

    name = "static-256"

    def __init__(self) -> None:
        self.broken = True

    def embed(self, texts: Any) -> Any:
        if self.broken:
            raise OSError("the model is gone")
        return SHIPPED.embed(texts)


class NanEmbedder:
    name = "nan"

    def embed(self, texts: Any) -> Any:
        return np.full((len(texts), 4), np.nan, np.float32)


@pytest.fixture
def make_mind(open_store: OpenStore) -> Iterator[MakeMind]:
    """Makes memories, each time with another connection to the same data."""
    made: list[Mind] = []

    def make(embedder: Embedder | None = SHIPPED, *, clock: ManualClock | None = None, **settings: Any) -> Mind:
        told: list[tuple[str, dict[str, Any]]] = []
        clock = clock or ManualClock()
        memories = Memories(
            open_store(),
            settings=MemorySettings(**settings),
            clock=clock,
            sense=Sense(embedder, Breaker(failures=3, reset_s=10, clock=clock)),
            tell=lambda topic, data: told.append((topic, dict(data))),
        )
        made.append(Mind(memories, clock, told))
        return made[-1]

    yield make
    for mind in made:
        mind.memories.close()


@pytest.fixture
def mind(make_mind: MakeMind) -> Mind:
    return make_mind()
