"""Large values of runs: each is kept once by the hash of its JSON, with the runs that refer to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from omnicore.storage.store import Session, Store

__all__ = ["ValuesTable", "add_values", "drop_values", "named", "reference", "share_values", "value_of"]

_MARK = "@"  # no JSON begins with it


def reference(data: str) -> tuple[str, str]:
    """The hash of a JSON text, and what stands for the text in a row."""
    digest = hashlib.sha256(data.encode()).hexdigest()
    return digest, f"{_MARK}{digest}:{len(data)}"


def named(text: str) -> tuple[str, int] | None:
    """The hash and size of the value that a column refers to, None when the column holds the JSON itself."""
    if not text.startswith(_MARK):
        return None
    digest, _, size = text[1:].partition(":")
    return digest, int(size)


def add_values(session: Session, values: Sequence[tuple[str, str]], refs: Sequence[tuple[str, str]]) -> None:
    """Keeps values as (hash, JSON), and references as (run, hash), in a transaction of the caller's."""
    if values:
        session.executemany(
            "INSERT INTO workflow_values (hash, size, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(digest, len(data), data) for digest, data in values],
        )
    if refs:
        session.executemany("INSERT INTO workflow_value_refs (run, hash) VALUES (?, ?) ON CONFLICT DO NOTHING", refs)


def value_of(session: Session, digest: str) -> str | None:
    """The JSON with this hash, in a transaction of the caller's."""
    found = session.execute("SELECT data FROM workflow_values WHERE hash = ?", (digest,)).fetchone()
    return None if found is None else str(found[0])


def share_values(session: Session, of: str, run: str) -> None:
    """Lets a run refer to all the values that another one does, in a transaction of the caller's."""
    session.execute(
        "INSERT INTO workflow_value_refs (run, hash) SELECT ?, hash FROM workflow_value_refs WHERE run = ?"
        " ON CONFLICT DO NOTHING",
        (run, of),
    )


def drop_values(session: Session, run: str, limit: int) -> int:
    """Deletes up to `limit` references of a run, and the values that nothing refers to any more; how many."""
    found = session.execute("SELECT hash FROM workflow_value_refs WHERE run = ? LIMIT ?", (run, limit)).fetchall()
    session.executemany(
        "DELETE FROM workflow_value_refs WHERE run = ? AND hash = ?", [(run, digest) for (digest,) in found]
    )
    session.executemany(
        "DELETE FROM workflow_values WHERE hash = ?"
        " AND NOT EXISTS (SELECT 1 FROM workflow_value_refs r WHERE r.hash = workflow_values.hash)",
        found,
    )
    return len(found)


class ValuesTable:
    """Reads values."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def size_of(self, run: str) -> int:
        """How large the values are together that a run refers to."""
        found = self._store.rows(
            "SELECT coalesce(sum(v.size), 0) FROM workflow_value_refs r JOIN workflow_values v ON v.hash = r.hash"
            " WHERE r.run = ?",
            (run,),
        )
        return int(found[0][0])

    def get(self, digest: str) -> str | None:
        """The JSON with this hash."""
        found = self._store.rows("SELECT data FROM workflow_values WHERE hash = ?", (digest,))
        return str(found[0][0]) if found else None
