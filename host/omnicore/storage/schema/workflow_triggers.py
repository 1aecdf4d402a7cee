"""What begins runs and what reaches them: signals, waits, events, schedules, and how many may run."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step, Table

__all__ = ["STEP"]

_INDEXES = (
    "CREATE INDEX workflow_signals_owned ON workflow_signals (host, id) WHERE host IS NOT NULL",
    "CREATE UNIQUE INDEX workflow_signals_key ON workflow_signals (run, key) WHERE key IS NOT NULL",
    "CREATE INDEX workflow_schedules_due ON workflow_schedules (next_at) WHERE next_at IS NOT NULL",
)

# A wait's `key` names the listening task: the digest of the document and the path in it. `lane_most` is the limit that
# the newest run of a concurrency key came with; `tat` is when the next start would be on time (GCRA). A `seen` key is
# that of a run which begins once, or of an event which is taken in once, until `until`.
STEP: Step = (
    Table(
        "workflow_signals",
        {
            "id": str,
            "run": str,
            "host": str,
            "kind": str,
            "place": str,
            "key": str,
            "data": str,
            "at": float,
        },
        pk="id",
        not_null=("run", "kind", "place", "data", "at"),
        indexes=(("run", "id"),),
    ),
    Table(
        "workflow_waits",
        {
            "run": str,
            "place": str,
            "kind": str,
            "key": str,
            "correlation": str,
            "data": str,
            "due_at": float,
            "at": float,
        },
        pk=("run", "place"),
        not_null=("kind", "key", "correlation", "data", "at"),
        indexes=(("kind", "key", "correlation", "run"), ("kind", "run")),
    ),
    Table(
        "workflow_events",
        {"id": str, "source": str, "event": str, "type": str, "envelope": str, "at": float},
        pk="id",
        not_null=("source", "event", "type", "envelope", "at"),
    ),
    Table(
        "workflow_schedules",
        {
            "workflow": str,
            "place": int,
            "kind": str,
            "spec": str,
            "timezone": str,
            "missed": str,
            "input": str,
            "begin_at": float,
            "stamped_at": float,
            "next_at": float,
            "last_at": float,
            "last_run": str,
        },
        pk=("workflow", "place"),
        not_null=("kind", "spec", "timezone", "missed", "input", "begin_at", "stamped_at"),
    ),
    Table(
        "workflow_keys",
        {"workflow": str, "lane": str, "active": int, "most": int},
        pk=("workflow", "lane"),
        not_null=("active", "most"),
    ),
    Table(
        "workflow_rates",
        {"workflow": str, "tat": float, "stamped_at": float},
        pk="workflow",
        not_null=("tat", "stamped_at"),
    ),
    Table(
        "workflow_dedupe",
        {"scope": str, "key": str, "run": str, "until": float},
        pk=("scope", "key"),
        not_null=("run", "until"),
        indexes=(("until",),),
    ),
    Statements(sqlite=_INDEXES, postgresql=_INDEXES),
)
