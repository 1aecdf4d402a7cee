"""Files and folders that are this user's alone, and small files that are written whole or not at all.

A folder of state has mode 0700 and a file 0600, whatever the umask of the process and whoever made them. One that has
other bits, another owner, or is a link is refused, never changed: what others could read or write may not be repaired
unseen.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omnicore.errors import StorageFailed

_OTHERS = 0o077


def own_folder(folder: Path) -> None:
    """Makes a folder of mode 0700, and its missing parents, or checks the one that is there.

    Raises: StorageFailed: as `check_own`, or it cannot be made.
    """
    if check_own(folder, folder=True):
        return
    try:
        if not folder.parent.exists():
            own_folder(folder.parent)
        with suppress(FileExistsError):  # another process was first; its folder is checked below
            folder.mkdir(mode=0o700)
            folder.chmod(0o700)  # a umask takes bits away, and one of 0777 all of them
    except OSError as error:
        raise _unusable(folder, error) from error
    check_own(folder, folder=True)


def own_file(file: Path) -> None:
    """Makes an empty file of mode 0600, or checks the one that is there. Raises: StorageFailed."""
    if check_own(file):
        return
    try:
        with suppress(FileExistsError):
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(handle, 0o600)
            finally:
                os.close(handle)
    except OSError as error:
        raise _failed(file, error) from error
    check_own(file)


def own_opener(path: str, flags: int) -> int:
    """For `open(..., opener=own_opener)`: a file that it makes is this user's alone, and no link is followed."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def check_own(path: Path, *, folder: bool = False) -> bool:
    """True when a regular file (or a folder) is there and is this user's alone; False when nothing is there.

    Raises: StorageFailed: another user owns it, others may read or write it, or it is a link or another kind of file.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    noun = "folder" if folder else "file"
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(status.st_mode):
        link = stat.S_ISLNK(status.st_mode)
        fact = f"{path} is a symbolic link where a {noun} belongs" if link else f"{path} is not a {noun}"
        raise _unsafe(path, fact, f"remove it, or name the {noun} that it leads to" if link else "remove it")
    if status.st_uid != os.geteuid():
        fact = f"the {noun} {path} belongs to user {status.st_uid}, and this process is user {os.geteuid()}"
        raise _unsafe(path, fact, f"run as its owner, or `chown -R {os.geteuid()} {shlex.quote(str(path))}`")
    if status.st_mode & _OTHERS:
        fact = f"the {noun} {path} is open to other users of this machine (mode {stat.S_IMODE(status.st_mode):04o})"
        raise _unsafe(path, fact, f"run `chmod {'-R go-rwx' if folder else '600'} {shlex.quote(str(path))}`")
    return True


def _unusable(path: Path, error: OSError) -> StorageFailed:
    reason = error.strerror or str(error)
    return StorageFailed(
        f"{path} cannot be used: {reason}",
        remedy="check that the folder exists, has space and belongs to this user, or name another with --data or"
        " OMNICORE_DATA",
        path=str(path),
        reason=reason,
    )


def _unsafe(path: Path, fact: str, remedy: str) -> StorageFailed:
    return StorageFailed(fact, remedy=remedy, path=str(path))


def write_whole(file: Path, data: bytes) -> None:
    """Puts the bytes in the file's place in one step, readable by its owner only, and waits for the disk.

    Raises: StorageFailed: it cannot be written; the old file is as it was.
    """
    partial = file.with_name(f".{file.name}.{secrets.token_hex(6)}.partial")
    try:
        own_folder(file.parent)
        for left in file.parent.glob(f".{file.name}.*.partial"):  # a killed process' own; callers hold `only_one`
            left.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
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
        own_folder(file.parent)
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
