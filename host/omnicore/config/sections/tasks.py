"""Background tasks: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["TaskSettings"]


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """Background tasks."""

    workers: int = setting(4, "Tasks that run at the same time", minimum=0, maximum=1024)
    lease_s: float = setting(30.0, "How long a host may stay silent before another takes over its tasks", minimum=0.1)
