"""What the reader alone must refuse, it refuses at once; everything else it lets through to the engine."""

from __future__ import annotations

import time

import pytest
from tests.hostile.cases import CASES, Case

from omnicore.errors import ModuleRejected
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import admit, inspect


def test_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.reader], ids=lambda case: case.name)
def test_the_reader_refuses_it_before_any_engine(case: Case) -> None:
    data = case.build()
    started = time.thread_time()
    with pytest.raises(ModuleRejected) as caught:
        admit(inspect(data), Limits())
    assert time.thread_time() - started < 3  # of work: a machine that does other work counts for nothing
    assert caught.value.remedy
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("case", [case for case in CASES if not case.reader], ids=lambda case: case.name)
def test_the_reader_lets_through_what_only_the_engine_can_judge(case: Case) -> None:
    data = case.build()
    started = time.thread_time()
    admit(inspect(data), Limits())
    assert time.thread_time() - started < 3  # of work: a machine that does other work counts for nothing
