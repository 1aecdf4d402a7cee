"""Calls as OpenTelemetry traces, log lines, and all metrics, sent to a collector by OTLP over HTTP.

It needs the extra `otel`. A call or a line on its way only leaves a note (0.4 us for a call); a task of its own makes
spans and log records from notes and sends them.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from omnicore.errors import ToolMissing
from omnicore.telemetry.logs import TRACE, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.trace import Tracer
    from prometheus_client import Metric

    from omnicore.telemetry.metrics import Metrics


_log = logging.getLogger("omnicore.telemetry")
_MOST_NOTES = 10_000
_NS = 1_000_000_000

_Note = tuple[str, str, float, str, int, Trace | None]

_SEVERITIES = ((40, 17, "ERROR"), (30, 13, "WARN"), (20, 9, "INFO"), (10, 5, "DEBUG"), (0, 1, "TRACE"))
"""Lowest level of Python's logging, number and name of each severity. Source: OpenTelemetry's data model of logs."""


class _Lines(logging.Handler):
    """A queue of what is logged, and its way to the collector; the oldest go when nobody takes them."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[tuple[logging.LogRecord, Trace | None]] = deque(maxlen=_MOST_NOTES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line with the trace that it was logged in."""
        self._waiting.append((record, TRACE.get()))

    def open(self, resource: Any, url: str, timeout_s: float) -> None:
        """Begins to keep lines."""
        exporter = _library("exporter.otlp.proto.http._log_exporter").OTLPLogExporter(endpoint=url, timeout=timeout_s)
        self._records = _library("sdk._logs.export").BatchLogRecordProcessor(exporter, max_queue_size=_MOST_NOTES + 1)
        provider = _library("sdk._logs").LoggerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_log_record_processor(self._records)
        self._loggers = provider.get_logger
        logging.getLogger("omnicore").addHandler(self)

    def send(self, timeout_s: float) -> None:
        """Sends the lines that wait."""
        while self._waiting:
            self._hand_on(*self._waiting.popleft())
        self._records.force_flush(int(timeout_s * 1000))

    def _hand_on(self, record: logging.LogRecord, trace: Trace | None) -> None:
        number, name = next((number, name) for least, number, name in _SEVERITIES if record.levelno >= least)
        plugin = record.name.removeprefix("omnicore.plugin.")
        attributes = {"omnicore.plugin": plugin} if plugin != record.name else {}
        if record.exc_info and record.exc_info[0] is not None:
            attributes["exception.type"] = record.exc_info[0].__name__
            attributes["exception.stacktrace"] = logging.Formatter().formatException(record.exc_info)
        self._loggers(record.name).emit(
            timestamp=int(record.created * _NS),
            context=_context(trace),
            severity_number=_library("_logs").SeverityNumber(number),
            severity_text=name,
            body=record.getMessage(),
            attributes=attributes,
        )

    def shut(self) -> None:
        """Ends it, after the last `send`."""
        self._records.shutdown()


class _Spans:
    """Makes spans from notes and hands them to the collector."""

    def __init__(self, resource: Any, url: str, timeout_s: float) -> None:
        sdk, spans = _library("sdk.trace"), _library("exporter.otlp.proto.http.trace_exporter")
        exporter = spans.OTLPSpanExporter(endpoint=url, timeout=timeout_s)
        self._processor = _library("sdk.trace.export").BatchSpanProcessor(exporter, max_queue_size=_MOST_NOTES + 1)
        self._root = 0
        ids = _library("sdk.trace.id_generator").RandomIdGenerator()
        new = ids.generate_trace_id
        ids.generate_trace_id = lambda: self._root or new()
        # Never the global provider: an application that embeds the host may have one of its own.
        provider = sdk.TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        self._tracer: Tracer = provider.get_tracer("omnicore")

    def add(self, note: _Note) -> None:
        """A span of a call that has ended."""
        plugin, function, seconds, outcome, ended_ns, trace = note
        attributes = {"omnicore.plugin": plugin, "omnicore.function": function, "omnicore.outcome": outcome}
        begun_ns = ended_ns - int(seconds * _NS)
        self._root = trace.id if trace is not None else 0  # a span with nothing above it begins this trace
        name, within = f"{plugin}.{function}", _context(trace)
        span = self._tracer.start_span(name, within, start_time=begun_ns, attributes=attributes)
        if outcome != "ok":
            codes = _library("trace")
            span.set_status(codes.Status(codes.StatusCode.ERROR, outcome))
        span.end(end_time=ended_ns)

    def flush(self, timeout_s: float) -> None:
        """Sends them."""
        self._processor.force_flush(int(timeout_s * 1000))

    def shut(self) -> None:
        """Ends it."""
        self._processor.shutdown()


class OpenTelemetry:
    """Sends to a collector for as long as it is started.

    Each call of a plugin, and each of its calls of a door, is a span with the attributes `omnicore.plugin`,
    `omnicore.function` and `omnicore.outcome`: in the trace of its request, of which log lines are too, else in one of
    its own. While calls come faster than they can be sent the oldest notes go, and `dropped` counts them. A collector
    that does not answer is logged, and harms nothing else.

    Args:
        endpoint: of the collector, such as `http://127.0.0.1:4318`.
        traces: whether calls are sent too, not only metrics.
        logs: whether log lines are.
        instance: tells hosts apart.
        timeout_s: how long the collector may take.

    Raises: ToolMissing: the library is not installed.
    """

    def __init__(
        self,
        metrics: Metrics,
        endpoint: str,
        *,
        interval_s: float = 15.0,
        traces: bool = True,
        logs: bool = True,
        version: str = "",
        instance: str = "",
        timeout_s: float = 5.0,
    ) -> None:
        self._metrics = metrics
        self._endpoint = endpoint.rstrip("/")
        self._interval_s, self._traces, self._timeout_s = interval_s, traces, timeout_s
        self._about = {"service.name": "omnicore", "service.version": version, "service.instance.id": instance}
        self._notes: deque[_Note] = deque(maxlen=_MOST_NOTES)
        self._lines = _Lines() if logs else None
        self._noted = self._taken = 0
        self._begun_ns = time.time_ns()
        self._sending: asyncio.Task[None] | None = None
        _library("sdk.trace")  # a host without it fails when it starts, not when somebody looks for traces

    @property
    def dropped(self) -> int:
        """Calls that were not sent."""
        return max(0, self._noted - self._taken - len(self._notes))

    async def start(self) -> None:
        """Begins to send."""
        self._open()
        if self._traces:
            self._metrics.tap(self._note)
        self._metrics.traced = self._traces or self._lines is not None
        self._sending = asyncio.create_task(self._keep_sending(), name="omnicore-otel")

    async def stop(self) -> None:
        """Sends what waits, for some seconds at most, and ends."""
        if self._sending is None:
            return
        self._metrics.tap(None)
        self._metrics.traced = False
        if self._lines is not None:
            logging.getLogger("omnicore").removeHandler(self._lines)
        self._sending.cancel()
        with suppress(asyncio.CancelledError):
            await self._sending
        self._sending = None
        await asyncio.to_thread(self._close)

    def send(self) -> None:
        """Sends what there is now. Blocks as long as the collector does, up to some seconds."""
        while self._notes:
            self._spans.add(self._notes.popleft())
            self._taken += 1
        self._spans.flush(self._timeout_s)
        if self._lines is not None:
            self._lines.send(self._timeout_s)
        self._exporter.export(self._data(), timeout_millis=self._timeout_s * 1000)

    def _note(self, plugin: str, function: str, seconds: float, outcome: str) -> None:
        self._noted += 1
        self._notes.append((plugin, function, seconds, outcome, time.time_ns(), TRACE.get()))

    async def _keep_sending(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await asyncio.to_thread(self.send)
            except Exception:  # whatever the collector or the library does, the host goes on
                _log.exception("nothing was sent to %s", self._endpoint)

    def _open(self) -> None:
        resources = _library("sdk.resources")
        self._resource = resources.Resource.create({key: value for key, value in self._about.items() if value})
        self._spans = _Spans(self._resource, f"{self._endpoint}/v1/traces", self._timeout_s)
        metrics = _library("exporter.otlp.proto.http.metric_exporter")
        self._exporter = metrics.OTLPMetricExporter(endpoint=f"{self._endpoint}/v1/metrics", timeout=self._timeout_s)
        if self._lines is not None:
            self._lines.open(self._resource, f"{self._endpoint}/v1/logs", self._timeout_s)

    def _close(self) -> None:
        try:
            self.send()
        except Exception:
            _log.exception("the last of it was not sent to %s", self._endpoint)
        self._spans.shut()
        if self._lines is not None:
            self._lines.shut()
        self._exporter.shutdown()

    def _data(self) -> MetricsData:
        export, scope = _library("sdk.metrics.export"), _library("sdk.util.instrumentation")
        metrics = list(_Shapes(export, self._begun_ns, time.time_ns()).all(self._metrics.families()))
        inner = export.ScopeMetrics(scope=scope.InstrumentationScope("omnicore"), metrics=metrics, schema_url="")
        whole = export.ResourceMetrics(resource=self._resource, scope_metrics=[inner], schema_url="")
        data: MetricsData = export.MetricsData(resource_metrics=[whole])
        return data


class _Shapes:
    """The host's metrics in the shapes of OpenTelemetry."""

    def __init__(self, export: Any, begun_ns: int, now_ns: int) -> None:
        self._export = export
        self._begun, self._now = begun_ns, now_ns

    def all(self, families: Iterator[Metric]) -> Iterator[Any]:
        for family in families:
            data = self._histogram(family) if family.type == "histogram" else self._numbers(family)
            if data is not None:
                yield self._export.Metric(name=family.name, description=family.documentation, unit="", data=data)

    def _numbers(self, family: Metric) -> Any:
        points = [
            self._export.NumberDataPoint(
                attributes=dict(sample.labels),
                start_time_unix_nano=self._begun,
                time_unix_nano=self._now,
                value=float(sample.value),
            )
            for sample in family.samples
            if not sample.name.endswith("_created")
        ]
        if not points:
            return None
        if family.type != "counter":
            return self._export.Gauge(data_points=points)
        since = self._export.AggregationTemporality.CUMULATIVE
        return self._export.Sum(data_points=points, aggregation_temporality=since, is_monotonic=True)

    def _histogram(self, family: Metric) -> Any:
        series: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
        for sample in family.samples:
            labels = {key: value for key, value in sample.labels.items() if key != "le"}
            one = series.setdefault(tuple(labels.items()), {"upto": [], "sum": 0.0})
            if sample.name.endswith("_bucket"):
                one["upto"].append((float(sample.labels["le"]), int(sample.value)))
            elif sample.name.endswith("_sum"):
                one["sum"] = float(sample.value)
        if not series:
            return None
        return self._export.Histogram(
            data_points=[self._point(dict(labels), **one) for labels, one in series.items()],
            aggregation_temporality=self._export.AggregationTemporality.CUMULATIVE,
        )

    def _point(self, attributes: dict[str, str], upto: list[tuple[float, int]], sum: float) -> Any:
        counts = [count for _, count in upto]
        return self._export.HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=self._begun,
            time_unix_nano=self._now,
            count=counts[-1],
            sum=sum,
            bucket_counts=[count - before for before, count in zip([0, *counts], counts, strict=False)],
            explicit_bounds=[bound for bound, _ in upto[:-1]],
            min=0.0,
            max=0.0,
        )


def _context(trace: Trace | None) -> Any:
    """The context of spans and records in a trace; an empty one for None."""
    codes = _library("trace")
    if trace is None:
        return codes.set_span_in_context(codes.INVALID_SPAN)
    above = codes.SpanContext(trace.id, trace.parent, True, codes.TraceFlags(1))
    return codes.set_span_in_context(codes.NonRecordingSpan(above))


def _library(name: str) -> Any:
    """A module of the library, imported when it is first needed: that takes 0.3 s and 15 MB."""
    try:
        return importlib.import_module(f"opentelemetry.{name}")
    except ModuleNotFoundError as error:
        raise ToolMissing(
            "OpenTelemetry is not installed", remedy="run `pip install 'omnicore[otel]'`", tool="opentelemetry"
        ) from error
