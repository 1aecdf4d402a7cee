"""Recall in a whole host while its index fails: it compares all, health names the reason, and it recovers by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnicore.assembly import Host
from omnicore.config.settings import MemorySettings, Settings
from omnicore.memory import cache
from omnicore.memory.partition import Partition
from omnicore.resilience.status import HealthStatus

SETTINGS = MemorySettings(embedder="none", exact_upto=100)
COUNT, WIDE = 300, 8


def direction(number: int) -> list[float]:
    found: list[float] = np.random.default_rng(number).normal(size=WIDE).tolist()
    return found


async def test_recall_compares_all_while_the_index_fails_and_health_says_so_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> Any:
        raise MemoryError("broken on purpose")

    async def nearest() -> str:
        found = await host.memory.recall(embedding=direction(77), tiers=["semantic"], limit=1)
        return found.items[0].text

    async def indexed() -> None:
        async with asyncio.timeout(60):
            while True:
                assert await nearest() == "memory 77"
                with host.memory.memories.indexes.of("@host") as columns:
                    if columns is not None and columns.near["given"].ready:
                        return

    monkeypatch.setattr(cache, "_AGAIN_S", 0.0)  # else it waits a minute before it tries again
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, memory=SETTINGS)
    async with Host(settings=settings) as host:
        for number in range(COUNT):
            host.memory.memories.store(f"memory {number}", "semantic", embedding=direction(number))
        await indexed()
        with monkeypatch.context() as patch:
            patch.setattr(Partition, "near", broken)
            patch.setattr(cache, "centres_of", broken)
            assert await nearest() == "memory 77"
            report = await host.health.check()
            assert (report.overall, report.subsystems["memory"]) == (HealthStatus.Degraded, HealthStatus.Degraded)
            assert "the vector index fails: broken on purpose" in report.reasons["memory"]
        await indexed()
        report = await host.health.check()
        assert (report.overall, report.reasons) == (HealthStatus.Healthy, {})
