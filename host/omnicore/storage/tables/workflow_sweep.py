"""Runs that are over go when they are too old or too many, a bounded batch at a time."""

from __future__ import annotations

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_values import drop_values

__all__ = ["sweep_runs", "sweep_steps"]

_OVER = "FROM workflow_runs WHERE workflow = ? AND status = ? AND ended_at IS NOT NULL"


def sweep_runs(store: Store, workflow: str, status: str, *, before: float, most: int, limit: int = 200) -> int:
    """Drops runs of one final status that ended before a time, or beyond the newest `most`; how many.

    They are gone at once; `sweep_steps` then deletes what belonged to them.
    """
    newest = f"SELECT ended_at, id {_OVER} ORDER BY ended_at DESC, id DESC LIMIT 1 OFFSET ?"
    past = [(float(at), str(run)) for at, run in store.rows(newest, (workflow, status, most))]
    # Runs that were kept in one transaction ended at the same moment.
    until = max([(before, ""), *past])
    sql = f"SELECT id {_OVER} AND (ended_at, id) <= (?, ?) ORDER BY ended_at, id LIMIT ?"

    def work(session: Session) -> int:
        found = session.execute(sql, (workflow, status, *until, limit)).fetchall()
        session.executemany("INSERT INTO workflow_drops (run) VALUES (?) ON CONFLICT DO NOTHING", found)
        session.executemany("DELETE FROM workflow_runs WHERE id = ?", found)
        return len(found)

    return store.apply(work)


def sweep_steps(store: Store, limit: int = 2000) -> int:
    """Deletes up to `limit` steps and values of runs that are gone; how many, 0 when nothing is left."""

    def work(session: Session) -> int:
        gone = 0
        for (run,) in session.execute("SELECT run FROM workflow_drops LIMIT ?", (limit,)).fetchall():
            gone += _drop(session, run, limit - gone)
            if gone >= limit:
                break
        return gone

    return store.apply(work)


def _drop(session: Session, run: str, limit: int) -> int:
    gone: int = session.execute(
        "DELETE FROM workflow_steps WHERE run = ? AND seq IN"
        " (SELECT seq FROM workflow_steps WHERE run = ? ORDER BY seq LIMIT ?)",
        (run, run, limit),
    ).rowcount
    if gone < limit:
        gone += drop_values(session, run, limit - gone)
    if gone < limit:
        session.execute("DELETE FROM workflow_signals WHERE run = ?", (run,))
        session.execute("DELETE FROM workflow_waits WHERE run = ?", (run,))
        gone += session.execute("DELETE FROM workflow_drops WHERE run = ?", (run,)).rowcount
    return gone
