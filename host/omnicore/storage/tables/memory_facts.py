"""Facts beside the memories they were said in: what is kept of each, and who asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.ids import new_id
from omnicore.records import Record, asdict
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.storage.store import Session, Store


class NewFact(Record, frozen=True):
    """A fact to be kept. `ends` says that the value holds no more from `since` on."""

    subject: str
    attribute: str
    value: str
    since: float
    ends: bool
    said_at: float
    speaker: str | None = None


class FactRow(Record, frozen=True):
    """A fact as it is stored, with the memory it was said in."""

    plugin: str
    id: str
    subject: str
    attribute: str
    value: str
    since: float
    ends: bool
    said_at: float
    speaker: str | None = None
    memory: str | None = None


FACTS = Table(
    FactRow, "memory_facts", key=("plugin", "id"), indexes=(("plugin", "subject", "since"), ("plugin", "memory"))
)


class FactTable:
    """The facts of all owners of memories. Usable from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, plugin: str, facts: Sequence[NewFact]) -> list[str]:
        """Keeps facts that were said in no memory; their ids."""
        return self._store.apply(lambda session: add_facts(session, plugin, facts, None))

    def about(self, plugin: str, subjects: Sequence[str] | None, *, most: int) -> list[FactRow]:
        """The newest facts about some subjects, about all for None, the newest first."""
        within = "" if subjects is None else f" AND subject IN ({', '.join('?' * len(subjects))})"
        rows = self._store.rows(
            f"{FACTS.select} WHERE plugin = ?{within} ORDER BY since DESC, id DESC LIMIT ?",
            (plugin, *(subjects or ()), most),
        )
        return [FACTS.row(row) for row in rows]

    def remove(self, plugin: str, fact: str) -> bool:
        """True if there was such a fact."""

        def work(session: Session) -> bool:
            done = session.execute("DELETE FROM memory_facts WHERE plugin = ? AND id = ?", (plugin, fact))
            return done.rowcount > 0

        return self._store.apply(work)


def add_facts(session: Session, plugin: str, facts: Sequence[NewFact], memory: str | None) -> list[str]:
    """Adds facts in a transaction that is open; their ids."""
    rows = [FactRow(plugin=plugin, id=new_id("fact"), memory=memory, **asdict(one)) for one in facts]
    if rows:
        session.executemany(FACTS.insert, [FACTS.values(row) for row in rows])
    return [row.id for row in rows]
