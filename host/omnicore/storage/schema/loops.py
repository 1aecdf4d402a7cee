"""Lanes: when they ran, and what came of it."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

# One row for each lane, so these tables do not grow with what happened; a measure is one row a week.
STEP: Step = (
    Table(
        "lanes",
        columns={
            "lane": str,
            "since": float,
            "last_run_at": float,
            "cycles": int,
            "failures": int,
            "seconds": float,
            "owner": str,
            "lease_until": float,
            "fence": int,
        },
        pk="lane",
        not_null=("since", "cycles", "failures", "seconds", "owner", "lease_until", "fence"),
        defaults={"cycles": 0, "failures": 0, "seconds": 0.0, "owner": "", "lease_until": 0.0, "fence": 0},
    ),
    Table("lane_measures", columns={"week": int, "at": float, "document": str}, pk="week", not_null=("at", "document")),
)
