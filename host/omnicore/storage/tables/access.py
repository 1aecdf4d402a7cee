"""What users, sessions and tokens share: the count of their changes, and the tries to log in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from omnicore.storage.store import Session, Store

__all__ = ["AccessTable", "TriesRow", "changing"]

_T = TypeVar("_T")
_PRUNED = 100


@dataclass(frozen=True, slots=True)
class TriesRow:
    """Tries of one name or from one address since a time. Units: seconds since the Unix epoch."""

    key: str
    failures: int = 0
    since: float = 0.0
    locked_until: float = 0.0


def changing(session: Session) -> None:
    """Counts a change of who may do what, for every process that remembers what it read."""
    session.execute(
        "INSERT INTO access_state (name, number) VALUES ('changes', 1)"
        " ON CONFLICT (name) DO UPDATE SET number = access_state.number + 1"
    )


class AccessTable:
    """The count of changes, by which other processes notice them, and the tries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def changes(self) -> int:
        """How often anything has changed."""
        rows = self._store.rows("SELECT number FROM access_state WHERE name = 'changes'")
        return int(rows[0][0]) if rows else 0

    def tries(self, keys: list[str]) -> list[TriesRow]:
        """What was tried under some keys, in their order."""
        marks = ", ".join("?" for _ in keys)
        found = self._store.rows(
            f"SELECT key, failures, since, locked_until FROM login_tries WHERE key IN ({marks})", keys
        )
        known = {row[0]: TriesRow(*row) for row in found}
        return [known.get(key, TriesRow(key)) for key in keys]

    def try_all(self, keys: list[str], decide: Callable[[list[TriesRow]], tuple[list[TriesRow], _T]]) -> _T:
        """Reads the tries under some keys, writes what `decide` makes of them, and returns its answer."""
        with self._store.write() as session:
            kept, answer = decide([self._one(session, key) for key in keys])
            for row in kept:
                session.execute(
                    "INSERT INTO login_tries (key, failures, since, locked_until) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, since = excluded.since,"
                    " locked_until = excluded.locked_until",
                    (row.key, row.failures, row.since, row.locked_until),
                )
            return answer

    def forget_tries(self, keys: list[str]) -> None:
        """Forgets what was tried under these keys."""

        def work(session: Session) -> None:
            for key in sorted(keys):
                session.execute("DELETE FROM login_tries WHERE key = ?", (key,))

        self._store.apply(work)

    def prune_tries(self, *, before: float, now: float) -> None:
        """Deletes some of the tries that began before a time and lock nobody any more."""

        def work(session: Session) -> None:
            session.execute(
                "DELETE FROM login_tries WHERE key IN (SELECT key FROM login_tries"
                " WHERE since < ? AND locked_until < ? ORDER BY since LIMIT ?)",
                (before, now, _PRUNED),
            )

        self._store.apply(work)

    @staticmethod
    def _one(session: Session, key: str) -> TriesRow:
        row = session.execute(
            "SELECT key, failures, since, locked_until FROM login_tries WHERE key = ?", (key,)
        ).fetchone()
        return TriesRow(*row) if row else TriesRow(key)
