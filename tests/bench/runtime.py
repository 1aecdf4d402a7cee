"""The runtime's own figures beside what the omega-runtime text claims: `python -m tests.bench.runtime`.

| what | the text | here |
|---|---|---|
| API call overhead | < 1 ms | a call into a warm plugin from Python, all that the host adds |
| event propagation | < 1 ms | from `publish` to the subscriber that waited for it, on an idle loop |
| state transition | < 100 us | a part's health changing, its event published |
| health check | < 10 ms a part | one round over a part, divided by the parts |
| memory | ~10 MB | a host with all services, nothing called yet |
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.plugins.guests import ECHO

from omnicore.assembly import Host
from omnicore.config.settings import HealthSettings, Settings
from omnicore.events.bus import EventBus
from omnicore.resilience.health import HealthMonitor, HealthStatus

__all__ = ["Row", "main", "rows"]

_QUIET = HealthSettings(interval_s=3600.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Units: seconds, or bytes for memory."""

    what: str
    claim: str
    bar: float
    p50: float
    p99: float

    @property
    def held(self) -> bool:
        """Whether the median is under the bar that this project set itself."""
        return self.p50 < self.bar


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    for _ in range(max(10, rounds // 10)):
        work()
    found = []
    for _ in range(rounds):
        begun = perf_counter()
        work()
        found.append(perf_counter() - begun)
    return sorted(found)


def _row(what: str, claim: str, bar: float, times: list[float], share: int = 1) -> Row:
    return Row(what, claim, bar, median(times) / share, times[int(len(times) * 0.99)] / share)


async def _event(rounds: int) -> list[float]:
    bus = EventBus()
    found = []
    with bus.subscribe("health.changed") as events:
        for number in range(rounds + 100):
            waiting = asyncio.ensure_future(anext(events))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            begun = perf_counter()
            bus.publish("health.changed", {"component": "loops", "old": "Healthy", "new": "Degraded", "n": number})
            await waiting
            found.append(perf_counter() - begun)
    return sorted(found[100:])


async def _calls(folder: Path, rounds: int) -> tuple[list[float], list[float], int]:
    """Durations of calls and of health rounds in a whole host, and its number of parts."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "echo.wat").write_text(ECHO)
    settings = replace(Settings(), plugins=folder / "plugins", data=folder / "data", watch=False, health=_QUIET)
    async with Host(settings=settings) as host:
        await host.call("echo.echo", b"x")
        calls, checks = [], []
        for _ in range(rounds):
            begun = perf_counter()
            await host.call("echo.echo", b"x")
            calls.append(perf_counter() - begun)
        for _ in range(max(20, rounds // 50)):
            begun = perf_counter()
            await host.health.check()
            checks.append(perf_counter() - begun)
        return sorted(calls), sorted(checks), len(host.health)


def _changes(rounds: int, *, told: bool) -> list[float]:
    bus = EventBus()
    monitor = HealthMonitor(
        changed=(lambda change: bus.publish("health.changed", {"new": change.new})) if told else None
    )
    monitor.register("loops")
    states = iter([HealthStatus.Degraded, HealthStatus.Healthy] * rounds)
    return _timed(lambda: monitor.set_health("loops", next(states)), rounds)


def _fan_out(rounds: int, subscribers: int) -> list[float]:
    bus = EventBus()
    for number in range(subscribers):
        bus.subscribe(f"topic{number}.*", queue=1)
    return _timed(lambda: bus.publish("topic7.x", {"n": 1}), rounds)


_MEMORY = """
import asyncio, tempfile
from pathlib import Path
from omnicore.assembly import Host

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

async def main():
    with tempfile.TemporaryDirectory() as folder:
        async with Host(plugins=folder, data=folder + "/data", watch=False):
            await asyncio.sleep(0.2)
            print(rss())

asyncio.run(main())
"""


def _memory(code: str = _MEMORY) -> int:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    return int(ran.stdout)


def rows(rounds: int = 5000) -> list[Row]:
    """Measures everything, in some seconds."""
    with tempfile.TemporaryDirectory() as folder:
        calls, checks, parts = asyncio.run(_calls(Path(folder), rounds))
    base = _memory()
    bare = _memory("from pathlib import Path\nprint(int(Path('/proc/self/statm').read_text().split()[1]) * 4096)")
    return [
        _row("API call (warm plugin, in process)", "< 1 ms", 100e-6, calls),
        _row("event, publish to waiting subscriber", "< 1 ms", 50e-6, asyncio.run(_event(rounds))),
        _row("event past 1,000 subscribers of other topics", "", 50e-6, _fan_out(rounds, 1000)),
        _row("state change", "< 100 us", 10e-6, _changes(rounds, told=False)),
        _row("state change with its events", "< 100 us", 50e-6, _changes(rounds, told=True)),
        _row(f"health check, each of {parts} parts", "< 10 ms", 1e-3, checks, share=parts),
        Row("memory of a host (bare Python: " + _size(bare) + ")", "~10 MB", 128e6, base, base),
    ]


def _size(number: float) -> str:
    return f"{number / 1e6:.1f} MB"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us"


def main() -> int:
    """Prints the table. Returns: 1 when a bar is not held."""
    found = rows()
    print(f"{'what':<48} {'the text':>9} {'our bar':>10} {'p50':>10} {'p99':>10}")
    for row in found:
        show = _size if "memory" in row.what else _time
        held = "" if row.held else "  over the bar"
        print(f"{row.what:<48} {row.claim:>9} {show(row.bar):>10} {show(row.p50):>10} {show(row.p99):>10}{held}")
    return 0 if all(row.held for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
