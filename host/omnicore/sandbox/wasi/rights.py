"""Bits of the preview 1 interface: rights, file types and flags.

Source: WASI preview 1, `typenames.witx`.
"""

from __future__ import annotations

import stat
from typing import Final

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
