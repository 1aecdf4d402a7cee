"""The parts that people look after a host with: settings of a host that code makes, and ticks that go on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.api.conftest import until

from omnicore.adapters.settings import host_settings, settings_for
from omnicore.clock import ManualClock
from omnicore.config.settings import Settings
from omnicore.diagnostics import Sampler
from omnicore.telemetry.metrics import Series, Totals


def test_a_host_keeps_the_origins_it_was_started_with(tmp_path: Path) -> None:
    file = tmp_path / "omnicore.toml"
    file.write_text("threads = 3\nmax_warm = 2\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "overrides.json").write_text(json.dumps({"max_warm": 1, "log_lines": 5}))
    started = host_settings(file, {"OMNICORE_DATA": str(data)}, {})
    found = settings_for(started, {}, {"watch": False})
    told = {name: str(found.origins[name]) for name in ("threads", "max_warm", "log_lines", "watch", "data")}
    assert told == {
        "threads": f"{file}:1",
        "max_warm": "console",
        "log_lines": "console",
        "watch": "override watch",
        "data": "OMNICORE_DATA",
    }
    assert (found.settings.max_warm, found.settings.log_lines, found.settings.watch) == (1, 5, False)
    by_code = settings_for(Settings(data=data, max_warm=4), {}, {})
    assert (by_code.settings.max_warm, by_code.settings.log_lines) == (4, 5)


def test_a_step_that_fails_does_not_end_the_ticking() -> None:
    calls: list[int] = []

    def failing() -> None:
        calls.append(1)
        raise OSError("the database is away")

    async def run() -> None:
        ticker = Sampler(Series(Totals, ManualClock()), (failing,), every_s=0.001)
        await ticker.start()
        await asyncio.to_thread(until, lambda: len(calls) > 2)
        await ticker.stop()
        await ticker.stop()

    asyncio.run(run())
