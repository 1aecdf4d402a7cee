"""How preview 1 lays structures out in the guest's memory, and the ways to move bytes in and out of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from struct import Struct
from typing import Final

from omnicore.sandbox.abi import MIB, HostCall
from omnicore.sandbox.wasi.errno import ILSEQ, INVAL, NAMETOOLONG, WasiError
from omnicore.sandbox.wasi.rights import file_type

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
    """How many bytes one read may bring into these buffers."""
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
