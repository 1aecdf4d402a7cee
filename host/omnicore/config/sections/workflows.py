"""Workflows: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["WorkflowSettings"]


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """Workflows and their runs."""

    workers: int = setting(
        1000, "Runs that are in memory at the same time; 0 leaves them to other hosts", minimum=0, maximum=100_000
    )
    actions: int = setting(100, "Steps' actions under way at the same time", minimum=1, maximum=10_000)
    run_actions: int = setting(50, "Actions of one run under way at the same time", minimum=1, maximum=10_000)
    lease_s: float = setting(10.0, "How long a host may stay silent before another takes over its runs", minimum=0.1)
    park_s: float = setting(5.0, "A run that has nothing to do for longer than this is put out of memory", minimum=0.01)
    poll_s: float = setting(
        0.02,
        "Longest time until a host sees what another process told its runs; five times that when it has none",
        minimum=0.01,
        maximum=60,
    )
    action_s: float = setting(300.0, "Longest time of one attempt of a step that sets no time", minimum=0.001)
    expression_s: float = setting(0.5, "Longest time of one expression", minimum=0.001, maximum=60)
    inline_bytes: int = setting(4096, "Largest value, as JSON, that is kept in a step's own row", minimum=64)
    value_bytes: int = setting(16 * 1024 * 1024, "Largest input or output of a step or a run, as JSON", minimum=1024)
    event_s: float = setting(86_400.0, "How long an event is remembered, so that it is taken in once", minimum=1)
    document_bytes: int = setting(1024 * 1024, "Largest definition", minimum=1024)
    steps: int = setting(1_000_000, "Steps after which a run is ended with a fault", minimum=1)
    run_bytes: int = setting(
        1024 * 1024 * 1024, "What one run may write, its rows and each of its values once", minimum=64 * 1024
    )
    graphs: int = setting(256, "Definitions that are kept ready in memory", minimum=1, maximum=100_000)
    most: int = setting(10_000, "Workflows that may be kept", minimum=0)
    max_pending: int = setting(1_000_000, "Runs that may wait, queued or parked", minimum=1)
    most_depth: int = setting(10, "Workflows that may call one another in a row", minimum=1, maximum=1000)
    keep_s: float = setting(7 * 86_400.0, "How long completed and cancelled runs are kept", minimum=0)
    keep_failed_s: float = setting(30 * 86_400.0, "How long faulted runs are kept", minimum=0)
    keep_most: int = setting(100_000, "Ended runs that are kept for one workflow; the oldest go first", minimum=0)
    sweep_s: float = setting(60.0, "How often old runs are looked for", minimum=0.01)
    audit: bool = setting(True, "Enter the end of each run in the record of changes")
    http_hosts: tuple[str, ...] = setting(("*",), "Hosts that `call: http` may reach; `*.example.com` for many")
    http_private: tuple[str, ...] = setting((), "Hosts with private addresses that it may reach all the same")
    http_bytes: int = setting(4 * 1024 * 1024, "Largest answer of `call: http`", minimum=1)
    costs: bool = setting(False, "Tell with each step that calls a plugin what fuel and memory it used")
