"""Rows of figures with their targets, as a plain table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tests.bench.measure import Figure

__all__ = ["Row", "Target", "at_least", "at_most", "record", "table", "to_json"]

Verdict = Literal["pass", "MISS", ""]


@dataclass(frozen=True, slots=True)
class Target:
    """What a row must reach: `ratio` compares the peer's median with ours, without it our median stands alone."""

    way: Literal["at least", "at most"]
    value: float
    ratio: bool

    def met(self, reached: float) -> bool:
        """Whether that is enough."""
        return reached >= self.value if self.way == "at least" else reached <= self.value


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a work, both sides' figures in `unit`, what was reached and what was wanted.

    `reached` is how many times faster ours is (peer's median by ours), or our median. `rate` says that the
    figures are amounts in a time, where more is better.
    """

    work: str
    ours: Figure
    peer: Figure | None
    unit: str
    target: Target | None = None
    rate: bool = False
    note: str = ""

    @property
    def reached(self) -> float | None:
        """The ratio of the medians, or our median when the target is an amount."""
        if self.target is not None and not self.target.ratio:
            return self.ours.median
        return None if self.peer is None else _ratio(self.ours.median, self.peer.median, self.rate)

    @property
    def reached_at_best(self) -> float | None:
        """The ratio of the minima; how much it differs from `reached` tells how noisy the machine was."""
        return None if self.peer is None else _ratio(self.ours.minimum, self.peer.minimum, self.rate)

    @property
    def verdict(self) -> Verdict:
        """`pass`, `MISS`, or nothing for a row without a target."""
        if self.target is None or self.reached is None:
            return ""
        return "pass" if self.target.met(self.reached) else "MISS"


def _ratio(ours: float, peer: float, rate: bool) -> float | None:
    better, worse = (ours, peer) if rate else (peer, ours)
    return better / worse if worse else None


def at_least(ratio: float) -> Target:
    """At least so many times as fast as the peer."""
    return Target("at least", ratio, ratio=True)


def at_most(amount: float) -> Target:
    """At most so much, in the row's unit."""
    return Target("at most", amount, ratio=False)


def record(work: str, value: float, unit: str, note: str = "") -> Row:
    """A figure that has no target, written down to see it grow."""
    return Row(work, Figure(value, value), None, unit, note=note)


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text: medians, minima in brackets."""
    head = ("work", "ours", "peer", "reached", "target", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    peer = "" if row.peer is None else _figure(row.peer, row.unit)
    target, sign = "", "x" if row.target is None or row.target.ratio else f" {row.unit}"
    if row.target is not None:
        target = f"{'>=' if row.target.way == 'at least' else '<='} {row.target.value:g}{sign}"
    reached = "" if row.reached is None else f"{row.reached:.3g}{sign}"
    return row.work, _figure(row.ours, row.unit), peer, reached, target, row.verdict or row.note


def _figure(figure: Figure, unit: str) -> str:
    if figure.median == figure.minimum:
        return f"{figure.median:.4g} {unit}"
    return f"{figure.median:.4g} ({figure.minimum:.4g}) {unit}"


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows with what follows from them."""
    return [
        asdict(row) | {"reached": row.reached, "reached_at_best": row.reached_at_best, "verdict": row.verdict}
        for row in rows
    ]
