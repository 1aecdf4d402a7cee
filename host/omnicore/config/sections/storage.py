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
        "normal",
        "When SQLite waits for the disk: at checkpoints (normal: a killed process loses nothing, a power cut the last"
        " seconds) or at each commit (full)",
    )
    busy_timeout_s: float = setting(5.0, "Longest wait for another process that writes", minimum=0)
    check_s: float = setting(
        2.0, "Longest time at start that SQLite's file is read to find damage, after an unclean stop", minimum=0
    )
    connections: int = setting(8, "PostgreSQL: queries of this host at the same time", minimum=1, maximum=1000)
    connect_timeout_s: float = setting(5.0, "PostgreSQL: longest wait for a connection", minimum=0.1)
    statement_timeout_s: float = setting(30.0, "PostgreSQL: longest time for one statement", minimum=0.1)
