"""The vault: secrets by name, sealed in the database.

Each secret is sealed by a data key and bound to its name and version, so that no row can stand in for another. Data
keys are kept wrapped by the master key, which is never in the database. Every step of a rotation is one transaction;
a process that dies leaves secrets that open, and the next rotation goes on where it stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from omnicore.clock import Clock
from omnicore.connectors.vault.cipher import Key, new_key, open_sealed, seal
from omnicore.connectors.vault.master import MasterPlace
from omnicore.errors import Conflict, InvalidInput, NotFound, StorageFailed
from omnicore.ids import new_id
from omnicore.storage.tables.secrets import KeyRow, SecretRow, SecretsTable

__all__ = ["LONGEST_SECRET", "SecretInfo", "Vault"]

LONGEST_SECRET = 64 * 1024
_BATCH = 100
_TRIES = 20
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What may be told about a secret. Units: `changed_at` seconds since the Unix epoch."""

    name: str
    version: int
    changed_at: float


class Vault:
    """Seals and opens secrets; usable from any thread. Data keys stay in memory once they were unwrapped."""

    def __init__(self, table: SecretsTable, place: MasterPlace, clock: Clock) -> None:
        self._table = table
        self._place = place
        self._clock = clock
        self._lock = threading.RLock()  # of the keys in memory; readers do not wait for a rotation
        self._rotating = threading.Lock()
        self._keys: dict[str, Key] = {}

    def set(self, name: str, value: str) -> SecretInfo:
        """Keeps a secret, as its next version. Raises: InvalidInput, InvalidSetting, StorageFailed."""
        plain = _checked(name, value)
        for _ in range(_TRIES):
            known = self._table.get(name)
            version = known.version + 1 if known else 1
            key = self._sealing_key()
            sealed = seal(self._keys[key.id], plain, about=_about(name, version))
            row = SecretRow(name, version, key.id, sealed, self._clock.now())
            if self._table.put(row):
                return SecretInfo(name, version, row.changed_at)
        raise Conflict(f"{name} is being changed by others", remedy="try again")

    def get(self, name: str) -> str:
        """The secret itself. Raises: NotFound; StorageFailed: it cannot be opened."""
        row = self._table.get(name)
        if row is None:
            raise NotFound(f"the vault holds no {name[:_LONGEST_NAME]}", remedy=f"run `omnicore secrets set {name}`")
        return self._open(row).decode()

    def versions(self, names: Iterable[str]) -> dict[str, tuple[int, float]]:
        """Version and time of change of those that exist: another value has another pair."""
        return self._table.versions(tuple(names))

    def list(self, after: str = "", limit: int = 100) -> tuple[SecretInfo, ...]:
        """Names and versions by name, from the one after `after`."""
        return tuple(SecretInfo(row.name, row.version, row.changed_at) for row in self._table.page(after, limit))

    def remove(self, name: str) -> bool:
        """Whether there was such a secret."""
        return self._table.remove(name)

    def recover(self) -> None:
        """Ends a change of the master key that a killed process left half done. Raises: as `get` does."""
        if not self._table.data_keys():
            return
        with self._rotating, self._place.alone():
            self._load()
            self._settle()

    def rotate_data_key(self) -> int:
        """Seals everything by a new data key and drops the old ones; how many secrets that were.

        Raises: Conflict: another rotation goes on; InvalidSetting, StorageFailed.
        """
        with self._rotating, self._place.alone():
            self._load()
            fresh = self._add_key(retire_others=True)
            return sum(self._reseal(row.id, fresh) for row in self._table.data_keys() if row.id != fresh.id)

    def rotate_master_key(self) -> int:
        """Wraps all data keys by the place's next master key; how many.

        Raises: Conflict: a person must provide the key; InvalidSetting, StorageFailed.
        """
        with self._rotating, self._place.alone():
            self._load()
            self._settle()
            master = self._place.offer()
            rows = [row for row in self._table.data_keys() if row.master != master.id]
            self._table.rewrap([_wrapped(row, self._keys[row.id], master) for row in rows])
            if rows:
                self._place.settle(master.id)
            return len(rows)

    def _open(self, row: SecretRow) -> bytes:
        with self._lock:
            if row.data_key not in self._keys:
                self._load()
            key = self._keys.get(row.data_key)
        if key is None:  # resealed between reading the row and the keys
            again = self._table.get(row.name)
            if again is None or again.data_key == row.data_key:
                raise StorageFailed(
                    f"the vault has no key for {row.name}", remedy="restore the database from one backup"
                )
            return self._open(again)
        return open_sealed(key, row.sealed, about=_about(row.name, row.version))

    def _reseal(self, old: str, fresh: KeyRow) -> int:
        """Seals what `old` seals by the fresh key, in small transactions, and drops the old key at the end."""
        total = 0
        while rows := self._table.sealed_by(old, _BATCH):
            done = sum(self._table.reseal(self._resealed(row, old, fresh.id), old_key=old) for row in rows)
            if not done and rows == self._table.sealed_by(old, _BATCH):
                raise Conflict("another rotation goes on", remedy="wait until it ends")
            total += done
        self._table.drop_key(old)
        return total

    def _resealed(self, row: SecretRow, old: str, fresh: str) -> SecretRow:
        about = _about(row.name, row.version)
        plain = open_sealed(self._keys[old], row.sealed, about=about)
        return replace(row, data_key=fresh, sealed=seal(self._keys[fresh], plain, about=about))

    def _sealing_key(self) -> KeyRow:
        """The newest data key that is not retired; the first one is made here."""
        with self._lock:
            found = self._newest()
            if found is None:
                with self._place.alone():  # no master key may change while it wraps the first data key
                    return self._newest() or self._add_key(retire_others=False)
            if found.id not in self._keys:
                self._load()
            return found

    def _newest(self) -> KeyRow | None:
        rows = [row for row in self._table.data_keys() if not row.retired]
        return rows[-1] if rows else None

    def _add_key(self, *, retire_others: bool) -> KeyRow:
        if not self._place.held():
            self._place.make()
        number, key = new_id("key"), new_key()
        row = KeyRow(number, b"", "", False, self._clock.now())
        row = _wrapped(row, key, self._current(self._place.held()))
        self._table.add_key(row, retire_others=retire_others)
        self._keys[number] = key
        return row

    def _current(self, masters: tuple[Key, ...]) -> Key:
        """The master key that wraps what is there already; of a change that is under way, the old one."""
        used = {row.master for row in self._table.data_keys()}
        return next((key for key in masters if key.id in used), masters[0])

    def _load(self) -> None:
        """Unwraps the data keys, twice at most: another process may change the master key just now."""
        with self._lock:
            rows = self._table.data_keys()
            for last in (False, True):
                masters = {key.id: key for key in self._place.held()}
                strange = [row for row in rows if row.master not in masters and row.id not in self._keys]
                if not strange:
                    break
                if last:
                    raise StorageFailed(
                        f"the master key {strange[0].master} that the vault needs is not there",
                        remedy="put back the key file, variable or keyring that belongs to this database",
                    )
                rows = self._table.data_keys()
            loaded = {
                row.id: self._keys.get(row.id)
                or Key(open_sealed(masters[row.master], row.wrapped, about=_about_key(row)))
                for row in rows
            }
            self._keys = {**self._keys, **loaded}

    def _settle(self) -> None:
        """Only under `alone`: another process may have offered a key that wraps nothing yet."""
        used = {row.master for row in self._table.data_keys()}
        if len(used) == 1:
            self._place.settle(used.pop())


def _wrapped(row: KeyRow, key: Key, master: Key) -> KeyRow:
    return replace(row, wrapped=seal(master, key.secret, about=_about_key(row)), master=master.id)


def _about_key(row: KeyRow) -> str:
    return f"data key|{row.id}"


def _about(name: str, version: int) -> str:
    return f"secret|{name}|{version}"


def _checked(name: str, value: str) -> bytes:
    if not 0 < len(name) <= _LONGEST_NAME or not name.isascii() or not name.isprintable() or set(name) & set(" |,"):
        raise InvalidInput(
            f"{name[:80]!r} is no name of a secret", remedy="use up to 200 letters, digits and marks without spaces"
        )
    try:
        plain = value.encode()
    except UnicodeEncodeError:
        plain = b""
    if not plain or len(plain) > LONGEST_SECRET or "\0" in value:
        raise InvalidInput(
            f"the value for {name} is empty, over {LONGEST_SECRET} bytes, or no text", remedy="give the secret itself"
        )
    return plain
