"""Descriptors that stand on the host's: regular files and directories below a preopen."""

from __future__ import annotations

import fcntl
import os

from omnicore.sandbox.wasi.budget import Budget, write_cost
from omnicore.sandbox.wasi.descriptor import Descriptor
from omnicore.sandbox.wasi.errno import BADF, INVAL, PERM, WasiError
from omnicore.sandbox.wasi.layout import DIRENT, pack_filestat
from omnicore.sandbox.wasi.rights import (
    FD_READ,
    FD_WRITE,
    FLAG_APPEND,
    FOLDER,
    REGULAR,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SYMLINK,
    TYPE_UNKNOWN,
)


class Opened(Descriptor):
    """A descriptor with one of the host's under it. Owns: `host_fd`, until `close`."""

    __slots__ = ("host_fd",)
    host_fd: int

    def filestat(self) -> bytes:
        return pack_filestat(os.fstat(self.host_fd))

    def sync(self) -> None:
        os.fsync(self.host_fd)

    def close(self) -> None:
        host_fd, self.host_fd = self.host_fd, -1
        if host_fd >= 0:
            os.close(host_fd)


class File(Opened):
    """A regular file."""

    __slots__ = ("_budget",)

    def __init__(self, host_fd: int, rights: int, *, flags: int, budget: Budget) -> None:
        super().__init__(TYPE_REGULAR, rights & REGULAR, flags=flags)
        self.host_fd = host_fd
        self._budget = budget

    def _need(self, right: int) -> None:
        if not self.rights & right:
            raise WasiError(BADF)

    def read(self, size: int) -> bytes:
        self._need(FD_READ)
        return os.read(self.host_fd, size)

    def pread(self, size: int, at: int) -> bytes:
        self._need(FD_READ)
        return os.pread(self.host_fd, size, at)

    def write(self, data: bytes) -> int:
        appends = self.flags & FLAG_APPEND
        at = None if appends else os.lseek(self.host_fd, 0, os.SEEK_CUR)
        self._charge(len(data), at)
        return os.write(self.host_fd, data)

    def pwrite(self, data: bytes, at: int) -> int:
        self._charge(len(data), None if self.flags & FLAG_APPEND else at)
        return os.pwrite(self.host_fd, data, at)

    def _charge(self, length: int, at: int | None) -> None:
        """Takes a write's cost from the budget; `at` None is the end of the file."""
        self._need(FD_WRITE)
        size = os.fstat(self.host_fd).st_size
        end = (size if at is None else at) + length
        self._budget.charge(write_cost(length=length, end=end, size=size))

    def seek(self, delta: int, whence: int) -> int:
        return os.lseek(self.host_fd, delta, whence)

    def resize(self, size: int) -> None:
        self._need(FD_WRITE)
        self._budget.charge(max(0, size - os.fstat(self.host_fd).st_size))
        os.ftruncate(self.host_fd, size)

    def allocate(self, at: int, length: int) -> None:
        if length == 0:
            raise WasiError(INVAL)
        self.resize(max(at + length, os.fstat(self.host_fd).st_size))

    def advise(self) -> None:
        """Advice is taken and not passed on: it could only make the host read ahead."""

    def set_flags(self, flags: int) -> None:
        current = fcntl.fcntl(self.host_fd, fcntl.F_GETFL)
        append = os.O_APPEND if flags & FLAG_APPEND else 0
        fcntl.fcntl(self.host_fd, fcntl.F_SETFL, current & ~os.O_APPEND | append)
        self.flags = flags

    def readable_bytes(self) -> int | None:
        if not self.rights & FD_READ:
            return None
        return max(0, os.fstat(self.host_fd).st_size - self.seek(0, os.SEEK_CUR))

    def writable_bytes(self) -> int:
        return self._budget.left

    def set_times(self, *, access_ns: int | None, modified_ns: int | None) -> None:
        self._need(FD_WRITE)
        _set_times(self.host_fd, access_ns, modified_ns)


Listing = list[tuple[bytes, int, int]]
"""(name, inode, type) of each entry."""


class Directory(Opened):
    """A directory. `preopen` is its guest path when the grant opened it, `writable` what the grant says.

    A listing is kept until it is asked for again from the start, so that cookies stay true while the guest
    deletes what it reads; `names` bounds how many entries all listings of a session hold.
    """

    __slots__ = ("_listing", "_names", "preopen", "writable")

    def __init__(self, host_fd: int, *, writable: bool, names: Budget, preopen: bytes | None = None) -> None:
        super().__init__(TYPE_DIRECTORY, FOLDER, inheriting=FOLDER | REGULAR)
        self.host_fd = host_fd
        self.writable = writable
        self.preopen = preopen
        self._names = names
        self._listing: Listing | None = None

    def list_from(self, cookie: int, room: int) -> bytes:
        if cookie == 0 or self._listing is None:
            self._forget_listing()
            self._listing = _listing(self.host_fd, self._names)
        out = bytearray()
        for number, (name, inode, kind) in enumerate(self._listing[cookie:], cookie + 1):
            if len(out) >= room:
                break
            out += DIRENT.pack(number, inode, len(name), kind) + name
        return bytes(out[:room])

    def _forget_listing(self) -> None:
        listing, self._listing = self._listing, None
        self._names.refund(len(listing or ()))

    def set_times(self, *, access_ns: int | None, modified_ns: int | None) -> None:
        if not self.writable:
            raise WasiError(PERM)
        _set_times(self.host_fd, access_ns, modified_ns)

    def readable_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        self._forget_listing()
        super().close()


def _listing(host_fd: int, names: Budget) -> Listing:
    """Every entry, `.` and `..` first. Names that are not UTF-8 are left out: no guest could say them."""
    inode = os.fstat(host_fd).st_ino
    names.charge(2)
    found = [(b".", inode, TYPE_DIRECTORY), (b"..", inode, TYPE_DIRECTORY)]
    try:
        with os.scandir(host_fd) as entries:
            for entry in entries:
                if _sayable(entry.name):
                    names.charge(1)
                    found.append((entry.name.encode(), entry.inode(), _type(entry)))
    except BaseException:
        names.refund(len(found))
        raise
    return found


def _sayable(name: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in name)


def _type(entry: os.DirEntry[str]) -> int:
    if entry.is_symlink():
        return TYPE_SYMLINK
    if entry.is_dir(follow_symlinks=False):
        return TYPE_DIRECTORY
    return TYPE_REGULAR if entry.is_file(follow_symlinks=False) else TYPE_UNKNOWN


def _set_times(host_fd: int, access_ns: int | None, modified_ns: int | None) -> None:
    found = os.fstat(host_fd)
    os.utime(
        host_fd,
        ns=(
            found.st_atime_ns if access_ns is None else access_ns,
            found.st_mtime_ns if modified_ns is None else modified_ns,
        ),
    )
