"""What workflows want of webhooks, connectors and events, so that nothing else is kept for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.storage.store import Session, Store

__all__ = ["WantRow", "WantsTable", "replace_wants"]


@dataclass(frozen=True, slots=True)
class WantRow:
    """A want; see `omnicore.storage.schema.workflow_wants`. `place` is that of the trigger, -1 for tasks."""

    workflow: str
    number: int
    place: int
    kind: str
    name: str


_COLUMNS = "workflow, number, place, kind, name"


def replace_wants(session: Session, workflow: str, rows: Sequence[WantRow]) -> None:
    """Puts these in the place of all wants of a workflow, in a transaction of the caller's."""
    session.execute("DELETE FROM workflow_wants WHERE workflow = ?", (workflow,))
    session.executemany(
        f"INSERT INTO workflow_wants ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        [(row.workflow, row.number, row.place, row.kind, row.name) for row in rows],
    )


class WantsTable:
    """Reads wants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, kind: str, name: str, limit: int = 1000) -> list[WantRow]:
        """Who wants this one."""
        sql = f"SELECT {_COLUMNS} FROM workflow_wants WHERE kind = ? AND name = ? ORDER BY workflow, number LIMIT ?"
        return [WantRow(*row) for row in self._store.rows(sql, (kind, name, limit))]

    def names(self, kind: str) -> list[str]:
        """All that is wanted of a kind."""
        sql = "SELECT DISTINCT name FROM workflow_wants WHERE kind = ?"
        return [str(row[0]) for row in self._store.rows(sql, (kind,))]
