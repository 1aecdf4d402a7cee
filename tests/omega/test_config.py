"""`OmegaConfig`: every field is checked, and reaches the part that it is meant for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from omega_runtime import AgentDBConfig, LoopsConfig, MemoryConfig, MetaSONAConfig, OmegaConfig, OmegaRuntime
from omnicore.errors import InvalidSetting, OmniError
from omnicore.omega.runtime import settings_for


def test_the_usual_values_are_those_of_the_documentation() -> None:
    config = OmegaConfig.default()
    assert config.memory == MemoryConfig(True, 3600, 10_000)
    assert config.agentdb == AgentDBConfig(768, 32, 100, 100_000)
    assert config.meta_sona == MetaSONAConfig(False, 100, 0)
    assert (config.loops.enable_all_loops, config.loops.reflexive_interval_ms) == (False, 100)
    assert (config.loops.reactive_interval_ms, config.loops.adaptive_interval_ms) == (5_000, 1_800_000)
    config.check()


def test_every_field_reaches_the_settings_of_the_host() -> None:
    config = OmegaConfig(
        memory=MemoryConfig(False, 60, 5),
        loops=LoopsConfig(True, 20, 30, 40, 50, 60, 70, 80),
        agentdb=AgentDBConfig(16, 8, 9, 10),
        plugins="here",
    )
    settings = settings_for(config, Path("/data"))
    memory, vectors, loops = settings.memory, settings.vectors, settings.loops
    assert (memory.auto_consolidation, memory.consolidate_every_s, memory.max_per_tier) == (False, 60.0, 5)
    assert (memory.dimensions, memory.in_ram) == (16, 10)
    assert (vectors.dimensions, vectors.m, vectors.ef, vectors.cache_size) == (16, 8, 9, 10)
    lanes = (loops.reflexive, loops.reactive, loops.adaptive, loops.deliberative)
    slow = (loops.evolutionary, loops.transformative, loops.transcendent)
    assert [lane.interval_s for lane in (*lanes, *slow)] == [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]
    assert (loops.all, settings.plugins, settings.data) == (True, Path("here"), Path("/data"))


def test_the_usual_intervals_are_those_of_the_lanes() -> None:
    assert settings_for(OmegaConfig(), Path("/d")).loops == type(settings_for(OmegaConfig(), Path("/d")).loops)()


_WRONG: list[tuple[str, Any]] = [
    (f"{section}.{spec.name}", value)
    for section, kind in {
        "memory": MemoryConfig,
        "loops": LoopsConfig,
        "agentdb": AgentDBConfig,
        "meta_sona": MetaSONAConfig,
    }.items()
    for spec in fields(kind)
    for value in ((1, "yes", None) if isinstance(spec.default, bool) else (-1, 10**15, "7", 1.5, True, None))
]


@pytest.mark.parametrize(("path", "value"), [*_WRONG, ("agentdb.dimension", 0), ("agentdb.hnsw_m", 0)])
async def test_a_value_that_cannot_be_meant_is_a_value_error_that_names_the_field(path: str, value: Any) -> None:
    section, name = path.split(".")
    kind = type(getattr(OmegaConfig(), section))
    with pytest.raises(ValueError, match=path) as refused:
        await OmegaRuntime.new(OmegaConfig(**{section: kind(**{name: value})}))
    assert isinstance(refused.value, InvalidSetting)
    assert isinstance(refused.value, OmniError)
    assert refused.value.details["path"] == path


@pytest.mark.parametrize("given", [{"memory": 7}, {"loops": None}, {"data": 7}, {"agentdb": MemoryConfig()}])
async def test_sections_of_the_wrong_kind_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        await OmegaRuntime.new(OmegaConfig(**given))
