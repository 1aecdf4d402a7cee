"""Many memories: a graph proposes, and when it cannot, each is looked at."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import numpy as np
import pytest

from omnicore.memory import cache as ann
from omnicore.memory.cache import VectorIndex
from omnicore.memory.candidates import nearest
from omnicore.memory.columns import MemoryColumns, numbered, unit
from omnicore.memory.tiers import MemoryTier
from omnicore.storage.tables.memory import Outline
from omnicore.vectors.ann import Graph, GraphFailed, available

needs_hnswlib = pytest.mark.skipif(not available(), reason="hnswlib is not installed")
COUNT, WIDE = 600, 16


class Now:
    """An executor that does it at once."""

    def submit(self, work, *args):
        work(*args)
        return Future()


def outline(seq: int, vector: np.ndarray, tier: int = 4) -> Outline:
    half = unit(vector).astype(np.float16).tobytes()
    return Outline(seq, seq, tier, 0, 0.5, float(seq), 0, None, None, None, 0, 0, None, None, None, half, "x")


@pytest.fixture
def columns() -> MemoryColumns:
    chance = np.random.default_rng(5)
    made = MemoryColumns("x")
    made.apply([outline(seq, chance.normal(size=WIDE), 4 if seq % 10 else 3) for seq in range(1, COUNT + 1)])
    return made


def searcher(clock: list[float], **named: int) -> VectorIndex:
    lock = threading.RLock()
    return VectorIndex(
        "sense",
        exact_upto=100,
        lock=lock,
        executor=Now(),
        monotonic=lambda: clock[0],
        **named,  # type: ignore[arg-type]
    )


def agreement(near: VectorIndex, columns: MemoryColumns, *tiers: MemoryTier) -> float:
    allowed = columns.open_to(tiers or MemoryTier, 1e9)
    shares = []
    for seed in range(20):
        query = unit(np.random.default_rng(seed).normal(size=WIDE))
        exact = nearest(columns, "sense", query, allowed)[:10]
        found = near.places(columns, query, allowed)
        assert allowed[found].all()
        shares.append(len(set(exact.tolist()) & set(found[:10].tolist())) / 10)
    return float(np.mean(shares))


@needs_hnswlib
def test_the_graph_agrees_with_looking_at_each(columns: MemoryColumns) -> None:
    near = searcher([0.0])
    assert agreement(near, columns) >= 0.95
    assert near.problem is None
    chance = np.random.default_rng(9)
    columns.apply([outline(seq, chance.normal(size=WIDE)) for seq in range(COUNT + 1, COUNT + 50)])
    assert agreement(near, columns) >= 0.95  # those that wait for the graph are looked at
    assert agreement(near, columns, MemoryTier.Episodic) == 1.0  # few are allowed: each of them is


@needs_hnswlib
def test_a_graph_that_fails_is_left_and_built_anew_later(
    columns: MemoryColumns, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    near = searcher(clock)
    assert agreement(near, columns) >= 0.95

    def fail(*args: object) -> None:
        raise GraphFailed("broken")

    with monkeypatch.context() as patch:
        patch.setattr(Graph, "search", fail)
        assert agreement(near, columns) == 1.0
        assert near.problem == "broken"
    assert agreement(near, columns) == 1.0
    assert near.problem == "broken"
    clock[0] = 61
    assert agreement(near, columns) >= 0.95
    assert near.problem is None


def test_without_hnswlib_each_is_looked_at(columns: MemoryColumns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ann, "available", lambda: False)
    assert agreement(searcher([0.0]), columns) == 1.0


def test_forgotten_memories_leave_their_neighbours_joined() -> None:
    made = MemoryColumns("x")
    rows = [
        Outline(seq, seq, 4, 0, 0.5, 0.0, 0, None, None, None, 0, 0, "s", "Ann", None, None, None) for seq in (1, 2, 3)
    ]
    made.apply(rows)
    assert [side.tolist() for side in made.neighbours(np.arange(3))] == [[-1, 0, 1], [1, 2, -1]]
    made.apply([Outline(2, 4, 4, 2, 0.5, 0.0, 0, None, None, None, 0, 0, None, None, None, None, None)])
    assert [side.tolist() for side in made.neighbours(np.array([0, 2]))] == [[-1, 0], [2, -1]]
    assert made.open_to(MemoryTier, 0.0).tolist() == [True, False, True]
    assert made.speakers.named(frozenset({"ann", "bob"})) == {numbered("Ann")}
