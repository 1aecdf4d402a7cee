"""Intelligences, what they used, and how well functions of plugins do."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "intelligences",
        columns={
            "id": str,
            "name": str,
            "version": int,
            "spec": str,
            "created_at": float,
            "retired_at": float,
            "score": float,
        },
        pk="id",
        not_null=("name", "version", "spec", "created_at"),
        indexes=(("retired_at", "id"),),
        unique=(("name", "version"),),
    ),
    Table(
        "intelligence_usage",
        columns={"intelligence": str, "period": int, "calls": int, "seconds": float, "fuel": int},
        pk=("intelligence", "period"),
        not_null=("calls", "seconds", "fuel"),
    ),
    Table(
        "skills",
        columns={"ref": str, "plugin": str, "calls": int, "failures": int, "p95_s": float, "updated_at": float},
        pk="ref",
        not_null=("plugin", "calls", "failures", "p95_s", "updated_at"),
        indexes=(("plugin",),),
    ),
)
