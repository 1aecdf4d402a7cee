"""Keys of sessions, tokens, browsers and the owner: 256 random bits behind a prefix.

The owner's key is a file in the data folder that only the person who runs the host can read.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import threading
from typing import TYPE_CHECKING

from omnicore.errors import OmniError, PermissionDenied
from omnicore.files import only_one, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omnicore.clock import Clock


SESSION = "oms_"
TOKEN = "omc_"  # noqa: S105 -- how tokens begin
OWN = "own_"
"""Prefix of the owner's key."""

DEVICE = "omd_"
"""Prefix of the key of a browser in which somebody has logged in."""

SHOWN = re.compile(r"(?:oms|omc|own|omd)_[A-Za-z0-9_-]{43}")
"""A key wherever it stands in a text that somebody else will read."""

_BYTES = 32
_KEY = re.compile(r"om[sc]_[A-Za-z0-9_-]{43}\Z")
_OWN = re.compile(OWN + r"[A-Za-z0-9_-]{43}\Z")
_DEVICE = re.compile(DEVICE + r"[A-Za-z0-9_-]{43}\Z")


def new_key(prefix: str, chance: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """A key. Prefixes let a person and a scanner of source code tell what has leaked."""
    return prefix + chance(_BYTES)


def is_key(text: str) -> bool:
    """True if a text has the form of a key, so that others need not be looked for."""
    return _KEY.match(text) is not None


def is_own(text: str) -> bool:
    """True if a text has the form of an owner's key."""
    return _OWN.match(text) is not None


def is_device(text: str) -> bool:
    """True if a text has the form of a device's key."""
    return _DEVICE.match(text) is not None


def digest_of(key: str) -> str:
    """The digest that is stored of a key. It needs no salt and no slow hash: nobody guesses 256 bits."""
    return hashlib.sha256(key.encode()).hexdigest()


def csrf_of(key: str) -> str:
    """The CSRF token of a session: bound to its key, and of no use to learn it."""
    return hashlib.sha256(b"csrf:" + key.encode()).hexdigest()


FILE = "owner.key"

_log = logging.getLogger("omnicore.access")

_CHECK_S = 1.0
_LONGEST = 256


class OwnerKey:
    """The owner's key of a data folder. It lasts over restarts; a new one counts within a second.

    Usable from any thread.
    """

    def __init__(self, data: Path, clock: Clock) -> None:
        self._file, self._clock = data / FILE, clock
        self._lock = threading.Lock()
        self._key: bytes | None = None
        self._mark: tuple[int, int, int] | None = None
        self._checked_at = float("-inf")

    def made(self) -> str:
        """The key, which is made where there is none.

        Raises: StorageFailed; PermissionDenied: others than the owner can read or write the file.
        """
        with only_one(self._file):
            return self._read() or self._write()

    def rotated(self) -> str:
        """A new key; the one before is worth nothing any more. Raises: StorageFailed."""
        with only_one(self._file):
            return self._write()

    def matches(self, given: str) -> bool:
        """True if somebody sent the owner's key. About 2 us; the file is looked at once a second."""
        if self._clock.monotonic() - self._checked_at > _CHECK_S:
            self._refresh()
        return self._key is not None and hmac.compare_digest(given.encode(), self._key)

    def _refresh(self) -> None:
        with self._lock:
            mark = self._marked()
            if mark != self._mark:
                try:
                    read = self._read()
                except OmniError as error:
                    _log.error("the owner's key lets nobody in: %s", error)
                    read = None
                self._key, self._mark = None if read is None else read.encode(), mark
            self._checked_at = self._clock.monotonic()

    def _marked(self) -> tuple[int, int, int] | None:
        """Changes with the file, which is replaced by another one each time, and with its rights."""
        try:
            about = self._file.lstat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns, about.st_mode

    def _read(self) -> str | None:
        """The key in the file; None where there is none. Raises: PermissionDenied."""
        try:
            handle = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
                raise self._refused("it is not a file that only its owner can read")
            text = os.read(handle, _LONGEST).decode("latin-1").strip()
        finally:
            os.close(handle)
        if not is_own(text):
            raise self._refused("it holds something else")
        return text

    def _write(self) -> str:
        key = new_key(OWN)
        write_whole(self._file, key.encode() + b"\n")
        self._checked_at = float("-inf")
        return key

    def _refused(self, reason: str) -> PermissionDenied:
        return PermissionDenied(
            f"the owner's key in {self._file} cannot be used: {reason}",
            remedy="make a new one with `omnicore auth --rotate`",
        )


def owner_key(data: Path, clock: Clock, *, made: bool) -> OwnerKey:
    """The owner's key of a data folder. Raises: as `OwnerKey.made`.

    Args:
        made: it is made where there is none, as a host that serves does before it listens.
    """
    key = OwnerKey(data, clock)
    if made:
        key.made()
    return key
