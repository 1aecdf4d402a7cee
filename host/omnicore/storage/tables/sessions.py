"""Sessions of people who logged in. Only digests of their keys are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.access import changing

__all__ = ["HolderRow", "SessionRow", "SessionsTable"]

_COLUMNS = "id, user_id, via, origin, agent, created_at, seen_at, expires_at"
_PRUNED = 100


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session. `via` is `password` or `oidc`. Units: seconds since the Unix epoch."""

    id: str
    user_id: str
    via: str
    origin: str
    agent: str
    created_at: float
    seen_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class HolderRow:
    """Whom a session or a token belongs to, as that one stands now."""

    user_id: str
    name: str
    role: str
    plugins: Mapping[str, str] = field(default_factory=dict)


class SessionsTable:
    """Those of one user are few: the oldest makes room."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, row: SessionRow, digest: str, *, most: int, now: float, old: str | None, as_of: float) -> bool:
        """Keeps a new session, and ends those that are over, one too many, or have the digest `old`.

        Args: as_of: when the user was changed last, as far as who opens the session knows.
        Returns: False when the user was changed, disabled or removed meanwhile.
        """
        with self._store.write(durable=True) as session:
            changing(session)
            unchanged = "SELECT 1 FROM users WHERE id = ? AND disabled = 0 AND changed_at = ?"
            if not session.execute(unchanged, (row.user_id, as_of)).fetchone():
                return False
            session.execute("DELETE FROM sessions WHERE digest = ?", (old or "",))
            session.execute(
                "DELETE FROM sessions WHERE id IN"
                " (SELECT id FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
                (now, _PRUNED),
            )
            session.execute(
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = ?"
                " ORDER BY id DESC LIMIT ? OFFSET ?)",
                (row.user_id, _PRUNED, most - 1),
            )
            session.execute(
                f"INSERT INTO sessions (digest, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest, row.id, row.user_id, row.via, row.origin, row.agent),
                    *(row.created_at, row.seen_at, row.expires_at),
                ),
            )
            return True

    def end_all(self) -> None:
        """Ends every session, as after a restore: who logged out since the backup must not be logged in again."""

        def work(session: Session) -> None:
            changing(session)
            session.execute("DELETE FROM sessions")

        self._store.apply(work)

    def holder(self, digest: str) -> tuple[SessionRow, HolderRow] | None:
        """The session of a digest and its user, unless that one is disabled."""
        columns = ", ".join(f"s.{name}" for name in _COLUMNS.split(", "))
        found = self._store.rows(
            f"SELECT {columns}, u.name, u.role, u.plugins FROM sessions s"
            " JOIN users u ON u.id = s.user_id WHERE s.digest = ? AND u.disabled = 0",
            (digest,),
        )
        if not found:
            return None
        row = SessionRow(*found[0][:8])
        return row, HolderRow(row.user_id, found[0][8], found[0][9], json.loads(found[0][10]))

    def page(self, after: str, limit: int, *, now: float, user: str | None) -> tuple[tuple[SessionRow, str], ...]:
        """Sessions that are not over, each with its user's name; of one user, or of all."""
        columns = ", ".join(f"s.{name}" for name in _COLUMNS.split(", "))
        whose, parameters = (" AND s.user_id = ?", (after, now, user)) if user else ("", (after, now))
        found = self._store.rows(
            f"SELECT {columns}, u.name FROM sessions s JOIN users u ON u.id = s.user_id"
            f" WHERE s.id > ? AND s.expires_at > ?{whose} ORDER BY s.id LIMIT ?",
            (*parameters, limit),
        )
        return tuple((SessionRow(*row[:8]), row[8]) for row in found)

    def seen(self, session_id: str, *, at: float) -> None:
        """Records that a session was used."""

        def work(session: Session) -> None:
            session.execute("UPDATE sessions SET seen_at = ? WHERE id = ? AND seen_at < ?", (at, session_id, at))

        self._store.apply(work)

    def end(self, session_id: str, *, user: str | None) -> bool:
        """Whether there was such a session, of one user or of anybody."""
        whose, parameters = (" AND user_id = ?", (session_id, user)) if user else ("", (session_id,))
        with self._store.write(durable=True) as session:
            changing(session)
            return session.execute(f"DELETE FROM sessions WHERE id = ?{whose}", parameters).rowcount > 0
