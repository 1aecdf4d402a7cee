"""Answers to requests with an Idempotency-Key, where hosts share a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.records import Record, Time
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store

__all__ = ["AnswerRow", "AnswersTable"]

_DAY_S = 86_400.0
_MOST = 100_000


class AnswerRow(Record, frozen=True):
    """A request and its answer. `status` is 0 while it runs; `sealed` is empty where the body could not be kept.

    `key` and `digest` are digests, and body and headers are sealed: they may hold what was made for the caller alone.
    """

    key: str
    digest: bytes
    status: int
    location: str
    sealed: bytes
    at: Time


ANSWERS = Table(AnswerRow, "request_answers", key="key", indexes=(("at",),))


class AnswersTable:
    """The answers of all hosts; the oldest go after a day, or when there are too many."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self.clock = store, clock
        self._added = 0

    def begin(self, key: str, digest: bytes) -> AnswerRow | None:
        """The request that came with the key before; None when this is the first, which is noted."""
        row = AnswerRow(key, digest, 0, "", b"", self.clock.now())

        def work(session: Session) -> AnswerRow | None:
            added = session.execute(f"{ANSWERS.insert} ON CONFLICT (key) DO NOTHING", ANSWERS.values(row))
            if added.rowcount > 0:
                return None
            found = session.execute(f"{ANSWERS.select} WHERE key = ?", (key,)).fetchone()
            return None if found is None else ANSWERS.row(found)

        return self._store.apply(work)

    def keep(self, key: str, *, status: int, location: str, sealed: bytes) -> None:
        """Keeps the answer."""

        def work(session: Session) -> None:
            session.execute(
                "UPDATE request_answers SET status = ?, location = ?, sealed = ? WHERE key = ?",
                (status, location, sealed, key),
            )

        self._store.apply(work)
        self._added += 1
        if self._added % 100 == 1:
            self.prune()

    def drop(self, key: str) -> None:
        """Forgets a request that failed: it may be sent again."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM request_answers WHERE key = ? AND status = 0", (key,))

        self._store.apply(work)

    def prune(self, most: int = _MOST) -> None:
        """Deletes what is too old, and what is too much."""
        before = self.clock.now() - _DAY_S
        edge = self._store.rows("SELECT at FROM request_answers ORDER BY at DESC LIMIT 1 OFFSET ?", (most,))

        def work(session: Session) -> None:
            session.execute("DELETE FROM request_answers WHERE at <= ?", (max([before, *(row[0] for row in edge)]),))

        self._store.apply(work)
