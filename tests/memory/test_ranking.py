"""Ranking as a pure function of signals."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from omnicore.memory.candidates import LISTED, Pool, Weights, rank, stretched
from omnicore.memory.columns import Matrix, best, unit

FLOATS = arrays.arrays(np.float32, st.integers(0, 80), elements=st.floats(width=32))


def pool(source: int = 0, count: int = 3, **signals: list[float]) -> Pool:
    return Pool(
        source=source,
        places=np.arange(count),
        signals={name: np.array(values, np.float32) for name, values in signals.items()},
        importance=np.zeros(count, np.float32),
        created=np.arange(count, dtype=np.float64),
        session=np.full(count, -1),
        spoke=np.zeros(count, np.bool_),
    )


@given(FLOATS)
def test_stretched_values_are_from_0_to_1_whatever_comes_in(values: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        found = stretched(values)
    assert len(found) == len(values)
    assert ((found >= 0) & (found <= 1)).all()


def test_what_is_below_the_best_fifty_counts_nothing() -> None:
    found = stretched(np.arange(LISTED + 10, dtype=np.float32))
    assert found[:11].tolist() == [0.0] * 11
    assert found[-1] == 1


def test_one_vector_of_no_numbers_does_not_poison_the_others() -> None:
    ranked = rank([pool(turn=[np.nan, 0.1, 0.9], words=[0, 0, 1])], Weights(), 3)
    assert [one.place for one in ranked] == [2, 1, 0]
    assert all(np.isfinite([one.rank, one.score]).all() for one in ranked)


def test_the_parts_of_a_score_sum_up_to_it() -> None:
    for one in rank(
        [pool(turn=[0.2, 0.5, 0.9], pair=[0.1, 0.2, 0.3], words=[3, 0, 1], window=[3, 3, 1])], Weights(), 3
    ):
        shares = [value for name, value in one.parts.items() if name not in ("rank", "cosine", "covered", "around")]
        assert abs(sum(shares) - one.rank) < 1e-4
        assert one.parts["cosine"] > 0


def test_importance_and_recency_only_break_ties() -> None:
    tied = pool(words=[1, 1, 2])
    assert [one.place for one in rank([tied], Weights(), 3)] == [2, 1, 0]
    tied.importance[0] = 1
    assert [one.place for one in rank([tied], Weights(), 3)] == [2, 0, 1]


def test_pools_are_ranked_together_even_when_one_lacks_a_signal() -> None:
    ranked = rank([pool(0, 1, turn=[0.9], words=[1]), pool(1, 1, words=[5]), pool(2, 0)], Weights(), 5)
    assert {(one.source, one.place) for one in ranked} == {(0, 0), (1, 0)}
    assert rank([], Weights(), 5) == []


def test_a_session_that_fits_lifts_its_memories() -> None:
    together = pool(count=4, words=[2, 1.9, 0, 0])
    together.session[:] = [0, 0, 0, 1]
    ranked = [one.place for one in rank([together], Weights(recency=0), 4)]
    assert ranked == [0, 1, 2, 3]


@given(FLOATS, st.integers(0, 90))
def test_the_best_come_first_and_minus_infinity_never(values: np.ndarray, count: int) -> None:
    values = np.nan_to_num(values, nan=-np.inf)
    found = best(values, count)
    wanted = sorted((value for value in values.tolist() if value > -np.inf), reverse=True)[:count]
    assert values[found].tolist() == wanted


def test_unit_vectors_are_safe_from_zeros_and_infinities() -> None:
    assert unit([3, 4]).tolist() == [np.float32(0.6), np.float32(0.8)]
    assert unit([0, 0]).tolist() == [0, 0]
    assert unit([1e38, 0]).tolist() == [1, 0]
    assert unit([np.nan, 1]).tolist() == [0, 1]


def test_a_matrix_knows_which_rows_it_has() -> None:
    matrix = Matrix()
    matrix.set(3, unit([1, 0]))
    matrix.set(100, unit([0, 1]))
    assert matrix.count == 2
    assert matrix.all_scores(unit([1, 0]), 102)[[3, 100, 4, 101]].tolist() == [1, 0, -np.inf, -np.inf]
    matrix.clear(3)
    assert matrix.has(np.array([3, 100, 5000])).tolist() == [False, True, False]
