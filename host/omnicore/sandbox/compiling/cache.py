"""Compiled code on disk. It runs as native code, so what cannot be proved ours is not used.

An entry is written once, under a name made of the module's hash and the preset, with a keyed hash in front. The
folder is this user's alone (0700) and so is the key in it. A reader opens without following links, checks owner
and permissions, reads all, and compares the hash before anything is loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import mmap
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from omnicore.errors import EngineFailed
from omnicore.sandbox.capi.modules import seal

__all__ = ["CodeCache"]

_MAGIC = b"omnicore code 1\n"
_DIGEST_BYTES = 32
_KEY = "key"
_ABANDONED_S = 3600


class CodeCache:
    """A folder of compiled code.

    Raises: EngineFailed: the folder belongs to somebody else or others may write to it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.stat()
        except OSError as error:
            raise EngineFailed(
                f"the code cache {folder} cannot be used: {error.strerror}", remedy="choose another data folder"
            ) from error
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise EngineFailed(
                f"the code cache {folder} is not this user's alone",
                remedy=f"run `chmod 700 {folder}` as its owner, or choose another data folder",
            )
        self._sweep()
        self._key = self._own_key()

    def get(self, name: str) -> bytes | None:
        """The code stored under a name; None when there is none or it is not what was written."""
        data = _read_own(self._folder / f"{name}.code")
        if data is None or not data.startswith(_MAGIC):
            return None
        start = len(_MAGIC) + _DIGEST_BYTES
        digest, code = data[len(_MAGIC) : start], data[start:]
        return code if hmac.compare_digest(digest, self._digest(name, code)) else None

    @contextlib.contextmanager
    def sealed(self, name: str) -> Iterator[bytes | None]:
        """The path of a file in memory that holds the code and that nobody can change; None as `get` says.

        For tens of megabytes this takes half the time of `get` and loading what it gives: they are copied once.
        """
        with contextlib.ExitStack() as stack:
            yield self._sealed(name, stack) if hasattr(os, "memfd_create") else None

    def _sealed(self, name: str, stack: contextlib.ExitStack) -> bytes | None:
        source = _open_own(self._folder / f"{name}.code")
        if source is None:
            return None
        stack.callback(os.close, source)
        size = os.fstat(source).st_size - len(_MAGIC) - _DIGEST_BYTES
        if size <= 0 or os.read(source, len(_MAGIC)) != _MAGIC:
            return None
        due = os.read(source, _DIGEST_BYTES)
        copy = os.memfd_create("omnicore-code", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        stack.callback(os.close, copy)
        os.ftruncate(copy, size)
        with mmap.mmap(copy, size) as memory, open(source, "rb", buffering=0, closefd=False) as file:
            with memoryview(memory) as view:
                whole = _filled(file, view)
            good = whole and hmac.compare_digest(due, self._digest(name, memory))
        seal(copy)
        return f"/proc/self/fd/{copy}".encode() if good else None

    def put(self, name: str, code: bytes) -> None:
        """Stores code; a full disk only costs the next start its time."""
        with contextlib.suppress(OSError):
            self._write(f"{name}.code", _MAGIC + self._digest(name, code) + code)

    def _digest(self, name: str, code: bytes | mmap.mmap) -> bytes:
        return hmac.digest(self._key, name.encode() + b"\0" + hashlib.sha256(code).digest(), "sha256")

    def _sweep(self) -> None:
        """Removes what writers that were killed have left."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob(".*"):
                if time.time() - path.lstat().st_mtime > _ABANDONED_S:
                    path.unlink(missing_ok=True)

    def _own_key(self) -> bytes:
        place = self._folder / _KEY
        key = _read_own(place)
        if key is None or len(key) != _DIGEST_BYTES:
            with contextlib.suppress(OSError):
                if key is not None:  # cut short
                    place.unlink()
                self._write(_KEY, secrets.token_bytes(_DIGEST_BYTES), first=True)
            # Another process may have written its key at the same moment: the first on disk is the one.
            key = _read_own(place) or secrets.token_bytes(_DIGEST_BYTES)
        return key

    def _write(self, name: str, data: bytes, *, first: bool = False) -> None:
        """Puts a file in place in one step. Raises: OSError; FileExistsError: it should be the first and is not."""
        temporary = self._folder / f".{secrets.token_hex(8)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            if first:
                os.link(temporary, self._folder / name)
                temporary.unlink()
            else:
                temporary.rename(self._folder / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _filled(file: IO[bytes], view: memoryview) -> bool:
    """Whether the file had as many bytes left as the view has room for."""
    read = 0
    while read < len(view):
        count = file.readinto(view[read:])  # type: ignore[attr-defined]
        if not count:
            return False
        read += count
    return True


def _open_own(path: Path) -> int | None:
    """A descriptor of a regular file that is this user's alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022:
        return descriptor
    os.close(descriptor)
    return None


def _read_own(path: Path) -> bytes | None:
    descriptor = _open_own(path)
    if descriptor is None:
        return None
    try:
        with os.fdopen(descriptor, "rb") as file:
            return file.read()
    except OSError:
        return None
