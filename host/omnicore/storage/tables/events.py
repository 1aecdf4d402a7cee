"""The event log, durable subscriptions, events handed over, and the row that proves the database can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.errors import LimitExceeded, StorageFailed
from omnicore.records import Json, Record
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store


_PAGE = 500


class EventRow(Record, frozen=True):
    """An event as it is kept. Units: `at` seconds since the Unix epoch."""

    id: str
    topic: str
    source: str
    at: float
    hops: int
    data: Json


EVENTS = Table(EventRow, "logs", key="id")


class FeedRow(Record, frozen=True):
    """The place of an event in the order that all hosts on a database have in common; unused by a host alone."""

    seq: int
    event: str


FEED = Table(FeedRow, "event_feed", key="seq")
_ORDER = ("events",)  # whoever numbers events holds it until the commit: who reads on from a number misses none


class EventsTable:
    """Events of all hosts on this database.

    Args: shared: number events in the order in which all hosts hear them.
    """

    def __init__(self, store: Store, *, shared: bool = False) -> None:
        self._store, self._shared = store, shared

    def append(self, rows: Sequence[EventRow]) -> None:
        """Keeps events; one that is kept already is no matter. Raises: StorageFailed."""

        def work(session: Session) -> None:
            if self._shared:
                self._number(session, rows)
            session.executemany(
                f"INSERT INTO logs ({EVENTS.columns}) VALUES ({EVENTS.marks}) ON CONFLICT (id) DO NOTHING",
                [EVENTS.values(row) for row in rows],
            )

        self._store.apply(work, locks=_ORDER if self._shared else ())

    @staticmethod
    def _number(session: Session, rows: Sequence[EventRow]) -> None:
        marks = ", ".join("?" for _ in rows)
        found = session.execute(f"SELECT id FROM logs WHERE id IN ({marks})", [row.id for row in rows]).fetchall()
        known = {row[0] for row in found}
        last = session.execute("SELECT coalesce(max(seq), 0) FROM event_feed").fetchone()[0]
        fresh = [row.id for row in rows if row.id not in known]
        session.executemany(FEED.insert, [(last + count, one) for count, one in enumerate(fresh, 1)])

    def last_number(self) -> int:
        """The number of the newest event."""
        return int(self._store.rows("SELECT coalesce(max(seq), 0) FROM event_feed")[0][0])

    def after(self, number: int, limit: int) -> list[tuple[int, EventRow]]:
        """Events of all hosts with a larger number, in order."""
        columns = ", ".join(f"e.{name}" for name in EVENTS.columns.split(", "))
        found = self._store.rows(
            f"SELECT f.seq, {columns} FROM event_feed AS f JOIN logs AS e ON e.id = f.event"
            " WHERE f.seq > ? ORDER BY f.seq LIMIT ?",
            (number, limit),
        )
        return [(row[0], EVENTS.row(row[1:])) for row in found]

    def trim(self, *, keep: int, before: float) -> int:
        """Forgets all but the newest `keep`, and those from before a time; how many went."""
        edge = self._store.rows("SELECT id FROM logs ORDER BY id DESC LIMIT 1 OFFSET ?", (keep,))
        # Ids begin with the time, so the first row that is young enough is where the old ones end.
        young = self._store.rows("SELECT id FROM logs WHERE at >= ? ORDER BY id LIMIT 1", (before,))

        def work(session: Session) -> int:
            gone = 0
            if edge:
                gone += session.execute("DELETE FROM logs WHERE id <= ?", (edge[0][0],)).rowcount
            if young:
                gone += session.execute("DELETE FROM logs WHERE id < ?", (young[0][0],)).rowcount
            else:
                gone += session.execute("DELETE FROM logs WHERE at < ?", (before,)).rowcount
            if self._shared:
                session.execute("DELETE FROM event_feed WHERE seq <= (SELECT max(seq) FROM event_feed) - ?", (keep,))
            return gone

        return self._store.apply(work)

    def newest(self, prefix: str, before: str | None, limit: int) -> list[EventRow]:
        """Events whose topic begins with a text, newest first, older than the one with the id `before`."""
        # An exclamation mark escapes: it is in no topic, and means the same to both databases.
        like = prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
        clause, values = ("AND id < ?", (like, before)) if before else ("", (like,))
        found = self._store.rows(
            f"SELECT {EVENTS.columns} FROM logs WHERE topic LIKE ? ESCAPE '!' {clause} ORDER BY id DESC LIMIT ?",
            (*values, min(limit, _PAGE)),
        )
        return [EVENTS.row(row) for row in found]


class SubscriptionRow(Record, frozen=True):
    """One subscription. Units: `created_at` seconds since the Unix epoch."""

    id: str
    plugin: str
    topic: str
    function: str
    created_at: float


SUBSCRIPTIONS = Table(SubscriptionRow, "subscriptions", key="id", unique=(("plugin", "topic", "function"),))


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
                f"INSERT INTO subscriptions ({SUBSCRIPTIONS.columns}) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (plugin, topic, function) DO UPDATE SET topic = excluded.topic RETURNING id",
                (order, plugin, topic, function, self._clock.now()),
            ).fetchone()
            return str(kept[0])

        return self._store.apply(work, locks=("subscriptions",))

    def remove(self, plugin: str, order: str) -> bool:
        """Removes a subscription and returns True if the plugin had it."""

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
        found = self._store.rows(
            f"SELECT {SUBSCRIPTIONS.columns} FROM subscriptions {clause} ORDER BY created_at, id", values
        )
        return [SUBSCRIPTIONS.row(row) for row in found]


def _bound(count: int, allowed: int, name: str) -> None:
    if count > allowed:
        raise LimitExceeded(
            f"{count} subscriptions where {allowed} are allowed",
            remedy="unsubscribe from some of them",
            limit=name,
            allowed=allowed,
        )


class HandedRow(Record, frozen=True):
    """An event that waits for a host with the plugin. Units: `at` seconds since the Unix epoch, of the handing over."""

    subscription: str
    event: str
    at: float
    handed: Json


HANDED = Table(HandedRow, "event_deliveries", key=("subscription", "event"), indexes=(("at",),))
_WAITING_S, _MOST_WAITING = 60.0, 10_000


class HandedTable:
    """Events that hosts on one database hand over to each other; each is taken by one, within a minute or never."""

    def __init__(self, store: Store, clock: Clock, *, most: int = _MOST_WAITING) -> None:
        self._store, self._clock, self._most = store, clock, most

    def give(self, subscription: str, event: str, handed: Json) -> None:
        """Lets an event wait, once. Raises: LimitExceeded: too many do."""
        now = self._clock.now()
        row = HandedRow(subscription, event, now, handed)

        def work(session: Session) -> None:
            session.execute("DELETE FROM event_deliveries WHERE at < ?", (now - _WAITING_S,))
            waiting = session.execute("SELECT count(*) FROM event_deliveries").fetchone()[0]
            if waiting >= self._most:
                raise LimitExceeded(
                    f"{waiting} events wait for a host with their plugin",
                    remedy="look with `omnicore plugins hosts NAME` why no host can load it",
                    limit="events waiting",
                    allowed=self._most,
                )
            session.execute(f"{HANDED.insert} ON CONFLICT (subscription, event) DO NOTHING", HANDED.values(row))

        self._store.apply(work)

    def waiting(self) -> list[str]:
        """The subscriptions for which events wait."""
        found = self._store.rows(
            "SELECT DISTINCT subscription FROM event_deliveries WHERE at >= ?", (self._clock.now() - _WAITING_S,)
        )
        return [row[0] for row in found]

    def take(self, subscription: str, limit: int) -> list[Json]:
        """Takes the oldest events of a subscription; no other host gets them."""
        since = self._clock.now() - _WAITING_S

        def work(session: Session) -> list[HandedRow]:
            found = session.execute(
                f"{HANDED.select} WHERE subscription = ? AND at >= ? ORDER BY event LIMIT ?"
                " /*! FOR UPDATE SKIP LOCKED */",
                (subscription, since, limit),
            ).fetchall()
            rows = [HANDED.row(row) for row in found]
            session.executemany(
                "DELETE FROM event_deliveries WHERE subscription = ? AND event = ?",
                [(row.subscription, row.event) for row in rows],
            )
            return rows

        return [row.handed for row in self._store.apply(work)]


class HeartbeatsTable:
    """One row for each name that tries; the newest time stays."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def beat(self, name: str) -> None:
        """Writes the present time and reads it back. Raises: StorageFailed."""
        now = self._clock.now()

        def work(session: Session) -> None:
            session.execute(
                "INSERT INTO heartbeats (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                (name, now),
            )

        self._store.apply(work)
        if not self._store.rows("SELECT at FROM heartbeats WHERE name = ?", (name,)):
            raise StorageFailed(f"{self._store.place} lost a row that was just written", remedy="check the disk")
