"""The route table: one line for each noun."""

from __future__ import annotations

from omnicore.api import calls, execute, grants, health, index, live, logs, plugins
from omnicore.api.operation import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (
    *calls.OPERATIONS,  # first, because routes are tried in order and this one is measured
    *plugins.OPERATIONS,
    *grants.OPERATIONS,
    *logs.OPERATIONS,
    *execute.OPERATIONS,
    *health.OPERATIONS,
    *live.OPERATIONS,
    *index.OPERATIONS,
)
