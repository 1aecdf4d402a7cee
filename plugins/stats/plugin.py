"""Statistics of numbers: description, quantiles, histogram, correlation and linear regression."""

import math
import statistics
from dataclasses import dataclass
from typing import Literal

from omnicore_sdk import function


@dataclass
class Description:
    """Figures about numbers. `sd` is that of a sample, None for one number."""

    count: int
    sum: float
    mean: float
    median: float
    least: float
    most: float
    sd: float | None
    quartiles: list[float]


@dataclass
class Quantiles:
    """What to cut. `method`: whether the numbers hold the least and most there can be."""

    values: list[float]
    parts: int = 4
    method: Literal["inclusive", "exclusive"] = "inclusive"


@dataclass
class Points:
    """Pairs of numbers, `x[i]` with `y[i]`."""

    x: list[float]
    y: list[float]


@dataclass
class Line:
    """`y = slope * x + intercept`; `r2` is the part of the variance of `y` that it explains, 0 to 1."""

    slope: float
    intercept: float
    r2: float


@dataclass
class Bin:
    """How many numbers are from `start` to below `end`; the last bin holds its end, too."""

    start: float
    end: float
    count: int


@dataclass
class Histogram:
    """What to count."""

    values: list[float]
    bins: int = 10


@function
def describe(values: list[float]) -> Description:
    """Count, sum, mean, median, least, most, standard deviation and quartiles."""
    values = _checked(values, 1)
    return Description(
        count=len(values),
        sum=math.fsum(values),
        mean=statistics.fmean(values),
        median=statistics.median(values),
        least=min(values),
        most=max(values),
        sd=statistics.stdev(values) if len(values) > 1 else None,
        quartiles=_cut(values, 4, "inclusive"),
    )


@function
def quantiles(asked: Quantiles) -> list[float]:
    """The numbers that cut the values into parts of equal count: 4 for quartiles, 100 for percentiles."""
    if not 2 <= asked.parts <= 1000:
        raise ValueError(f"{asked.parts} parts are not 2 to 1000")
    return _cut(_checked(asked.values, 1), asked.parts, asked.method)


@function
def histogram(asked: Histogram) -> list[Bin]:
    """How many values lie in each of some bins of equal width."""
    values = _checked(asked.values, 1)
    if not 1 <= asked.bins <= 1000:
        raise ValueError(f"{asked.bins} bins are not 1 to 1000")
    least, most = min(values), max(values)
    width = (most - least) / asked.bins or 1.0
    counts = [0] * asked.bins
    for value in values:
        counts[min(int((value - least) / width), asked.bins - 1)] += 1
    edges = [least + width * index for index in range(asked.bins + 1)]
    return [Bin(start, end, count) for start, end, count in zip(edges, edges[1:], counts, strict=False)]


@function
def correlation(points: Points) -> float:
    """Pearson's correlation of x and y, -1 to 1."""
    return statistics.correlation(*_pairs(points))


@function
def linear_regression(points: Points) -> Line:
    """The line with the least squared distances to the points."""
    x, y = _pairs(points)
    slope, intercept = statistics.linear_regression(x, y)
    constant = min(y) == max(y)
    return Line(slope, intercept, 1.0 if constant else statistics.correlation(x, y) ** 2)


def _cut(values: list[float], parts: int, method: Literal["inclusive", "exclusive"]) -> list[float]:
    return statistics.quantiles(values, n=parts, method=method) if len(values) > 1 else values * (parts - 1)


def _pairs(points: Points) -> tuple[list[float], list[float]]:
    if len(points.x) != len(points.y):
        raise ValueError(f"there are {len(points.x)} x and {len(points.y)} y")
    return _checked(points.x, 2), _checked(points.y, 2)


def _checked(values: list[float], least: int) -> list[float]:
    if len(values) < least:
        raise ValueError(f"{len(values)} numbers are too few, at least {least} are needed")
    if not all(map(math.isfinite, values)):
        raise ValueError("a number is not finite")
    return values
