"""Vectors in a whole host: its health says when an index fails, and that it recovered; a removed plugin leaves none."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.vectors.conftest import filled, ids, nearest

from omnicore.assembly import Host
from omnicore.config.settings import Settings, VectorSettings
from omnicore.resilience.status import HealthStatus
from omnicore.vectors.ann import Graph, GraphFailed

pytest.importorskip("hnswlib")

SETTINGS = VectorSettings(exact_up_to=50, m=8, ef=60, snapshot_s=1000.0)
ECHO = '(module (func (export "run") (result i32) (i32.const 0)))'


def host(tmp_path: Path, **given: Any) -> Host:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    plugins.joinpath("p.wat").write_text(ECHO)
    return Host(settings=Settings(plugins=plugins, data=tmp_path / "data", vectors=SETTINGS, watch=False, **given))


def test_health_tells_of_a_failed_index_and_searches_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Graph, *given: Any) -> Any:
        raise GraphFailed("broken on purpose")

    async def run() -> None:
        async with host(tmp_path) as opened, asyncio.timeout(60):
            rows = filled(opened.vectors)
            with opened.bus.subscribe("vectors.*") as events, monkeypatch.context() as patch:
                opened.vectors.search("p", "docs", rows[0])
                assert (await anext(events)).topic == "vectors.indexed"
                patch.setattr(Graph, "search", broken)
                patch.setattr(Graph, "add", broken)
                found = opened.vectors.search("p", "docs", rows[7], 5)
                assert (ids(found), found[1]) == (nearest(rows, rows[7], 5), True)
                assert (await anext(events)).data["reason"] == "broken on purpose"
                for _ in range(opened.settings.health.degraded_after):
                    await opened.health.check()
                part = opened.health.subsystem("vectors")
                assert (part.status, "broken on purpose" in part.reason) == (HealthStatus.Degraded, True)
                patch.undo()
                while (await anext(events)).topic != "vectors.recovered":
                    pass
                assert opened.vectors.health().ok
                assert opened.vectors.search("p", "docs", rows[7], 5)[1] is False
            assert b"omnicore_vector_indexes 1.0" in opened.metrics.render()

    asyncio.run(run())


def test_a_removed_plugin_takes_its_vectors_along(tmp_path: Path) -> None:
    with host(tmp_path) as opened:
        filled(opened.vectors, 10)
        opened.plugins.remove("p")
        assert opened.vectors.collections("p") == []
