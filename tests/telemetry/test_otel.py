"""OpenTelemetry: what a collector on this machine receives."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from omnicore.errors import ToolMissing
from omnicore.telemetry.metrics import Metrics
from omnicore.telemetry.traces import OpenTelemetry

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """A server that takes OTLP over HTTP and keeps it."""

    def __init__(self) -> None:
        self.spans: list[object] = []
        self.metrics: dict[str, object] = {}
        self.resource: dict[str, str] = {}
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in one.scope_spans for span in scope.spans]
                self.resource = {item.key: item.value.string_value for item in one.resource.attributes}
        if path == "/v1/metrics":
            for one in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {metric.name: metric for scope in one.scope_metrics for metric in scope.metrics}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def attributes(point: object) -> dict[str, str]:
    return {item.key: item.value.string_value for item in point.attributes}  # type: ignore[attr-defined]


def sent(collector_url: str, metrics: Metrics, **about: object) -> OpenTelemetry:
    """Some calls, sent when the host stops."""

    async def scene() -> OpenTelemetry:
        otel = OpenTelemetry(metrics, collector_url, interval_s=3600, **about)  # type: ignore[arg-type]
        await otel.start()
        metrics.recorder("text", "count").record(0.25)
        metrics.recorder("text", "count").record(2.0, "guest-trapped")
        metrics.door("text", "kv.get").record(0.001)
        await otel.stop()
        await otel.stop()
        return otel

    return asyncio.run(scene())


def test_each_call_is_a_trace_with_its_time_and_outcome(collector: Collector) -> None:
    sent(collector.url, Metrics(), version="1.2", instance="host_x")
    names = {span.name: span for span in collector.spans if not span.status.code}  # type: ignore[attr-defined]
    assert names.keys() == {"text.count", "text.kv.get"}
    well = names["text.count"]
    assert (well.end_time_unix_nano - well.start_time_unix_nano) / 1e9 == pytest.approx(0.25, abs=1e-6)  # type: ignore[attr-defined]
    (failed,) = [span for span in collector.spans if span.status.code]  # type: ignore[attr-defined]
    assert failed.status.message == "guest-trapped"  # type: ignore[attr-defined]
    assert attributes(failed) == {
        "omnicore.plugin": "text",
        "omnicore.function": "count",
        "omnicore.outcome": "guest-trapped",
    }
    assert collector.resource["service.name"] == "omnicore"
    assert (collector.resource["service.version"], collector.resource["service.instance.id"]) == ("1.2", "host_x")


def test_metrics_arrive_as_counters_gauges_and_histograms(collector: Collector) -> None:
    metrics = Metrics()
    metrics.gauge("orders_open", "Orders", lambda: 3)
    sent(collector.url, metrics)
    calls = collector.metrics["omnicore_calls"].sum  # type: ignore[attr-defined]
    assert calls.is_monotonic
    by_outcome = {attributes(point)["outcome"]: point.as_double for point in calls.data_points}
    assert by_outcome == {"ok": 1, "guest-trapped": 1}
    (took,) = collector.metrics["omnicore_call_duration_seconds"].histogram.data_points  # type: ignore[attr-defined]
    assert (took.count, took.sum, sum(took.bucket_counts)) == (2, 2.25, 2)
    assert len(took.bucket_counts) == len(took.explicit_bounds) + 1
    assert collector.metrics["omnicore_orders_open"].gauge.data_points[0].as_double == 3  # type: ignore[attr-defined]
    assert "process_resident_memory_bytes" in collector.metrics


def test_without_traces_only_metrics_are_sent(collector: Collector) -> None:
    sent(collector.url, Metrics(), traces=False)
    assert collector.spans == []
    assert "omnicore_calls" in collector.metrics


def test_calls_that_come_faster_than_they_are_sent_are_counted_as_dropped(collector: Collector) -> None:
    async def scene() -> None:
        metrics = Metrics()
        otel = OpenTelemetry(metrics, collector.url, interval_s=3600)
        await otel.start()
        for _ in range(10_003):
            metrics.recorder("a", "b").record(0.1)
        assert otel.dropped == 3
        await otel.stop()
        assert len(collector.spans) == 10_000

    asyncio.run(scene())


def test_a_collector_that_is_not_there_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    gone = Collector()
    gone.close()
    sent(gone.url, Metrics(), timeout_s=0.1)


def test_without_the_library_the_remedy_is_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ToolMissing, match=r"omnicore\[otel\]"):
        OpenTelemetry(Metrics(), "http://127.0.0.1:4318")
