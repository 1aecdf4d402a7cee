"""Who allowed which plugin what, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.storage.store import Store

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
        with self._database.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO grants VALUES (?, ?, ?, ?, ?) ON CONFLICT (plugin, capability) DO UPDATE"
                " SET scope = excluded.scope, granted_by = excluded.granted_by, granted_at = excluded.granted_at",
                (
                    grant.plugin,
                    grant.capability,
                    json.dumps(grant.scope, sort_keys=True),
                    grant.granted_by,
                    grant.granted_at,
                ),
            )

    def take(self, plugin: str, capability: str) -> bool:
        """Whether there was a grant to take back; on the disk when it returns."""
        with self._database.write(durable=True) as connection:
            done = connection.execute(
                "DELETE FROM grants WHERE plugin = ? AND capability = ?", (plugin, capability)
            ).rowcount
        return done > 0

    def of(self, plugin: str) -> tuple[GrantRow, ...]:
        """The grants of one plugin, by capability."""
        return self._read("WHERE plugin = ? ORDER BY capability", plugin)

    def all(self) -> dict[str, tuple[GrantRow, ...]]:
        """The grants of every plugin that has any."""
        found: dict[str, tuple[GrantRow, ...]] = {}
        for grant in self._read("ORDER BY plugin, capability"):
            found[grant.plugin] = (*found.get(grant.plugin, ()), grant)
        return found

    def forget(self, plugin: str) -> None:
        """Takes back all that a plugin was granted."""
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM grants WHERE plugin = ?", (plugin,))

    def _read(self, clause: str, *parameters: str) -> tuple[GrantRow, ...]:
        found = self._database.rows(
            f"SELECT plugin, capability, scope, granted_by, granted_at FROM grants {clause}", parameters
        )
        return tuple(GrantRow(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in found)
