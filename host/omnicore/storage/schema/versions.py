"""What belongs to versions beside their bytes: manifests, decisions, rollbacks under way; and plugins' settings."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "version_sidecars",
        {"plugin": str, "hash": str, "sidecar": str},
        pk=("plugin", "hash"),
        not_null=("sidecar",),
    ),
    Table(
        "versions_turned_away",
        {"plugin": str, "hash": str, "who": str, "at": float},
        pk=("plugin", "hash"),
        not_null=("who", "at"),
    ),
    Table(
        "rollbacks",
        {"plugin": str, "hash": str, "path": str, "signature": str, "at": float},
        pk="plugin",
        not_null=("hash", "path", "signature", "at"),
    ),
    Table(
        "plugin_config",
        {"plugin": str, "key": str, "value": str, "who": str, "at": float},
        pk=("plugin", "key"),
        not_null=("value", "who", "at"),
    ),
)
