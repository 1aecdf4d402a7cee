"""`OmegaConfig`: what an `OmegaRuntime` is told, checked, and turned into the settings of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from omnicore.config.settings import LoopSettings, Settings
from omnicore.errors import InvalidSetting

__all__ = ["AgentDBConfig", "LoopsConfig", "MemoryConfig", "MetaSONAConfig", "OmegaConfig", "settings_for"]

_Range = tuple[float, float]
_LONGEST_MS = 100 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """How memory is looked after. Units: seconds; the last is a count of one owner's memories."""

    enable_auto_consolidation: bool = True
    consolidation_interval_secs: int = 3600
    max_memories_per_tier: int = 10_000

    RANGES: ClassVar[Mapping[str, _Range]] = {
        "consolidation_interval_secs": (1, 366 * 86_400),
        "max_memories_per_tier": (1, 1_000_000_000),
    }


@dataclass(frozen=True, slots=True)
class LoopsConfig:
    """When the lanes run. Units: milliseconds.

    `enable_all_loops` adds the evolutionary, transformative and transcendent lanes to those that run by themselves.
    """

    enable_all_loops: bool = False
    reflexive_interval_ms: int = 100
    reactive_interval_ms: int = 5_000
    adaptive_interval_ms: int = 1_800_000
    deliberative_interval_ms: int = 86_400_000
    evolutionary_interval_ms: int = 604_800_000
    transformative_interval_ms: int = 31_536_000_000
    transcendent_interval_ms: int = 315_360_000_000

    RANGES: ClassVar[Mapping[str, _Range]] = {
        f"{lane}_interval_ms": (10, _LONGEST_MS)
        for lane in (
            *("reflexive", "reactive", "adaptive", "deliberative", "evolutionary"),
            *("transformative", "transcendent"),
        )
    }


@dataclass(frozen=True, slots=True)
class AgentDBConfig:
    """How vectors are kept: their dimensions, the graph's links and candidates, and how many stay in memory."""

    dimension: int = 768
    hnsw_m: int = 32
    hnsw_ef: int = 100
    cache_size: int = 100_000

    RANGES: ClassVar[Mapping[str, _Range]] = {
        "dimension": (1, 4096),
        "hnsw_m": (2, 128),
        "hnsw_ef": (1, 10_000),
        "cache_size": (1, 100_000_000),
    }


@dataclass(frozen=True, slots=True)
class MetaSONAConfig:
    """How architectures are searched for. They are fixed while this runtime has no search."""

    enable_evolution: bool = False
    mcts_iterations: int = 100
    ppo_steps: int = 0

    RANGES: ClassVar[Mapping[str, _Range]] = {"mcts_iterations": (0, 1_000_000), "ppo_steps": (0, 1_000_000)}


@dataclass(frozen=True, slots=True)
class OmegaConfig:
    """All that a runtime is told.

    Args:
        data: where rows are kept; None is a folder of its own that goes when the runtime stops.
        plugins: the folder of the plugins; None is one inside of the data.
    """

    memory: MemoryConfig = field(default_factory=MemoryConfig)
    loops: LoopsConfig = field(default_factory=LoopsConfig)
    agentdb: AgentDBConfig = field(default_factory=AgentDBConfig)
    meta_sona: MetaSONAConfig = field(default_factory=MetaSONAConfig)
    data: Path | str | None = None
    plugins: Path | str | None = None

    @classmethod
    def default(cls) -> OmegaConfig:
        """The usual values."""
        return cls()

    def check(self) -> None:
        """Raises: InvalidSetting, which is a ValueError, whose `path` names the field."""
        for name, kind in _SECTIONS.items():
            section = getattr(self, name)
            if not isinstance(section, kind):
                raise _invalid(name, section, f"a {kind.__name__}")
            _check_section(name, section)
        for name in ("data", "plugins"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str | Path):
                raise _invalid(name, value, "a path, or None")


_SECTIONS: Mapping[str, type[Any]] = {
    "memory": MemoryConfig,
    "loops": LoopsConfig,
    "agentdb": AgentDBConfig,
    "meta_sona": MetaSONAConfig,
}


def settings_for(config: OmegaConfig, data: Path) -> Settings:
    """The settings of a host that keeps to a checked configuration, with this folder for its data."""
    base = Settings()
    agentdb = config.agentdb
    return replace(
        base,
        data=data,
        plugins=Path(config.plugins) if config.plugins is not None else data / "plugins",
        memory=replace(
            base.memory,
            auto_consolidation=config.memory.enable_auto_consolidation,
            consolidate_every_s=float(config.memory.consolidation_interval_secs),
            max_per_tier=config.memory.max_memories_per_tier,
            dimensions=agentdb.dimension,
            in_ram=agentdb.cache_size,
            m=agentdb.hnsw_m,
            ef=agentdb.hnsw_ef,
        ),
        vectors=replace(
            base.vectors,
            dimensions=agentdb.dimension,
            m=agentdb.hnsw_m,
            ef=agentdb.hnsw_ef,
            cache_size=agentdb.cache_size,
        ),
        loops=_lanes(base.loops, config.loops),
    )


def _lanes(base: LoopSettings, config: LoopsConfig) -> LoopSettings:
    intervals = {
        name: replace(getattr(base, name), interval_s=getattr(config, f"{name}_interval_ms") / 1000)
        for name in (one.name for one in fields(base))
        if hasattr(config, f"{name}_interval_ms")
    }
    return replace(base, all=config.enable_all_loops, **intervals)


def _check_section(section: str, values: Any) -> None:
    for spec in fields(values):
        value, path = getattr(values, spec.name), f"{section}.{spec.name}"
        if isinstance(spec.default, bool):
            if not isinstance(value, bool):
                raise _invalid(path, value, "True or False")
            continue
        least, most = values.RANGES[spec.name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _invalid(path, value, f"a whole number from {least:g} to {most:g}")


def _invalid(path: str, value: Any, wanted: str) -> InvalidSetting:
    return InvalidSetting(f"{path} is {value!r:.80}", remedy=f"make it {wanted}", path=path)
