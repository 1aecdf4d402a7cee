"""Tries that the database can be read and written, with one small row."""

from __future__ import annotations

from omnicore.clock import Clock
from omnicore.errors import StorageFailed
from omnicore.storage.store import Session, Store

__all__ = ["HeartbeatsTable"]


class HeartbeatsTable:
    """One row for each name that tries; the newest time stays."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def beat(self, name: str) -> None:
        """Writes the present time and reads it back. Raises: StorageFailed."""
        now = self._clock.now()

        def work(session: Session) -> None:
            session.execute(
                "INSERT INTO heartbeats (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                (name, now),
            )

        self._store.apply(work)
        if not self._store.rows("SELECT at FROM heartbeats WHERE name = ?", (name,)):
            raise StorageFailed(f"{self._store.place} lost a row that was just written", remedy="check the disk")
