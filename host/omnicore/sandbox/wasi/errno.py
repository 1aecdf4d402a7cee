"""WASI's error numbers, and the two ways to reach them: a refusal of ours and an error of the system."""

from __future__ import annotations

import errno as host
from typing import Final

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
