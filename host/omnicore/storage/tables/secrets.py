"""Sealed secrets and the wrapped keys that seal them. Nothing here is readable without the master key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.storage.store import Session, Store

__all__ = ["KeyRow", "SecretRow", "SecretsTable"]


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
        with self._store.write(durable=True) as session:
            if retire_others:
                session.execute("UPDATE vault_keys SET retired = 1")
            session.execute(
                "INSERT INTO vault_keys (id, wrapped, master, retired, made_at) VALUES (?, ?, ?, ?, ?)",
                (key.id, key.wrapped, key.master, int(key.retired), key.made_at),
            )

    def rewrap(self, keys: Sequence[KeyRow]) -> None:
        """Keeps all these keys in their new wrapping, or none of them."""
        with self._store.write(durable=True) as session:
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
        """Whether there was such a secret."""
        with self._store.write(durable=True) as session:
            return session.execute("DELETE FROM secrets WHERE name = ?", (name,)).rowcount > 0

    def _rows(self, clause: str, *parameters: str | int) -> tuple[SecretRow, ...]:
        found = self._store.rows(
            f"SELECT name, version, data_key, sealed, changed_at FROM secrets {clause}", parameters
        )
        return tuple(SecretRow(row[0], row[1], row[2], bytes(row[3]), row[4]) for row in found)


def _locks(session: Session, key: str) -> bool:
    """Whether the data key may seal, which then stays so until the transaction ends."""
    return session.execute("UPDATE vault_keys SET retired = 0 WHERE id = ? AND retired = 0", (key,)).rowcount > 0
