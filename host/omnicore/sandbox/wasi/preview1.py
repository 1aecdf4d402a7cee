"""Error numbers, rights, flags and structures of WASI preview 1.

Source: WASI preview 1, `typenames.witx`.
"""

from __future__ import annotations

import errno as host
import stat
from collections.abc import Iterable
from struct import Struct
from typing import TYPE_CHECKING, Final

from omnicore.sandbox.abi import MIB, HostCall

if TYPE_CHECKING:
    import os

SUCCESS: Final = 0
TOOBIG: Final = 1
ACCES: Final = 2
AGAIN: Final = 6
BADF: Final = 8
BUSY: Final = 10
DQUOT: Final = 19
EXIST: Final = 20
FAULT: Final = 21
FBIG: Final = 22
ILSEQ: Final = 25
INTR: Final = 27
INVAL: Final = 28
IO: Final = 29
ISDIR: Final = 31
LOOP: Final = 32
MFILE: Final = 33
MLINK: Final = 34
NAMETOOLONG: Final = 37
NFILE: Final = 41
NODEV: Final = 43
NOENT: Final = 44
NOMEM: Final = 48
NOSPC: Final = 51
NOTDIR: Final = 54
NOTEMPTY: Final = 55
NOTSUP: Final = 58
NXIO: Final = 60
OVERFLOW: Final = 61
PERM: Final = 63
ROFS: Final = 69
SPIPE: Final = 70
TXTBSY: Final = 74
XDEV: Final = 75
NOTCAPABLE: Final = 76

_FROM_HOST: Final = {
    host.EACCES: ACCES,
    host.EAGAIN: AGAIN,
    host.EBADF: BADF,
    host.EBUSY: BUSY,
    host.EDQUOT: DQUOT,
    host.EEXIST: EXIST,
    host.EFBIG: FBIG,
    host.EINTR: INTR,
    host.EINVAL: INVAL,
    host.EISDIR: ISDIR,
    host.ELOOP: LOOP,
    host.EMFILE: NFILE,
    host.EMLINK: MLINK,
    host.ENAMETOOLONG: NAMETOOLONG,
    host.ENFILE: NFILE,
    host.ENODEV: NODEV,
    host.ENOENT: NOENT,
    host.ENOMEM: NOMEM,
    host.ENOSPC: NOSPC,
    host.ENOTDIR: NOTDIR,
    host.ENOTEMPTY: NOTEMPTY,
    host.ENOTSUP: NOTSUP,
    host.ENXIO: NXIO,
    host.EOVERFLOW: OVERFLOW,
    host.EPERM: PERM,
    host.EROFS: ROFS,
    host.ESPIPE: SPIPE,
    host.ETXTBSY: TXTBSY,
    host.EXDEV: XDEV,
}


class WasiError(Exception):
    """A refusal that the guest reads as an error number; it never leaves this room."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def from_host(error: OSError) -> int:
    """The WASI number of an operating system error; `IO` where WASI has no word for it."""
    return _FROM_HOST.get(error.errno or 0, IO)


FD_DATASYNC: Final = 1 << 0
FD_READ: Final = 1 << 1
FD_SEEK: Final = 1 << 2
FD_FDSTAT_SET_FLAGS: Final = 1 << 3
FD_SYNC: Final = 1 << 4
FD_TELL: Final = 1 << 5
FD_WRITE: Final = 1 << 6
FD_ADVISE: Final = 1 << 7
FD_ALLOCATE: Final = 1 << 8
FD_READDIR: Final = 1 << 14
FD_FILESTAT_GET: Final = 1 << 21
FD_FILESTAT_SET_SIZE: Final = 1 << 22
FD_FILESTAT_SET_TIMES: Final = 1 << 23
POLL_FD_READWRITE: Final = 1 << 27
PATHS: Final = 0b1111111 << 9 & ~FD_READDIR | 0b11111 << 16 | 0b111 << 24
"""Every `path_*` right, bits 9 to 13, 15 to 20 and 24 to 26."""

STREAM: Final = FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE
REGULAR: Final = (
    FD_DATASYNC
    | FD_READ
    | FD_SEEK
    | FD_FDSTAT_SET_FLAGS
    | FD_SYNC
    | FD_TELL
    | FD_WRITE
    | FD_ADVISE
    | FD_ALLOCATE
    | FD_FILESTAT_GET
    | FD_FILESTAT_SET_SIZE
    | FD_FILESTAT_SET_TIMES
    | POLL_FD_READWRITE
)
FOLDER: Final = (
    FD_DATASYNC | FD_FDSTAT_SET_FLAGS | FD_SYNC | FD_READDIR | FD_FILESTAT_GET | FD_FILESTAT_SET_TIMES | PATHS
)

TYPE_UNKNOWN: Final = 0
TYPE_DIRECTORY: Final = 3
TYPE_REGULAR: Final = 4
TYPE_SYMLINK: Final = 7

_TYPES: Final = {
    stat.S_IFBLK: 1,
    stat.S_IFCHR: 2,
    stat.S_IFDIR: TYPE_DIRECTORY,
    stat.S_IFREG: TYPE_REGULAR,
    stat.S_IFSOCK: 6,
    stat.S_IFLNK: TYPE_SYMLINK,
}

FLAG_APPEND: Final = 1 << 0
FLAG_NONBLOCK: Final = 1 << 2
SETTABLE_FLAGS: Final = FLAG_APPEND | FLAG_NONBLOCK

OPEN_CREATE: Final = 1 << 0
OPEN_DIRECTORY: Final = 1 << 1
OPEN_EXCLUSIVE: Final = 1 << 2
OPEN_TRUNCATE: Final = 1 << 3

FOLLOW: Final = 1 << 0


def file_type(mode: int) -> int:
    """The WASI file type of a mode that `stat` gave."""
    return _TYPES.get(stat.S_IFMT(mode), TYPE_UNKNOWN)


U32: Final = Struct("<I")
U64: Final = Struct("<Q")
PAIR: Final = Struct("<II")
PRESTAT: Final = Struct("<B3xI")
FDSTAT: Final = Struct("<BxH4xQQ")
FILESTAT: Final = Struct("<QQB7xQQQQQ")
DIRENT: Final = Struct("<QQIB3x")
SUBSCRIPTION: Final = Struct("<QB7xI4xQ8xH6x")
EVENT: Final = Struct("<QHB5xQH6x")

MAX_SPANS: Final = 1024
MAX_TRANSFER: Final = 4 * MIB
"""One read or write moves at most this much and is short beyond it, so that a thousand spans over one
large buffer cannot make the host hold a thousand copies. Units: bytes."""
MAX_PATH: Final = 4096

Spans = list[tuple[int, int]]


def load_spans(call: HostCall, address: int, count: int) -> Spans:
    """The (address, length) pairs of a vector of buffers."""
    if count > MAX_SPANS:
        raise WasiError(INVAL)
    return list(PAIR.iter_unpack(call.load(address, count * 8)))


def gather(call: HostCall, address: int, count: int) -> bytes:
    """The bytes that a vector of buffers holds, `MAX_TRANSFER` at most."""
    if count == 1:
        start, length = PAIR.unpack(call.load(address, 8))
        return call.load(start, min(length, MAX_TRANSFER))
    parts, room = [], MAX_TRANSFER
    for start, length in load_spans(call, address, count):
        parts.append(call.load(start, min(length, room)))
        room -= len(parts[-1])
    return b"".join(parts)


def capacity(spans: Spans) -> int:
    """Bytes that one read may put into these buffers."""
    return min(sum(length for _, length in spans), MAX_TRANSFER)


def scatter(call: HostCall, spans: Spans, data: bytes) -> None:
    """Spreads `data` over a vector of buffers."""
    at = 0
    for start, length in spans:
        if at >= len(data):
            return
        call.store(start, data[at : at + length])
        at += length


def load_path(call: HostCall, address: int, length: int) -> bytes:
    """A path that the guest names. Raises: WasiError when it is too long, not UTF-8 or holds a NUL."""
    if length > MAX_PATH:
        raise WasiError(NAMETOOLONG)
    path = call.load(address, length)
    try:
        path.decode()
    except UnicodeDecodeError:
        raise WasiError(ILSEQ) from None
    if b"\0" in path:
        raise WasiError(INVAL)
    return path


def store_strings(call: HostCall, pointers: int, buffer: int, strings: Iterable[bytes]) -> None:
    """Writes NUL-terminated strings one after another and the table of pointers to them."""
    addresses, blob = bytearray(), bytearray()
    for text in strings:
        addresses += U32.pack(buffer + len(blob) & 0xFFFFFFFF)
        blob += text + b"\0"
    call.store(pointers, bytes(addresses))
    call.store(buffer, bytes(blob))


def pack_filestat(found: os.stat_result) -> bytes:
    """A `filestat` of what `stat` found."""
    return FILESTAT.pack(
        found.st_dev & 0xFFFFFFFFFFFFFFFF,
        found.st_ino,
        file_type(found.st_mode),
        found.st_nlink,
        found.st_size,
        max(found.st_atime_ns, 0),
        max(found.st_mtime_ns, 0),
        max(found.st_ctime_ns, 0),
    )


def signed(value: int) -> int:
    """An i64 parameter read as signed."""
    return value - (1 << 64) if value >> 63 else value


def offset(value: int) -> int:
    """A file offset or size. Raises: WasiError for one that the operating system cannot hold."""
    if value >> 63:
        raise WasiError(INVAL)
    return value
