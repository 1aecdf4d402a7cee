"""The `fd_*` functions: what a guest does with a descriptor that it has."""

from __future__ import annotations

from omnicore.sandbox.abi import HostCall
from omnicore.sandbox.wasi.errno import (
    BADF,
    INVAL,
    NAMETOOLONG,
    NOTCAPABLE,
    NOTSUP,
    SUCCESS,
    WasiError,
)
from omnicore.sandbox.wasi.files import Directory
from omnicore.sandbox.wasi.layout import (
    FDSTAT,
    PRESTAT,
    U32,
    U64,
    capacity,
    gather,
    load_spans,
    offset,
    scatter,
    signed,
)
from omnicore.sandbox.wasi.rights import SETTABLE_FLAGS
from omnicore.sandbox.wasi.session import WasiSession
from omnicore.sandbox.wasi.times import chosen_times

_LAST_ADVICE = 5
_LAST_WHENCE = 2


def fd_read(session: WasiSession, call: HostCall, fd: int, spans: int, count: int, out: int) -> int:
    """Reads into buffers."""
    entry, targets = session.entry(fd), load_spans(call, spans, count)
    data = entry.read(capacity(targets))
    scatter(call, targets, data)
    call.store(out, U32.pack(len(data)))
    return SUCCESS


def fd_write(session: WasiSession, call: HostCall, fd: int, spans: int, count: int, out: int) -> int:
    """Writes from buffers."""
    written = session.entry(fd).write(gather(call, spans, count))
    call.store(out, U32.pack(written))
    return SUCCESS


def fd_pread(session: WasiSession, call: HostCall, fd: int, spans: int, count: int, at: int, out: int) -> int:
    """Reads from an offset into buffers."""
    entry, targets = session.entry(fd), load_spans(call, spans, count)
    data = entry.pread(capacity(targets), offset(at))
    scatter(call, targets, data)
    call.store(out, U32.pack(len(data)))
    return SUCCESS


def fd_pwrite(session: WasiSession, call: HostCall, fd: int, spans: int, count: int, at: int, out: int) -> int:
    """Writes from buffers at an offset."""
    written = session.entry(fd).pwrite(gather(call, spans, count), offset(at))
    call.store(out, U32.pack(written))
    return SUCCESS


def fd_close(session: WasiSession, call: HostCall, fd: int) -> int:
    """Closes a descriptor."""
    session.remove(fd)
    return SUCCESS


def fd_renumber(session: WasiSession, call: HostCall, fd: int, to: int) -> int:
    """Moves a descriptor onto the number of another."""
    session.renumber(fd, to)
    return SUCCESS


def fd_seek(session: WasiSession, call: HostCall, fd: int, delta: int, whence: int, out: int) -> int:
    """Moves where a descriptor stands."""
    entry = session.entry(fd)
    if whence > _LAST_WHENCE:
        raise WasiError(INVAL)
    call.store(out, U64.pack(entry.seek(signed(delta), whence)))
    return SUCCESS


def fd_tell(session: WasiSession, call: HostCall, fd: int, out: int) -> int:
    """Writes where a descriptor stands."""
    call.store(out, U64.pack(session.entry(fd).seek(0, 1)))
    return SUCCESS


def fd_sync(session: WasiSession, call: HostCall, fd: int) -> int:
    """Waits until what was written is on disk; stands for `fd_datasync` too."""
    session.entry(fd).sync()
    return SUCCESS


def fd_advise(session: WasiSession, call: HostCall, fd: int, at: int, length: int, advice: int) -> int:
    """Takes advice on how a file will be used."""
    entry = session.entry(fd)
    if advice > _LAST_ADVICE:
        raise WasiError(INVAL)
    offset(at)
    offset(length)
    entry.advise()
    return SUCCESS


def fd_allocate(session: WasiSession, call: HostCall, fd: int, at: int, length: int) -> int:
    """Makes a file long enough."""
    session.entry(fd).allocate(offset(at), offset(length))
    return SUCCESS


def fd_fdstat_get(session: WasiSession, call: HostCall, fd: int, out: int) -> int:
    """Writes type, flags and rights of a descriptor."""
    entry = session.entry(fd)
    call.store(out, FDSTAT.pack(entry.filetype, entry.flags, entry.rights, entry.inheriting))
    return SUCCESS


def fd_fdstat_set_flags(session: WasiSession, call: HostCall, fd: int, flags: int) -> int:
    """Sets append and non-blocking mode; the synchronous modes are not there."""
    entry = session.entry(fd)
    if flags & ~SETTABLE_FLAGS:
        raise WasiError(NOTSUP)
    entry.set_flags(flags)
    return SUCCESS


def fd_fdstat_set_rights(session: WasiSession, call: HostCall, fd: int, base: int, inheriting: int) -> int:
    """Gives rights up; none can be won."""
    entry = session.entry(fd)
    if base & ~entry.rights or inheriting & ~entry.inheriting:
        raise WasiError(NOTCAPABLE)
    entry.rights, entry.inheriting = base, inheriting
    return SUCCESS


def fd_filestat_get(session: WasiSession, call: HostCall, fd: int, out: int) -> int:
    """Writes what is known of a file."""
    call.store(out, session.entry(fd).filestat())
    return SUCCESS


def fd_filestat_set_size(session: WasiSession, call: HostCall, fd: int, size: int) -> int:
    """Cuts a file or lets it grow."""
    session.entry(fd).resize(offset(size))
    return SUCCESS


def fd_filestat_set_times(session: WasiSession, call: HostCall, fd: int, access: int, modified: int, flags: int) -> int:
    """Sets the times of a file."""
    entry = session.entry(fd)
    access_ns, modified_ns = chosen_times(session.clocks, access=access, modified=modified, flags=flags)
    entry.set_times(access_ns=access_ns, modified_ns=modified_ns)
    return SUCCESS


def fd_prestat_get(session: WasiSession, call: HostCall, fd: int, out: int) -> int:
    """Writes how long the guest path of a preopened directory is."""
    call.store(out, PRESTAT.pack(0, len(_preopen(session, fd))))
    return SUCCESS


def fd_prestat_dir_name(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Writes the guest path of a preopened directory."""
    name = _preopen(session, fd)
    if length < len(name):
        raise WasiError(NAMETOOLONG)
    call.store(path, name)
    return SUCCESS


def _preopen(session: WasiSession, fd: int) -> bytes:
    entry = session.entry(fd)
    if not isinstance(entry, Directory) or entry.preopen is None:
        raise WasiError(BADF)
    return entry.preopen


def fd_readdir(session: WasiSession, call: HostCall, fd: int, buffer: int, length: int, cookie: int, out: int) -> int:
    """Writes directory entries from a cookie on; a full buffer says that there may be more."""
    listed = session.entry(fd).list_from(cookie, length)
    call.store(buffer, listed)
    call.store(out, U32.pack(len(listed)))
    return SUCCESS
