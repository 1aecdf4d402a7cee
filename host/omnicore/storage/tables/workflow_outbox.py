"""Events on their way to message brokers: each row goes once its broker has confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.storage.store import Session, Store

__all__ = ["OutboxRow", "OutboxTable", "add_outbox"]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event for one place of one broker. `envelope` is JSON. Units: seconds since the Unix epoch."""

    id: str
    broker: str
    target: str
    type: str
    envelope: str
    at: float


_COLUMNS = "id, broker, target, type, envelope, at"


def add_outbox(session: Session, rows: Sequence[OutboxRow]) -> None:
    """Puts events into the outbox, in a transaction of the caller's; those that are there already stay."""
    session.executemany(
        f"INSERT INTO workflow_outbox ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        [(row.id, row.broker, row.target, row.type, row.envelope, row.at) for row in rows],
    )


class OutboxTable:
    """Reads the outbox and takes out what has arrived."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def next(self, broker: str, limit: int = 100) -> list[OutboxRow]:
        """The oldest events for a broker."""
        sql = f"SELECT {_COLUMNS} FROM workflow_outbox WHERE broker = ? ORDER BY id LIMIT ?"
        return [OutboxRow(*row) for row in self._store.rows(sql, (broker, limit))]

    def sent(self, ids: Sequence[str]) -> None:
        """Takes out events that their broker has confirmed."""
        self._store.apply(
            lambda session: session.executemany("DELETE FROM workflow_outbox WHERE id = ?", [(one,) for one in ids])
        )
