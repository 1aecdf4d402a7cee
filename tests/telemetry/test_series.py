"""Figures over time: what was added in each step, in resolutions that never grow."""

from __future__ import annotations

import pytest

from omnicore.clock import ManualClock
from omnicore.telemetry.metrics import BUCKETS_S, COARSE, FINE, Metrics, Resolution, Series, Totals, percentile_ms


class Counted:
    """A host whose counters are moved by hand."""

    def __init__(self, *resolutions: Resolution) -> None:
        self.clock = ManualClock(at=1_700_000_000.0)
        self.metrics = Metrics()
        self.http = 0
        self.series = Series(self._read, self.clock, resolutions=resolutions or (FINE, COARSE))
        self.series.tick()

    def _read(self) -> Totals:
        figures = self.metrics.figures()
        return Totals(figures.calls, figures.errors, 0, self.http, self.metrics.durations())

    def step(self, *seconds: float, outcome: str = "ok", after_s: float = 10.0) -> None:
        self.clock.advance(after_s)
        for one in seconds:
            self.metrics.call("p", "f", outcome, one)
        self.http += len(seconds)
        self.series.tick()

    def last(self, name: str, count: int) -> list[float | None]:
        return self.series.show(3600).series[name][-count:]


def test_each_step_holds_what_was_added_in_it() -> None:
    host = Counted()
    host.step(0.001, 0.002)
    host.step()
    host.step(0.5, outcome="trapped")
    assert host.last("calls", 5) == [None, 0.0, 2.0, 0.0, 1.0]
    assert host.last("errors", 3) == [0.0, 0.0, 1.0]
    assert host.last("http", 3) == [2.0, 0.0, 1.0]
    p95 = host.last("call_ms_p95", 3)
    assert p95[1] is None
    assert 1 < float(p95[0] or 0) <= 2.5
    assert 250 < float(p95[2] or 0) <= 500


def test_ticks_within_a_step_add_up_and_steps_without_one_are_empty() -> None:
    host = Counted()
    host.step(0.1, after_s=10)
    host.step(0.1, after_s=3)
    host.step(0.1, after_s=30)
    assert host.last("calls", 4) == [2.0, None, None, 1.0]


def test_a_window_is_as_long_as_asked_for_and_aligned() -> None:
    host = Counted()
    shown = host.series.show(300)
    assert (shown.step_s, len(shown.series["calls"])) == (10.0, 30)
    assert shown.start % 10 == 0
    assert shown.start + 30 * 10 > host.clock.now() >= shown.start + 29 * 10
    assert len(host.series.show(3600).series["calls"]) == 360
    day = host.series.show(86_400)
    assert (day.step_s, len(day.series["calls"])) == (300.0, 288)
    assert len(host.series.show(1e9).series["calls"]) == 288


def test_what_is_older_than_the_ring_is_gone_and_nothing_grows() -> None:
    host = Counted(Resolution(1.0, 5))
    for _ in range(500):
        host.step(0.1, after_s=1)
    assert host.series.show(5).series["calls"] == [1.0] * 5
    host.clock.advance(100)
    assert host.series.show(5).series["calls"] == [None] * 5


def test_a_day_of_calls_is_in_the_coarse_ring() -> None:
    host = Counted()
    for _ in range(60):
        host.step(0.002)
    assert sum(filter(None, host.series.show(86_400).series["calls"])) == 60


def test_a_plugin_that_is_removed_takes_nothing_from_the_figures() -> None:
    host = Counted()
    host.step(0.1, 0.1)
    host.metrics.forget("p")
    host.step()
    host.step(0.1)
    assert host.last("calls", 3) == [2.0, 0.0, 1.0]


def test_a_clock_that_is_set_back_breaks_nothing() -> None:
    host = Counted()
    host.step(0.1)
    host.clock.at -= 5000
    host.step(0.1, after_s=0)
    assert host.last("calls", 1) == [1.0]


@pytest.mark.parametrize(
    ("durations_s", "part", "between_ms"),
    [
        ([0.0015] * 99 + [9.0], 0.5, (1.0, 2.5)),
        ([0.0015] * 90 + [9.0] * 10, 0.95, (5000, 10_000)),
        ([99.0], 0.95, (30_000, 30_000)),
    ],
)
def test_a_percentile_lies_in_the_bucket_of_its_call(
    durations_s: list[float], part: float, between_ms: tuple[float, float]
) -> None:
    metrics = Metrics()
    for seconds in durations_s:
        metrics.call("p", "f", "ok", seconds)
    found = percentile_ms(metrics.durations(), part)
    assert found is not None
    assert between_ms[0] <= found <= between_ms[1]
    assert percentile_ms([0] * (len(BUCKETS_S) + 1), part) is None


def test_a_counter_is_summed_over_its_labels() -> None:
    metrics = Metrics()
    metrics.counts("eaten", "Apples", ("kind",), lambda: {("red",): 2, ("green",): 3})
    assert metrics.total("eaten") == 5
    assert metrics.total("none") == 0
