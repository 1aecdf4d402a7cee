"""Services the host is connected to: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["ConnectorSettings"]


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """Services the host is connected to."""

    timeout_s: float = setting(30.0, "Longest time a connector may take for one action", minimum=0.001)
