"""All tables, in the numbered steps that brought them about."""

from __future__ import annotations

from omnicore.storage.schema import (
    catalogue,
    connectors,
    events,
    grants,
    intelligences,
    kv,
    loops,
    memory,
    native,
    tasks,
    vectors,
    workflows,
)
from omnicore.storage.schema.table import Step

__all__ = ["STEPS"]

STEPS: tuple[tuple[str, Step], ...] = (
    ("catalogue", catalogue.STEP),
    ("grants", grants.STEP),
    ("kv", kv.STEP),
    ("tasks", tasks.STEP),
    ("memory", memory.STEP),
    ("vectors", vectors.STEP),
    ("connectors", connectors.STEP),
    ("events", events.STEP),
    ("loops", loops.STEP),
    ("intelligences", intelligences.STEP),
    ("workflows", workflows.STEP),
    ("native", native.STEP),
)
