"""Runs of workflows: their rows, steps, large values, and the hosts that have them in memory."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step, Table

__all__ = ["STEP"]

_INDEXES = (
    # What may be claimed, in the order in which it is. Runs in memory, held ones and ended ones are not in it.
    "CREATE INDEX workflow_runs_ready ON workflow_runs (priority, due_at, id) WHERE due_at IS NOT NULL",
    "CREATE INDEX workflow_runs_root ON workflow_runs (root, due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX workflow_runs_owned ON workflow_runs (host, id) WHERE host IS NOT NULL",
    "CREATE INDEX workflow_runs_lane ON workflow_runs (workflow, lane, held, id)"
    " WHERE lane IS NOT NULL AND ended_at IS NULL",
    "CREATE INDEX workflow_runs_over ON workflow_runs (workflow, status, ended_at, id) WHERE ended_at IS NOT NULL",
    "CREATE INDEX workflow_runs_children ON workflow_runs (parent_run, id) WHERE parent_run IS NOT NULL",
)

# `due_at` is there exactly while a run may be claimed then. `lane` is the concurrency key, and `held` runs wait for it.
# `seq` and `hash` are the end of the run's chain as of the last time it left memory. `record_seq` is the row of the
# host's record that holds the last hash. `nonce` is what the placeholders of secrets are made of.
STEP: Step = (
    Table(
        "workflow_runs",
        {
            "id": str,
            "workflow": str,
            "digest": str,
            "number": int,
            "status": str,
            "priority": int,
            "host": str,
            "due_at": float,
            "begin_at": float,
            "stamped_at": float,
            "held": int,
            "lane": str,
            "trigger": str,
            "parent_run": str,
            "parent_place": str,
            "root": str,
            "depth": int,
            "forked_from": str,
            "trial": int,
            "created_by": str,
            "created_at": float,
            "started_at": float,
            "ended_at": float,
            "input": str,
            "output": str,
            "fault": str,
            "nonce": str,
            "seq": int,
            "hash": str,
            "record_seq": int,
        },
        pk="id",
        not_null=(
            *("workflow", "digest", "number", "status", "priority", "begin_at", "stamped_at", "held", "trigger"),
            *("root", "depth", "trial", "created_by", "created_at", "input", "nonce", "seq", "hash"),
        ),
        indexes=(("status", "id"), ("workflow", "status", "id"), ("digest",)),
    ),
    Table(
        "workflow_steps",
        {
            "run": str,
            "seq": int,
            "place": str,
            "path": str,
            "name": str,
            "kind": str,
            "status": str,
            "attempt": int,
            "fed": str,
            "at": float,
            "began_at": float,
            "input": str,
            "result": str,
            "output": str,
            "fault": str,
            "meta": str,
            "about": str,
            "hash": str,
        },
        pk=("run", "seq"),
        not_null=("place", "path", "name", "kind", "status", "attempt", "at", "began_at", "hash"),
    ),
    Table("workflow_values", {"hash": str, "size": int, "data": str}, pk="hash", not_null=("size", "data")),
    Table("workflow_value_refs", {"run": str, "hash": str}, pk=("run", "hash"), indexes=(("hash",),)),
    # Runs that are gone, whose steps and values still have to go.
    Table("workflow_drops", {"run": str}, pk="run"),
    Table("workflow_hosts", {"host": str, "beat": int, "seen_at": float}, pk="host", not_null=("beat", "seen_at")),
    Statements(sqlite=_INDEXES, postgresql=_INDEXES),
)
