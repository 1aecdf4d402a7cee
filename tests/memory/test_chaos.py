"""A few rounds of `tests/chaos/memory.py`; `tox -e chaos` runs many."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chaos.memory import run


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_process_loses_no_memory_that_it_acknowledged(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    report = run(2, url, tmp_path)
    assert report.problems == ()
    assert report.stored > 0
