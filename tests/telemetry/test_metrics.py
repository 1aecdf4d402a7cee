"""Metrics: exact counts, cheap notes, a text that Prometheus' own parser reads."""

from __future__ import annotations

import threading
import timeit

from prometheus_client.parser import text_string_to_metric_families

from omnicore.telemetry.metrics import BUCKETS_S, Metrics


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def test_calls_are_counted_by_plugin_function_and_outcome() -> None:
    metrics = Metrics()
    metrics.call("text", "count", "ok", 0.001)
    metrics.call("text", "count", "ok", 0.002)
    metrics.call("text", "count", "deadline-exceeded", 1.0)
    assert value(metrics, "omnicore_calls_total", plugin="text", function="count", outcome="ok") == 2
    failed = {"plugin": "text", "function": "count", "outcome": "deadline-exceeded"}
    assert value(metrics, "omnicore_calls_total", **failed) == 1


def test_durations_land_in_the_bucket_whose_bound_they_do_not_exceed() -> None:
    metrics = Metrics()
    recorder = metrics.recorder("p", "f")
    for seconds in (BUCKETS_S[0], BUCKETS_S[0] * 1.01, BUCKETS_S[-1], BUCKETS_S[-1] * 2):
        recorder.record(seconds)
    counts, cumulative, sum_s = recorder.totals()
    assert counts == {"ok": 4}
    assert cumulative[:2] == [1, 2]
    assert cumulative[-2:] == [3, 4]
    assert abs(sum_s - (BUCKETS_S[0] * 2.01 + BUCKETS_S[-1] * 3)) < 1e-9
    bucket = "omnicore_call_duration_seconds_bucket"
    assert value(metrics, bucket, plugin="p", function="f", le="+Inf") == 4
    assert value(metrics, "omnicore_call_duration_seconds_count", plugin="p", function="f") == 4


def test_a_recorder_is_made_once_for_each_function() -> None:
    metrics = Metrics()
    assert metrics.recorder("p", "f") is metrics.recorder("p", "f")
    assert metrics.recorder("p", "f") is not metrics.recorder("p", "g")


def test_threads_lose_no_call_while_somebody_renders() -> None:
    metrics = Metrics()
    recorder = metrics.recorder("p", "f")

    def work() -> None:
        for number in range(20_000):
            recorder.record(0.001, "ok" if number % 2 else "guest-failed")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        recorder.totals()
    for thread in threads:
        thread.join()
    counts, cumulative, _ = recorder.totals()
    assert counts == {"ok": 40_000, "guest-failed": 40_000}
    assert cumulative[-1] == 80_000


def test_notes_do_not_pile_up_when_nobody_renders() -> None:
    recorder = Metrics().recorder("p", "f")
    for _ in range(10_000):
        recorder.record(0.001)
    assert len(recorder._notes["ok"]) <= 2048


def test_a_note_costs_well_under_a_microsecond() -> None:
    record = Metrics().recorder("p", "f").record
    best = min(timeit.repeat(lambda: record(0.0001, "ok"), number=20_000, repeat=7)) / 20_000
    assert best < 1e-6  # 0.12 us measured; the rest is room for a busy machine


def test_plugins_by_state_and_gauges_are_asked_on_every_render() -> None:
    states = {"enabled": 1}
    live = [3.0]
    metrics = Metrics(states=lambda: states)
    metrics.gauge("instances", "Live instances", lambda: live[0])
    assert value(metrics, "omnicore_plugins", state="enabled") == 1
    states["enabled"], live[0] = 2, 4.0
    assert value(metrics, "omnicore_plugins", state="enabled") == 2
    assert value(metrics, "omnicore_instances") == 4
    metrics.watch_states(lambda: {"rejected": 5})
    assert value(metrics, "omnicore_plugins", state="rejected") == 5


def test_the_host_and_its_process_are_described() -> None:
    metrics = Metrics(info={"version": "0.1.0", "engine": "omnicore"})
    assert value(metrics, "omnicore_host_info", version="0.1.0", engine="omnicore") == 1
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 1_000_000


def test_a_removed_plugin_takes_its_series_along() -> None:
    metrics = Metrics()
    metrics.call("old", "f", "ok", 0.1)
    metrics.call("new", "f", "ok", 0.1)
    metrics.forget("old")
    assert b'"old"' not in metrics.render()
    assert b'"new"' in metrics.render()


def test_names_with_quotes_and_newlines_do_not_break_the_text() -> None:
    metrics = Metrics()
    metrics.call("p", 'we"ird\nname', "ok", 0.1)
    assert value(metrics, "omnicore_calls_total", plugin="p", function='we"ird\nname', outcome="ok") == 1


def test_two_hosts_in_one_process_do_not_share_metrics() -> None:
    one, two = Metrics(), Metrics()
    one.call("p", "f", "ok", 0.1)
    assert value(two, "omnicore_calls_total", plugin="p", function="f", outcome="ok") is None
