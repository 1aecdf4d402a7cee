"""Where rows are kept: settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from omnicore.config.setting import setting

__all__ = ["StorageSettings"]


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where rows are kept."""

    url: str | None = setting(None, "A postgresql:// URL; without one, SQLite in the data folder", secret=True)
    synchronous: Literal["normal", "full"] = setting(
        "normal", "When SQLite waits for the disk: at each commit (full) or at checkpoints"
    )
