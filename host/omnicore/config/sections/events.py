"""The event bus: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["EventSettings"]


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The event bus."""

    history: int = setting(1000, "Events kept in memory for late readers", minimum=0)
