"""Hosts that work on one database: rows with a beat that counts, one table for each kind of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnicore.storage.store import Session


@dataclass(frozen=True, slots=True)
class Silence:
    """Another host and its beat, which is timed on the clock of whoever looks; None where the host has no row."""

    host: str
    beat: int | None


class HostTable:
    """The hosts of one kind of work, in transactions of the caller's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._enter = f"INSERT INTO {name} (host, beat, seen_at) VALUES (?, ?, ?)"
        self._seen = (
            f"{self._enter} ON CONFLICT (host) DO UPDATE SET beat = {name}.beat + 1, seen_at = excluded.seen_at"
        )
        self._alive = f"SELECT 1 FROM {name} WHERE host = ? /*! FOR KEY SHARE */"

    def enter(self, session: Session, host: str, now: float) -> None:
        """Adds a host."""
        session.execute(self._enter, (host, 0, now))

    def seen(self, session: Session, host: str, now: float) -> None:
        """Shows that a host lives, and adds it where it has no row."""
        session.execute(self._seen, (host, int(now * 1000), now))

    def alive(self, session: Session, host: str) -> bool:
        """True if a host was not declared dead. Its row is locked, so this holds until the transaction ends."""
        return session.execute(self._alive, (host,)).fetchone() is not None

    def beat(self, session: Session, host: str, now: float) -> bool:
        """Shows that a host lives; False when it was declared dead."""
        sql = f"UPDATE {self.name} SET beat = beat + 1, seen_at = ? WHERE host = ?"
        return session.execute(sql, (now, host)).rowcount == 1

    def bury(self, session: Session, silence: Silence) -> bool:
        """Declares a host dead; False when it has shown meanwhile that it lives, or another host was first."""
        if silence.beat is None:
            # Its row is taken until this commits, so that the host cannot claim anything in between.
            taken = f"{self._enter} ON CONFLICT (host) DO NOTHING"
            if session.execute(taken, (silence.host, 0, 0.0)).rowcount != 1:
                return False
            self.leave(session, silence.host)
            return True
        sql = f"DELETE FROM {self.name} WHERE host = ? AND beat = ?"
        return session.execute(sql, (silence.host, silence.beat)).rowcount == 1

    def leave(self, session: Session, host: str) -> None:
        """Removes a host."""
        session.execute(f"DELETE FROM {self.name} WHERE host = ?", (host,))
