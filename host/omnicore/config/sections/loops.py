"""The seven lanes: settings."""

# ruff: noqa: RUF009 -- `setting` is `dataclasses.field` with what the loader checks
from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["LaneSettings", "LoopSettings"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One lane. Units: seconds; `fuel` Wasm instructions of all its handlers in a cycle, None for no bound."""

    interval_s: float = setting(60.0, "Time from one cycle to the next", minimum=0.01, maximum=1e9)
    deadline_s: float = setting(60.0, "Longest time a cycle may take", minimum=0.001, maximum=86_400)
    concurrency: int = setting(4, "Handlers that run at the same time in a cycle", minimum=1, maximum=256)
    fuel: int | None = setting(None, "Wasm instructions that a cycle's handlers may use together", minimum=1)


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """The seven lanes. The first four run by themselves, the slow three when `all` is set."""

    enabled: bool = setting(True, "Whether the lanes run by themselves")
    all: bool = setting(False, "Whether the evolutionary, transformative and transcendent lanes run by themselves too")
    archives: int = setting(3, "Archives that are kept; older ones are deleted when a new one is whole", minimum=1)
    reflexive: LaneSettings = setting(LaneSettings(0.1, 0.01), "Reflexes: rules on events")
    reactive: LaneSettings = setting(LaneSettings(5.0, 4.0), "Health probes and what waits to be tried again")
    adaptive: LaneSettings = setting(LaneSettings(1800.0, 300.0), "Consolidation and success rates")
    deliberative: LaneSettings = setting(LaneSettings(_DAY_S, 900.0), "Plans, pruning and a digest")
    evolutionary: LaneSettings = setting(LaneSettings(7 * _DAY_S, 1800.0), "This week against the last")
    transformative: LaneSettings = setting(LaneSettings(365 * _DAY_S, 1800.0), "An audit that proposes")
    transcendent: LaneSettings = setting(LaneSettings(3650 * _DAY_S, 7200.0), "Archives, made and verified")
