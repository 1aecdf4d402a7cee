"""The log of events: newest first, bounded by count and by age, and written in batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["EventRow", "EventsTable"]

_PAGE = 500
_COLUMNS = "id, topic, source, at, hops, data"


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it is kept. Units: `at` seconds since the Unix epoch."""

    id: str
    topic: str
    source: str
    at: float
    hops: int
    data: Any


class EventsTable:
    """Events of all hosts on this database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, rows: Sequence[EventRow]) -> None:
        """Keeps events; one that is kept already is no matter. Raises: StorageFailed."""

        def work(session: Session) -> None:
            session.executemany(
                f"INSERT INTO logs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [(row.id, row.topic, row.source, row.at, row.hops, json.dumps(row.data)) for row in rows],
            )

        self._store.apply(work)

    def trim(self, *, keep: int, before: float) -> int:
        """Forgets all but the newest `keep`, and those from before a time; how many went."""
        edge = self._store.rows("SELECT id FROM logs ORDER BY id DESC LIMIT 1 OFFSET ?", (keep,))
        # Ids begin with the time, so the first row that is young enough is where the old ones end.
        young = self._store.rows("SELECT id FROM logs WHERE at >= ? ORDER BY id LIMIT 1", (before,))

        def work(session: Session) -> int:
            gone = 0
            if edge:
                gone += session.execute("DELETE FROM logs WHERE id <= ?", (edge[0][0],)).rowcount
            if young:
                gone += session.execute("DELETE FROM logs WHERE id < ?", (young[0][0],)).rowcount
            else:
                gone += session.execute("DELETE FROM logs WHERE at < ?", (before,)).rowcount
            return gone

        return self._store.apply(work)

    def newest(self, prefix: str, before: str | None, limit: int) -> list[EventRow]:
        """Events whose topic begins with a text, newest first, older than the one with the id `before`."""
        # An exclamation mark escapes: it is in no topic, and means the same to both databases.
        like = prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
        clause, values = ("AND id < ?", (like, before)) if before else ("", (like,))
        found = self._store.rows(
            f"SELECT {_COLUMNS} FROM logs WHERE topic LIKE ? ESCAPE '!' {clause} ORDER BY id DESC LIMIT ?",
            (*values, min(limit, _PAGE)),
        )
        return [EventRow(row[0], row[1], row[2], row[3], row[4], json.loads(row[5])) for row in found]
