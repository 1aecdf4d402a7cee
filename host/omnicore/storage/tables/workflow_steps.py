"""The rows of runs: each step once, tied to the one before by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from omnicore.compact import json_writer
from omnicore.storage.store import Session, Store

__all__ = ["StepRow", "StepsTable", "add_steps", "first_rows", "genesis", "rehashed", "step_hash"]


@dataclass(frozen=True, slots=True)
class StepRow:
    """A row of a run. Units: times in seconds since the Unix epoch.

    `fed` is the kind of the result that it came from, None where it only followed. `input`, `result` (the result's
    output), `output`, `fault` and `meta` are JSON or name a value; `about` is what of the result differs from the row.
    """

    run: str
    seq: int
    place: str
    path: str
    name: str
    kind: str
    status: str
    attempt: int
    fed: str | None
    at: float
    began_at: float
    input: str | None
    result: str | None
    output: str | None
    fault: str | None
    meta: str | None
    about: str | None
    hash: str


_NAMES = [field.name for field in fields(StepRow)]
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
_ADD = f"INSERT INTO workflow_steps ({_COLUMNS}) VALUES ({', '.join('?' for _ in _NAMES)})"
_HASHED = attrgetter(*_NAMES[1:-1])
_write = json_writer()


def genesis(run: str, workflow: str, digest: str, input: str, created_at: float) -> str:
    """Stands for the row before the first one: a run's rows belong to its definition and its input."""
    return hashlib.sha256(_write([run, workflow, digest, input, created_at]).encode()).hexdigest()


def step_hash(previous: str, values: Sequence[Any]) -> str:
    """SHA-256 over the hash of the row before, a line end, and the row's columns from `seq` to `about` as JSON."""
    return hashlib.sha256(f"{previous}\n{_write(values)}".encode()).hexdigest()


def add_steps(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows, as tuples of `StepRow`'s fields, in a transaction of the caller's."""
    session.executemany(_ADD, rows)


def first_rows(session: Session, run: str, after: int, limit: int) -> list[tuple[Any, ...]]:
    """Rows of a run as tuples, as `add_steps` takes them, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
    return session.execute(sql, (run, after, limit)).fetchall()


class StepsTable:
    """Rows as they are read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, run: str, after: int = 0, limit: int = 100) -> list[StepRow]:
        """Rows of a run after one, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        return [StepRow(*row) for row in self._store.rows(sql, (run, after, limit))]

    def decided(self, run: str, until: int) -> list[str]:
        """The paths of the approvals whose decisions are among the first rows of a run."""
        sql = (
            "SELECT DISTINCT path FROM workflow_steps"
            " WHERE run = ? AND seq <= ? AND kind = 'approval' AND fed IS NOT NULL ORDER BY path"
        )
        return [str(path) for (path,) in self._store.rows(sql, (run, until))]

    def decision(self, run: str, place: str) -> str | None:
        """What was decided at a place, as JSON; None: nothing was. It looks at all rows of the run."""
        sql = (
            "SELECT COALESCE(result, output) FROM workflow_steps"
            " WHERE run = ? AND place = ? AND kind = 'approval' AND fed IS NOT NULL ORDER BY seq DESC LIMIT 1"
        )
        return next((str(row[0]) for row in self._store.rows(sql, (run, place)) if row[0] is not None), None)

    def before(self, run: str, seq: int, limit: int = 100) -> list[StepRow]:
        """Rows of a run before one, newest first."""
        sql = f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        return [StepRow(*row) for row in self._store.rows(sql, (run, seq, limit))]

    def get(self, run: str, seq: int) -> StepRow | None:
        """One row."""
        found = self._store.rows(f"SELECT {_COLUMNS} FROM workflow_steps WHERE run = ? AND seq = ?", (run, seq))
        return StepRow(*found[0]) if found else None

    def head(self, run: str) -> tuple[int, str] | None:
        """The number and hash of the last row."""
        found = self._store.rows("SELECT seq, hash FROM workflow_steps WHERE run = ? ORDER BY seq DESC LIMIT 1", (run,))
        return (int(found[0][0]), str(found[0][1])) if found else None


def rehashed(row: StepRow, previous: str) -> str:
    """The hash that a stored row should have after another one."""
    return step_hash(previous, _HASHED(row))
