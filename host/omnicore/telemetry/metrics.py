"""Metrics in Prometheus' text format. Calls are noted cheaply and counted when somebody looks."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

__all__ = ["BUCKETS_S", "CallRecorder", "Metrics"]

BUCKETS_S: tuple[float, ...] = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds of the duration histogram. Units: seconds."""

_LABELS = ("plugin", "function")
_FOLD_AT = 2048  # floats noted before they are counted: 16 KiB at most for each function and outcome


class CallRecorder:
    """Counts the calls of one function. `record` from any thread; no note is lost.

    A note is one `deque.append`, which threads may do at once: 0.13 us. Sorting a batch and cutting it at the
    bounds runs in C and adds 0.1 us a call, later.
    """

    __slots__ = ("_buckets", "_counts", "_lock", "_notes", "_sum_s", "function", "plugin")

    def __init__(self, plugin: str, function: str) -> None:
        self.plugin = plugin
        self.function = function
        self._notes: dict[str, deque[float]] = {"ok": deque()}
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._sum_s = 0.0

    def record(self, seconds: float, outcome: str = "ok") -> None:
        """Notes one call. `outcome` is "ok" or the `code` of an error."""
        try:
            notes = self._notes[outcome]
        except KeyError:
            notes = self._notes.setdefault(outcome, deque())
        notes.append(seconds)
        if len(notes) > _FOLD_AT:
            self._fold()

    def totals(self) -> tuple[dict[str, int], list[int], float]:
        """Calls by outcome, cumulative counts for each bound and +Inf, and the sum of seconds."""
        self._fold()
        with self._lock:
            return dict(self._counts), list(accumulate(self._buckets)), self._sum_s

    def _fold(self) -> None:
        with self._lock:
            for outcome, notes in list(self._notes.items()):
                batch = sorted([notes.popleft() for _ in range(len(notes))])
                self._counts[outcome] = self._counts.get(outcome, 0) + len(batch)
                self._sum_s += sum(batch)
                self._spread(batch)

    def _spread(self, batch: list[float]) -> None:
        below = 0
        for place, bound in enumerate(BUCKETS_S):
            upto = bisect_right(batch, bound, below)
            self._buckets[place] += upto - below
            below = upto
        self._buckets[-1] += len(batch) - below


class Metrics(Collector):
    """The host's metrics, in a registry of their own.

    Args:
        info: labels of `omnicore_host_info`, such as version and engine.
        states: returns the number of plugins in each state; asked on every `render`.
    """

    def __init__(
        self,
        *,
        info: Mapping[str, str] | None = None,
        states: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._info = dict(info or {})
        self._states = states
        self._recorders: dict[tuple[str, str], CallRecorder] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def recorder(self, plugin: str, function: str) -> CallRecorder:
        """The recorder of a function, always the same one; look it up once and keep it."""
        found = self._recorders.get((plugin, function))
        return found or self._recorders.setdefault((plugin, function), CallRecorder(plugin, function))

    def call(self, plugin: str, function: str, outcome: str, seconds: float) -> None:
        """Notes one call by name. `recorder` once and `record` often is cheaper."""
        self.recorder(plugin, function).record(seconds, outcome)

    def watch_states(self, states: Callable[[], Mapping[str, int]]) -> None:
        """Sets where the number of plugins in each state comes from."""
        self._states = states

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Adds a gauge `omnicore_<name>` whose value is read on every `render`."""
        self._gauges[f"omnicore_{name}"] = (text, read)

    def forget(self, plugin: str) -> None:
        """Drops the series of a plugin that was removed."""
        for key in [key for key in list(self._recorders) if key[0] == plugin]:
            self._recorders.pop(key, None)

    def render(self) -> bytes:
        """All metrics in the text format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What the registry asks for on `render`."""
        host = GaugeMetricFamily("omnicore_host_info", "The host; always 1", labels=tuple(self._info))
        host.add_metric(tuple(self._info.values()), 1)
        yield host
        yield from self._calls()
        yield from self._levels()

    def _calls(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("omnicore_calls", "Plugin calls", labels=(*_LABELS, "outcome"))
        took = HistogramMetricFamily("omnicore_call_duration_seconds", "How long plugin calls took", labels=_LABELS)
        for recorder in list(self._recorders.values()):
            counts, cumulative, sum_s = recorder.totals()
            labels = (recorder.plugin, recorder.function)
            for outcome, count in counts.items():
                calls.add_metric((*labels, outcome), count)
            bounds = [*(repr(bound) for bound in BUCKETS_S), "+Inf"]
            took.add_metric(labels, list(zip(bounds, cumulative, strict=True)), sum_s)
        yield calls
        yield took

    def _levels(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("omnicore_plugins", "Plugins in each state", labels=("state",))
        for state, count in self._states().items():
            states.add_metric((state,), count)
        yield states
        for name, (text, read) in list(self._gauges.items()):
            yield GaugeMetricFamily(name, text, value=read())
