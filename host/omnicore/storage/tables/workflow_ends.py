"""Runs that leave a host's memory: parked until something happens, or over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.quick import quick
from omnicore.storage.store import Session

__all__ = ["End", "Park", "end_runs", "park"]

_PARK = (
    "UPDATE workflow_runs SET status = ?, host = NULL, stamped_at = ?, seq = ?, hash = ?, due_at = CASE WHEN EXISTS"
    " (SELECT 1 FROM workflow_signals s WHERE s.run = workflow_runs.id{}) THEN ? ELSE ? END"
    " WHERE id = ? AND host = ? RETURNING due_at"
)
_PARKS = {"waiting": _PARK.format(""), "suspended": _PARK.format(" AND s.kind IN ('cancel', 'resume')")}
_END = (
    "UPDATE workflow_runs SET status = ?, host = NULL, due_at = NULL, ended_at = ?, output = ?, fault = ?, seq = ?,"
    " hash = ?, record_seq = ? WHERE id = ? AND host = ?"
)


@dataclass(frozen=True, slots=True)
class Park:
    """A run that is out of memory until `due_at`, or until a signal comes."""

    run: str
    status: str
    due_at: float | None
    seq: int
    hash: str


@quick
@dataclass(frozen=True, slots=True)
class End:
    """A run that is over; `output` and `fault` are JSON or name a value."""

    run: str
    status: str
    output: str | None
    fault: str | None
    seq: int
    hash: str


def park(session: Session, host: str, one: Park, now: float) -> tuple[float | None] | None:
    """Parks a run of a host, in a transaction of the caller's; with a signal that came meanwhile it is due at once.

    Returns: when it is due, alone in a tuple; None: the run is not this host's.
    """
    values = (one.status, now, one.seq, one.hash, now, one.due_at, one.run, host)
    found = session.execute(_PARKS[one.status], values).fetchone()
    return None if found is None else (found[0],)


def end_runs(session: Session, host: str, ends: Sequence[End], records: Sequence[int | None], now: float) -> bool:
    """Ends runs of a host, and drops what they waited for; False: one of them is not this host's.

    Args: records: for each run, the row of the host's record that holds its hash.
    """
    changed = session.executemany(
        _END,
        [
            (end.status, now, end.output, end.fault, end.seq, end.hash, record, end.run, host)
            for end, record in zip(ends, records, strict=True)
        ],
    ).rowcount
    runs = tuple(end.run for end in ends)
    of_runs = f"WHERE run IN ({', '.join('?' for _ in runs)})"
    session.execute(f"DELETE FROM workflow_signals {of_runs}", runs)
    session.execute(f"DELETE FROM workflow_waits {of_runs}", runs)
    return bool(changed == len(ends))
