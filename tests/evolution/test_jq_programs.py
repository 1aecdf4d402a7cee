"""jq programs as trees: what is read is written back as it was meant, and mutation stays within what can be read."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.errors import InvalidInput
from omnicore.evolution.jq_programs import mutated, read_program, reduced, size, vocabulary, write_program

PROGRAMS = (
    '.a.b[0].c? // "x" | map(select(.n >= 3 and .x == "a")) | length',
    '{a, b: .c + 1, "d e": [.[] | .x]}',
    'if . > 1 then "a" elif . == 0 then "b" else -1 end',
    "[.items[] | {name: .n, total: (.p * .q)}] | sort_by(.total) | reverse",
    ".a - (.b - 1) - 2",
    'split(",") | join("-")',
    '."x y"',
    ".a[1:] | .[:-2]",
    "(. as $root | .a | map(select(. < $root.limit)))",
)


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program_that_was_written_is_read_as_the_same_tree(text: str) -> None:
    tree = read_program(text)
    assert read_program(write_program(tree)) == tree


def test_brackets_are_kept_where_they_mean_something() -> None:
    assert write_program(read_program("1 - (2 - 3)")) == "1 - (2 - 3)"
    assert write_program(read_program("(1 - 2) - 3")) == "1 - 2 - 3"
    assert write_program(read_program("(.a | length) + 1")) == "(.a | length) + 1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".a |",
        "reduce .[] as $x (0; . + $x)",
        ".a[.b:2]",
        "$x",
        ". as [$a] | $a",
        "((" * 100,
        "x" * 5000,
        "def f: 1; f",
        "$ENV",
    ],
)
def test_a_program_that_a_search_would_not_understand_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_program(text)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), start=st.sampled_from(PROGRAMS))
def test_every_mutation_can_be_read_again(seed: int, start: str) -> None:
    chance, words = Random(seed), vocabulary([{"a": 1, "n": [{"x": "hey"}]}])
    tree = read_program(start)
    for _ in range(5):
        tree = mutated(tree, chance, words, others=[read_program(PROGRAMS[0])])
        assert read_program(write_program(tree)) == tree


def test_a_change_that_takes_a_variable_away_is_not_made() -> None:
    tree = read_program("(. as $root | .a | map(select(. < $root.limit)))")
    words = vocabulary([{"a": 1}])
    made = [mutated(tree, Random(seed), words) for seed in (1_000_000_000, *range(200))]
    assert all(read_program(write_program(one)) == one for one in made)


def test_a_reduced_program_is_smaller() -> None:
    tree = read_program(PROGRAMS[0])
    assert all(size(one) < size(tree) for one in reduced(tree))
