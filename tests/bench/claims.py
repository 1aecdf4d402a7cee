"""The runtime's figures and those of `OmegaAPI` beside the bars that the project set itself, as rows of the table."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import omega, runtime
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_most

__all__ = ["claims"]

_ROUNDS = 2000
_MEGABYTE, _MICROSECONDS = ("MB", 1e-6), ("us", 1e6)


def claims(effort: Effort) -> Iterator[Row]:
    """A row for each claim: the text's own figure in brackets, ours, and the bar that it must stay under."""
    rounds = max(20, int(_ROUNDS * effort.scale))
    for row in (*runtime.rows(rounds), *omega.rows(max(20, rounds // 4))):
        unit, factor = _MEGABYTE if row.claim.endswith("MB") else _MICROSECONDS
        ours = Figure(row.p50, row.p50).scaled(factor)
        work = f"{row.what} (the text: {row.claim})" if row.claim else row.what
        yield Row(work, ours, None, unit, at_most(round(row.bar * factor, 3)))
