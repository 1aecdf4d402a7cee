"""Durable subscriptions: which function of which plugin hears which topics."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.clock import Clock
from omnicore.errors import LimitExceeded
from omnicore.storage.store import Session, Store

__all__ = ["SubscriptionRow", "SubscriptionsTable"]

_COLUMNS = "id, plugin, topic, function, created_at"


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One subscription. Units: `created_at` seconds since the Unix epoch."""

    id: str
    plugin: str
    topic: str
    function: str
    created_at: float


class SubscriptionsTable:
    """The subscriptions of all plugins; the same one twice is one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def add(self, order: str, plugin: str, topic: str, function: str, *, most: int, most_all: int) -> str:
        """Keeps a subscription and returns its id, the older one's when it was there.

        Raises: LimitExceeded: the plugin has `most`, or all plugins together `most_all`.
        """

        def work(session: Session) -> str:
            found = session.execute(
                "SELECT id FROM subscriptions WHERE plugin = ? AND topic = ? AND function = ?",
                (plugin, topic, function),
            ).fetchone()
            if found:
                return str(found[0])
            own, all_of_them = session.execute(
                "SELECT COALESCE(SUM(CASE WHEN plugin = ? THEN 1 ELSE 0 END), 0), COUNT(*) FROM subscriptions",
                (plugin,),
            ).fetchone()
            _bound(own + 1, most, "subscriptions")
            _bound(all_of_them + 1, most_all, "events.subscriptions")
            kept = session.execute(
                f"INSERT INTO subscriptions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (plugin, topic, function) DO UPDATE SET topic = excluded.topic RETURNING id",
                (order, plugin, topic, function, self._clock.now()),
            ).fetchone()
            return str(kept[0])

        return self._store.apply(work)

    def remove(self, plugin: str, order: str) -> bool:
        """Whether the plugin had such a subscription."""

        def work(session: Session) -> bool:
            return (
                session.execute("DELETE FROM subscriptions WHERE plugin = ? AND id = ?", (plugin, order)).rowcount > 0
            )

        return self._store.apply(work)

    def forget(self, plugin: str) -> int:
        """Drops all subscriptions of a plugin; how many there were."""

        def work(session: Session) -> int:
            return session.execute("DELETE FROM subscriptions WHERE plugin = ?", (plugin,)).rowcount

        return self._store.apply(work)

    def of(self, plugin: str) -> list[SubscriptionRow]:
        """A plugin's subscriptions, oldest first."""
        return self._read("WHERE plugin = ?", plugin)

    def all(self) -> list[SubscriptionRow]:
        """Every subscription, oldest first; their number is bounded."""
        return self._read("")

    def _read(self, clause: str, *values: str) -> list[SubscriptionRow]:
        found = self._store.rows(f"SELECT {_COLUMNS} FROM subscriptions {clause} ORDER BY created_at, id", values)
        return [SubscriptionRow(*row) for row in found]


def _bound(count: int, allowed: int, name: str) -> None:
    if count > allowed:
        raise LimitExceeded(
            f"{count} subscriptions where {allowed} are allowed",
            remedy="unsubscribe from some of them",
            limit=name,
            allowed=allowed,
        )
