"""Durable subscriptions, the log of events, and the row by which a host tries that it can write."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    # An event's id begins with its time, so the order of ids is the order of events.
    Table(
        "logs",
        {"id": str, "topic": str, "source": str, "at": float, "hops": int, "data": str},
        pk="id",
        not_null=("topic", "source", "at", "hops", "data"),
    ),
    Table(
        "subscriptions",
        {"id": str, "plugin": str, "topic": str, "function": str, "created_at": float},
        pk="id",
        not_null=("plugin", "topic", "function", "created_at"),
        unique=(("plugin", "topic", "function"),),
    ),
    Table("heartbeats", {"name": str, "at": float}, pk="name", not_null=("at",)),
)
