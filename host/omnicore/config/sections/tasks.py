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
    poll_s: float = setting(
        2.0, "Longest time until an idle host sees a task that another process stored", minimum=0.01, maximum=60
    )
    queues: tuple[str, ...] = setting((), "Queues with a limit on tasks that run at once, on all hosts: `mail=2`")
    attempt_s: float = setting(300.0, "Longest time that an order may ask for one attempt", minimum=0.001)
    most_lost: int = setting(5, "Hosts that may die while they run a task before it counts as failed", minimum=0)
    max_pending: int = setting(1_000_000, "Tasks of operators and schedules that may wait or run", minimum=1)
    input_bytes: int = setting(65_536, "Largest input of a task, as JSON", minimum=1)
    output_bytes: int = setting(65_536, "Largest output of a task that is kept, as JSON", minimum=1)
    keep_s: float = setting(7 * 86_400.0, "How long finished and cancelled tasks are kept", minimum=0)
    keep_failed_s: float = setting(30 * 86_400.0, "How long failed tasks are kept", minimum=0)
    keep_most: int = setting(100_000, "Tasks that are kept in each of these states; the oldest go first", minimum=0)
    sweep_s: float = setting(60.0, "How often old tasks are looked for", minimum=0.01)
    missed_s: float = setting(60.0, "How late a schedule's run may begin without counting as missed", minimum=0)
    missed_most: int = setting(100, "Missed runs that a schedule makes up for at most", minimum=1, maximum=10_000)
