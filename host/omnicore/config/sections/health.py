"""When parts count as failing: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["HealthSettings"]


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """When parts count as failing."""

    degraded_after: int = setting(3, "Failures in a row that make a part degraded", minimum=1)
    unhealthy_after: int = setting(5, "Failures in a row that make a part unhealthy", minimum=1)
    recovered_after: int = setting(5, "Successes in a row that make a part healthy again", minimum=1)
    stale_s: float = setting(300.0, "Age at which the last answer no longer counts", minimum=0)
    interval_s: float = setting(10.0, "How often every part is asked how it is", minimum=0.1)
    probe_s: float = setting(2.0, "How long a part may take to answer", minimum=0.001)
    alerts: tuple[str, ...] = setting(
        (), "What to do when health changes: `PART STATUS -> TARGET`, such as `overall Unhealthy -> call pager.page`"
    )
