"""Facts beside the memories they were said in, and the relations of memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.ids import new_id
from omnicore.records import Record
from omnicore.storage.table import Table
from omnicore.storage.tables.memory_words import clean_by, space_locks

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


class UnreadMemory(Record, frozen=True):
    """A memory that nobody read for facts yet."""

    seq: int
    id: str
    text: str
    created_at: float
    speaker: str | None
    user_id: str | None
    agent_id: str | None
    session: str | None
    app_id: str | None


FACTS = Table(
    FactRow, "memory_facts", key=("plugin", "id"), indexes=(("plugin", "subject", "since"), ("plugin", "memory"))
)


_UNREAD = "stated IS NULL AND tier > 2 AND tier < 7 AND state < 2"  # as the index of these has it


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
        given = _given(scope)
        whose = "".join(f" AND {name} = ?" for name in given)
        order = "ORDER BY since DESC, id DESC LIMIT ?"
        if subjects is None:
            rows = self._store.rows(f"{FACTS.select} WHERE plugin = ?{whose} {order}", (plugin, *given.values(), most))
        else:
            # Each subject by itself: of several together all facts are read and sorted, 80 ms of 60,000.
            one = f"SELECT * FROM ({FACTS.select} WHERE plugin = ? AND subject = ?{whose} {order}) AS one"
            values = [value for subject in subjects for value in (plugin, subject, *given.values(), most)]
            rows = self._store.rows(f"{' UNION ALL '.join([one] * len(subjects))} {order}", (*values, most))
        return [FACTS.row(row) for row in rows]

    def erase(self, plugin: str, scope: FactScope) -> int:
        """Deletes all facts of a scope that names somebody, and returns how many there were."""
        given = _given(scope)
        if not given:
            return 0
        where = "".join(f" AND {name} = ?" for name in given)

        def work(session: Session) -> int:
            done = session.execute(f"DELETE FROM memory_facts WHERE plugin = ?{where}", (plugin, *given.values()))
            if done.rowcount:
                clean_by(session, plugin, 0.0)
            return int(done.rowcount)

        return self._store.apply(work)

    def remove(self, plugin: str, fact: str) -> bool:
        """True if there was such a fact."""

        def work(session: Session) -> bool:
            done = session.execute("DELETE FROM memory_facts WHERE plugin = ? AND id = ?", (plugin, fact))
            if done.rowcount:
                clean_by(session, plugin, 0.0)
            return done.rowcount > 0

        return self._store.apply(work)

    def unread(self, plugin: str, *, after: int, most: int) -> list[UnreadMemory]:
        """Memories beyond a number that nobody read for facts yet, by number."""
        rows = self._store.rows(
            f"SELECT {', '.join(UnreadMemory.__struct_fields__)} FROM memories"
            f" WHERE plugin = ? AND {_UNREAD} AND seq > ? ORDER BY seq LIMIT ?",
            (plugin, after, most),
        )
        return [UnreadMemory(*row) for row in rows]

    def waiting(self, plugin: str | None = None) -> int:
        """The number of memories that nobody read for facts yet, of one plugin or of all."""
        where, values = ("", ()) if plugin is None else (" AND plugin = ?", (plugin,))
        return int(self._store.rows(f"SELECT count(*) FROM memories WHERE {_UNREAD}{where}", values)[0][0])

    def read(self, plugin: str, found: Sequence[tuple[UnreadMemory, Sequence[NewFact]]]) -> int:
        """Notes that memories were read, and keeps the facts that they state; how many facts these are.

        A memory that is gone, that somebody else read meanwhile or whose facts are there is let be.
        """
        mark = f"UPDATE memories SET stated = 1 WHERE plugin = ? AND seq = ? AND {_UNREAD}"

        def work(session: Session) -> int:
            count = 0
            for row, facts in found:
                scope = row.user_id, row.agent_id, row.session, row.app_id
                fresh = session.execute(mark, (plugin, row.seq)).rowcount > 0
                if fresh and facts and not _has_facts(session, plugin, row.id):
                    count += len(add_facts(session, plugin, facts, row.id, scope))
            return count

        return self._store.apply(work, locks=space_locks(plugin))


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


def _has_facts(session: Session, plugin: str, memory: str) -> bool:
    found = session.execute("SELECT 1 FROM memory_facts WHERE plugin = ? AND memory = ? LIMIT 1", (plugin, memory))
    return found.fetchone() is not None


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


# SQLite has no statistics. Where the key covers a question, it takes the key in place of the index of `dst`, and reads
# all edges of the plugin: 30 ms of 100,000, for each memory that goes. The key does not cover `made_at`.
MADE_OF = (
    "SELECT memories.id, memories.seq FROM memory_edges JOIN memories ON memories.id = memory_edges.src"
    " WHERE memory_edges.plugin = ? AND memory_edges.dst = ? AND memory_edges.rel = 'derived_from'"
    " AND memory_edges.made_at >= 0 AND memories.state < 2"
)
"""The memories that were made of a memory of a plugin: id and number."""

NOTHING_MADE_OF = (
    "NOT EXISTS (SELECT 1 FROM memory_edges WHERE memory_edges.plugin = memories.plugin"
    " AND memory_edges.dst = memories.id AND memory_edges.rel = 'derived_from' AND memory_edges.made_at >= 0)"
)
"""True of a row of `memories` from which nothing was derived."""

_EDGES = "SELECT src, rel, dst, note, made_at FROM memory_edges WHERE plugin = ?"


def edges_of(store: Store, plugin: str, item: str) -> list[tuple[str, str, str, str]]:
    """The edges that begin or end at a memory: from, what, to, and a note; the first 1000."""
    rows = store.rows(
        f"{_EDGES} AND src = ? UNION {_EDGES} AND dst = ? ORDER BY made_at, src, rel, dst LIMIT 1000",
        (plugin, item, plugin, item),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def drop_edges(session: Session, plugin: str, item: str) -> None:
    """Deletes the edges that begin or end at a memory, in a transaction that is open."""
    for end in ("src", "dst"):
        session.execute(f"DELETE FROM memory_edges WHERE plugin = ? AND {end} = ?", (plugin, item))
