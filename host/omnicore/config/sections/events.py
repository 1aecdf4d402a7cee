"""The event bus: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["EventSettings"]


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The event bus."""

    history: int = setting(1000, "Events kept in memory for late readers", minimum=0)
    history_bytes: int = setting(4 * 1024 * 1024, "Bytes of events kept in memory", minimum=0)
    subscribers: int = setting(1000, "Live subscribers at the same time, WebSockets among them", minimum=1)
    log: bool = setting(True, "Keep events in the database as well, in the table `logs`")
    log_events: int = setting(
        10_000, "Events kept in the database; older ones go, and of data over 8 KiB only the size is kept", minimum=1
    )
    log_days: float = setting(30.0, "Days after which an event goes from the database", minimum=0)
    subscriptions: int = setting(1000, "Durable subscriptions of all plugins together", minimum=0)
