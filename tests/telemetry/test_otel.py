"""OpenTelemetry: what a collector on this machine receives."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.cli.guests import LOGGING

from omnicore.assembly import Host
from omnicore.config.settings import AccessSettings, Settings, TelemetrySettings
from omnicore.errors import ToolMissing
from omnicore.telemetry.logs import TRACE, trace_of
from omnicore.telemetry.metrics import Metrics
from omnicore.telemetry.traces import OpenTelemetry

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """A server that takes OTLP over HTTP and keeps it."""

    def __init__(self) -> None:
        self.spans: list[object] = []
        self.lines: dict[str, object] = {}
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
        if path == "/v1/logs":
            for one in ExportLogsServiceRequest.FromString(body).resource_logs:
                for scope in one.scope_logs:
                    self.lines |= {f"{scope.scope.name}: {line.body.string_value}": line for line in scope.log_records}
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


def test_log_lines_and_calls_of_a_request_are_in_its_trace(collector: Collector) -> None:
    metrics, logger = Metrics(), logging.getLogger("omnicore.plugin.text")

    async def request(header: bytes | None) -> None:
        TRACE.set(trace_of(header))
        logger.error("asked for %s", header)
        metrics.recorder("text", "count").record(0.25)

    async def scene() -> None:
        otel = OpenTelemetry(metrics, collector.url, interval_s=3600)
        await otel.start()
        assert metrics.traced
        await asyncio.gather(request(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), request(None))
        logger.warning("on its own", exc_info=ValueError("no"))
        await otel.stop()
        assert not metrics.traced

    asyncio.run(scene())
    given, new, own = (
        collector.lines[f"omnicore.plugin.text: {text}"]
        for text in (
            *("asked for b'00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'", "asked for None"),
            "on its own",
        )
    )
    assert given.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"  # type: ignore[attr-defined]
    assert (given.severity_text, given.severity_number) == ("ERROR", 17)  # type: ignore[attr-defined]
    assert attributes(given)["omnicore.plugin"] == "text"
    assert own.trace_id in (b"", bytes(16))  # type: ignore[attr-defined]
    assert "ValueError: no" in attributes(own)["exception.stacktrace"]
    parents = {span.trace_id: span.parent_span_id.hex() for span in collector.spans}  # type: ignore[attr-defined]
    assert parents == {given.trace_id: "00f067aa0ba902b7", new.trace_id: ""}  # type: ignore[attr-defined]


def test_logs_can_be_left_out(collector: Collector) -> None:
    sent(collector.url, Metrics(), logs=False)
    assert collector.lines == {}


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"00-zz",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
        b"00-" + b"4" * 100_000,
    ],
)
def test_a_header_that_names_no_trace_begins_a_new_one(header: bytes | None) -> None:
    one, other = trace_of(header), trace_of(header)
    assert one.parent == other.parent == 0
    assert 0 < one.id != other.id < 2**128


def test_a_call_by_rest_and_the_line_that_its_plugin_logs_are_in_the_trace_of_the_request(
    collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "says.wat").write_text(LOGGING)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    settings = Settings(
        data=tmp_path / "data",
        access=AccessSettings(open=True),
        telemetry=TelemetrySettings(otlp=collector.url, otlp_interval_s=3600),
    )

    async def scene() -> None:
        async with Host(tmp_path / "plugins", watch=False, settings=settings) as host:
            transport = httpx.ASGITransport(host.asgi(), client=("127.0.0.1", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
                answer = await http.post("/api/v1/plugins/says/functions/say", content=b"hear me", headers=headers)
            assert answer.status_code == 200, answer.text

    logging.getLogger("omnicore").setLevel(logging.INFO)
    try:
        asyncio.run(scene())
    finally:
        logging.getLogger("omnicore").setLevel(logging.NOTSET)
    (called,) = [span for span in collector.spans if span.name == "says.say"]  # type: ignore[attr-defined]
    said = collector.lines["omnicore.plugin.says: hear me"]
    assert called.trace_id.hex() == said.trace_id.hex() == trace  # type: ignore[attr-defined]


def test_a_collector_that_is_not_there_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    gone = Collector()
    gone.close()
    sent(gone.url, Metrics(), timeout_s=0.1)


def test_without_the_library_the_remedy_is_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ToolMissing, match=r"omnicore\[otel\]"):
        OpenTelemetry(Metrics(), "http://127.0.0.1:4318")
