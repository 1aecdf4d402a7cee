"""Workflows and users, under the names that other programs know them by."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

# A workflow's document is JSON; `state` tells whether it may run. Passwords are kept as salted hashes only.
STEP: Step = (
    Table(
        "workflows",
        {
            "id": str,
            "name": str,
            "version": int,
            "document": str,
            "state": str,
            "created_by": str,
            "created_at": float,
            "changed_at": float,
        },
        pk="id",
        not_null=("name", "version", "document", "state", "created_by", "created_at", "changed_at"),
        unique=(("name",),),
    ),
    Table(
        "users",
        {
            "id": str,
            "name": str,
            "password": str,
            "role": str,
            "disabled": int,
            "created_at": float,
            "changed_at": float,
        },
        pk="id",
        not_null=("name", "role", "disabled", "created_at", "changed_at"),
        defaults={"disabled": 0},
        unique=(("name",),),
    ),
)
