"""The vault: credentials by name, sealed with AES-256-GCM under data keys, which a master key wraps.

A sealed text is a format byte, a nonce of 12 bytes, the ciphertext and its tag of 16 bytes. Sealing and opening 200
bytes takes 3 us. Each secret is bound to its name and version, so that no row can replace another.

The master key is never in the database in clear, see `master_key.py`. To change it, the next key is kept beside the old
one, the data keys are wrapped anew in one transaction, and then the next key takes the place of the old one. Every step
of a rotation is one transaction; if a process dies, all secrets still open, and the next rotation continues.

`vault:NAME`, `env:NAME` and `file:/path` are references to credentials. Anything else is a value, which goes into the
vault before the connector is stored.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from omnicore.connectors.master_key import Key, new_key, open_sealed, seal
from omnicore.errors import Conflict, InvalidInput, NotFound, StorageFailed, Unavailable, WrongMasterKey
from omnicore.ids import new_id
from omnicore.records import replace
from omnicore.storage.tables.connectors import KeyRow, SecretRow, SecretsTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.connectors.master_key import MasterPlace


LONGEST_SECRET = 64 * 1024
_BATCH = 100
_TRIES = 20
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """The public facts about a secret. Units: `changed_at` seconds since the Unix epoch."""

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
        """True if there was such a secret."""
        return self._table.remove(name)

    def join(self) -> None:
        """Proves that this host has the master key of the database that it shares with others.

        The first host seals the first data key, by which every later one is checked; only a key that an operator gives
        to all hosts is fixed like this before the first secret.

        Raises: WrongMasterKey; InvalidSetting, StorageFailed, Unavailable.
        """
        if self._table.data_keys():
            self._load()
        elif self._place.shared:
            self._sealing_key()

    def reset(self) -> int:
        """Removes every secret and every key, for a vault whose master key is lost; how many secrets that were."""
        with self._lock:
            self._keys = {}
            return self._table.clear()

    def seal_aside(self, plain: bytes, *, about: str) -> bytes:
        """Bytes sealed for another table, until the data key is rotated; empty where the vault has no key yet."""
        found = self._newest()
        if found is None:
            return b""
        with self._lock:
            if found.id not in self._keys:
                self._load()
            return found.id.encode() + b"|" + seal(self._keys[found.id], plain, about=about)

    def open_aside(self, sealed: bytes, *, about: str) -> bytes | None:
        """The bytes that `seal_aside` sealed; None where their key is gone. Raises: StorageFailed, WrongMasterKey."""
        name, _, body = sealed.partition(b"|")
        key = name.decode("latin-1")
        with self._lock:
            if key not in self._keys:
                self._load()
            return open_sealed(self._keys[key], body, about=about) if key in self._keys else None

    def recover(self) -> None:
        """Ends a change of the master key that a killed process left half done. Raises: as `get` does."""
        if not self._table.data_keys():
            return
        with self._rotating, self._place.alone():
            self._load()
            self._settle()

    def rotate_data_key(self) -> int:
        """Seals everything by a new data key and drops the old ones; how many secrets that were.

        Raises: Conflict: another rotation is running; InvalidSetting, StorageFailed.
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
            fresh = [_wrapped(row, self._keys[row.id], master) for row in rows]
            if not self._table.rewrap(fresh, stored=self._place.stored):
                raise Conflict("another rotation is running", remedy="wait until it ends")
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
                raise Conflict("another rotation is running", remedy="wait until it ends")
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
        if self._table.add_key(row, retire_others=retire_others, stored=self._place.stored):
            self._keys[number] = key
            return row
        if retire_others:
            raise Conflict("another rotation is running", remedy="wait until it ends")
        self._load()  # another host made the first data key meanwhile
        found = self._newest()
        if found is None:
            raise Conflict("the vault is being changed by others", remedy="try again")
        return found

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
                    raise WrongMasterKey(
                        f"the master key {strange[0].master} that the vault needs is not there",
                        remedy="give this host the key that belongs to the database (connectors.master_key);"
                        " if it is lost, run `omnicore secrets reset` and set every credential again",
                        master=strange[0].master,
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
            f"{name[:80]!r} is not a name of a secret", remedy="use up to 200 letters, digits and marks without spaces"
        )
    try:
        plain = value.encode()
    except UnicodeEncodeError:
        plain = b""
    if not plain or len(plain) > LONGEST_SECRET or "\0" in value:
        raise InvalidInput(
            f"the value for {name} is empty, over {LONGEST_SECRET} bytes, or not text", remedy="give the secret itself"
        )
    return plain


_REFERENCE = re.compile(r"(vault|env|file):(.+)", re.DOTALL)


def is_reference(text: str) -> bool:
    """True if a text says where a credential is.

    >>> is_reference("env:CONNECTOR_TOKEN"), is_reference("ghp_abc")
    (True, False)
    """
    return _REFERENCE.fullmatch(text) is not None


def vault_name(reference: str) -> str | None:
    """The secret's name when the reference leads into the vault."""
    kind, _, name = reference.partition(":")
    return name if kind == "vault" else None


class Credentials:
    """Follows references.

    Args:
        variables: patterns over the names of variables that may be read.
        folders: where files may lie; whoever may add a connector shall not read every file of this machine.
    """

    def __init__(
        self, vault: Vault, environ: Mapping[str, str], *, variables: Sequence[str] = (), folders: Sequence[Path] = ()
    ) -> None:
        self._vault = vault
        self._environ = environ
        self._variables = tuple(variables)
        self._folders = tuple(folders)

    def check(self, reference: str) -> None:
        """Raises: InvalidInput: a reference that may not be followed."""
        kind, name = _split(reference)
        if kind == "env" and not any(fnmatchcase(name, pattern) for pattern in self._variables):
            raise InvalidInput(
                f"the variable {name[:80]} may not be a credential",
                remedy=f"name it like one of {', '.join(self._variables)}, or add it to connectors.secret_variables",
            )
        if kind == "file" and not any(_inside(Path(name), folder) for folder in self._folders):
            raise InvalidInput(
                f"the file {name[:200]} may not be a credential",
                remedy="put it into a folder of the setting connectors.secret_folders",
            )

    def read(self, reference: str) -> str:
        """The credential. Raises: Unavailable: it is not there; InvalidInput, StorageFailed."""
        self.check(reference)
        kind, name = _split(reference)
        if kind == "vault":
            try:
                return self._vault.get(name)
            except NotFound as error:
                raise Unavailable(error.fact, remedy=error.remedy) from error
        return self._variable(name) if kind == "env" else _file(Path(name))

    def _variable(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            raise Unavailable(f"the variable {name} is empty", remedy="set it where the host is started")
        return value


def _split(reference: str) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise InvalidInput("a credential is neither vault:, env: nor file:", remedy="add the connector once more")
    return found[1], found[2]


def _inside(path: Path, folder: Path) -> bool:
    return path.is_absolute() and path.resolve().is_relative_to(folder.resolve())


def _file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Unavailable(f"{path} is not a file", remedy="name a file that holds the credential alone")
            data = stream.read(LONGEST_SECRET + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", remedy="check its path and mode") from error
    value = data.decode("utf-8", "replace").rstrip("\r\n")
    if not value or len(data) > LONGEST_SECRET:
        raise Unavailable(f"{path} is empty or over {LONGEST_SECRET} bytes", remedy="put the credential there, alone")
    return value
