"""Every hostile module is survived: the right outcome, in time and memory, and the next plugin answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.hostile.cases import CASES, Case
from tests.hostile.child import Child

from omnicore.sandbox.abi import MIB

_SLACK = 64 * MIB
_LONG = {
    *("31-compiling-loop_phi_40_kb", "32-compiling-phi_bomb", "33-compiling-nested_loops", "39-compiling-nested_ifs"),
    *("45-compiling-code_amplifier", "91-component-doubling"),
}
"""Cases that the limit on compiling ends as it does those beside them."""


def _param(case: Case) -> Any:
    return pytest.param(case, marks=pytest.mark.long) if case.name in _LONG else case


def _runs(case: Case) -> bool:
    """Whether the case is about running, not about loading or compiling."""
    compiles = 31 <= case.number <= 45 or case.name.endswith(("component-compile_bomb", "component-doubling"))
    return not case.reader and case.outcomes != ("R",) and not compiles


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    """One process for all cases, so that each also meets whatever the ones before it left behind."""
    found = Child("tests.hostile.run_case")
    yield found
    found.close()


@pytest.mark.slow
@pytest.mark.parametrize("case", [_param(case) for case in CASES], ids=lambda case: case.name)
def test_the_host_survives(case: Case, child: Child) -> None:
    _judge(case, child.ask(case.name, timeout_s=90))


@pytest.mark.long
@pytest.mark.parametrize("case", [case for case in CASES if _runs(case)], ids=lambda case: case.name)
def test_an_event_loop_survives(case: Case, child: Child) -> None:
    _judge(case, child.ask(f"{case.name}@loop", timeout_s=90))


def _judge(case: Case, found: dict[str, Any]) -> None:
    assert found["outcome"] in case.outcomes, found
    assert found["neighbour"]
    # A deadline of 1 s and at most three calls, on a machine that does other work too.
    assert found["call_s"] < 15, found
    # A short try, a long one of 1 s and one with the quick compiler.
    assert found["load_processor_s"] < 6, found
    assert found["rss_growth"] < 64 * MIB + _SLACK, found
    assert found["child_rss"] < 1024 * MIB + _SLACK, found
    assert found["disk_bytes"] <= 1 * MIB, found
    assert not found["planted"], found
    assert found["open_files"] < 64, found
