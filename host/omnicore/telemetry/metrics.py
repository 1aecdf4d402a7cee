"""Metrics in Prometheus' text format. Calls are noted cheaply and counted when somebody looks.

Figures over time: what counters came to in each step, in two resolutions of fixed size.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from omnicore.clock import Clock


BUCKETS_S: tuple[float, ...] = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds of the duration histogram. Units: seconds."""

_LABELS = ("plugin", "function")
_DOOR_LABELS = ("plugin", "door", "verb")
_FOLD_DOOR_AT = 256  # there are many more doors than functions, so each holds back less
_FOLD_AT = 2048  # floats noted before they are counted: 16 KiB at most for each function and outcome


_log = logging.getLogger("omnicore.telemetry")
_T = TypeVar("_T")
_NOTHING: Mapping[tuple[str, ...], float] = {}

ReadCounts = Callable[[], Mapping[tuple[str, ...], float]]
"""Counts by the values of their labels."""

Tap = Callable[[str, str, float, str], None]
"""Told of each call as it ends: the plugin, the function or door, its seconds, its outcome."""


@dataclass(frozen=True, slots=True)
class CallFigures:
    """All plugin calls since the start. `errors` are those that did not end well, whoever is to blame."""

    calls: int
    errors: int
    total_s: float

    @property
    def error_rate(self) -> float:
        """The part of calls that failed, 0 to 1."""
        return self.errors / self.calls if self.calls else 0.0

    @property
    def avg_response_time_s(self) -> float:
        """The mean duration of a call."""
        return self.total_s / self.calls if self.calls else 0.0


class CallRecorder:
    """Counts the calls of one function. `record` from any thread; no note is lost.

    A note is one `deque.append`, which threads may do at once: 0.13 us. Sorting a batch and cutting it at the
    bounds runs in C and adds 0.1 us a call, later.
    """

    __slots__ = ("_buckets", "_counts", "_fold_at", "_lock", "_notes", "_sum_s", "function", "plugin", "tap")

    def __init__(self, plugin: str, function: str, *, tap: Tap | None = None, fold_at: int = _FOLD_AT) -> None:
        self.plugin = plugin
        self.function = function
        self.tap = tap
        self._fold_at = fold_at
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
        if len(notes) > self._fold_at:
            self._fold()
        if self.tap is not None:
            self.tap(self.plugin, self.function, seconds, outcome)

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
        self._doors: dict[tuple[str, str], CallRecorder] = {}
        self._forgotten = CallFigures(0, 0, 0.0)
        self._tap: Tap | None = None
        self.traced = False
        """True while somebody collects traces or logs: requests then get a trace."""
        self._levels_by: dict[str, tuple[str, tuple[str, ...], ReadCounts]] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._counters: dict[str, tuple[str, tuple[str, ...], ReadCounts]] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def recorder(self, plugin: str, function: str) -> CallRecorder:
        """The recorder of a function, always the same one; look it up once and keep it."""
        found = self._recorders.get((plugin, function))
        return found or self._recorders.setdefault((plugin, function), CallRecorder(plugin, function, tap=self._tap))

    def door(self, plugin: str, verb: str) -> CallRecorder:
        """The recorder of what a plugin asks of a door; `verb` is `door.verb`, such as `kv.get`."""
        found = self._doors.get((plugin, verb))
        made = found or CallRecorder(plugin, verb, tap=self._tap, fold_at=_FOLD_DOOR_AT)
        return found or self._doors.setdefault((plugin, verb), made)

    def figures(self) -> CallFigures:
        """All calls of plugins together."""
        calls, errors, total_s = self._forgotten.calls, self._forgotten.errors, self._forgotten.total_s
        for recorder in self.recorders():
            counts, _, sum_s = recorder.totals()
            calls += sum(counts.values())
            errors += sum(count for outcome, count in counts.items() if outcome != "ok")
            total_s += sum_s
        return CallFigures(calls, errors, total_s)

    def durations(self) -> list[int]:
        """All calls of plugins by duration: how many lie below each bound of `BUCKETS_S` and above the one before."""
        found = [0] * (len(BUCKETS_S) + 1)
        for recorder in self.recorders():
            _, cumulative, _ = recorder.totals()
            for place, upto in enumerate(cumulative):
                found[place] += upto - (cumulative[place - 1] if place else 0)
        return found

    def total(self, name: str) -> float:
        """The sum of a counter that was added with `counts`; 0 for one that is not there or cannot be read."""
        added = self._counters.get(f"omnicore_{name}")
        return sum(_read(name, added[2], _NOTHING).values()) if added is not None else 0.0

    def tap(self, tap: Tap | None) -> None:
        """Sets who is told of each call as it ends, on the caller's thread; None for nobody."""
        self._tap = tap
        for recorder in [*self._recorders.values(), *self._doors.values()]:
            recorder.tap = tap

    def recorders(self) -> list[CallRecorder]:
        """The recorder of every function that was called."""
        return list(self._recorders.values())

    def door_recorders(self) -> list[CallRecorder]:
        """The recorder of every verb of a door that a plugin asked."""
        return list(self._doors.values())

    def call(self, plugin: str, function: str, outcome: str, seconds: float) -> None:
        """Notes one call by name. `recorder` once and `record` often is cheaper."""
        self.recorder(plugin, function).record(seconds, outcome)

    def watch_states(self, states: Callable[[], Mapping[str, int]]) -> None:
        """Sets where the number of plugins in each state comes from."""
        self._states = states

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Adds a gauge `omnicore_<name>` whose value is read on every `render`."""
        self._gauges[f"omnicore_{name}"] = (text, read)

    def counts(self, name: str, text: str, labels: tuple[str, ...], read: ReadCounts) -> None:
        """Adds a counter `omnicore_<name>` whose values, by those of its labels, are read on every `render`."""
        self._counters[f"omnicore_{name}"] = (text, labels, read)

    def levels(self, name: str, text: str, labels: tuple[str, ...], read: ReadCounts) -> None:
        """Adds a gauge `omnicore_<name>` whose values, by those of its labels, are read on every `render`."""
        self._levels_by[f"omnicore_{name}"] = (text, labels, read)

    def forget(self, plugin: str) -> None:
        """Drops the series of a plugin that was removed; its calls stay in `figures`."""
        before = self.figures()
        for recorders in (self._recorders, self._doors):
            for key in [key for key in list(recorders) if key[0] == plugin]:
                recorders.pop(key, None)
        self._forgotten = CallFigures(0, 0, 0.0)
        left = self.figures()
        self._forgotten = CallFigures(
            before.calls - left.calls, before.errors - left.errors, before.total_s - left.total_s
        )

    def families(self) -> Iterator[Metric]:
        """Every metric with its samples, those of the process among them."""
        yield from self._registry.collect()

    def render(self) -> bytes:
        """All metrics in the text format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The metrics for the registry, which asks for them on `render`."""
        host = GaugeMetricFamily("omnicore_host_info", "The host; always 1", labels=tuple(self._info))
        host.add_metric(tuple(self._info.values()), 1)
        yield host
        yield from self._calls()
        yield from self._levels()

    def _calls(self) -> Iterator[Metric]:
        recorders = ((recorder, (recorder.plugin, recorder.function)) for recorder in self.recorders())
        yield from _families("call", "Plugin calls", _LABELS, recorders)
        doors = ((recorder, (recorder.plugin, *recorder.function.split(".", 1))) for recorder in self.door_recorders())
        yield from _families("door_call", "What plugins asked of doors", _DOOR_LABELS, doors)

    def _levels(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("omnicore_plugins", "Plugins in each state", labels=("state",))
        for state, count in self._states().items():
            states.add_metric((state,), count)
        yield states
        for name, (text, read) in list(self._gauges.items()):
            value = _read(name, read, None)
            if value is not None:
                yield GaugeMetricFamily(name, text, value=value)
        for kind, readers in ((GaugeMetricFamily, self._levels_by), (CounterMetricFamily, self._counters)):
            for name, (text, labels, read_all) in list(readers.items()):
                family = kind(name, text, labels=labels)
                found: Mapping[tuple[str, ...], float] = _read(name, read_all, _NOTHING)
                for values, number in found.items():
                    family.add_metric(values, number)
                yield family


def _read(name: str, read: Callable[[], _T], else_: _T) -> _T:
    """The value that a part reports; one that fails, as a database that is away does, does not stop the others."""
    try:
        return read()
    except Exception:
        _log.exception("%s could not be read", name)
        return else_


def _families(
    name: str, text: str, labels: tuple[str, ...], recorders: Iterable[tuple[CallRecorder, tuple[str, ...]]]
) -> Iterator[Metric]:
    """Counts by outcome and durations of some recorders, each with the values of its labels."""
    calls = CounterMetricFamily(f"omnicore_{name}s", text, labels=(*labels, "outcome"))
    took = HistogramMetricFamily(f"omnicore_{name}_duration_seconds", f"{text}: how long they took", labels=labels)
    bounds = [*(repr(bound) for bound in BUCKETS_S), "+Inf"]
    for recorder, values in recorders:
        counts, cumulative, sum_s = recorder.totals()
        for outcome, count in counts.items():
            calls.add_metric((*values, outcome), count)
        took.add_metric(values, list(zip(bounds, cumulative, strict=True)), sum_s)
    yield calls
    yield took


@dataclass(frozen=True, slots=True)
class Resolution:
    """The step and number of steps in which figures are kept. Units: seconds; `steps` a count."""

    step_s: float
    steps: int

    @property
    def span_s(self) -> float:
        """The time that it covers."""
        return self.step_s * self.steps


FINE = Resolution(10.0, 360)
COARSE = Resolution(300.0, 288)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters since the host's start. `buckets` are calls by duration, one for each bound and one above all."""

    calls: int = 0
    errors: int = 0
    tasks: int = 0
    http: int = 0
    buckets: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A window of figures, oldest first; None where the host did not run. Units: `start` seconds since the epoch."""

    step_s: float
    start: float
    series: Mapping[str, list[float | None]]


_Step = tuple[int, int, int, int, tuple[int, ...]]
_NAMES = ("calls", "errors", "tasks", "http")


class Series:
    """Asks for the totals in each `tick` and keeps what was added since the one before.

    A plugin that is removed takes its durations along: totals that fall count as nothing added.
    """

    def __init__(
        self, read: Callable[[], Totals], clock: Clock, *, resolutions: Sequence[Resolution] = (FINE, COARSE)
    ) -> None:
        self._read, self._clock = read, clock
        self._rings = [(resolution, _Steps(resolution)) for resolution in resolutions]
        self._last: Totals | None = None
        self._lock = threading.Lock()

    def tick(self) -> None:
        """Takes in what happened since the tick before; the first one only begins."""
        totals = self._read()
        with self._lock:
            last, self._last = self._last, totals
            added = _added(last, totals) if last is not None else _added(totals, totals)
            now = self._clock.now()
            for _, steps in self._rings:
                steps.add(now, added)

    def show(self, span_s: float) -> Shown:
        """The last so many seconds, from the finest resolution that reaches back so far."""
        resolution, steps = next((one for one in self._rings if one[0].span_s >= span_s), self._rings[-1])
        count = min(max(1, round(span_s / resolution.step_s)), resolution.steps)
        with self._lock:
            start, found = steps.last(self._clock.now(), count)
        series: dict[str, list[float | None]] = {
            name: [None if step is None else _figure(step, place) for step in found]
            for place, name in enumerate(_NAMES)
        }
        series["call_ms_p95"] = [None if step is None else percentile_ms(step[4], 0.95) for step in found]
        return Shown(resolution.step_s, start, series)


class _Steps:
    """The resolution itself: each place holds the number of its step, so that old rounds are told from new ones."""

    def __init__(self, resolution: Resolution) -> None:
        self._ring = resolution
        self._steps: list[tuple[int, _Step] | None] = [None] * resolution.steps

    def add(self, now: float, added: _Step) -> None:
        number = int(now // self._ring.step_s)
        place = number % self._ring.steps
        held = self._steps[place]
        self._steps[place] = (number, _sum(held[1], added) if held is not None and held[0] == number else added)

    def last(self, now: float, count: int) -> tuple[float, list[_Step | None]]:
        newest = int(now // self._ring.step_s)
        first = newest - count + 1
        found: list[_Step | None] = []
        for number in range(first, newest + 1):
            held = self._steps[number % self._ring.steps]
            found.append(held[1] if held is not None and held[0] == number else None)
        return first * self._ring.step_s, found


def percentile_ms(buckets: Sequence[int], part: float) -> float | None:
    """The duration that this part of the calls kept below, read off evenly within its bucket; None without calls.

    >>> percentile_ms([0] * 6 + [10] + [0] * 14, 0.5)
    0.75
    """
    total = sum(buckets)
    if not total:
        return None
    wanted = part * total
    below = 0
    for place, upto in enumerate(accumulate(buckets)):
        if upto >= wanted and upto > below:
            low = BUCKETS_S[place - 1] if place else 0.0
            high = BUCKETS_S[place] if place < len(BUCKETS_S) else low  # above all bounds there is no end
            return round((low + (high - low) * (wanted - below) / (upto - below)) * 1000, 6)
        below = upto
    return None


def _added(last: Totals, now: Totals) -> _Step:
    before = (*last.buckets, *([0] * (len(now.buckets) - len(last.buckets))))
    buckets = tuple(max(0, new - old) for new, old in zip(now.buckets, before, strict=False))
    calls, errors, tasks, http = (max(0, getattr(now, name) - getattr(last, name)) for name in _NAMES)
    return calls, errors, tasks, http, buckets


def _sum(one: _Step, other: _Step) -> _Step:
    buckets = tuple(map(sum, zip(one[4], other[4], strict=True))) if one[4] and other[4] else one[4] or other[4]
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], buckets


def _figure(step: _Step, place: int) -> float:
    figure = step[place]
    return float(figure) if isinstance(figure, int) else 0.0
