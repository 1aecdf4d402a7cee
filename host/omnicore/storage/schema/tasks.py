"""Tasks, their queues, schedules and leases."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step, Table

__all__ = ["STEP"]

_INDEXES = (
    # What may begin, in the order in which it does. Waiting tasks only: a million finished ones cost nothing.
    "CREATE INDEX tasks_ready ON tasks (lane, priority, due_at, id) WHERE state = 'waiting'",
    "CREATE INDEX tasks_over ON tasks (state, finished_at) WHERE finished_at IS NOT NULL",
    "CREATE UNIQUE INDEX tasks_key ON tasks (owner, key) WHERE key IS NOT NULL",
    "CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL",
)

# `lane` is the task's queue where that has a limit, and empty elsewhere: to claim looks into one range for each
# lane and priority, however many queues there are. `token` fences: it grows with each claim, and a result that
# carries an older one is refused. `stamped_at` is when `due_at` was worked out; one that lies in the future tells
# that the machine's clock was set back. Running tasks are few: those of one host are picked from all of them. A
# host's `beat` only counts: others time it on clocks of their own.
STEP: Step = (
    Table(
        "tasks",
        {
            "id": str,
            "owner": str,
            "key": str,
            "function": str,
            "queue": str,
            "lane": str,
            "priority": int,
            "state": str,
            "size": int,
            "input": str,
            "output": str,
            "error": str,
            "code": str,
            "attempts": int,
            "most_attempts": int,
            "lost": int,
            "timeout_s": float,
            "backoff": str,
            "stamped_at": float,
            "due_at": float,
            "expires_at": float,
            "created_at": float,
            "started_at": float,
            "finished_at": float,
            "token": int,
            "host": str,
        },
        pk="id",
        not_null=(
            *("owner", "function", "queue", "lane", "priority", "state", "size", "input", "attempts", "most_attempts"),
            *("lost", "stamped_at", "due_at", "created_at", "token"),
        ),
        indexes=(("state", "id"), ("owner", "state", "id")),
    ),
    Table("task_totals", {"owner": str, "pending": int}, pk="owner", not_null=("pending",)),
    Table("task_hosts", {"host": str, "beat": int, "seen_at": float}, pk="host", not_null=("beat", "seen_at")),
    Table(
        "schedules",
        {
            "name": str,
            "function": str,
            "input": str,
            "queue": str,
            "priority": int,
            "most_attempts": int,
            "timeout_s": float,
            "kind": str,
            "spec": str,
            "timezone": str,
            "missed": str,
            "enabled": int,
            "stamped_at": float,
            "begin_at": float,
            "next_at": float,
            "last_at": float,
            "last_task": str,
        },
        pk="name",
        not_null=(
            *("function", "input", "queue", "priority", "most_attempts", "kind", "spec", "timezone", "missed"),
            *("enabled", "stamped_at", "begin_at"),
        ),
    ),
    Statements(sqlite=_INDEXES, postgresql=_INDEXES),
)
