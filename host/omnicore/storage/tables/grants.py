"""Who allowed which plugin what, and when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["GrantRow", "GrantsTable"]


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One grant. Units: `granted_at` seconds since the Unix epoch."""

    plugin: str
    capability: str
    scope: Mapping[str, Any]
    granted_by: str
    granted_at: float


class GrantsTable:
    """One grant for each plugin and capability; a newer one takes the place of the older."""

    def __init__(self, database: Store) -> None:
        self._database = database

    def give(self, grant: GrantRow) -> None:
        """Records a grant; on the disk when it returns."""
        with self._database.write(durable=True) as session:
            self.write(session, [grant])

    @staticmethod
    def write(session: Session, grants: Iterable[GrantRow]) -> None:
        """Records grants in a transaction that holds what follows from them."""
        session.executemany(
            "INSERT INTO grants VALUES (?, ?, ?, ?, ?) ON CONFLICT (plugin, capability) DO UPDATE"
            " SET scope = excluded.scope, granted_by = excluded.granted_by, granted_at = excluded.granted_at",
            [
                (one.plugin, one.capability, json.dumps(one.scope, sort_keys=True), one.granted_by, one.granted_at)
                for one in grants
            ],
        )

    @staticmethod
    def take(session: Session, plugin: str, capability: str) -> None:
        """Takes a grant back, in a transaction that holds what follows from it."""
        session.execute("DELETE FROM grants WHERE plugin = ? AND capability = ?", (plugin, capability))

    def of(self, plugin: str) -> tuple[GrantRow, ...]:
        """The grants of one plugin, by capability."""
        return self._read("WHERE plugin = ? ORDER BY capability", plugin)

    def all(self) -> dict[str, tuple[GrantRow, ...]]:
        """The grants of every plugin that has any."""
        return _by_plugin(self._read("ORDER BY plugin, capability"))

    def between(self, first: str, last: str) -> dict[str, tuple[GrantRow, ...]]:
        """The grants of the plugins from one name to another."""
        return _by_plugin(self._read("WHERE plugin >= ? AND plugin <= ? ORDER BY plugin, capability", first, last))

    def forget(self, plugin: str) -> None:
        """Takes back all that a plugin was granted."""
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM grants WHERE plugin = ?", (plugin,))

    def _read(self, clause: str, *parameters: str) -> tuple[GrantRow, ...]:
        found = self._database.rows(
            f"SELECT plugin, capability, scope, granted_by, granted_at FROM grants {clause}", parameters
        )
        return tuple(GrantRow(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in found)


def _by_plugin(grants: Iterable[GrantRow]) -> dict[str, tuple[GrantRow, ...]]:
    found: dict[str, tuple[GrantRow, ...]] = {}
    for grant in grants:
        found[grant.plugin] = (*found.get(grant.plugin, ()), grant)
    return found
