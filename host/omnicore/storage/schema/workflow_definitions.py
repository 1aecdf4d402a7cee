"""What workflows were: each version with its text, and each document that a version or a run is pinned to."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

# Texts with other comments or another layout have the same document, so the text belongs to the version. A document
# without a version is that of a trial; it goes with the last run that is pinned to it.
STEP: Step = (
    Table(
        "workflow_documents",
        {"digest": str, "document": str, "created_at": float},
        pk="digest",
        not_null=("document", "created_at"),
        indexes=(("created_at", "digest"),),
    ),
    Table(
        "workflow_versions",
        {"workflow": str, "number": int, "digest": str, "text": str, "created_by": str, "created_at": float},
        pk=("workflow", "number"),
        not_null=("digest", "text", "created_by", "created_at"),
        indexes=(("digest",),),
    ),
)
