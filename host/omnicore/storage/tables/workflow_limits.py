"""How many runs begin, and when: concurrency keys, rates, and keys that begin a run once."""

from __future__ import annotations

from omnicore.storage.store import Session, Store

__all__ = ["first_seen", "forget_seen", "gcra", "holders", "leave_lane", "sweep_seen", "take_lane", "take_turn"]

_HOLDERS = 1000
_NEXT = (
    "SELECT id FROM workflow_runs WHERE workflow = ? AND lane = ? AND held = 1 AND ended_at IS NULL AND host IS NULL"
    " ORDER BY id LIMIT 1"
)


def first_seen(session: Session, scope: str, key: str, run: str, *, now: float, until: float) -> str | None:
    """Takes a key for a run, in a transaction of the caller's.

    Returns: None: it was free, or its time is over; else the run that has it.
    """
    taken = session.execute(
        "INSERT INTO workflow_dedupe (scope, key, run, until) VALUES (?, ?, ?, ?) ON CONFLICT (scope, key)"
        " DO UPDATE SET run = excluded.run, until = excluded.until WHERE workflow_dedupe.until <= ? RETURNING run",
        (scope, key, run, until, now),
    ).fetchone()
    if taken is not None:
        return None
    found = session.execute("SELECT run FROM workflow_dedupe WHERE scope = ? AND key = ?", (scope, key)).fetchone()
    return str(found[0])


def forget_seen(session: Session, scope: str, key: str) -> None:
    """Frees a key that was taken for nothing."""
    session.execute("DELETE FROM workflow_dedupe WHERE scope = ? AND key = ?", (scope, key))


def sweep_seen(store: Store, now: float, limit: int = 1000) -> int:
    """Forgets keys whose time is over; fewer than `limit` when none are left."""
    where = "(scope, key) IN (SELECT scope, key FROM workflow_dedupe WHERE until <= ? ORDER BY until LIMIT ?)"
    sql = f"DELETE FROM workflow_dedupe WHERE {where}"
    return store.apply(lambda session: session.execute(sql, (now, limit)).rowcount)


def take_lane(session: Session, workflow: str, lane: str, most: int) -> bool:
    """Counts a run in at a concurrency key, where fewer than `most` have it.

    The key's row is the lock that makes it exact.
    """
    where = (workflow, lane)
    found = session.execute("SELECT active FROM workflow_keys WHERE workflow = ? AND lane = ?", where).fetchone()
    active = int(found[0]) if found else 0
    free = active < most
    session.execute(
        "INSERT INTO workflow_keys (workflow, lane, active, most) VALUES (?, ?, ?, ?) ON CONFLICT (workflow, lane)"
        " DO UPDATE SET active = excluded.active, most = excluded.most",
        (*where, active + free, most),
    )
    return free


def leave_lane(session: Session, workflow: str, lane: str, now: float) -> list[str]:
    """Counts a run out, and lets those that were held longest go on; which."""
    where = (workflow, lane)
    found = session.execute(
        "SELECT active - 1, most FROM workflow_keys WHERE workflow = ? AND lane = ?", where
    ).fetchone()
    active, most = (int(found[0]), int(found[1])) if found else (0, 1)
    gone_on: list[str] = []
    while active < most and (held := session.execute(_NEXT, where).fetchone()) is not None:
        session.execute(
            "UPDATE workflow_runs SET held = 0, stamped_at = ?,"
            " due_at = CASE WHEN begin_at > ? THEN begin_at ELSE ? END WHERE id = ?",
            (now, now, now, held[0]),
        )
        gone_on.append(str(held[0]))
        active += 1
    if active > 0:
        session.execute("UPDATE workflow_keys SET active = ? WHERE workflow = ? AND lane = ?", (active, *where))
    else:
        session.execute("DELETE FROM workflow_keys WHERE workflow = ? AND lane = ?", where)
    return gone_on


def holders(session: Session, workflow: str, lane: str) -> list[str]:
    """Runs that have a concurrency key or are held back by it."""
    found = session.execute(
        "SELECT id FROM workflow_runs WHERE workflow = ? AND lane = ? AND held IN (0, 1) AND ended_at IS NULL LIMIT ?",
        (workflow, lane, _HOLDERS),
    )
    return [str(row[0]) for row in found.fetchall()]


def take_turn(session: Session, workflow: str, rate: tuple[int, float], now: float) -> float:
    """When a run may begin, so that there are no more starts in a time than the rate allows."""
    found = session.execute("SELECT tat FROM workflow_rates WHERE workflow = ?", (workflow,)).fetchone()
    at, tat = gcra(float(found[0]) if found else now, now, rate)
    session.execute(
        "INSERT INTO workflow_rates (workflow, tat, stamped_at) VALUES (?, ?, ?) ON CONFLICT (workflow)"
        " DO UPDATE SET tat = excluded.tat, stamped_at = excluded.stamped_at",
        (workflow, tat, now),
    )
    return at


def gcra(tat: float, now: float, rate: tuple[int, float]) -> tuple[float, float]:
    """When the next start may be, and the theoretical arrival time after it.

    Source: the generic cell rate algorithm, virtual scheduling (ITU-T I.371), with a burst of all of a time's starts.
    """
    starts, seconds = rate
    step = seconds / starts
    after = max(tat, now) + step
    return max(now, after - seconds), after
