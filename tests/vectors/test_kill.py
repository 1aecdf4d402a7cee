"""A few rounds of the campaign in tests/chaos."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chaos.vectors import run


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    tally = run(3, folder=tmp_path, most_s=0.6)
    assert tally.problems == []
    assert tally.acknowledged > 0


def test_nothing_is_lost_on_postgresql_either(tmp_path: Path, postgresql_url: str) -> None:
    pytest.importorskip("psycopg")
    tally = run(2, folder=tmp_path, url=postgresql_url, most_s=0.6)
    assert tally.problems == []
    assert tally.acknowledged > 0
