"""Connectors as operators made them, and who used them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["ConnectorRow", "ConnectorsTable", "UseRow"]

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
    """What people decide is on the disk when it returns; uses share commits."""

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
        """Whether the name was free. Past `most` connectors nothing is added, and the answer is no as well."""
        with self._store.write(durable=True) as session:
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
        """Whether there was such a connector. Its uses stay, for who asks later."""
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
