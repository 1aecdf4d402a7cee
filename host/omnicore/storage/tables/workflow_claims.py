"""Runs in motion: hosts claim them, show that they live, give back what they have, and take over from the dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_runs import COLUMNS, RunRow, as_run

__all__ = [
    "READY_SQL",
    "Silence",
    "alive",
    "beat",
    "bury",
    "claim",
    "enter",
    "give_back",
    "heads",
    "leave",
    "others",
    "owned",
    "set_back",
]

_PRIORITIES = range(9, -1, -1)
_MOST = 500
_GIVE_BACK = "UPDATE workflow_runs SET status = 'pending', host = NULL, due_at = ?, stamped_at = ?"


@dataclass(frozen=True, slots=True)
class Silence:
    """Another host and its beat, which only counts: it is timed on the clock of whoever looks."""

    host: str
    beat: int


def _ready() -> str:
    """The runs that may be claimed, highest priority first. Each part is one range of an index."""
    parts = (
        "SELECT id, priority, due_at FROM (SELECT id, priority, due_at FROM workflow_runs WHERE due_at IS NOT NULL"
        f" AND priority = {priority} AND due_at <= ? ORDER BY due_at, id LIMIT ?) AS p{priority}"
        for priority in _PRIORITIES
    )
    return " UNION ALL ".join(parts)


READY_SQL = _ready()
_READY_OF_ROOT = (
    "SELECT id, priority, due_at FROM workflow_runs WHERE root = ? AND due_at IS NOT NULL AND due_at <= ?"
    " ORDER BY due_at LIMIT ?"
)


def alive(session: Session, host: str) -> bool:
    """Whether a host has not been buried. Writers take turns, so it stays true until the transaction ends."""
    return session.execute("SELECT 1 FROM workflow_hosts WHERE host = ?", (host,)).fetchone() is not None


def enter(session: Session, host: str, now: float) -> None:
    """Adds a host."""
    session.execute("INSERT INTO workflow_hosts (host, beat, seen_at) VALUES (?, 0, ?)", (host, now))


def beat(session: Session, host: str, now: float) -> bool:
    """Shows that a host lives; False when it was buried."""
    sql = "UPDATE workflow_hosts SET beat = beat + 1, seen_at = ? WHERE host = ?"
    return session.execute(sql, (now, host)).rowcount == 1


def others(store: Store, host: str) -> list[Silence]:
    """All hosts but this one."""
    return [Silence(*row) for row in store.rows("SELECT host, beat FROM workflow_hosts WHERE host <> ?", (host,))]


def owned(store: Store, host: str) -> list[str]:
    """Runs in a host's hands."""
    return [str(row[0]) for row in store.rows("SELECT id FROM workflow_runs WHERE host = ?", (host,))]


def claim(
    session: Session, host: str, limit: int, now: float, *, root: str | None = None, until: float | None = None
) -> list[RunRow]:
    """Takes runs that are due for a host that lives, in the order in which they should begin.

    Args:
        root: only those that began with this run.
        until: only those that were due by then; now when left out.
    """
    limit, until = min(limit, _MOST), now if until is None else until
    if root is None:
        found = session.execute(READY_SQL, (until, limit) * len(_PRIORITIES)).fetchall()
    else:
        found = session.execute(_READY_OF_ROOT, (root, until, limit)).fetchall()
    chosen = [str(row[0]) for row in sorted(found, key=lambda row: (-row[1], row[2], row[0]))[:limit]]
    if not chosen:
        return []
    marks = ", ".join("?" for _ in chosen)
    rows = session.execute(
        "UPDATE workflow_runs SET status = 'running', host = ?, due_at = NULL, started_at = coalesce(started_at, ?)"
        f" WHERE id IN ({marks}) RETURNING {COLUMNS}",
        (host, now, *chosen),
    ).fetchall()
    session.execute(f"UPDATE workflow_signals SET host = ? WHERE run IN ({marks})", (host, *chosen))
    order = {run: place for place, run in enumerate(chosen)}
    return sorted(map(as_run, rows), key=lambda row: order[row.id])


def heads(session: Session, runs: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The number and hash of the last row of each of these runs that has any."""
    last = "(SELECT s.{} FROM workflow_steps s WHERE s.run = r.id ORDER BY s.seq DESC LIMIT 1)"
    marks = ", ".join("?" for _ in runs)
    found = session.execute(
        f"SELECT r.id, {last.format('seq')}, {last.format('hash')} FROM workflow_runs r WHERE r.id IN ({marks})",
        tuple(runs),
    )
    return {str(run): (int(seq), str(digest)) for run, seq, digest in found.fetchall() if seq is not None}


def give_back(session: Session, host: str, runs: Sequence[str], now: float) -> int:
    """Lets others claim these runs of a host at once; how many there were."""
    changed = session.executemany(f"{_GIVE_BACK} WHERE id = ? AND host = ?", [(now, now, run, host) for run in runs])
    return int(changed.rowcount)


def leave(session: Session, host: str, now: float) -> int:
    """Takes a host out of the table, and gives back all of its runs; how many."""
    session.execute("DELETE FROM workflow_hosts WHERE host = ?", (host,))
    return session.execute(f"{_GIVE_BACK} WHERE host = ?", (now, now, host)).rowcount


def bury(session: Session, silence: Silence, now: float) -> int | None:
    """As `leave`, for a dead host; None when it has shown meanwhile that it lives, or is buried already."""
    found = session.execute(
        "SELECT 1 FROM workflow_hosts WHERE host = ? AND beat = ?", (silence.host, silence.beat)
    ).fetchone()
    return None if found is None else leave(session, silence.host, now)


def set_back(session: Session, now: float, tolerance_s: float) -> int:
    """Moves due times along after the clock was set back; how many runs. A second time finds none."""
    moved = session.execute(
        "UPDATE workflow_runs SET due_at = due_at - (stamped_at - ?), begin_at = begin_at - (stamped_at - ?),"
        " stamped_at = ? WHERE due_at IS NOT NULL AND stamped_at > ?",
        (now, now, now, now + tolerance_s),
    ).rowcount
    session.execute(
        "UPDATE workflow_rates SET tat = tat - (stamped_at - ?), stamped_at = ? WHERE stamped_at > ?",
        (now, now, now + tolerance_s),
    )
    return moved
