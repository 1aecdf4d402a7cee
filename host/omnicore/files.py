"""Small files that are written whole or not at all, whatever instruction the process is killed at."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omnicore.errors import StorageFailed

__all__ = ["only_one", "write_whole"]


def write_whole(file: Path, data: bytes) -> None:
    """Puts the bytes in the file's place in one step, readable by its owner only, and waits for the disk.

    Raises: StorageFailed: it cannot be written; the old file is as it was.
    """
    partial = file.with_name(f".{file.name}.{secrets.token_hex(6)}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in file.parent.glob(f".{file.name}.*.partial"):  # a killed process' own; callers hold `only_one`
            left.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
        _flush(file.parent)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise _failed(file, error) from error


@contextmanager
def only_one(file: Path) -> Iterator[None]:
    """One process and thread at a time in the block, for each file. Raises: StorageFailed."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _failed(file, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(file: Path, error: OSError) -> StorageFailed:
    reason = error.strerror or str(error)
    return StorageFailed(
        f"{file} cannot be written ({reason})",
        remedy="free space on that disk, or correct the folder's rights; nothing was changed",
        path=str(file),
        reason=reason,
    )
