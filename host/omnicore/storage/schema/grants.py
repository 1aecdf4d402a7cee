"""What people gave to plugins."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "grants",
        {"plugin": str, "capability": str, "scope": str, "granted_by": str, "granted_at": float},
        pk=("plugin", "capability"),
        not_null=("scope", "granted_by", "granted_at"),
    ),
)
