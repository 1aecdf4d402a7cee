"""Where and how the host runs: settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from omnicore.config.setting import setting

__all__ = ["RuntimeSettings"]


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """Where and how the host runs."""

    environment: Literal["auto", "local", "container", "kubernetes", "edge"] = setting(
        "auto", "Where the host runs; auto looks"
    )
