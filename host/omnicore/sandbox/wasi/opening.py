"""`path_open`: from a path to a descriptor, without waiting, and only for files and directories."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass

from omnicore.sandbox.wasi.budget import ENTRY_BYTES
from omnicore.sandbox.wasi.errno import INVAL, ISDIR, NOTCAPABLE, NOTSUP, PERM, WasiError
from omnicore.sandbox.wasi.files import Directory, File, Opened
from omnicore.sandbox.wasi.paths import Walk
from omnicore.sandbox.wasi.rights import (
    FD_READ,
    FD_WRITE,
    FLAG_APPEND,
    OPEN_CREATE,
    OPEN_DIRECTORY,
    OPEN_EXCLUSIVE,
    OPEN_TRUNCATE,
    SETTABLE_FLAGS,
)
from omnicore.sandbox.wasi.session import WasiSession

# Never waiting is the point of O_NONBLOCK: a pipe that somebody put here must not hold the host.
_ALWAYS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Wish:
    """What a guest wants opened, and how: the flags and rights of `path_open`."""

    path: bytes
    follow: bool
    opening: int
    rights: int
    flags: int

    @property
    def writes(self) -> bool:
        """Whether the descriptor is to be written through."""
        return bool(self.rights & FD_WRITE)

    @property
    def changes(self) -> bool:
        """Whether anything on disk may change by it."""
        return self.writes or bool(self.opening & (OPEN_CREATE | OPEN_TRUNCATE))


def open_below(session: WasiSession, directory: Directory, wish: Wish) -> Opened:
    """Opens a file or directory below `directory`. Raises: WasiError, OSError."""
    _check(directory, wish)
    follow = wish.follow and not (wish.opening & OPEN_CREATE and wish.opening & OPEN_EXCLUSIVE)
    with Walk(directory.host_fd, wish.path, follow=follow or wish.path.endswith(b"/")) as at:
        folder = at.folder or bool(wish.opening & OPEN_DIRECTORY)
        host_fd = _open_at(session, at, wish, folder=folder)
    try:
        return _descriptor(session, directory, wish, host_fd)
    except BaseException:
        os.close(host_fd)
        raise


def _check(directory: Directory, wish: Wish) -> None:
    if wish.flags & ~SETTABLE_FLAGS:
        raise WasiError(NOTSUP)
    if wish.opening & OPEN_DIRECTORY and wish.opening & OPEN_CREATE:
        raise WasiError(INVAL)
    if wish.changes and not directory.writable:
        raise WasiError(PERM)


def _open_at(session: WasiSession, at: Walk, wish: Wish, *, folder: bool) -> int:
    creates = bool(wish.opening & OPEN_CREATE)
    if creates and folder:
        raise WasiError(ISDIR)
    mode = _mode(at)
    if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
        raise WasiError(NOTCAPABLE)
    if creates and mode is None:
        session.budget.charge(ENTRY_BYTES)
    return os.open(at.name, _host_flags(wish, folder=folder), 0o666, dir_fd=at.directory)


def _mode(at: Walk) -> int | None:
    with suppress(FileNotFoundError):
        return os.stat(at.name, dir_fd=at.directory, follow_symlinks=False).st_mode
    return None


def _host_flags(wish: Wish, *, folder: bool) -> int:
    if folder:
        return _ALWAYS | os.O_RDONLY | os.O_DIRECTORY
    # Cutting a file needs it open for writing, even when the guest does not write through the descriptor.
    writes = wish.writes or bool(wish.opening & OPEN_TRUNCATE)
    reads = bool(wish.rights & FD_READ) or not wish.writes
    access = (os.O_RDWR if reads else os.O_WRONLY) if writes else os.O_RDONLY
    create = os.O_CREAT if wish.opening & OPEN_CREATE else 0
    exclusive = os.O_EXCL if create and wish.opening & OPEN_EXCLUSIVE else 0
    append = os.O_APPEND if wish.flags & FLAG_APPEND else 0
    return _ALWAYS | access | create | exclusive | append


def _descriptor(session: WasiSession, directory: Directory, wish: Wish, host_fd: int) -> Opened:
    mode = os.fstat(host_fd).st_mode
    if stat.S_ISDIR(mode):
        if wish.writes or wish.opening & OPEN_TRUNCATE:
            raise WasiError(ISDIR)
        return Directory(host_fd, writable=directory.writable, names=session.names)
    if not stat.S_ISREG(mode):
        raise WasiError(NOTCAPABLE)
    if wish.opening & OPEN_TRUNCATE:
        os.ftruncate(host_fd, 0)
    return File(host_fd, wish.rights, flags=wish.flags, budget=session.budget)
