"""The inbox of events: each source's event is taken in once, and dispatched once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_limits import first_seen

__all__ = ["EventRow", "EventsTable", "add_event", "take_event"]

_SCOPE = "@event"


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event to dispatch. `envelope` is the CloudEvent as JSON. Units: seconds since the Unix epoch."""

    id: str
    source: str
    event: str
    type: str
    envelope: str
    at: float


_COLUMNS = ", ".join(field.name for field in fields(EventRow))
_ADD = f"INSERT INTO workflow_events ({_COLUMNS}) VALUES ({', '.join('?' for _ in fields(EventRow))})"


def add_event(session: Session, row: EventRow, *, key: str, until: float) -> bool:
    """Puts an event into the inbox, in a transaction of the caller's; False: it was taken in before.

    Args: key: made of source and id. until: how long that is remembered.
    """
    if first_seen(session, _SCOPE, key, row.id, now=row.at, until=until) is not None:
        return False
    session.execute(_ADD, (row.id, row.source, row.event, row.type, row.envelope, row.at))
    return True


def take_event(session: Session, event: str) -> bool:
    """Takes an event out of the inbox, in a transaction of the caller's; False: somebody else has."""
    return session.execute("DELETE FROM workflow_events WHERE id = ?", (event,)).rowcount == 1


class EventsTable:
    """Reads the inbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def next(self, limit: int = 100, after: str = "") -> list[EventRow]:
        """The oldest events that wait to be dispatched; `Journal.dispatch` takes them out."""
        return self._rows("id > ? ORDER BY id LIMIT ?", (after, limit))

    def _rows(self, where: str, parameters: Sequence[Any]) -> list[EventRow]:
        found = self._store.rows(f"SELECT {_COLUMNS} FROM workflow_events WHERE {where}", parameters)
        return [EventRow(*row) for row in found]
