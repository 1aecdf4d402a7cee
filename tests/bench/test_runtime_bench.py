"""The bench of the runtime runs and measures every row; its bars are for `python -m tests.bench.runtime`."""

from __future__ import annotations

from tests.bench.runtime import rows


def test_every_claim_of_the_text_has_a_figure() -> None:
    found = rows(rounds=20)
    assert {row.claim for row in found} == {"< 1 ms", "", "< 100 us", "< 10 ms", "~10 MB"}
    assert all(0 < row.p50 <= row.p99 for row in found)
