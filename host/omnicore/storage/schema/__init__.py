"""All tables, in the numbered steps that brought them about."""

from __future__ import annotations

from omnicore.storage.schema import (
    access,
    audit,
    catalogue,
    connectors,
    events,
    grants,
    intelligences,
    kv,
    loops,
    memory,
    memory_pages,
    native,
    tasks,
    vectors,
    versions,
    workflow_briefs,
    workflow_definitions,
    workflow_runs,
    workflow_triggers,
    workflow_wants,
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
    ("access", access.STEP),
    ("audit", audit.STEP),
    ("versions", versions.STEP),
    ("memory_pages", memory_pages.STEP),
    ("workflow_definitions", workflow_definitions.STEP),
    ("workflow_runs", workflow_runs.STEP),
    ("workflow_triggers", workflow_triggers.STEP),
    ("workflow_wants", workflow_wants.STEP),
    ("workflow_briefs", workflow_briefs.STEP),
)
