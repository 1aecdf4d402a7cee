"""Hogs: what a run of one expression takes while fifty other runs use all they may, on the same host.

A run is begun, evaluates one expression of jq and gives its output; the time is that of all of it. NORMAL is SQLite's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_most
from tests.bench.workflow_hosts import opened

from omnicore import Host

__all__ = ["hogs"]

_HOGS, _ASKED = 50, 200
_WARM_S = 3.0
_HEAD = "document: {dsl: 1.0.3, namespace: default, name: %s, version: 1.0.0}\ndo:\n"
_ASKS = _HEAD % "asks" + "- a: {set: {n: '${ [range(100)] | add }'}}\n"
_CAUGHT = "- again: {try: [{burn: {set: {n: '${ %s }'}}}], catch: {do: [{back: {set: {back: 1}}}]}, then: again}\n"
_KINDS = {
    "nothing else": "",
    f"{_HOGS} runs of expressions without an end": _CAUGHT % "last(range(1e12))",
    f"{_HOGS} runs of expressions of 25 ms": _CAUGHT % "last(range(60000))",
    f"{_HOGS} runs of tasks without an end": "- again: {set: {n: '${ (.n // 0) + 1 }'}, then: again}\n",
}


def hogs(effort: Effort) -> Iterator[Row]:
    """Median and 99th percentile beside each kind of hog."""
    for kind, tasks in _KINDS.items():
        with TemporaryDirectory(prefix="omnicore-bench-") as name:
            times = sorted(asyncio.run(_beside(tasks, effort, Path(name))))
        for part, share in (("p50", 0.5), ("p99", 0.99)):
            value = times[min(len(times) - 1, round(share * len(times)))] * 1e3
            target = at_most(100.0) if tasks and part == "p99" else None
            yield Row(f"a run of one expression, {part}, beside {kind}", Figure(value, value), None, "ms", target)


async def _beside(tasks: str, effort: Effort, folder: Path) -> list[float]:
    asked = max(10, round(_ASKED * effort.scale))
    async with opened(folder, {"synchronous": "normal"}) as host:
        await host.workflows.apply(_ASKS)
        await host.workflows.run("asks")
        runs = await _begun(host, tasks, max(2, round(_HOGS * effort.scale))) if tasks else []
        times = []
        for _ in range(asked):
            began = time.perf_counter()
            await host.workflows.run("asks")
            times.append(time.perf_counter() - began)
        for run in runs:
            await host.workflows.cancel(run)
        return times


async def _begun(host: Host, tasks: str, count: int) -> list[str]:
    await host.workflows.apply(_HEAD % "hog" + tasks)
    runs = [(await host.workflows.start("hog")).id for _ in range(count)]
    await asyncio.sleep(_WARM_S)
    return runs
