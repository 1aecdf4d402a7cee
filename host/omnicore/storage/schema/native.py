"""Native plugins that somebody switched off; those that are on need no row."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "native_plugins",
        columns={"name": str, "switched_off": int, "changed_at": float},
        pk="name",
        not_null=("switched_off", "changed_at"),
    ),
)
