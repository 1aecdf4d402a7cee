"""The seven lanes: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["LoopSettings"]


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """The seven lanes."""

    enabled: bool = setting(True, "Whether the lanes run by themselves")
