"""Hosts are killed, stopped and asked to end while runs of every kind go on; `tox -e chaos` does it 1,000 times."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chaos.workflows import run

EVERY = {"both": 7, "ghost": 3, "term": 4, "look": 1000, "server": 1000}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_hosts_that_die_lose_no_run_and_repeat_no_recorded_step(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_url") if database == "postgresql" else None
    report = run(3, url, tmp_path, seed=7, every=EVERY, most_open=30)
    assert not report.problems, report
    assert report.others == 2
    assert report.runs > 20
