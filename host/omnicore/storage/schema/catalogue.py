"""The catalogue of plugins and the versions that are kept."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "plugins",
        {
            "name": str,
            "path": str,
            "signature": str,
            "hash": str,
            "manifest": str,
            "state": str,
            "reason": str,
            "problem": str,
            "switched_off": int,
            "serving": str,
            "verified": str,
            "last_error": str,
            "last_error_at": float,
            "added_at": float,
            "changed_at": float,
            "present": int,
        },
        pk="name",
        not_null=(
            *("path", "signature", "state", "reason", "problem"),
            *("switched_off", "verified", "added_at", "changed_at", "present"),
        ),
    ),
    Table(
        "versions",
        {"plugin": str, "hash": str, "manifest": str, "size": int, "seen_at": float},
        pk=("plugin", "hash"),
        not_null=("manifest", "size", "seen_at"),
    ),
)
