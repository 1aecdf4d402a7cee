"""The master key: read from a variable, a file or a keyring, or opened by AWS KMS or Vault transit.

One seam, `MasterPlace`, and one setting, `connectors.master_key`. A key management service never hands out its own key:
it wraps a random one, the wrapped bytes are in the database that all hosts share, and each host asks the service to
unwrap them when it first needs the vault. Hosts that share a database need the same key; a host with another one
refuses to start, see `Vault.join`.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import json
import os
import ssl
import stat
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpcore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from omnicore.errors import Conflict, InvalidSetting, StorageFailed, Unavailable, WrongMasterKey
from omnicore.files import own_folder
from omnicore.optional import optional
from omnicore.storage.tables.connectors import MasterRow, SecretsTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from omnicore.clock import Clock


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
            f"{where} does not hold a key of 32 bytes", remedy="make one with `openssl rand -base64 32`", where=where
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
_LARGEST_FILE = 4096
_SERVICE, _NEXT = "omnicore master key", " (next)"


class MasterPlace(Protocol):
    """Keeps the master key. Any process on the same data may use the place at the same time."""

    shared: bool
    """True for a key that an operator gives to all hosts; False for one that belongs to this machine."""

    stored: bool
    """True if the keys are in the database, wrapped by a service."""

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


class GivenPlace:
    """A text that an operator gives: one key, or the next and the one before, with a comma between.

    Args:
        where: the variable or the file, as messages name it.
        text: reads it; empty for none.
    """

    shared, stored = True, False

    def __init__(self, where: str, text: Callable[[], str]) -> None:
        self._where, self._text = where, text

    def held(self) -> tuple[Key, ...]:
        """The keys of the text. Raises: InvalidSetting."""
        given = [part for part in self._text().split(",") if part.strip()]
        return tuple(read_key(part, where=self._where) for part in given)

    def make(self) -> None:
        """Raises: InvalidSetting: the text is empty."""
        if not self.held():
            raise InvalidSetting(f"{self._where} is empty", remedy="set it to what `openssl rand -base64 32` prints")

    def offer(self) -> Key:
        """The first of two keys. Raises: Conflict when there is only one."""
        keys = self.held()
        if len(keys) < 2:
            raise Conflict(
                f"{self._where} holds one key only",
                remedy="put the new key before it, with a comma between, rotate, then take the old one out",
            )
        return keys[0]

    def settle(self, in_use: str) -> None:
        """Nothing: the operator takes the old key out of the text."""

    def alone(self) -> AbstractContextManager[None]:
        """Nothing is changed here, so nothing has to be kept from changing."""
        return nullcontext()


def _mounted(path: Path) -> str:
    """The text of an operator's file, such as a mounted secret; the group may read it, others may not."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        remedy = "write what `openssl rand -base64 32` prints to it, the same on every host, for its owner alone"
        raise InvalidSetting(f"{path} cannot be read: {error.strerror}", remedy=remedy) from error
    with os.fdopen(descriptor, "rb") as stream:
        _check(path, os.fstat(descriptor), refused=0o037)
        return stream.read(_LARGEST_FILE).decode("latin-1")


class FilePlace:
    """`master.key` in the data folder, made when it is first needed."""

    shared, stored = False, False

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


def _check(file: Path, about: os.stat_result, *, refused: int = 0o077) -> None:
    if not stat.S_ISREG(about.st_mode) or about.st_uid not in (os.geteuid(), 0):
        raise InvalidSetting(f"{file} is not a file of this user", remedy="move it away and put your own key there")
    mode = stat.S_IMODE(about.st_mode)
    if mode & refused:
        raise InvalidSetting(
            f"{file} may be read by others (mode {mode:04o})",
            remedy=f"run `chmod 600 {file}`; if others had access, run `omnicore secrets rotate --master` as well",
            path=str(file),
        )


def place_of(place: str, *, data: Path, environ: Mapping[str, str], table: SecretsTable, clock: Clock) -> MasterPlace:
    """The place that the setting `connectors.master_key` names. "auto" is the variable where it is set, else the file.

    Raises: InvalidSetting: no such place; ToolMissing: its library is not installed.
    """
    kind, _, name = place.partition(":")
    if kind == "keyring" and not name:
        return KeyringPlace(FilePlace(data), optional("keyring", extra="keyring"), str(data.resolve()))
    if place == "variable" or (place == "auto" and environ.get(VARIABLE, "").strip()):
        return GivenPlace(f"the variable {VARIABLE}", lambda: environ.get(VARIABLE, ""))
    if place in ("auto", "file"):
        return FilePlace(data)
    if kind == "file" and Path(name).is_absolute():
        return GivenPlace(f"the file {name}", lambda: _mounted(Path(name)))
    if kind == "aws-kms" and name:
        return WrappedPlace(place, AwsKms(name, environ), table, clock)
    if kind == "vault-transit" and name:
        return WrappedPlace(place, VaultTransit(name, environ), table, clock)
    raise InvalidSetting(
        f"connectors.master_key cannot be {place[:80]!r}",
        remedy="use auto, variable, file, file:/absolute/path, keyring, aws-kms:KEY or vault-transit:KEY",
    )


class KeyringPlace:
    """The keyring of the operating system: the key in use, and the next one while it is changed.

    Args:
        files: whose lock keeps other processes away while the key changes.
        ring: the library, or something with its three functions.
    """

    shared, stored = False, False

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


class Wrapper(Protocol):
    """A service that wraps keys by one of its own, which it never hands out."""

    def wrap(self, plain: bytes) -> bytes:
        """The wrapped key. Raises: InvalidSetting, Unavailable."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key. Raises: InvalidSetting, Unavailable."""


class WrappedPlace:
    """Keys in the database, wrapped by a service; all hosts that may ask the service have the same key.

    Args: name: the setting; keys that another service wrapped are not this place's.
    """

    shared, stored = True, True

    def __init__(self, name: str, service: Wrapper, table: SecretsTable, clock: Clock) -> None:
        self._name, self._service, self._table, self._clock = name, service, table, clock
        self._known: dict[str, Key] = {}

    def held(self) -> tuple[Key, ...]:
        """The keys that this service wrapped, the oldest first. Raises: InvalidSetting, StorageFailed, Unavailable."""
        return tuple(self._unwrapped(row) for row in self._table.masters(self._name))

    def make(self) -> None:
        """Makes the first key, unless another host was faster."""
        self._add(most=0)

    def offer(self) -> Key:
        """A new key beside the old one; that of a change which was begun and not finished."""
        self._add(most=1)
        return self.held()[-1]

    def settle(self, in_use: str) -> None:
        """Drops keys before the one in use, as soon as they wrap nothing. A later one is the next change's."""
        self._table.drop_masters(self._name, before=in_use)

    def alone(self) -> AbstractContextManager[None]:
        """Nothing: the table keeps a key for as long as it wraps something."""
        return nullcontext()

    def _add(self, *, most: int) -> None:
        known = self._table.masters(self._name)
        if len(known) <= most:
            key = new_key()
            # Clocks of hosts differ, and the order of the keys says which is the next one.
            made_at = max(self._clock.now(), known[-1].made_at + 0.001 if known else 0.0)
            row = MasterRow(key.id, self._name, self._service.wrap(key.secret), made_at)
            self._table.add_master(row, most=most)

    def _unwrapped(self, row: MasterRow) -> Key:
        if row.id not in self._known:
            key = Key(self._service.unwrap(row.wrapped))
            if key.id != row.id:
                raise WrongMasterKey(
                    f"{self._name} unwraps another key than {row.id}", remedy="name the key that wrapped it"
                )
            self._known[row.id] = key
        return self._known[row.id]


class MovedPlace:
    """The way from one place to another: data keys that the old place's key wrapped are wrapped by the new one's."""

    def __init__(self, old: MasterPlace, new: MasterPlace) -> None:
        self._old, self._new = old, new
        self.shared, self.stored = new.shared, new.stored

    def held(self) -> tuple[Key, ...]:
        """The keys of both places."""
        return (*self._old.held(), *self._new.held())

    def make(self) -> None:
        """Makes the new place's first key."""
        self._new.make()

    def offer(self) -> Key:
        """The new place's key."""
        self._new.make()
        return self._new.held()[0]

    def settle(self, in_use: str) -> None:
        """Nothing: the old key stays where it is, until its operator deletes it."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process changes a key of either place."""
        with self._new.alone():
            yield


_SERVICE_S = 10.0
_LARGEST_ANSWER = 64 * 1024
_CONTEXT = {"application": "omnicore", "purpose": "master key"}


class AwsKms:
    """A symmetric key of AWS KMS, asked with the credentials of this host, as AWS's own tools find them.

    Args: key: its id, ARN or alias. The region is that of the ARN, or the variable AWS_REGION.
    """

    def __init__(self, key: str, environ: Mapping[str, str]) -> None:
        self._key = key
        parts = key.split(":")
        named = parts[3] if key.startswith("arn:") and len(parts) > 4 else ""
        self._region = named or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        self._library = optional("botocore.session", extra="aws")
        self._client: Any = None

    def wrap(self, plain: bytes) -> bytes:
        """See `Wrapper`."""
        found: bytes = self._ask("encrypt", KeyId=self._key, Plaintext=plain)["CiphertextBlob"]
        return found

    def unwrap(self, wrapped: bytes) -> bytes:
        """See `Wrapper`."""
        found: bytes = self._ask("decrypt", KeyId=self._key, CiphertextBlob=wrapped)["Plaintext"]
        return found

    def _ask(self, action: str, **given: Any) -> Any:
        errors = optional("botocore.exceptions", extra="aws")
        try:
            if self._client is None:
                settings = optional("botocore.config", extra="aws").Config(
                    connect_timeout=_SERVICE_S, read_timeout=_SERVICE_S, retries={"total_max_attempts": 3}
                )
                session = self._library.get_session()
                self._client = session.create_client("kms", region_name=self._region, config=settings)
            return getattr(self._client, action)(EncryptionContext=_CONTEXT, **given)
        except errors.ClientError as error:
            raise _refused("AWS KMS", self._key, str(error.response.get("Error", {}).get("Code", ""))) from error
        except errors.BotoCoreError as error:  # no credentials, no region, no connection: its texts hold no secret
            remedy = "check AWS_REGION, the credentials of this host and its way to AWS, then start again"
            raise Unavailable(f"AWS KMS cannot be asked: {str(error)[:200]}", remedy=remedy) from error


def _refused(service: str, key: str, code: str) -> WrongMasterKey:
    return WrongMasterKey(
        f"{service} refused {key[:200]}: {code[:200]}",
        remedy="check connectors.master_key, and that this host may encrypt and decrypt with that key",
    )


class VaultTransit:
    """A key of the transit engine of HashiCorp Vault (or OpenBao), at VAULT_ADDR with VAULT_TOKEN.

    Args: name: of the key, or MOUNT/NAME where the engine is mounted elsewhere than at `transit`.
    Source: https://developer.hashicorp.com/vault/api-docs/secret/transit
    """

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        mount, _, key = name.rpartition("/")
        self._environ = environ
        self._paths = {way: f"/v1/{mount or 'transit'}/{way}/{key}" for way in ("encrypt", "decrypt")}
        self._name = name

    def wrap(self, plain: bytes) -> bytes:
        """See `Wrapper`."""
        answer = self._ask("encrypt", {"plaintext": base64.b64encode(plain).decode()})
        return self._part(answer, "ciphertext").encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        """See `Wrapper`."""
        answer = self._ask("decrypt", {"ciphertext": wrapped.decode("latin-1")})
        try:
            return base64.b64decode(self._part(answer, "plaintext"), validate=True)
        except binascii.Error as error:
            raise _refused("Vault", self._name, "the answer is no base64") from error

    def _part(self, answer: Any, name: str) -> str:
        found = answer.get("data", {}).get(name) if isinstance(answer, dict) else None
        if not isinstance(found, str):
            raise _refused("Vault", self._name, f"an answer without {name}")
        return found

    def _ask(self, way: str, given: Mapping[str, str]) -> Any:
        address, token = self._environ.get("VAULT_ADDR", ""), self._environ.get("VAULT_TOKEN", "")
        if not address.startswith(("https://", "http://")) or not token.strip():
            remedy = "set both where the host is started, or choose another connectors.master_key"
            raise InvalidSetting("vault-transit needs the variables VAULT_ADDR and VAULT_TOKEN", remedy=remedy)
        headers = [("x-vault-token", token.strip()), ("x-vault-request", "true"), ("content-type", "application/json")]
        if space := self._environ.get("VAULT_NAMESPACE"):
            headers.append(("x-vault-namespace", space))
        trusted = ssl.create_default_context(cafile=self._environ.get("VAULT_CACERT") or None)
        limits = dict.fromkeys(("connect", "read", "write", "pool"), _SERVICE_S)
        body, url = json.dumps(given).encode(), address.rstrip("/") + self._paths[way]
        try:
            with (
                httpcore.ConnectionPool(ssl_context=trusted) as pool,
                pool.stream("POST", url, headers=headers, content=body, extensions={"timeout": limits}) as answer,
            ):
                data = b""
                for chunk in answer.iter_stream():
                    data += chunk
                    if len(data) > _LARGEST_ANSWER:
                        raise _refused("Vault", self._name, f"an answer over {_LARGEST_ANSWER} bytes")
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            remedy = "check VAULT_ADDR and that Vault is unsealed, then start again"
            raise Unavailable(f"Vault cannot be asked: {type(error).__name__}", remedy=remedy) from error
        return self._read(answer.status, data)

    def _read(self, status: int, data: bytes) -> Any:
        try:
            found = json.loads(data or b"{}")
        except (ValueError, RecursionError) as error:
            raise _refused("Vault", self._name, f"status {status} without JSON") from error
        if status >= 500 or status in (412, 429, 472, 473):  # sealed, standing by, busy: a later try may work
            raise Unavailable(f"Vault answers {status}", remedy="check that Vault is unsealed, then start again")
        if status != 200:
            said = found.get("errors") if isinstance(found, dict) else None
            raise _refused("Vault", self._name, f"status {status} {said or ''}".strip())
        return found
