"""This week against the one before."""

from __future__ import annotations

from omnicore.loops.duties import compare, numbers_of, week_of


def test_what_got_worse_becomes_a_proposal_that_names_the_numbers() -> None:
    changes, proposals = compare({"error_rate": 0.2, "calls": 100.0}, {"error_rate": 0.1, "calls": 90.0})
    assert changes == {"calls": [90.0, 100.0], "error_rate": [0.1, 0.2]}
    assert [one.description.split(":")[0] for one in proposals] == ["error_rate went from 0.1 to 0.2 in a week"]
    assert 0.6 <= proposals[0].importance <= 0.95


def test_a_greater_loss_matters_more() -> None:
    _, small = compare({"p95_s": 0.2}, {"p95_s": 0.1})
    _, large = compare({"p95_s": 9.0}, {"p95_s": 0.1})
    assert small[0].importance < large[0].importance <= 0.95


def test_small_changes_better_numbers_and_few_calls_are_no_reason() -> None:
    assert compare({"error_rate": 0.11}, {"error_rate": 0.1})[1] == []
    assert compare({"error_rate": 0.0}, {"error_rate": 0.5})[1] == []
    assert compare({"error_rate": 0.009}, {"error_rate": 0.0})[1] == []
    assert compare({"text.count.error_rate": 1.0, "text.count.calls": 3.0}, {"text.count.error_rate": 0.0})[1] == []
    assert compare({"speed": 9.0}, {"speed": 1.0})[1] == []
    assert compare({"error_rate": 1.0}, {}) == ({}, [])


def test_only_finite_numbers_are_compared() -> None:
    given = {"a": 1, "b": 2.5, "c": True, "d": "3", "e": float("inf"), "f": None, "g": 10**400}
    assert numbers_of(given) == {"a": 1.0, "b": 2.5}


def test_weeks_are_counted_from_the_epoch() -> None:
    assert (week_of(0), week_of(604_799.9), week_of(604_800)) == (0, 0, 1)
