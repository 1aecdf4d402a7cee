"""A worker process that is killed loses nothing, and nothing that is finished is done again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chaos.tasks import run


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_workers_lose_nothing_and_repeat_nothing_that_is_finished(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_url") if database == "postgresql" else None
    report = run(2, url, tmp_path)
    assert report.problems == ()
    assert report.done == report.tasks == 60
