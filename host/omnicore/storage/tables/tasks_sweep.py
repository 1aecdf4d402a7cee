"""Tasks that are over go when they are too old or too many, a batch at a time."""

from __future__ import annotations

from omnicore.storage.store import Store

__all__ = ["BATCH", "TaskSweep"]

BATCH = 1000
_HOST_DAY_S = 86_400.0


class TaskSweep:
    """Deletes what nobody needs any more, the oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sweep(self, state: str, *, before: float, most: int, batch: int = BATCH) -> int:
        """Deletes tasks of one final state that ended `before`, or that are older than the newest `most`.

        Returns: how many; fewer than `batch` when nothing is left to delete.
        """
        past = self._store.rows(
            "SELECT finished_at FROM tasks WHERE state = ? AND finished_at IS NOT NULL"
            " ORDER BY finished_at DESC LIMIT 1 OFFSET ?",
            (state, most),
        )
        limit = max(before, past[0][0]) if past else before
        return self._store.apply(
            lambda session: (
                session.execute(
                    "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE state = ? AND finished_at IS NOT NULL"
                    " AND finished_at <= ? ORDER BY finished_at LIMIT ?)",
                    (state, limit, batch),
                ).rowcount
            )
        )

    def sweep_hosts(self, now: float) -> int:
        """Deletes hosts that were last seen a day ago and have nothing running, and totals of nothing."""
        return self._store.apply(
            lambda session: (
                session.execute("DELETE FROM task_totals WHERE pending = 0").rowcount
                + session.execute(
                    "DELETE FROM task_hosts WHERE seen_at < ? AND NOT EXISTS"
                    " (SELECT 1 FROM tasks WHERE state = 'running' AND tasks.host = task_hosts.host)",
                    (now - _HOST_DAY_S,),
                ).rowcount
            )
        )
