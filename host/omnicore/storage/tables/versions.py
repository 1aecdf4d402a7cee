"""What belongs to the versions that are kept: their sidecars, who turned one away, rollbacks under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.plugins import VersionRow

__all__ = ["RollbackRow", "TurnedAwayRow", "VersionsTable"]


@dataclass(frozen=True, slots=True)
class RollbackRow:
    """A rollback that has begun. `signature` is that of the plugin's file before. Units: `at` epoch seconds."""

    plugin: str
    hash: str
    path: str
    signature: str
    at: float


@dataclass(frozen=True, slots=True)
class TurnedAwayRow:
    """A version that somebody decided against. Units: `at` seconds since the Unix epoch."""

    plugin: str
    hash: str
    who: str
    at: float


class VersionsTable:
    """Rows about versions; the versions themselves are in `PluginsTable`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> list[VersionRow]:
        """The versions of a plugin, the one seen last first."""
        found = self._store.rows(
            "SELECT plugin, hash, manifest, size, seen_at FROM versions WHERE plugin = ? ORDER BY seen_at DESC, hash",
            (plugin,),
        )
        return [VersionRow(*row) for row in found]

    def keep_sidecar(self, plugin: str, hash_: str, sidecar: str | None) -> None:
        """Keeps the manifest that lay beside a version's file, None for a file without one."""
        with self._store.write() as session:
            session.execute("DELETE FROM version_sidecars WHERE plugin = ? AND hash = ?", (plugin, hash_))
            if sidecar is not None:
                session.execute("INSERT INTO version_sidecars VALUES (?, ?, ?)", (plugin, hash_, sidecar))

    def sidecar(self, plugin: str, hash_: str) -> str | None:
        """The manifest that lay beside a version's file."""
        found = self._store.rows("SELECT sidecar FROM version_sidecars WHERE plugin = ? AND hash = ?", (plugin, hash_))
        return str(found[0][0]) if found else None

    def turned_away(self, plugin: str) -> Mapping[str, TurnedAwayRow]:
        """The versions that somebody decided against, by hash."""
        found = self._store.rows("SELECT plugin, hash, who, at FROM versions_turned_away WHERE plugin = ?", (plugin,))
        return {row[1]: TurnedAwayRow(*row) for row in found}

    @staticmethod
    def turn_away(session: Session, row: TurnedAwayRow) -> None:
        """Records a decision against a version, in a transaction that holds what follows from it."""
        session.execute(
            "INSERT INTO versions_turned_away VALUES (?, ?, ?, ?) ON CONFLICT (plugin, hash) DO UPDATE"
            " SET who = excluded.who, at = excluded.at",
            astuple(row),
        )

    @staticmethod
    def welcome(session: Session, plugin: str, hash_: str) -> None:
        """Takes a decision against a version back."""
        session.execute("DELETE FROM versions_turned_away WHERE plugin = ? AND hash = ?", (plugin, hash_))

    def begin(self, row: RollbackRow) -> None:
        """Records that a rollback begins, before any file is touched; on the disk when it returns."""
        with self._store.write(durable=True) as session:
            self.welcome(session, row.plugin, row.hash)
            session.execute(
                "INSERT INTO rollbacks VALUES (?, ?, ?, ?, ?) ON CONFLICT (plugin) DO UPDATE SET hash = excluded.hash,"
                " path = excluded.path, signature = excluded.signature, at = excluded.at",
                astuple(row),
            )

    def begun(self) -> list[RollbackRow]:
        """The rollbacks under way, of which there are none but for moments and after a crash."""
        found = self._store.rows("SELECT plugin, hash, path, signature, at FROM rollbacks ORDER BY plugin")
        return [RollbackRow(*row) for row in found]

    def end(self, row: RollbackRow) -> None:
        """Records that a rollback is over."""
        with self._store.write() as session:
            session.execute("DELETE FROM rollbacks WHERE plugin = ? AND hash = ?", (row.plugin, row.hash))

    def forget(self, plugin: str) -> None:
        """Drops all of a plugin."""
        with self._store.write() as session:
            for table in ("version_sidecars", "versions_turned_away", "rollbacks"):
                session.execute(f"DELETE FROM {table} WHERE plugin = ?", (plugin,))
