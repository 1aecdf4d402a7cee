"""What is done to memories in the background, a bounded piece at a time, each piece whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.memory import MemoryTable, add_edges, advance, count_tier
from omnicore.storage.tables.memory_rows import DEAD, LIVE, KeptMemory

__all__ = ["MemoryCare"]

_KEPT = ", ".join(field.name for field in fields(KeptMemory))


class MemoryCare:
    """Moves, finds what is new, sweeps and purges. Usable from any thread."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table
        self._store: Store = table.store

    def move(
        self, plugin: str, rows: Sequence[KeptMemory], to: int, *, expires_at: float | None, boost: float, now: float
    ) -> int:
        """Moves memories to another tier, where a memory with the same text takes them in; how many there were.

        One that is no longer in its tier, because somebody else moved it, is let be.
        """

        def work(session: Session) -> int:
            space = advance(self._table, session, plugin, len(rows))
            changed = space.sequence - len(rows)
            moved = 0
            for row in rows:
                changed += 1
                moved += _moved(session, row, to, changed, expires_at=expires_at, boost=boost, now=now)
            return moved

        return self._store.apply(work)

    def fresh(
        self, plugin: str, tier: int, *, after: int, importance: float, most: int
    ) -> list[tuple[int, KeptMemory]]:
        """Memories of a tier that changed after a cursor and from which nothing was derived yet, with their change."""
        rows = self._store.rows(
            f"SELECT changed, {_KEPT} FROM memories WHERE plugin = ? AND changed > ? AND tier = ? AND state = {LIVE:d}"
            " AND superseded_by IS NULL AND importance >= ? AND NOT EXISTS (SELECT 1 FROM memory_edges"
            " WHERE memory_edges.plugin = memories.plugin AND memory_edges.dst = memories.id AND rel = 'derived_from')"
            " ORDER BY changed LIMIT ?",
            (plugin, after, tier, importance, most),
        )
        return [(int(row[0]), KeptMemory(*row[1:])) for row in rows]

    def reached(self, plugin: str, cursor: int) -> None:
        """Notes how far consolidation has come."""
        self._store.apply(
            lambda session: session.execute(
                "UPDATE memory_spaces SET consolidated = ? WHERE plugin = ? AND consolidated < ?",
                (cursor, plugin, cursor),
            )
        )

    def expired(self, now: float, most: int) -> list[tuple[str, int]]:
        """Memories whose time is over: plugin and number."""
        rows = self._store.rows(
            f"SELECT plugin, seq FROM memories WHERE expires_at IS NOT NULL AND expires_at <= ? AND state < {DEAD:d}"
            " ORDER BY expires_at LIMIT ?",
            (now, most),
        )
        return [(row[0], int(row[1])) for row in rows]

    def purge(self, before: float, most: int) -> int:
        """Deletes the empty rows of what was forgotten before a time, and returns how many."""

        def work(session: Session) -> int:
            rows = session.execute(
                f"SELECT plugin, seq, changed FROM memories WHERE state = {DEAD:d} AND accessed_at <= ?"
                " ORDER BY accessed_at LIMIT ?",
                (before, most),
            ).fetchall()
            for plugin in {row[0] for row in rows}:
                # Who holds a copy that is older than this cannot be told any more what is gone: it begins anew.
                session.execute(
                    "UPDATE memory_spaces SET purged = ? WHERE plugin = ? AND purged < ?",
                    (newest := max(row[2] for row in rows if row[0] == plugin), plugin, newest),
                )
            session.executemany("DELETE FROM memories WHERE plugin = ? AND seq = ?", [row[:2] for row in rows])
            return len(rows)

        return self._store.apply(work)

    def sensed(self, plugin: str, vectors: Sequence[tuple[int, bytes]], by: str) -> None:
        """Gives memories the vectors of an embedder."""

        def work(session: Session) -> None:
            space = advance(self._table, session, plugin, len(vectors))
            first = space.sequence - len(vectors) + 1
            session.executemany(
                f"UPDATE memories SET sense = ?, sense_by = ?, changed = ?"
                f" WHERE plugin = ? AND seq = ? AND state < {DEAD:d}",
                [(vector, by, first + place, plugin, seq) for place, (seq, vector) in enumerate(vectors)],
            )

        self._store.apply(work)


def _moved(
    session: Session,
    row: KeptMemory,
    to: int,
    changed: int,
    *,
    expires_at: float | None,
    boost: float,
    now: float,
) -> int:
    there = session.execute(
        f"SELECT id FROM memories WHERE plugin = ? AND tier = ? AND hash = ? AND state < {DEAD:d}",
        (row.plugin, to, row.hash),
    ).fetchone()
    if there is not None:
        done = session.execute(
            "UPDATE memories SET superseded_by = ?, changed = ?"
            " WHERE plugin = ? AND seq = ? AND tier = ? AND superseded_by IS NULL",
            (there[0], changed, row.plugin, row.seq, row.tier),
        )
        if done.rowcount:
            add_edges(session, row.plugin, [(there[0], "same_as", row.id, "")], now)
        return int(done.rowcount > 0)
    done = session.execute(
        "UPDATE memories SET tier = ?, changed = ?, importance = ?, expires_at = ?"
        f" WHERE plugin = ? AND seq = ? AND tier = ? AND state = {LIVE:d}",
        (
            *(to, changed, min(1.0, row.importance * boost), None if row.pinned else expires_at),
            *(row.plugin, row.seq, row.tier),
        ),
    )
    if not done.rowcount:
        return 0
    count_tier(session, row.plugin, row.tier, -1, -row.size)
    count_tier(session, row.plugin, to, 1, row.size)
    add_edges(session, row.plugin, [(row.id, "consolidated_from", f"tier:{row.tier}", f"tier:{to}")], now)
    return 1
