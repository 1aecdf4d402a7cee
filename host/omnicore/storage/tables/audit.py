"""The record of changes: rows are appended and never altered; the oldest go behind a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.audit_chain import Anchor, AuditEntry, AuditRow, hash_of

__all__ = ["AuditTable", "Intent", "chain"]

_COLUMNS = "seq, at, actor, via, origin, action, target, before, after, outcome, hash"
_ADD = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_MOVE = (
    "INSERT INTO audit_anchors (name, seq, hash) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
)
_BY = {"actor": "actor = ? AND", "action": "action = ? AND", "target": "target = ? AND", "": ""}


@dataclass(frozen=True, slots=True)
class Intent:
    """A change that is being made, by a process. Units: `at` seconds since the Unix epoch."""

    id: str
    process: str
    at: float
    entry: AuditEntry


class AuditTable:
    """The chain of all hosts on this database. Writers take turns in the database, so it never forks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def intend(self, intent: Intent) -> None:
        """Keeps that a change is about to be made. Raises: StorageFailed: then it must not be made."""
        row = (intent.id, intent.process, intent.at, json.dumps(asdict(intent.entry)))
        add = "INSERT INTO audit_intents (id, process, at, entry) VALUES (?, ?, ?, ?)"
        self._store.apply(lambda session: session.execute(add, row).rowcount)

    def drop(self, intent: str) -> None:
        """Forgets a change that was not made."""
        self._store.apply(lambda session: _gone(session, intent))

    def append(self, entries: Sequence[AuditEntry], *, settles: Sequence[str] = ()) -> list[AuditRow]:
        """Adds rows to the end of the chain; on the disk when it returns. Raises: StorageFailed.

        Args:
            settles: intents that the rows are the outcome of. With one that somebody else settled, or that never
                was, nothing is added.
        """
        with self._store.write(durable=True) as session:
            if any(not _gone(session, intent) for intent in settles):
                return []
            return chain(session, entries)

    def intents(self, limit: int = 500) -> list[Intent]:
        """The oldest changes that are being made, or never ended."""
        rows = self._store.rows("SELECT id, process, at, entry FROM audit_intents ORDER BY at LIMIT ?", (limit,))
        return [Intent(row[0], row[1], row[2], AuditEntry(**json.loads(row[3]))) for row in rows]

    def anchor(self, name: str) -> Anchor:
        """Where the chain ends (`head`), or the last row that went (`base`)."""
        return _anchor(self._store.rows("SELECT seq, hash FROM audit_anchors WHERE name = ?", (name,)))

    def after(self, seq: int, limit: int) -> list[AuditRow]:
        """Rows after one, oldest first."""
        found = self._store.rows(f"SELECT {_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [_row(one) for one in found]

    def hash_at(self, seq: int) -> str | None:
        """The hash that a row holds."""
        found = self._store.rows("SELECT hash FROM audit WHERE seq = ?", (seq,))
        return str(found[0][0]) if found else None

    def before(self, seq: int | None, limit: int, by: str = "", value: str = "") -> list[AuditRow]:
        """Rows before one, newest first. Args: by: `actor`, `action`, `target` or nothing."""
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM audit WHERE {_BY[by]} seq < ? ORDER BY seq DESC LIMIT ?",
            (*((value,) if by else ()), 2**62 if seq is None else seq, limit),
        )
        return [_row(one) for one in found]

    def trim(
        self, *, keep: int, slack: int, older_than: float, most: int, checkpoint: Callable[[Anchor, int], AuditEntry]
    ) -> list[AuditRow]:
        """Drops up to `most` of the oldest rows: those beyond the newest `keep`, and those from before a time.

        Args:
            slack: rows beyond `keep` that are not worth a checkpoint, which is a row itself.
            checkpoint: the entry that says up to where rows went and how many, added in the same transaction.

        Returns: the checkpoint's row, or nothing where no row went.
        """
        end = self.anchor("head").seq - keep
        if not any(
            row.seq <= end - slack or row.entry.at < older_than for row in self.after(self.anchor("base").seq, 1)
        ):
            return []
        with self._store.write(durable=True) as session:
            gone = _oldest(session, end, older_than, most)
            if not gone:
                return []
            base = Anchor(*gone[-1])
            session.execute("DELETE FROM audit WHERE seq <= ?", (base.seq,))
            session.execute(_MOVE, ("base", base.seq, base.hash))
            return chain(session, [checkpoint(base, len(gone))])


def chain(session: Session, entries: Sequence[AuditEntry]) -> list[AuditRow]:
    """Adds rows to the end of the chain in a transaction of the caller's, as it commits or not.

    Sign their head off (`AuditTrail.signed`) once they are on the disk, and not before.
    """
    head = _anchor(session.execute("SELECT seq, hash FROM audit_anchors WHERE name = 'head'").fetchall())
    rows: list[AuditRow] = []
    for entry in entries:
        seq = head.seq + 1
        head = Anchor(seq, hash_of(seq, entry, head.hash))
        rows.append(AuditRow(seq, entry, head.hash))
    session.executemany(_ADD, [_values(row) for row in rows])
    session.execute(_MOVE, ("head", head.seq, head.hash))
    return rows


def _oldest(session: Session, end: int, older_than: float, most: int) -> list[tuple[int, str]]:
    rows = session.execute("SELECT seq, hash, at FROM audit ORDER BY seq LIMIT ?", (most,)).fetchall()
    gone: list[tuple[int, str]] = []
    for seq, digest, at in rows:
        if seq > end and at >= older_than:
            break
        gone.append((seq, digest))
    return gone


def _gone(session: Session, intent: str) -> int:
    return session.execute("DELETE FROM audit_intents WHERE id = ?", (intent,)).rowcount


def _anchor(found: list[Any]) -> Anchor:
    return Anchor(int(found[0][0]), str(found[0][1])) if found else Anchor()


def _values(row: AuditRow) -> tuple[Any, ...]:
    one = row.entry
    told = (one.at, one.actor, one.via, one.origin, one.action, one.target, one.before, one.after, one.outcome)
    return (row.seq, *told, row.hash)


def _row(found: Sequence[Any]) -> AuditRow:
    return AuditRow(found[0], AuditEntry(*found[1:10]), found[10])
