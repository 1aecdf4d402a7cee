"""Facts beside the memories they were said in, and the relations of memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.ids import new_id
from omnicore.records import Record
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from omnicore.storage.store import Session, Store


FactScope = tuple[str | None, str | None, str | None, str | None]
"""A user, an agent, a session and an application; None for nobody, or for no matter whom."""

EVERYONE: FactScope = (None, None, None, None)
_SCOPED = ("user_id", "agent_id", "session", "app_id")


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
    user_id: str | None = None
    agent_id: str | None = None
    session: str | None = None
    app_id: str | None = None

    @property
    def scope(self) -> FactScope:
        """Its user, agent, session and application."""
        return self.user_id, self.agent_id, self.session, self.app_id


FACTS = Table(
    FactRow, "memory_facts", key=("plugin", "id"), indexes=(("plugin", "subject", "since"), ("plugin", "memory"))
)


class FactTable:
    """The facts of all owners of memories. Usable from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, plugin: str, facts: Sequence[NewFact], scope: FactScope = EVERYONE) -> list[str]:
        """Keeps facts that were said in no memory; their ids."""
        return self._store.apply(lambda session: add_facts(session, plugin, facts, None, scope))

    def about(
        self, plugin: str, subjects: Sequence[str] | None, scope: FactScope = EVERYONE, *, most: int
    ) -> list[FactRow]:
        """The newest facts of a scope about some subjects, about all for None, the newest first."""
        within = "" if subjects is None else f" AND subject IN ({', '.join('?' * len(subjects))})"
        given = _given(scope)
        rows = self._store.rows(
            f"{FACTS.select} WHERE plugin = ?{within}{''.join(f' AND {name} = ?' for name in given)}"
            " ORDER BY since DESC, id DESC LIMIT ?",
            (plugin, *(subjects or ()), *given.values(), most),
        )
        return [FACTS.row(row) for row in rows]

    def erase(self, plugin: str, scope: FactScope) -> int:
        """Deletes all facts of a scope that names somebody, and returns how many there were."""
        given = _given(scope)
        if not given:
            return 0
        where = "".join(f" AND {name} = ?" for name in given)

        def work(session: Session) -> int:
            done = session.execute(f"DELETE FROM memory_facts WHERE plugin = ?{where}", (plugin, *given.values()))
            return int(done.rowcount)

        return self._store.apply(work)

    def remove(self, plugin: str, fact: str) -> bool:
        """True if there was such a fact."""

        def work(session: Session) -> bool:
            done = session.execute("DELETE FROM memory_facts WHERE plugin = ? AND id = ?", (plugin, fact))
            return done.rowcount > 0

        return self._store.apply(work)


def add_facts(
    session: Session, plugin: str, facts: Sequence[NewFact], memory: str | None, scope: FactScope = EVERYONE
) -> list[str]:
    """Adds facts in a transaction that is open; their ids."""
    user, agent, talk, app = scope
    rows = [
        FactRow(
            *(plugin, new_id("fact"), one.subject, one.attribute, one.value, one.since, one.ends, one.said_at),
            *(one.speaker, memory, user, agent, talk, app),
        )
        for one in facts
    ]
    if rows:
        session.executemany(FACTS.insert, [FACTS.values(row) for row in rows])
    return [row.id for row in rows]


def _given(scope: FactScope) -> dict[str, str]:
    return {name: value for name, value in zip(_SCOPED, scope, strict=True) if value is not None}


class EdgeRow(Record, frozen=True):
    """A relation of two memories of a plugin."""

    plugin: str
    src: str
    rel: str
    dst: str
    note: str
    made_at: float


EDGES = Table(EdgeRow, "memory_edges", key=("plugin", "src", "rel", "dst"), indexes=(("plugin", "dst"),))


def add_edges(session: Session, plugin: str, edges: Iterable[tuple[str, str, str, str]], now: float) -> None:
    """Adds edges in a transaction that is open; see `MemoryTable.link`."""
    session.executemany(
        f"{EDGES.insert} ON CONFLICT (plugin, src, rel, dst) DO NOTHING",
        [(plugin, *edge, now) for edge in edges],
    )
