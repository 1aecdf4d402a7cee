"""What plugins remember: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["MemorySettings"]


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What plugins remember."""

    consolidate_every_s: float = setting(3600.0, "Seconds between consolidations", minimum=1)
