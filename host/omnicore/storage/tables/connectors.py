"""Connectors, their sealed secrets, webhooks and deliveries. Secrets cannot be read without the master key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omnicore.storage.store import Session, Store

__all__ = [
    "ConnectorRow",
    "ConnectorsTable",
    "DeliveryRow",
    "HookRow",
    "KeyRow",
    "SecretRow",
    "SecretsTable",
    "UseRow",
    "WebhooksTable",
]


_PRUNED = 1000  # rows that one transaction deletes at most


@dataclass(frozen=True, slots=True)
class ConnectorRow:
    """A connector. `credentials` maps names to references, never to values.

    Units: `added_at` and `changed_at` seconds since the Unix epoch.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    credentials: Mapping[str, str]
    limits: Mapping[str, Any]
    version: int
    added_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class UseRow:
    """One use of a connector. `outcome` is "begun", "ok" or the code of an error.

    Units: `at` seconds since the Unix epoch, `took_s` seconds, None while it runs or when its host died.
    """

    id: str
    connector: str
    action: str
    who: str
    at: float
    took_s: float | None
    attempts: int
    outcome: str

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it."""
        return {name: getattr(self, name) for name in self.__slots__}


class ConnectorsTable:
    """Connectors and their uses. Decisions of people are on the disk when a method returns; uses share commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> ConnectorRow | None:
        """A connector."""
        found = self._read("WHERE name = ?", name)
        return found[0] if found else None

    def all(self) -> tuple[ConnectorRow, ...]:
        """All connectors by name."""
        return self._read("ORDER BY name")

    def add(self, row: ConnectorRow, *, most: int) -> bool:
        """Adds a connector and returns True if the name was free and there were fewer than `most`."""
        with self._store.write(durable=True, locks=("connectors",)) as session:
            if session.execute("SELECT count(*) FROM connectors").fetchone()[0] >= most:
                return False
            added = session.execute(
                "INSERT INTO connectors (name, kind, config, credentials, limits, version, added_at, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (row.name, row.kind, *_texts(row), row.version, row.added_at, row.changed_at),
            )
            return added.rowcount > 0

    def change(self, row: ConnectorRow) -> bool:
        """Keeps the row as the version after the one it was read with; False when that is no longer the newest."""
        with self._store.write(durable=True) as session:
            changed = session.execute(
                "UPDATE connectors SET config = ?, credentials = ?, limits = ?, version = version + 1, changed_at = ?"
                " WHERE name = ? AND version = ?",
                (*_texts(row), row.changed_at, row.name, row.version),
            )
            return changed.rowcount > 0

    def remove(self, name: str) -> bool:
        """Removes a connector and returns True if there was one. Its uses stay."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM connectors WHERE name = ?", (name,)).rowcount > 0

    def begin_use(self, use: UseRow) -> None:
        """Records that a call goes out."""

        def work(session: Session) -> None:
            session.execute(
                "INSERT INTO connector_uses (id, connector, action, who, at, took_s, attempts, outcome)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (use.id, use.connector, use.action, use.who, use.at, use.took_s, use.attempts, use.outcome),
            )

        self._store.apply(work)

    def end_use(self, use: str, *, took_s: float, attempts: int, outcome: str) -> None:
        """Records what came of it."""

        def work(session: Session) -> None:
            session.execute(
                "UPDATE connector_uses SET took_s = ?, attempts = ?, outcome = ? WHERE id = ?",
                (took_s, attempts, outcome, use),
            )

        self._store.apply(work)

    def uses(self, connector: str, *, before: str = "", limit: int = 100) -> tuple[UseRow, ...]:
        """Uses of a connector, the newest first; `before` is the last id of the page before."""
        clause, parameters = ("AND id < ?", (connector, before, limit)) if before else ("", (connector, limit))
        found = self._store.rows(
            "SELECT id, connector, action, who, at, took_s, attempts, outcome FROM connector_uses"
            f" WHERE connector = ? {clause} ORDER BY id DESC LIMIT ?",
            parameters,
        )
        return tuple(UseRow(*row) for row in found)

    def prune_uses(self, *, before: float) -> int:
        """Deletes some of the uses that are older; how many. Call it until it answers 0."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM connector_uses WHERE id IN"
                " (SELECT id FROM connector_uses WHERE at < ? ORDER BY at LIMIT ?)",
                (before, _PRUNED),
            ).rowcount

        return self._store.apply(work)

    def _read(self, clause: str, *parameters: str) -> tuple[ConnectorRow, ...]:
        columns = "name, kind, config, credentials, limits, version, added_at, changed_at"
        found = self._store.rows(f"SELECT {columns} FROM connectors {clause}", parameters)
        return tuple(ConnectorRow(*row[:2], *map(json.loads, row[2:5]), *row[5:]) for row in found)


def _texts(row: ConnectorRow) -> tuple[str, str, str]:
    config, credentials, limits = (json.dumps(one, sort_keys=True) for one in (row.config, row.credentials, row.limits))
    return config, credentials, limits


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A data key, wrapped. `master` names the master key that wrapped it; a `retired` one seals nothing new."""

    id: str
    wrapped: bytes
    master: str
    retired: bool
    made_at: float


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A secret, sealed by the data key `data_key`."""

    name: str
    version: int
    data_key: str
    sealed: bytes
    changed_at: float


class SecretsTable:
    """Writes are on the disk when they return: a credential that is lost cannot be made again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def data_keys(self) -> tuple[KeyRow, ...]:
        """All data keys, the newest last."""
        found = self._store.rows("SELECT id, wrapped, master, retired, made_at FROM vault_keys ORDER BY made_at, id")
        return tuple(KeyRow(row[0], bytes(row[1]), row[2], bool(row[3]), row[4]) for row in found)

    def add_key(self, key: KeyRow, *, retire_others: bool) -> None:
        """Adds a data key; those before it seal nothing new from then on if `retire_others`."""
        with self._store.write(durable=True, locks=("vault",)) as session:
            if retire_others:
                session.execute("UPDATE vault_keys SET retired = 1")
            session.execute(
                "INSERT INTO vault_keys (id, wrapped, master, retired, made_at) VALUES (?, ?, ?, ?, ?)",
                (key.id, key.wrapped, key.master, int(key.retired), key.made_at),
            )

    def rewrap(self, keys: Sequence[KeyRow]) -> None:
        """Keeps all these keys in their new wrapping, or none of them."""
        with self._store.write(durable=True, locks=("vault",)) as session:
            for key in keys:
                session.execute(
                    "UPDATE vault_keys SET wrapped = ?, master = ? WHERE id = ?", (key.wrapped, key.master, key.id)
                )

    def drop_key(self, key: str) -> bool:
        """Drops a retired key that seals nothing any more; whether it did."""
        with self._store.write(durable=True) as session:
            # The row's lock comes first: whoever seals with the key at this moment is waited for, then counted.
            session.execute("UPDATE vault_keys SET retired = 1 WHERE id = ?", (key,))
            if session.execute("SELECT 1 FROM secrets WHERE data_key = ? LIMIT 1", (key,)).fetchone():
                return False
            return session.execute("DELETE FROM vault_keys WHERE id = ?", (key,)).rowcount > 0

    def get(self, name: str) -> SecretRow | None:
        """A secret."""
        found = self._rows("WHERE name = ?", name)
        return found[0] if found else None

    def versions(self, names: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Version and time of change of those that exist; how a change by another process is noticed."""
        if not names:
            return {}
        marks = ", ".join("?" for _ in names)
        found = self._store.rows(f"SELECT name, version, changed_at FROM secrets WHERE name IN ({marks})", tuple(names))
        return {row[0]: (row[1], row[2]) for row in found}

    def page(self, after: str, limit: int) -> tuple[SecretRow, ...]:
        """Secrets by name, from the one after `after`."""
        return self._rows("WHERE name > ? ORDER BY name LIMIT ?", after, limit)

    def sealed_by(self, key: str, limit: int) -> tuple[SecretRow, ...]:
        """Some of the secrets that a data key seals."""
        return self._rows("WHERE data_key = ? LIMIT ?", key, limit)

    def put(self, row: SecretRow) -> bool:
        """Keeps a secret, if its version is the next and its data key still seals; whether it did."""
        with self._store.write(durable=True) as session:
            if not _locks(session, row.data_key):
                return False
            values = (row.version, row.data_key, row.sealed, row.changed_at, row.name)
            if row.version == 1:
                added = session.execute(
                    "INSERT INTO secrets (version, data_key, sealed, changed_at, name) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (name) DO NOTHING",
                    values,
                )
                return added.rowcount > 0
            changed = session.execute(
                "UPDATE secrets SET version = ?, data_key = ?, sealed = ?, changed_at = ?"
                " WHERE name = ? AND version = ?",
                (*values, row.version - 1),
            )
            return changed.rowcount > 0

    def reseal(self, row: SecretRow, *, old_key: str) -> bool:
        """Keeps the same version under another data key; False when it changed meanwhile."""
        with self._store.write(durable=True) as session:
            return _locks(session, row.data_key) and bool(
                session.execute(
                    "UPDATE secrets SET data_key = ?, sealed = ? WHERE name = ? AND version = ? AND data_key = ?",
                    (row.data_key, row.sealed, row.name, row.version, old_key),
                ).rowcount
            )

    def remove(self, name: str) -> bool:
        """Removes a secret and returns True if there was one."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM secrets WHERE name = ?", (name,)).rowcount > 0

    def _rows(self, clause: str, *parameters: str | int) -> tuple[SecretRow, ...]:
        found = self._store.rows(
            f"SELECT name, version, data_key, sealed, changed_at FROM secrets {clause}", parameters
        )
        return tuple(SecretRow(row[0], row[1], row[2], bytes(row[3]), row[4]) for row in found)


def _locks(session: Session, key: str) -> bool:
    """True if the data key may seal; this holds until the transaction ends."""
    return session.execute("UPDATE vault_keys SET retired = 0 WHERE id = ? AND retired = 0", (key,)).rowcount > 0


_PRUNED_DELIVERIES = 500  # rows that one transaction deletes at most
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
        """Adds a webhook and returns True if the name was free and there were fewer than `most`."""
        with self._store.write(durable=True, locks=("webhooks",)) as session:
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
        """Removes a webhook with its deliveries and returns True if there was one."""
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
                (before, _PRUNED_DELIVERIES),
            ).rowcount

        return self._store.apply(work)

    def prune_to(self, hook: str, *, most: int) -> int:
        """Deletes some of the oldest deliveries of a webhook beyond `most`; how many."""

        def work(session: Session) -> int:
            return session.execute(
                "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries"
                " WHERE hook = ? ORDER BY id DESC LIMIT ? OFFSET ?)",
                (hook, _PRUNED_DELIVERIES, most),
            ).rowcount

        return self._store.apply(work)

    def _hooks(self, clause: str, *parameters: str) -> tuple[HookRow, ...]:
        columns = "id, name, connector, rule, secret, window_s, added_at"
        return tuple(HookRow(*row) for row in self._store.rows(f"SELECT {columns} FROM webhooks {clause}", parameters))

    def _deliveries(self, clause: str, *parameters: str | float, body: bool = False) -> tuple[DeliveryRow, ...]:
        columns = f"{_HEAD}, body" if body else _HEAD
        found = self._store.rows(f"SELECT {columns} FROM webhook_deliveries {clause}", parameters)
        return tuple(DeliveryRow(*row[:9], *([bytes(row[9])] if body else [])) for row in found)
