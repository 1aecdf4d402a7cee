"""What lists of workflows show, so that they need not read and compile the definitions."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

# Of the present version. `about` is JSON; `words` is what a list is searched by, in lower case. One that is missing, or
# of another digest, is made again from its definition.
STEP: Step = (
    Table(
        "workflow_briefs",
        {"workflow": str, "digest": str, "words": str, "about": str},
        pk="workflow",
        not_null=("digest", "words", "about"),
    ),
)
