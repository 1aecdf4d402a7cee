"""The route table: one line for each noun."""

from __future__ import annotations

from omnicore.api import (
    calls,
    connectors,
    events,
    execute,
    grants,
    health,
    hooks,
    index,
    intelligences,
    live,
    logs,
    loops,
    memory,
    plugins,
    schedules,
    tasks,
    vectors,
)
from omnicore.api.operation import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (
    *calls.OPERATIONS,  # first, because routes are tried in order and this one is measured
    *plugins.OPERATIONS,
    *grants.OPERATIONS,
    *logs.OPERATIONS,
    *execute.OPERATIONS,
    *tasks.OPERATIONS,
    *schedules.OPERATIONS,
    *memory.OPERATIONS,
    *vectors.OPERATIONS,
    *connectors.OPERATIONS,
    *hooks.OPERATIONS,
    *loops.OPERATIONS,
    *intelligences.OPERATIONS,
    *health.OPERATIONS,
    *events.OPERATIONS,
    *live.OPERATIONS,
    *index.OPERATIONS,
)
