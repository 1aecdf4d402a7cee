"""The vault: credentials by name, sealed with AES-256-GCM under data keys, which a master key wraps.

A sealed text is a format byte, a nonce of 12 bytes, the ciphertext and its tag of 16 bytes. Sealing and opening 200
bytes takes 3 us. Each secret is bound to its name and version, so that no row can replace another.

The master key is never in the database: it is in a variable, a file of mode 0600, or the keyring of the operating
system. To change it, the next key is written beside the old one, the data keys are wrapped anew in one transaction, and
then the next key takes the place of the old one. Every step of a rotation is one transaction; if a process dies, all
secrets still open, and the next rotation continues.

`vault:NAME`, `env:NAME` and `file:/path` are references to credentials. Anything else is a value, which goes into the
vault before the connector is stored.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import re
import stat
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from omnicore.errors import Conflict, InvalidInput, InvalidSetting, NotFound, StorageFailed, Unavailable
from omnicore.files import own_folder
from omnicore.ids import new_id
from omnicore.optional import optional
from omnicore.records import replace
from omnicore.storage.tables.connectors import KeyRow, SecretRow, SecretsTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from omnicore.clock import Clock

__all__ = [
    "KEY_BYTES",
    "LONGEST_SECRET",
    "VARIABLE",
    "Credentials",
    "FilePlace",
    "Key",
    "KeyringPlace",
    "MasterPlace",
    "Place",
    "SecretInfo",
    "VariablePlace",
    "Vault",
    "is_reference",
    "new_key",
    "open_sealed",
    "place_of",
    "read_key",
    "seal",
    "vault_name",
    "write_key",
]


KEY_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 256 bits. `id` is a digest that tells keys apart and says nothing about them."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Tells keys apart."""
        return hashlib.blake2b(self.secret, digest_size=8, person=b"omnicore key").hexdigest()


def new_key() -> Key:
    """A random key."""
    return Key(os.urandom(KEY_BYTES))


def read_key(text: str, *, where: str) -> Key:
    """The key that 44 characters of base64 or 64 of hexadecimal write. Raises: InvalidSetting, without the text."""
    clean = text.strip()
    try:
        data = bytes.fromhex(clean) if len(clean) == 2 * KEY_BYTES else base64.b64decode(clean, validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if len(data) != KEY_BYTES:
        raise InvalidSetting(
            f"{where} holds no key of 32 bytes", remedy="make one with `openssl rand -base64 32`", where=where
        )
    return Key(data)


def write_key(key: Key) -> str:
    """The key as a file or a variable holds it."""
    return base64.b64encode(key.secret).decode()


def seal(key: Key, plain: bytes, *, about: str) -> bytes:
    """The sealed bytes. `about` says what they are; opening them as anything else fails."""
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key.secret).encrypt(nonce, plain, about.encode())


def open_sealed(key: Key, sealed: bytes, *, about: str) -> bytes:
    """The plain bytes. Raises: StorageFailed: another key, another `about`, or changed bytes."""
    body = sealed[len(_FORMAT) :]
    try:
        if sealed[: len(_FORMAT)] != _FORMAT:
            raise InvalidTag
        return AESGCM(key.secret).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise StorageFailed(
            f"the vault cannot open {about.partition('|')[2] or about}: its row was changed, or the key is another",
            remedy="restore the database and the master key that belong together",
        ) from error


VARIABLE = "OMNICORE_MASTER_KEY"
Place = Literal["auto", "variable", "file", "keyring"]
_LARGEST_FILE = 4096
_SERVICE, _NEXT = "omnicore master key", " (next)"


class MasterPlace(Protocol):
    """Keeps the master key. Any process on the same data may use the place at the same time."""

    def held(self) -> tuple[Key, ...]:
        """The key in use first, then others that may have wrapped something; none where none was made.

        Raises: InvalidSetting, StorageFailed.
        """

    def make(self) -> None:
        """Makes the first key, unless there is one; under `alone`. Raises: InvalidSetting where a person must."""

    def offer(self) -> Key:
        """The key to change to, safely kept. Raises: Conflict where a person must provide it."""

    def settle(self, in_use: str) -> None:
        """The data keys are wrapped by the key of this id now; others may go."""

    def alone(self) -> AbstractContextManager[None]:
        """While the block runs, no other process changes the key."""


class VariablePlace:
    """`OMNICORE_MASTER_KEY`: one key, or the next and the one before, with a comma between."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def held(self) -> tuple[Key, ...]:
        """The keys of the variable. Raises: InvalidSetting."""
        given = [part for part in self._environ.get(VARIABLE, "").split(",") if part.strip()]
        return tuple(read_key(part, where=f"the variable {VARIABLE}") for part in given)

    def make(self) -> None:
        """Raises: InvalidSetting: the variable is empty."""
        if not self.held():
            raise InvalidSetting(
                f"the variable {VARIABLE} is empty", remedy="set it to what `openssl rand -base64 32` prints"
            )

    def offer(self) -> Key:
        """The first of two keys. Raises: Conflict when there is only one."""
        keys = self.held()
        if len(keys) < 2:
            raise Conflict(
                f"{VARIABLE} holds one key only",
                remedy="put the new key before it, with a comma between, rotate, then take the old one out",
            )
        return keys[0]

    def settle(self, in_use: str) -> None:
        """Nothing: the operator takes the old key out of the variable."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing is changed here, so nothing has to be kept from changing."""
        yield


class FilePlace:
    """`master.key` in the data folder, made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "master.key"
        self._next = folder / "master.key.next"

    def held(self) -> tuple[Key, ...]:
        """The key of the file, then the next one where a change was begun. Raises: InvalidSetting."""
        return tuple(key for key in (_read(self._file), _read(self._next)) if key is not None)

    def make(self) -> None:
        """Makes the file. Raises: StorageFailed."""
        if not self._file.exists():
            self._write(self._file, new_key())

    def offer(self) -> Key:
        """A new key, on the disk beside the old one; that of a change which was begun and not finished."""
        found = _read(self._next)
        if found is None:
            found = new_key()
            self._write(self._next, found)
        return found

    def settle(self, in_use: str) -> None:
        """Finishes a change, or drops the next key when nothing was wrapped by it."""
        now, following = _read(self._file), _read(self._next)
        if following is None:
            return
        if following.id == in_use:
            os.replace(self._next, self._file)
        elif now is not None and now.id == in_use:
            self._next.unlink()
        self._flush_folder()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Holds a lock beside the file."""
        own_folder(self._folder)
        descriptor = os.open(self._folder / "master.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, file: Path, key: Key) -> None:
        """The file is there whole or not at all."""
        scrap = self._folder / f".master.{os.getpid()}"
        try:
            scrap.unlink(missing_ok=True)
            descriptor = os.open(scrap, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(write_key(key) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(scrap, file)
            self._flush_folder()
        except OSError as error:
            raise StorageFailed(f"the master key cannot be written to {file}: {error.strerror}") from error

    def _flush_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(file: Path) -> Key | None:
    """The key in a file; None when there is no file. Raises: InvalidSetting: others may read it, or it holds none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidSetting(
            f"{file} cannot be read: {error.strerror}", remedy="make it a file of this user"
        ) from error
    with os.fdopen(descriptor, "rb") as stream:
        _check(file, os.fstat(stream.fileno()))
        return read_key(stream.read(_LARGEST_FILE).decode("latin-1"), where=str(file))


def _check(file: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode) or about.st_uid not in (os.geteuid(), 0):
        raise InvalidSetting(f"{file} is no file of this user", remedy="move it away and put your own key there")
    mode = stat.S_IMODE(about.st_mode)
    if mode & 0o077:
        raise InvalidSetting(
            f"{file} may be read by others (mode {mode:04o})",
            remedy=f"run `chmod 600 {file}`; if others had access, run `omnicore secrets rotate --master` as well",
            path=str(file),
        )


def place_of(place: Place, *, data: Path, environ: Mapping[str, str]) -> MasterPlace:
    """The place of this name. "auto" is the variable where it is set, else the file.

    Raises: ToolMissing: the library keyring is not installed.
    """
    if place == "keyring":
        return KeyringPlace(FilePlace(data), optional("keyring", extra="keyring"), str(data.resolve()))
    if place == "variable" or (place == "auto" and environ.get(VARIABLE, "").strip()):
        return VariablePlace(environ)
    return FilePlace(data)


class KeyringPlace:
    """The keyring of the operating system: the key in use, and the next one while it is changed.

    Args:
        files: whose lock keeps other processes away while the key changes.
        ring: the library, or something with its three functions.
    """

    def __init__(self, files: FilePlace, ring: Any, account: str) -> None:
        self._files, self._ring, self._account = files, ring, account

    def held(self) -> tuple[Key, ...]:
        """The keys that the keyring holds. Raises: InvalidSetting."""
        return tuple(key for key in (self._get(""), self._get(_NEXT)) if key is not None)

    def make(self) -> None:
        """Makes the first key."""
        if self._get("") is None:
            self._ring.set_password(_SERVICE, self._account, write_key(new_key()))

    def offer(self) -> Key:
        """A new key, kept beside the old one; that of a change which was begun and not finished."""
        found = self._get(_NEXT)
        if found is None:
            found = new_key()
            self._ring.set_password(_SERVICE, self._account + _NEXT, write_key(found))
        return found

    def settle(self, in_use: str) -> None:
        """Finishes a change, or drops the next key when nothing was wrapped by it."""
        following = self._get(_NEXT)
        if following is None:
            return
        if following.id == in_use:
            self._ring.set_password(_SERVICE, self._account, write_key(following))
        self._ring.delete_password(_SERVICE, self._account + _NEXT)

    def alone(self) -> AbstractContextManager[None]:
        """Holds the lock in the data folder."""
        return self._files.alone()

    def _get(self, which: str) -> Key | None:
        try:
            text = self._ring.get_password(_SERVICE, self._account + which)
        except Exception as error:  # each keyring has errors of its own
            raise InvalidSetting(
                f"the keyring does not answer: {type(error).__name__}", remedy="unlock it, or keep the key in a file"
            ) from error
        return None if text is None else read_key(text, where="the keyring")


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
                raise Unavailable(f"{path} is no file", remedy="name a file that holds the credential alone")
            data = stream.read(LONGEST_SECRET + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", remedy="check its path and mode") from error
    value = data.decode("utf-8", "replace").rstrip("\r\n")
    if not value or len(data) > LONGEST_SECRET:
        raise Unavailable(f"{path} is empty or over {LONGEST_SECRET} bytes", remedy="put the credential there, alone")
    return value
