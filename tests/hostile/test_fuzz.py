"""A slice of the fuzzer, and that the fuzzer finds what it looks for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.hostile.child import Child, ChildDied
from tests.hostile.fuzz import fuzz
from tests.hostile.mutate import mutant, seeds

from omnicore.errors import ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import admit, inspect


@pytest.mark.parametrize("seconds", [3.0, pytest.param(20.0, marks=pytest.mark.long)])
def test_seconds_of_broken_modules_break_nothing(tmp_path: Path, seconds: float) -> None:
    report = fuzz(seconds, random.randrange(2**32), tmp_path)
    assert report.finds == []
    assert report.tried >= 3


def test_mutants_are_repeatable_and_some_pass_the_reader() -> None:
    modules = seeds()
    chance, again = random.Random(5), random.Random(5)
    mutants = [mutant(modules, chance) for _ in range(200)]
    assert mutants == [mutant(modules, again) for _ in range(200)]
    assert 20 < sum(map(_admitted, mutants)) < 200


def _admitted(data: bytes) -> bool:
    try:
        admit(inspect(data), Limits())
    except ModuleRejected:
        return False
    return True


def test_a_process_that_dies_or_hangs_is_noticed_and_the_next_line_is_answered() -> None:
    child = Child("tests.hostile.fragile")
    try:
        assert child.ask("fine", 20) == {"line": "fine"}
        with pytest.raises(ChildDied, match="ended with -6"):
            child.ask("abort", 20)
        with pytest.raises(ChildDied, match="no answer"):
            child.ask("hang", 1)
        assert child.ask("fine", 20) == {"line": "fine"}
    finally:
        child.close()
