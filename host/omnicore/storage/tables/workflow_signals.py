"""Signals: what reached a run from outside, until the run has taken it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["Sent", "SignalRow", "drop_signals", "is_told", "send", "signals_of_host", "signals_of_runs"]


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal as it is stored. `host` has the run in memory; `data` is JSON. Units: seconds since the Unix epoch.

    `key`: a run has one untaken signal of it at most.
    """

    id: str
    run: str
    host: str | None
    kind: str
    place: str
    key: str | None
    data: str
    at: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a signal: whether it is kept, who has the run in memory, and whether the run became due by it."""

    kept: bool
    host: str | None = None
    woke: bool = False


_COLUMNS = ", ".join(field.name for field in fields(SignalRow))
_ADD = f"INSERT INTO workflow_signals ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_WAKING = {"waiting": None, "suspended": ("cancel", "resume"), "pending": ("cancel",)}


def send(session: Session, row: SignalRow) -> Sent:
    """Keeps a signal in a transaction of the caller's, and makes a parked run due. A run that is over gets none.

    A suspended run goes on with `cancel` and `resume` only, and one that has not begun with `cancel`: others wait. It
    is suspended again only behind an untaken one of those.
    """
    found = session.execute(
        "SELECT status, host FROM workflow_runs WHERE id = ? AND ended_at IS NULL", (row.run,)
    ).fetchone()
    if found is None:
        return Sent(False)
    status, host = found
    if (status, row.kind) == ("suspended", "suspend") and not _is_waking(session, row.run):
        return Sent(False)
    values = (row.id, row.run, host, row.kind, row.place, row.key, row.data, row.at)
    if session.execute(_ADD, values).rowcount != 1:
        return Sent(False)
    kinds = _WAKING.get(status, ())
    woke = host is None and (kinds is None or row.kind in kinds)
    if woke:
        session.execute(
            "UPDATE workflow_runs SET due_at = ?, stamped_at = ? WHERE id = ? AND (due_at IS NULL OR due_at > ?)",
            (row.at, row.at, row.run, row.at),
        )
    return Sent(True, host, woke)


def _is_waking(session: Session, run: str) -> bool:
    sql = "SELECT 1 FROM workflow_signals WHERE run = ? AND kind IN ('cancel', 'resume') LIMIT 1"
    return session.execute(sql, (run,)).fetchone() is not None


def drop_signals(session: Session, signals: Sequence[str]) -> None:
    """Deletes signals that were taken."""
    session.executemany("DELETE FROM workflow_signals WHERE id = ?", [(one,) for one in signals])


def signals_of_runs(session: Session, runs: Sequence[str]) -> list[SignalRow]:
    """What is untaken of these runs, oldest first."""
    marks = ", ".join("?" for _ in runs)
    sql = f"SELECT {_COLUMNS} FROM workflow_signals WHERE run IN ({marks}) ORDER BY id"
    return [SignalRow(*row) for row in session.execute(sql, tuple(runs)).fetchall()]


def is_told(store: Store, run: str, kind: str, place: str) -> bool:
    """Whether a run has an untaken signal of a kind for a place."""
    sql = "SELECT 1 FROM workflow_signals WHERE run = ? AND kind = ? AND place = ? LIMIT 1"
    return bool(store.rows(sql, (run, kind, place)))


def signals_of_host(store: Store, host: str, limit: int = 1000) -> list[SignalRow]:
    """What is untaken of the runs in a host's hands, oldest first."""
    return _rows(
        store.rows(f"SELECT {_COLUMNS} FROM workflow_signals WHERE host = ? ORDER BY id LIMIT ?", (host, limit))
    )


def _rows(found: Sequence[Any]) -> list[SignalRow]:
    return [SignalRow(*row) for row in found]
