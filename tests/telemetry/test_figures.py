"""Figures over all calls, doors' durations, and readers that fail."""

from __future__ import annotations

import pytest

from omnicore.telemetry.metrics import Metrics


def test_the_error_rate_and_the_mean_response_time_are_those_of_all_calls() -> None:
    metrics = Metrics()
    assert (metrics.figures().error_rate, metrics.figures().avg_response_time_s) == (0.0, 0.0)
    metrics.call("a", "x", "ok", 0.1)
    metrics.call("a", "y", "ok", 0.3)
    metrics.call("b", "x", "guest-trapped", 0.2)
    metrics.call("b", "x", "ok", 0.2)
    figures = metrics.figures()
    assert (figures.calls, figures.errors, figures.error_rate) == (4, 1, 0.25)
    assert figures.avg_response_time_s == pytest.approx(0.2)


def test_calls_of_a_plugin_that_was_removed_stay_in_the_figures_and_leave_the_series() -> None:
    metrics = Metrics()
    metrics.call("a", "x", "ok", 0.1)
    metrics.call("b", "x", "bad", 0.1)
    metrics.door("b", "kv.get").record(0.1)
    metrics.forget("b")
    metrics.forget("b")
    assert (metrics.figures().calls, metrics.figures().errors) == (2, 1)
    assert 'plugin="b"' not in metrics.render().decode()


def test_what_plugins_ask_of_doors_is_counted_and_timed() -> None:
    metrics = Metrics()
    metrics.door("a", "kv.get").record(0.002)
    metrics.door("a", "kv.get").record(0.002, "permission-denied")
    text = metrics.render().decode()
    assert 'omnicore_door_calls_total{door="kv",outcome="permission-denied",plugin="a",verb="get"} 1.0' in text
    assert 'omnicore_door_call_duration_seconds_count{door="kv",plugin="a",verb="get"} 2.0' in text
    assert metrics.figures().calls == 0


def test_a_tap_hears_calls_of_recorders_that_were_there_and_that_come() -> None:
    metrics, heard = Metrics(), []
    old = metrics.recorder("a", "old")
    metrics.tap(lambda *call: heard.append(call))
    old.record(0.5)
    metrics.recorder("a", "new").record(0.25, "bad")
    metrics.door("a", "kv.put").record(0.125)
    metrics.tap(None)
    old.record(1.0)
    assert heard == [("a", "old", 0.5, "ok"), ("a", "new", 0.25, "bad"), ("a", "kv.put", 0.125, "ok")]


def test_levels_have_labels_and_a_reader_that_fails_leaves_the_others_be(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    metrics.levels("health", "Health", ("part",), lambda: {("storage",): 50})
    metrics.gauge("broken", "Fails", lambda: 1 / 0)
    metrics.counts("also_broken", "Fails", ("x",), lambda: {}["gone"])
    text = metrics.render().decode()
    assert 'omnicore_health{part="storage"} 50.0' in text
    assert "omnicore_broken " not in text
    assert "omnicore_broken could not be read" in caplog.text
