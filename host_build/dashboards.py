"""Writes Grafana's dashboard and Prometheus' rules from a host's metrics: `python host_build/dashboards.py [--check]`.

A query that names a metric that no host has is an error, and a metric that no panel names gets one of its own in the
last row, so that neither can drift from the code.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from omnicore.assembly import Host

FOLDER = Path(__file__).parents[1] / "host" / "deploy" / "helm" / "monitoring"
DASHBOARD, ALERTS = FOLDER / "dashboard.json", FOLDER / "alerts.yml"
MARK = "Made from the metrics by `python host_build/dashboards.py`; change it there."
_METRIC = re.compile(r"\b((?:omnicore|process)_[a-z0-9_]+)")
_HOST = '{instance=~"$host"}'


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: its queries by their legend, where `@` stands for the hosts chosen and `~` for the rate's window."""

    title: str
    unit: str
    queries: Mapping[str, str]
    about: str = ""
    kind: str = "timeseries"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule. Units: `after` as Prometheus writes durations."""

    name: str
    query: str
    after: str
    severity: str
    summary: str
    remedy: str


def _quantile(part: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({part}, sum by ({labels}) (rate({metric}_bucket@[~])))"


ROWS: Mapping[str, tuple[Panel, ...]] = {
    "All hosts": (
        Panel("Hosts", "none", {"hosts": "count(omnicore_host_info@)"}, kind="stat"),
        Panel("Lowest health", "none", {"health": 'min(omnicore_health{instance=~"$host", part="overall"})'},
              "100 healthy, 50 degraded, 0 unhealthy", "stat"),
        Panel("Calls", "reqps", {"calls": "sum(rate(omnicore_calls_total@[~]))"}, kind="stat"),
        Panel("Failed calls", "percentunit",
              {"failed": '1 - (sum(rate(omnicore_calls_total{instance=~"$host", outcome="ok"}[~])) or vector(0))'
                         " / sum(rate(omnicore_calls_total@[~]))"}, kind="stat"),
        Panel("95 % of calls within", "s", {"p95": _quantile(0.95, "omnicore_call_duration_seconds")}, kind="stat"),
        Panel("Tasks that wait or run", "none", {"tasks": "max(omnicore_tasks_pending@)"}, kind="stat"),
        Panel("Versions", "none", {"{{version}}": "count by (version) (omnicore_host_info@)"}),
        Panel("Health of parts", "none", {"{{instance}} {{part}}": "omnicore_health@ < 100"}, "Only what is not well"),
    ),
    "Calls": (
        Panel("Calls by plugin", "reqps", {"{{plugin}}": "sum by (plugin) (rate(omnicore_calls_total@[~]))"}),
        Panel("Calls by outcome", "reqps", {"{{outcome}}": "sum by (outcome) (rate(omnicore_calls_total@[~]))"}),
        Panel("Duration", "s", {f"{part:.0%}": _quantile(part, "omnicore_call_duration_seconds")
                                for part in (0.5, 0.95, 0.99)}),
        Panel("95 % of calls within, by plugin", "s",
              {"{{plugin}}": _quantile(0.95, "omnicore_call_duration_seconds", "plugin")}),
        Panel("Capabilities used", "reqps",
              {"{{door}}.{{verb}}": "sum by (door, verb) (rate(omnicore_door_calls_total@[~]))"}),
        Panel("95 % of uses within, by capability", "s",
              {"{{door}}": _quantile(0.95, "omnicore_door_call_duration_seconds", "door")}),
        Panel("Running now", "none", {"{{instance}} calls": "omnicore_calls_running@",
                                      "{{instance}} requests": "omnicore_http_requests_running@"}),
        Panel("HTTP requests", "reqps", {"{{instance}}": "rate(omnicore_http_requests_total@[~])"}),
    ),
    "Plugins and sandboxes": (
        Panel("Plugins by state", "none", {"{{instance}} {{state}}": "omnicore_plugins@"}),
        Panel("Sandboxes kept", "none", {"{{instance}}": "omnicore_sandboxes_warm@"}),
        Panel("Memory of sandboxes", "bytes", {"{{instance}} used": "omnicore_sandbox_memory_bytes@",
                                               "{{instance}} most": "omnicore_sandbox_memory_most_bytes@",
                                               "{{instance}} kept": "omnicore_sandboxes_warm_bytes@"}),
        Panel("Calls that wait for memory, or got none", "none",
              {"{{instance}} wait": "omnicore_sandbox_memory_waiting@",
               "{{instance}} refused a second": "rate(omnicore_sandbox_memory_refused_total@[~])"}),
    ),
    "Durable work": (
        Panel("Tasks", "none", {"{{instance}} wait or run": "omnicore_tasks_pending@",
                                "{{instance}} run here": "omnicore_tasks_running@"}),
        Panel("Tasks that ended", "none", {"{{instance}} well": "delta(omnicore_tasks_finished@[~])",
                                           "{{instance}} failed": "delta(omnicore_tasks_failed@[~])"}),
        Panel("Runs of workflows that ended", "none",
              {"{{status}}": "sum by (status) (rate(omnicore_workflow_runs_total@[~]))"}),
        Panel("Runs in memory, actions under way", "none", {"{{instance}} runs": "omnicore_workflow_runs_live@",
                                                            "{{instance}} actions": "omnicore_workflow_actions@"}),
        Panel("Lag of workflows", "s", {"{{instance}}": "omnicore_workflow_lag_seconds@"}),
        Panel("Steps written", "none", {"{{instance}}": "rate(omnicore_workflow_steps_total@[~])"}),
    ),
    "Events and services": (
        Panel("Events", "none", {"{{instance}}": "rate(omnicore_events_total@[~])"}),
        Panel("Events lost", "none", {"{{instance}} {{reader}}": "rate(omnicore_events_dropped_total@[~])"}),
        Panel("Connectors", "reqps",
              {"{{connector}} {{outcome}}": "sum by (connector, outcome) (rate(omnicore_connector_calls_total@[~]))"}),
        Panel("Brokers", "none",
              {"{{broker}} {{way}}": "sum by (broker, way) (rate(omnicore_broker_messages_total@[~]))"}),
    ),
    "Processes": (
        Panel("Processors", "none", {"{{instance}}": "rate(process_cpu_seconds_total@[~])"}),
        Panel("Memory", "bytes", {"{{instance}}": "process_resident_memory_bytes@"}),
        Panel("Open files", "none", {"{{instance}}": "process_open_fds@"}),
        Panel("Database", "bytes", {"{{instance}}": "omnicore_database_bytes@"}),
    ),
}  # fmt: skip

RULES: tuple[Alert, ...] = (
    Alert("OmniCoreNoHost", "absent(omnicore_host_info)", "1m", "critical",
          "No host of OmniCore answers Prometheus", "look at the service, and at the token that Prometheus sends"),
    Alert("OmniCoreUnhealthy", 'omnicore_health{part="overall"} == 0', "1m", "critical",
          "{{ $labels.instance }} is unhealthy and gets no new work",
          "`omnicore health` on it names the part and the reason"),
    Alert("OmniCoreDegraded", "omnicore_health == 50", "10m", "warning",
          "{{ $labels.part }} of {{ $labels.instance }} is degraded", "`omnicore health` tells the reason"),
    Alert("OmniCoreRestarts", "changes(process_start_time_seconds[15m]) > 2 and on (instance) omnicore_host_info", "0m",
          "critical", "{{ $labels.instance }} started more than twice in 15 minutes",
          "read its log; a container may be over its memory"),
    Alert("OmniCoreCallsFail",
          'sum by (plugin) (rate(omnicore_calls_total{outcome!="ok"}[5m]))'
          " / sum by (plugin) (rate(omnicore_calls_total[5m])) > 0.05",
          "10m", "warning", "{{ $value | humanizePercentage }} of the calls of {{ $labels.plugin }} fail",
          "`omnicore plugins logs {{ $labels.plugin }}`; `omnicore plugins rollback` takes the version before"),
    Alert("OmniCoreCallsSlow",
          "histogram_quantile(0.95, sum by (le, plugin) (rate(omnicore_call_duration_seconds_bucket[5m]))) > 1",
          "10m", "warning", "5 % of the calls of {{ $labels.plugin }} take longer than {{ $value | humanizeDuration }}",
          "look at the panel of capabilities: what it waits for"),
    Alert("OmniCorePluginsRefused", 'sum by (instance, state) (omnicore_plugins{state=~"quarantined|rejected"}) > 0',
          "5m", "warning", "{{ $value }} plugins of {{ $labels.instance }} are {{ $labels.state }}",
          "`omnicore plugins ls` tells which and why"),
    Alert("OmniCoreTasksPileUp", "max(omnicore_tasks_pending) > 1000 and max(deriv(omnicore_tasks_pending[15m])) > 0",
          "15m", "warning", "{{ $value }} tasks wait and they grow", "add hosts, or raise tasks.workers"),
    Alert("OmniCoreTasksFail", "delta(omnicore_tasks_failed[15m]) > 10", "0m", "warning",
          "{{ $value | humanize }} tasks failed for good on {{ $labels.instance }} in 15 minutes",
          "`omnicore tasks ls --state failed` tells why; `omnicore tasks retry` repeats them"),
    Alert("OmniCoreWorkflowsLate", "omnicore_workflow_lag_seconds > 5", "5m", "warning",
          "Runs wait {{ $value | humanizeDuration }} for {{ $labels.instance }}",
          "add hosts, or raise workflows.workers"),
    Alert("OmniCoreRunsFault", 'increase(omnicore_workflow_runs_total{status="faulted"}[15m]) > 10', "0m", "warning",
          "{{ $value | humanize }} runs faulted on {{ $labels.instance }} in 15 minutes",
          "`omnicore workflows runs --status faulted` tells why"),
    Alert("OmniCoreSandboxMemory", "omnicore_sandbox_memory_waiting > 0", "5m", "warning",
          "Calls of {{ $labels.instance }} wait for memory", "raise sandbox_memory_bytes, or add hosts"),
    Alert("OmniCoreEventsLost", "increase(omnicore_events_dropped_total[15m]) > 0", "0m", "warning",
          "{{ $labels.instance }} lost events: {{ $labels.reader }} reads too slowly",
          "look at what subscribes; the log of events has what plugins missed"),
    Alert("OmniCoreOpenFiles", "process_open_fds / process_max_fds > 0.8 and on (instance) omnicore_host_info", "5m",
          "warning", "{{ $labels.instance }} has {{ $value | humanizePercentage }} of its files open",
          "raise LimitNOFILE of the service"),
    Alert("OmniCoreVersionsDiffer", "count(count by (version) (omnicore_host_info)) > 1", "1h", "info",
          "Hosts run different versions for an hour", "finish the upgrade, or take it back"),
)  # fmt: skip


def families() -> Mapping[str, tuple[str, str]]:
    """Kind and words of every metric of a host that serves, by the names that queries use."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Host(Path(folder) / "p", data=Path(folder) / "d", watch=False) as host,
    ):
        host.asgi()
        found = {one.name: (one.type, one.documentation) for one in host.metrics.families()}
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {f"{name}{end}": about for name, about in found.items() for end in endings.get(about[0], ("",))}


def checked(known: Mapping[str, Any]) -> set[str]:
    """The metrics that panels name. Raises: ValueError: no host has one of these, or of those that alerts name."""
    shown = [query for row in ROWS.values() for panel in row for query in panel.queries.values()]
    named = {name for query in shown for name in _METRIC.findall(query)}
    asked = named | {name for alert in RULES for name in _METRIC.findall(alert.query)}
    if unknown := sorted(asked - known.keys()):
        raise ValueError(f"no host has the metrics {', '.join(unknown)}")
    return named


def rest(known: Mapping[str, tuple[str, str]], named: set[str]) -> tuple[Panel, ...]:
    """A panel for each metric that no query names."""
    left = {name: about for name, about in known.items() if name not in named and about[0] in ("counter", "gauge")}
    return tuple(
        Panel(name, "none", {"__auto": f"rate({name}@[~])" if kind == "counter" else f"{name}@"}, words)
        for name, (kind, words) in sorted(left.items())
    )


def dashboard(rows: Mapping[str, tuple[Panel, ...]]) -> dict[str, Any]:
    """Grafana's document."""
    panels: list[dict[str, Any]] = []
    line = 0
    for title, row in rows.items():
        place = {"x": 0, "y": line, "w": 24, "h": 1}
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []})
        line, left = line + 1, 0
        for panel in row:
            width, height = (4, 4) if panel.kind == "stat" else (12, 8)
            if left + width > 24 or (left and height != panels[-1]["gridPos"]["h"]):
                line, left = line + panels[-1]["gridPos"]["h"], 0
            panels.append(_panel(panel, {"x": left, "y": line, "w": width, "h": height}))
            left += width
        line += panels[-1]["gridPos"]["h"]
    for number, one in enumerate(panels, 1):
        one["id"] = number
    return {
        **{"uid": "omnicore", "title": "OmniCore", "tags": ["omnicore"], "description": MARK, "editable": True},
        **{"schemaVersion": 39, "version": 1, "refresh": "15s", "time": {"from": "now-1h", "to": "now"}},
        "templating": {"list": _variables()},
        "panels": panels,
    }


def _variables() -> list[dict[str, Any]]:
    hosts = "label_values(omnicore_host_info, instance)"
    source = {"type": "prometheus", "uid": "${source}"}
    return [
        {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {"name": "host", "label": "Host", "type": "query", "datasource": source, "query": hosts, "refresh": 2}
        | {"includeAll": True, "allValue": ".*", "multi": True, "current": {"text": "All", "value": "$__all"}},
    ]


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(ord("A") + number), "datasource": source, "legendFormat": legend, "expr": written(query)}
        for number, (legend, query) in enumerate(panel.queries.items())
    ]
    made: dict[str, Any] = {"type": panel.kind, "title": panel.title, "gridPos": place, "datasource": source}
    if panel.about:
        made["description"] = panel.about
    return made | {"targets": targets, "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []}}


def written(query: str) -> str:
    """A panel's query as Grafana takes it."""
    return query.replace("@", _HOST).replace("[~]", "[$__rate_interval]")


def alerts() -> dict[str, Any]:
    """Prometheus' document of rules."""
    rules = [
        {
            **{"alert": one.name, "expr": one.query, "for": one.after, "labels": {"severity": one.severity}},
            "annotations": {"summary": one.summary, "remedy": one.remedy},
        }
        for one in RULES
    ]
    return {"groups": [{"name": "omnicore", "rules": rules}]}


def made() -> dict[Path, str]:
    """Both files with their text. Raises: ValueError: a query names a metric that no host has."""
    known = families()
    rows = {**ROWS, "Everything else": rest(known, checked(known))}
    return {
        DASHBOARD: json.dumps(dashboard(rows), indent=1) + "\n",
        ALERTS: f"# {MARK}\n" + yaml.safe_dump(alerts(), sort_keys=False, width=120),
    }


def main() -> int:
    """Writes the files, or with --check only compares. Returns: the exit code."""
    old = [path for path, text in made().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in old:
            sys.stderr.write(f"{path} is not up to date: run python host_build/dashboards.py\n")
        return 1 if old else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in made().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
