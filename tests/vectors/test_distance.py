"""Exact distances: no rounding keeps one of the nearest out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.vectors.exact import directed, distances, nearest, prepared

FLOATS = st.floats(-1e3, 1e3, width=32)


def found(rows: Any, query: Any, k: int, metric: str, alive: Any = None) -> tuple[list[int], list[float]]:
    ready, squares = prepared(rows, metric)
    wanted = directed(query[None])[0] if metric == "cosine" else query
    flags = np.ones(len(rows), np.bool_) if alive is None else alive
    places, far = nearest(ready, squares, flags, wanted, k, metric)
    return places.tolist(), far.tolist()


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_nearest_are_those_that_comparing_on_64_bits_finds(metric: str, data: Any) -> None:
    dimensions = data.draw(st.integers(1, 5))
    one = st.lists(FLOATS, min_size=dimensions, max_size=dimensions).filter(lambda row: any(abs(x) > 1e-3 for x in row))
    rows = np.array(data.draw(st.lists(one, min_size=1, max_size=20)), np.float32)
    query = np.array(data.draw(one), np.float32)
    k = data.draw(st.integers(1, 25))
    ready, _ = prepared(rows, metric)
    wanted = directed(query[None])[0] if metric == "cosine" else query
    every = distances(ready, np.arange(len(rows)), wanted, metric)
    assert found(rows, query, k, metric)[1] == sorted(every.tolist())[:k]


def test_near_points_far_from_the_origin_are_told_apart() -> None:
    rows = np.full((1000, 3), 30_000.0, np.float32)
    rows[:, 0] += np.arange(1000, dtype=np.float32) / 128
    places, far = found(rows, rows[500], 3, "l2")
    assert places[0] == 500
    assert set(places[1:]) == {499, 501}
    assert far == pytest.approx([0, 1 / 128, 1 / 128])


def test_the_largest_and_smallest_numbers_keep_their_direction() -> None:
    rows = np.array([[3e38, 0], [0, 3e38], [1e-42, 1e-42]], np.float32)
    assert found(rows, np.array([1, 1], np.float32), 1, "cosine")[0] == [2]
    assert found(rows, np.array([1e-44, 0], np.float32), 1, "cosine")[0] == [0]


def test_the_dead_are_not_found() -> None:
    rows = np.eye(3, dtype=np.float32)
    assert found(rows, rows[0], 3, "cosine", np.array([False, True, True]))[0] == [1, 2]
    assert found(rows, rows[0], 3, "cosine", np.zeros(3, np.bool_))[0] == []


def test_many_with_the_same_place_are_all_measured() -> None:
    rows = np.ones((20_000, 4), np.float32)
    assert found(rows, rows[0], 5, "cosine") == ([0, 1, 2, 3, 4], [0.0] * 5)
