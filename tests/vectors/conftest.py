"""Services over the test's databases, with limits so small that every path is taken with few vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.config.settings import VectorSettings
from omnicore.vectors.service import VectorService

SMALL = {"exact_up_to": 50, "refresh_s": 0.0, "m": 8, "ef": 60, "snapshot_s": 0.0}
Make = Callable[..., VectorService]


class Told(list[tuple[str, Any]]):
    """What a service published."""

    def __call__(self, topic: str, data: Any) -> None:
        self.append((topic, data))

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def make(open_store: OpenStore, tmp_path: Path, clock: ManualClock, told: Told) -> Make:
    """Opens a service on the test's data, each time another one, as another process would."""
    numbers = itertools.count(1)

    def opened(**changes: Any) -> VectorService:
        settings = VectorSettings(**{**SMALL, **changes})
        seed = np.random.default_rng(next(numbers))
        return VectorService(
            open_store(),
            tmp_path / "vectors",
            settings,
            clock=clock,
            publish=told,
            random_bits=lambda bits: int(seed.integers(1 << bits)),
        )

    return opened


@pytest.fixture
def service(make: Make) -> VectorService:
    return make()


def some(count: int, dimensions: int = 8, seed: int = 0) -> Any:
    """Vectors without a pattern. Shapes: `float32[count, dimensions]`."""
    return np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)


def names(count: int) -> list[str]:
    return [f"v{number}" for number in range(count)]


def filled(service: VectorService, count: int = 200, **given: Any) -> Any:
    """A collection `docs` of the plugin `p` with vectors v0, v1, ... Returns them."""
    rows = some(count)
    service.create("p", "docs", 8, given.pop("metric", "cosine"))
    service.upsert_rows("p", "docs", names(count), rows, **given)
    return rows


def ids(found: tuple[list[Any], bool]) -> list[str]:
    return [match.id for match in found[0]]


def nearest(rows: Any, query: Any, k: int) -> list[str]:
    """By the angle, compared one by one on 64 bits."""
    wide, wanted = rows.astype(np.float64), np.asarray(query, np.float64)
    rating = wide @ wanted / np.linalg.norm(wide, axis=1)
    return [f"v{row}" for row in np.argsort(-rating, kind="stable")[:k]]
