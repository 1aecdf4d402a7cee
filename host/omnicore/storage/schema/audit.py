"""The record of changes: a chain of rows, the ends of it that were signed off, and changes that are being made."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "audit",
        {
            "seq": int,
            "at": float,
            "actor": str,
            "via": str,
            "origin": str,
            "action": str,
            "target": str,
            "before": str,
            "after": str,
            "outcome": str,
            "hash": str,
        },
        pk="seq",
        not_null=("at", "actor", "via", "origin", "action", "target", "outcome", "hash"),
        indexes=(("actor", "seq"), ("action", "seq"), ("target", "seq")),
    ),
    # `head` is the newest row, `base` the last one that went because it was old.
    Table("audit_anchors", {"name": str, "seq": int, "hash": str}, pk="name", not_null=("seq", "hash")),
    # Written before a change and gone with its row: what is left over belongs to a process that died.
    Table(
        "audit_intents",
        {"id": str, "process": str, "at": float, "entry": str},
        pk="id",
        not_null=("process", "at", "entry"),
        indexes=(("at",),),
    ),
)
