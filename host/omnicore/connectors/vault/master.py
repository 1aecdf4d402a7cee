"""Where the master key is: a variable, a file of mode 0600, or the keyring of the operating system.

A place gives the key that wraps from now on, and all that may still be in use. To change the key in a file, the next
one is written beside it first; the data keys are wrapped anew in one transaction; then the next file takes the
place of the old. A process that dies in between leaves both, and whoever comes next finishes or drops it.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from omnicore.connectors.vault.cipher import Key, new_key, read_key, write_key
from omnicore.errors import Conflict, InvalidSetting, StorageFailed
from omnicore.optional import optional

__all__ = ["VARIABLE", "FilePlace", "KeyringPlace", "MasterPlace", "Place", "VariablePlace", "place_of"]

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
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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
