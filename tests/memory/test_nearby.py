"""Many memories: a partition proposes, and when it cannot, each is looked at."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import numpy as np
import pytest

from omnicore.memory import cache
from omnicore.memory.cache import Pace, Stopped, VectorIndex
from omnicore.memory.candidates import nearest
from omnicore.memory.columns import MemoryColumns, numbered, unit
from omnicore.memory.partition import Partition, centre_count, centres_of, lists_of
from omnicore.memory.tiers import MemoryTier
from omnicore.storage.tables.memory import Outline

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


def searcher(clock: list[float]) -> VectorIndex:
    return VectorIndex(
        "sense",
        exact_upto=100,
        lock=threading.RLock(),
        executor=Now(),  # type: ignore[arg-type]
        monotonic=lambda: clock[0],
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


def test_the_partition_agrees_with_looking_at_each(columns: MemoryColumns) -> None:
    near = searcher([0.0])
    assert agreement(near, columns) >= 0.95
    assert near.problem is None
    chance = np.random.default_rng(9)
    columns.apply([outline(seq, chance.normal(size=WIDE)) for seq in range(COUNT + 1, COUNT + 50)])
    assert agreement(near, columns) >= 0.95  # those that wait for the partition are looked at
    assert agreement(near, columns, MemoryTier.Episodic) == 1.0  # few are allowed: each of them is


def test_a_partition_that_fails_is_left_and_made_anew_later(
    columns: MemoryColumns, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    near = searcher(clock)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "centres_of", lambda *args: 1 / 0)
        assert agreement(near, columns) == 1.0
        assert near.problem == "division by zero"
    assert agreement(near, columns) == 1.0
    assert near.problem == "division by zero"
    clock[0] = 61
    assert agreement(near, columns) >= 0.95
    assert near.problem is None


def test_a_vector_that_comes_later_is_found_before_and_after_the_partition_has_it(columns: MemoryColumns) -> None:
    near = searcher([0.0])
    assert agreement(near, columns) >= 0.95
    query = unit(np.random.default_rng(77).normal(size=WIDE))
    columns.apply([outline(7, query)])
    allowed = columns.open_to(MemoryTier, 1e9)
    assert near.places(columns, query, allowed)[0] == 6
    assert near.partition is not None
    assert columns.sense.moved == {6}
    near._divide(columns, near.partition, lambda: None)
    assert columns.sense.moved == set()
    assert near.places(columns, query, allowed)[0] == 6


def test_among_many_the_partition_compares_a_few() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(50, WIDE)).astype(np.float32).repeat(400, axis=0)
    rows = (rows + chance.normal(size=rows.shape, scale=0.1)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    centres = centres_of(rows[::4], centre_count(len(rows)))
    partition = Partition(centres, lists_of(rows, centres))
    allowed = np.ones(len(rows), np.bool_)
    shares = []
    for query in rows[::997]:
        found = partition.near(query, allowed, 1.0)
        assert len(found) < len(rows) / 3
        best = set(np.argsort(-(rows @ query))[:50].tolist())
        shares.append(len(best & set(found.tolist())) / 50)
    assert np.mean(shares) >= 0.95
    few = np.arange(len(rows)) % 10 == 0
    assert few[partition.near(rows[0], few, 0.1)].all()
    assert len(partition.near(rows[0], few, 0.1)) >= 1500  # more lists are looked at when fewer are allowed


def test_the_building_rests_after_each_step_and_ends_with_the_host() -> None:
    class Waits(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.waited: list[float | None] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.waited.append(timeout)
            return self.is_set()

    stopping = Waits()
    pace = Pace(stopping, span=100.0)
    np.sort(np.arange(1_000_000.0))
    pace()
    assert stopping.waited[0] is not None
    assert 0 < stopping.waited[0] <= 1.0
    stopping.set()
    with pytest.raises(Stopped):
        pace()


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
