"""Webhooks and what was delivered to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["DeliveryRow", "HookRow", "WebhooksTable"]

_PRUNED = 500  # rows that one transaction deletes at most
_HEAD = "id, hook, dedupe, event, media, state, attempts, received_at, published_at"


@dataclass(frozen=True, slots=True)
class HookRow:
    """A webhook. `secret` is a reference, never a value. Units: `window_s` seconds."""

    id: str
    name: str
    connector: str | None
    rule: str
    secret: str
    window_s: float
    added_at: float

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it."""
        return {
            "name": self.name,
            "path": f"/hooks/{self.id}",
            "rule": self.rule,
            "connector": self.connector,
            "window_s": self.window_s,
            "added_at": self.added_at,
        }


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery. `state` is "received" until its event was published, then "published"."""

    id: str
    hook: str
    dedupe: str
    event: str
    media: str
    state: str
    attempts: int
    received_at: float
    published_at: float | None = None
    body: bytes = b""

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it, without the body."""
        return {
            "id": self.id,
            "event": self.event,
            "media": self.media,
            "state": self.state,
            "attempts": self.attempts,
            "received_at": self.received_at,
            "published_at": self.published_at,
        }


class WebhooksTable:
    """A delivery is on the disk when `receive` returns: its sender will not send it again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, hook: HookRow, *, most: int) -> bool:
        """Whether the name was free and there are fewer than `most`."""
        with self._store.write(durable=True) as session:
            if session.execute("SELECT count(*) FROM webhooks").fetchone()[0] >= most:
                return False
            added = session.execute(
                "INSERT INTO webhooks (id, name, connector, rule, secret, window_s, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (hook.id, hook.name, hook.connector, hook.rule, hook.secret, hook.window_s, hook.added_at),
            )
            return added.rowcount > 0

    def all(self) -> tuple[HookRow, ...]:
        """All webhooks by name."""
        return self._hooks("ORDER BY name")

    def named(self, name: str) -> HookRow | None:
        """The webhook of this name."""
        return next(iter(self._hooks("WHERE name = ?", name)), None)

    def with_id(self, hook: str) -> HookRow | None:
        """The webhook at a path."""
        return next(iter(self._hooks("WHERE id = ?", hook)), None)

    def remove(self, hook: str) -> bool:
        """Whether there was such a webhook; its deliveries go with it."""
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM webhook_deliveries WHERE hook = ?", (hook,))
            return session.execute("DELETE FROM webhooks WHERE id = ?", (hook,)).rowcount > 0

    def receive(self, row: DeliveryRow) -> bool:
        """Keeps a delivery; False when it came before."""
        with self._store.write(durable=True) as session:
            return self.receive_in(row, session)

    @staticmethod
    def receive_in(row: DeliveryRow, session: Session) -> bool:
        """The same, in a transaction of the caller's."""
        added = session.execute(
            f"INSERT INTO webhook_deliveries ({_HEAD}, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (hook, dedupe) DO NOTHING",
            (
                *(row.id, row.hook, row.dedupe, row.event, row.media, row.state, row.attempts),
                *(row.received_at, row.published_at, row.body),
            ),
        )
        return added.rowcount > 0

    def published(self, delivery: str, *, at: float) -> None:
        """Records that the event of a delivery went out."""

        def work(session: Session) -> None:
            session.execute(
                "UPDATE webhook_deliveries SET state = 'published', attempts = attempts + 1, published_at = ?"
                " WHERE id = ?",
                (at, delivery),
            )

        self._store.apply(work)

    def all_published(self, deliveries: Sequence[str], *, at: float) -> None:
        """The same for many at once."""

        def work(session: Session) -> None:
            session.executemany(
                "UPDATE webhook_deliveries SET state = 'published', attempts = attempts + 1, published_at = ?"
                " WHERE id = ?",
                [(at, one) for one in deliveries],
            )

        self._store.apply(work)

    def get(self, hook: str, delivery: str) -> DeliveryRow | None:
        """A delivery with its body."""
        return next(iter(self._deliveries("WHERE hook = ? AND id = ?", hook, delivery, body=True)), None)

    def page(self, hook: str, *, before: str = "", limit: int = 100) -> tuple[DeliveryRow, ...]:
        """Deliveries without bodies, the newest first; `before` is the last id of the page before."""
        if before:
            return self._deliveries("WHERE hook = ? AND id < ? ORDER BY id DESC LIMIT ?", hook, before, limit)
        return self._deliveries("WHERE hook = ? ORDER BY id DESC LIMIT ?", hook, limit)

    def unpublished(self, *, before: float, limit: int = 100) -> tuple[DeliveryRow, ...]:
        """Deliveries that were kept before a time and never published, the oldest first."""
        return self._deliveries(
            "WHERE state = 'received' AND received_at < ? ORDER BY id LIMIT ?", before, limit, body=True
        )

    def prune(self, *, before: float) -> int:
        """Deletes some of the deliveries that are older; how many. Call it until it answers 0."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM webhook_deliveries WHERE id IN"
                " (SELECT id FROM webhook_deliveries WHERE received_at < ? ORDER BY received_at LIMIT ?)",
                (before, _PRUNED),
            ).rowcount

        return self._store.apply(work)

    def prune_to(self, hook: str, *, most: int) -> int:
        """Deletes some of the oldest deliveries of a webhook beyond `most`; how many."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries"
                " WHERE hook = ? ORDER BY id DESC LIMIT ? OFFSET ?)",
                (hook, _PRUNED, most),
            ).rowcount

        return self._store.apply(work)

    def _hooks(self, clause: str, *parameters: str) -> tuple[HookRow, ...]:
        columns = "id, name, connector, rule, secret, window_s, added_at"
        return tuple(HookRow(*row) for row in self._store.rows(f"SELECT {columns} FROM webhooks {clause}", parameters))

    def _deliveries(self, clause: str, *parameters: str | float, body: bool = False) -> tuple[DeliveryRow, ...]:
        columns = f"{_HEAD}, body" if body else _HEAD
        found = self._store.rows(f"SELECT {columns} FROM webhook_deliveries {clause}", parameters)
        return tuple(DeliveryRow(*row[:9], *([bytes(row[9])] if body else [])) for row in found)
