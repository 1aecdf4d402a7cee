"""Descriptors of a guest: streams in memory, and files and directories below a preopened directory."""

from __future__ import annotations

import errno as host
import fcntl
import os
from types import TracebackType
from typing import Final, Self

from omnicore.errors import LimitExceeded
from omnicore.sandbox.wasi.preview1 import (
    BADF,
    DIRENT,
    FD_READ,
    FD_WRITE,
    FILESTAT,
    FLAG_APPEND,
    FOLDER,
    INVAL,
    LOOP,
    NOENT,
    NOSPC,
    NOTDIR,
    NOTSUP,
    PERM,
    REGULAR,
    SPIPE,
    STREAM,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SYMLINK,
    TYPE_UNKNOWN,
    WasiError,
    pack_filestat,
)

ENTRY_BYTES: Final = 4096
"""Cost of a new name: a file, directory or link takes about a block even when it is empty."""


class CountedQuota:
    """A count with an end. `refusal` is the error number for what goes over it."""

    __slots__ = ("_refusal", "left")

    def __init__(self, allowed: int, *, refusal: int = NOSPC) -> None:
        self.left = allowed
        self._refusal = refusal

    def charge(self, amount: int) -> None:
        """Takes `amount`. Raises: WasiError when less is left."""
        if amount > self.left:
            raise WasiError(self._refusal)
        self.left -= amount

    def refund(self, amount: int) -> None:
        """Gives `amount` back."""
        self.left += amount


def write_cost(*, length: int, end: int, size: int) -> int:
    """The cost of writing `length` bytes up to `end` in a file of `size` bytes: a hole counts as written."""
    return max(length, end - size)


class Descriptor:
    """One entry of a descriptor table. Each operation refuses with `BADF` where a kind does not have it."""

    __slots__ = ("filetype", "flags", "inheriting", "rights")

    def __init__(self, filetype: int, rights: int, *, inheriting: int = 0, flags: int = 0) -> None:
        self.filetype = filetype
        self.rights = rights
        self.inheriting = inheriting
        self.flags = flags

    def read(self, size: int) -> bytes:
        """Up to `size` bytes from where the descriptor stands; empty at the end."""
        raise WasiError(BADF)

    def write(self, data: bytes) -> int:
        """Writes where the descriptor stands; returns how much."""
        raise WasiError(BADF)

    def pread(self, size: int, at: int) -> bytes:
        """Up to `size` bytes from an offset."""
        raise WasiError(BADF)

    def pwrite(self, data: bytes, at: int) -> int:
        """Writes at an offset; returns how much."""
        raise WasiError(BADF)

    def seek(self, delta: int, whence: int) -> int:
        """Moves where the descriptor stands; returns the new offset. `whence` 0 start, 1 current, 2 end."""
        raise WasiError(BADF)

    def resize(self, size: int) -> None:
        """Cuts a file or grows it by a hole."""
        raise WasiError(BADF)

    def allocate(self, at: int, length: int) -> None:
        """Makes a file reach to `at + length`."""
        raise WasiError(BADF)

    def advise(self) -> None:
        """Takes advice about the use of a file, and does nothing with it."""
        raise WasiError(BADF)

    def sync(self) -> None:
        """Waits until what was written is on disk."""
        raise WasiError(BADF)

    def set_flags(self, flags: int) -> None:
        """Sets append and non-blocking mode."""
        self.flags = flags

    def filestat(self) -> bytes:
        """The `filestat` structure."""
        raise WasiError(BADF)

    def set_times(self, *, access_ns: int | None, modified_ns: int | None) -> None:
        """Sets the times that are given."""
        raise WasiError(BADF)

    def list_from(self, cookie: int, room: int) -> bytes:
        """Directory entries from a cookie on, `room` bytes at most; the last one may be cut."""
        raise WasiError(NOTDIR)

    def readable_bytes(self) -> int | None:
        """Bytes that can be read without waiting; None where reading is not possible."""
        return 0

    def writable_bytes(self) -> int:
        """Bytes that can be written without waiting."""
        return 0

    def close(self) -> None:
        """Gives back what the host holds for this descriptor."""


class Stream(Descriptor):
    """A pipe-like descriptor: no offset, no size."""

    __slots__ = ()

    def pread(self, size: int, at: int) -> bytes:
        raise WasiError(SPIPE)

    def pwrite(self, data: bytes, at: int) -> int:
        raise WasiError(SPIPE)

    def seek(self, delta: int, whence: int) -> int:
        raise WasiError(SPIPE)

    def advise(self) -> None:
        raise WasiError(SPIPE)

    def sync(self) -> None:
        raise WasiError(NOTSUP)

    def filestat(self) -> bytes:
        return FILESTAT.pack(0, 0, TYPE_UNKNOWN, 1, 0, 0, 0, 0)


class InputStream(Stream):
    """Standard input: bytes that are there from the start, then the end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        super().__init__(TYPE_UNKNOWN, STREAM | FD_READ)
        self.refill(data)

    def refill(self, data: bytes) -> None:
        """Starts again with other bytes."""
        self._data = data
        self._at = 0

    def read(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        self._at += len(part)
        return part

    def readable_bytes(self) -> int | None:
        return len(self._data) - self._at


class OutputRoom:
    """Bytes of output that one call has left, shared by standard output and error."""

    __slots__ = ("allowed", "left", "limit")

    def __init__(self, allowed: int, *, limit: str) -> None:
        self.allowed = self.left = allowed
        self.limit = limit

    def take(self, amount: int) -> None:
        """Raises: LimitExceeded when fewer bytes are left."""
        if amount > self.left:
            raise LimitExceeded(
                f"the guest wrote more than {self.allowed} bytes to standard output and error",
                remedy=f"let it write less, or raise limits.{self.limit}",
                limit=self.limit,
                allowed=self.allowed,
            )
        self.left -= amount


class OutputStream(Stream):
    """Standard output or error, kept in memory."""

    __slots__ = ("_room", "data")

    def __init__(self, room: OutputRoom) -> None:
        super().__init__(TYPE_UNKNOWN, STREAM | FD_WRITE)
        self._room = room
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self._room.take(len(data))
        self.data += data
        return len(data)

    def readable_bytes(self) -> int | None:
        return None

    def writable_bytes(self) -> int:
        return self._room.left


class HostDescriptor(Descriptor):
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


class File(HostDescriptor):
    """A regular file."""

    __slots__ = ("_budget",)

    def __init__(self, host_fd: int, rights: int, *, flags: int, budget: CountedQuota) -> None:
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


class Directory(HostDescriptor):
    """A directory. `preopen` is its guest path when the grant opened it, `writable` what the grant says.

    A listing is kept until it is asked for again from the start, so that cookies stay true while the guest
    deletes what it reads; `names` bounds how many entries all listings of a session hold.
    """

    __slots__ = ("_listing", "_names", "preopen", "writable")

    def __init__(self, host_fd: int, *, writable: bool, names: CountedQuota, preopen: bytes | None = None) -> None:
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


def _listing(host_fd: int, names: CountedQuota) -> Listing:
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


MAX_LINKS: Final = 40
MAX_STEPS: Final = 4096

_SEARCH: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Walk:
    """The target of a guest's path: `directory` (a host descriptor), `name` in it, and `folder` if it must be one.

    A path is walked below a directory, one component at a time, so that it cannot leave. The kernel is never given more
    than one component, never follows a link for us and never sees a trailing slash (`open("link/", O_NOFOLLOW)` follows
    the link). Links are read and expanded here under the same rules. `..` goes back along the names that were walked,
    never through the file system, so a directory moved by somebody else in the meantime gives an error and not a way
    out. A hard link that somebody on the host made into the directory counts as a file of the directory.

    `follow` says whether a link in last place is followed; one before it always is.

    Owns: `directory`, until the block is left, unless it is the directory the walk began in.

    Example: `with Walk(base, b"a/b", follow=True) as at: os.stat(at.name, dir_fd=at.directory, ...)`
    """

    __slots__ = ("_base", "_links", "_names", "_steps", "directory", "folder", "name")

    def __init__(self, base: int, path: bytes, *, follow: bool) -> None:
        self._base = self.directory = base
        self._names: list[bytes] = []
        self._links = self._steps = 0
        self.folder = path.endswith((b"/", b"/.", b"/.."))
        if not path:
            raise WasiError(NOENT)
        try:
            self.name = self._walk(_split(path), follow)
        except BaseException:
            self._move(base)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._move(self._base)

    def _walk(self, pending: list[bytes], follow: bool) -> bytes:
        while pending:
            name = pending.pop()
            if name == b"..":
                self._up()
            elif pending:
                self._expand(self._enter(name), pending)
            else:
                target = self._link(name) if follow else None
                if target is None:
                    return name
                self._expand(target, pending)
        return b"."

    def _enter(self, name: bytes) -> bytes | None:
        """Goes into a directory, or returns the target of the link that stands there."""
        try:
            self._descend(name)
        except OSError as error:
            target = self._link(name) if error.errno in (host.ENOTDIR, host.ELOOP) else None
            if target is None:
                raise
            return target
        self._names.append(name)
        return None

    def _descend(self, name: bytes) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise WasiError(LOOP)
        self._move(os.open(name, _SEARCH, dir_fd=self.directory))

    def _move(self, directory: int) -> None:
        left, self.directory = self.directory, directory
        if left not in (self._base, directory):
            os.close(left)

    def _up(self) -> None:
        if not self._names:
            raise WasiError(PERM)
        self._names.pop()
        self._move(self._base)
        for name in self._names:
            self._descend(name)

    def _link(self, name: bytes) -> bytes | None:
        try:
            return os.readlink(name, dir_fd=self.directory)
        except OSError as error:
            if error.errno in (host.EINVAL, host.ENOENT):
                return None
            raise

    def _expand(self, target: bytes | None, pending: list[bytes]) -> None:
        if target is None:
            return
        self._links += 1
        if self._links > MAX_LINKS:
            raise WasiError(LOOP)
        if not pending:
            self.folder = self.folder or target.endswith(b"/")
        pending.extend(_split(target))


def _split(path: bytes) -> list[bytes]:
    """The components, last one first. Raises: WasiError for an absolute path."""
    if path.startswith(b"/"):
        raise WasiError(PERM)
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]


def stays_below(target: bytes) -> bool:
    """True when a link with this text leads down from its place, wherever it is moved to."""
    return not target.startswith(b"/") and b".." not in target.split(b"/")
