"""The `fd_*` and `path_*` functions: work with descriptors, and with names below preopened directories."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from omnicore.sandbox.abi import HostCall
from omnicore.sandbox.wasi.clocks import REALTIME, Clocks
from omnicore.sandbox.wasi.files import ENTRY_BYTES, Directory, File, HostDescriptor, Walk, stays_below
from omnicore.sandbox.wasi.preview1 import (
    BADF,
    FD_READ,
    FD_WRITE,
    FDSTAT,
    FLAG_APPEND,
    FOLLOW,
    INVAL,
    ISDIR,
    NAMETOOLONG,
    NOENT,
    NOTCAPABLE,
    NOTDIR,
    NOTSUP,
    OPEN_CREATE,
    OPEN_DIRECTORY,
    OPEN_EXCLUSIVE,
    OPEN_TRUNCATE,
    PERM,
    PRESTAT,
    SETTABLE_FLAGS,
    SUCCESS,
    U32,
    U64,
    WasiError,
    capacity,
    gather,
    load_path,
    load_spans,
    offset,
    pack_filestat,
    scatter,
    signed,
)
from omnicore.sandbox.wasi.session import WasiSession

_ACCESS: Final = 1 << 0
_MODIFIED: Final = 1 << 2


def chosen_times(clocks: Clocks, *, access: int, modified: int, flags: int) -> tuple[int | None, int | None]:
    """Access and modification time in nanoseconds, None for one to leave. Raises: WasiError `INVAL`."""
    if flags >> 4:
        raise WasiError(INVAL)
    return _chosen(clocks, access, flags, _ACCESS), _chosen(clocks, modified, flags, _MODIFIED)


def _chosen(clocks: Clocks, value: int, flags: int, given: int) -> int | None:
    now = given << 1
    match bool(flags & given), bool(flags & now):
        case True, True:
            raise WasiError(INVAL)
        case True, False:
            return offset(value)
        case False, True:
            return clocks.read(REALTIME)
        case _:
            return None


# Never waiting is the point of O_NONBLOCK: a pipe in the directory must not block the host.
_ALWAYS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """The arguments of `path_open`: a path, flags and rights."""

    path: bytes
    follow: bool
    opening: int
    rights: int
    flags: int

    @property
    def writes(self) -> bool:
        """True when the descriptor is opened for writing."""
        return bool(self.rights & FD_WRITE)

    @property
    def changes(self) -> bool:
        """True when opening may change anything on disk."""
        return self.writes or bool(self.opening & (OPEN_CREATE | OPEN_TRUNCATE))


def open_below(session: WasiSession, directory: Directory, wish: OpenRequest) -> HostDescriptor:
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


def _check(directory: Directory, wish: OpenRequest) -> None:
    if wish.flags & ~SETTABLE_FLAGS:
        raise WasiError(NOTSUP)
    if wish.opening & OPEN_DIRECTORY and wish.opening & OPEN_CREATE:
        raise WasiError(INVAL)
    if wish.changes and not directory.writable:
        raise WasiError(PERM)


def _open_at(session: WasiSession, at: Walk, wish: OpenRequest, *, folder: bool) -> int:
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


def _host_flags(wish: OpenRequest, *, folder: bool) -> int:
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


def _descriptor(session: WasiSession, directory: Directory, wish: OpenRequest, host_fd: int) -> HostDescriptor:
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


def path_open(
    session: WasiSession,
    call: HostCall,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    opening: int,
    rights: int,
    inheriting: int,
    flags: int,
    out: int,
) -> int:
    """Opens a file or directory."""
    directory = session.directory(fd)
    wish = OpenRequest(
        path=load_path(call, path, length),
        follow=bool(lookup & FOLLOW),
        opening=opening,
        rights=rights,
        flags=flags,
    )
    call.store(out, U32.pack(0))  # a bad address is found before anything is opened
    session.check_room_for_file()
    call.store(out, U32.pack(session.add(open_below(session, directory, wish))))
    return SUCCESS


def path_filestat_get(
    session: WasiSession, call: HostCall, fd: int, lookup: int, path: int, length: int, out: int
) -> int:
    """Writes what is known of a file."""
    with _found(session, call, fd, lookup=lookup, path=path, length=length) as at:
        found = os.stat(at.name, dir_fd=at.directory, follow_symlinks=False)
    if at.folder and not stat.S_ISDIR(found.st_mode):
        raise WasiError(NOTDIR)
    call.store(out, pack_filestat(found))
    return SUCCESS


def path_filestat_set_times(
    session: WasiSession,
    call: HostCall,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    access: int,
    modified: int,
    flags: int,
) -> int:
    """Sets the times of a file."""
    _writable(session, fd)
    access_ns, modified_ns = chosen_times(session.clocks, access=access, modified=modified, flags=flags)
    with _found(session, call, fd, lookup=lookup, path=path, length=length) as at:
        found = os.stat(at.name, dir_fd=at.directory, follow_symlinks=False)
        os.utime(
            at.name,
            ns=(
                found.st_atime_ns if access_ns is None else access_ns,
                found.st_mtime_ns if modified_ns is None else modified_ns,
            ),
            dir_fd=at.directory,
            follow_symlinks=False,
        )
    return SUCCESS


def path_create_directory(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Makes a directory."""
    with _named(session, call, fd, path, length) as at:
        session.budget.charge(ENTRY_BYTES)
        os.mkdir(at.name, dir_fd=at.directory)
    return SUCCESS


def path_remove_directory(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Removes an empty directory."""
    with _named(session, call, fd, path, length) as at:
        os.rmdir(at.name, dir_fd=at.directory)
    return SUCCESS


def path_unlink_file(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> int:
    """Removes a file or link."""
    with _named(session, call, fd, path, length) as at:
        _check_slash(at)
        os.unlink(at.name, dir_fd=at.directory)
    return SUCCESS


def path_rename(
    session: WasiSession,
    call: HostCall,
    fd: int,
    path: int,
    length: int,
    new_fd: int,
    new_path: int,
    new_length: int,
) -> int:
    """Moves a file or directory, within what may be written."""
    with (
        _named(session, call, fd, path, length) as old,
        _named(session, call, new_fd, new_path, new_length) as new,
    ):
        if old.folder or new.folder:
            _check_folder(old)
        os.rename(old.name, new.name, src_dir_fd=old.directory, dst_dir_fd=new.directory)
    return SUCCESS


def path_link(
    session: WasiSession,
    call: HostCall,
    fd: int,
    lookup: int,
    path: int,
    length: int,
    new_fd: int,
    new_path: int,
    new_length: int,
) -> int:
    """Gives a file another name. Both ends must be writable: through the new name the file is written to."""
    if lookup & FOLLOW:
        raise WasiError(INVAL)
    with (
        _named(session, call, fd, path, length) as old,
        _named(session, call, new_fd, new_path, new_length) as new,
    ):
        _check_slash(old)
        if new.folder:
            raise WasiError(NOENT)
        session.budget.charge(ENTRY_BYTES)
        os.link(
            old.name,
            new.name,
            src_dir_fd=old.directory,
            dst_dir_fd=new.directory,
            follow_symlinks=False,
        )
    return SUCCESS


def path_symlink(
    session: WasiSession, call: HostCall, target: int, target_length: int, fd: int, path: int, length: int
) -> int:
    """Makes a link that leads down from where it stands.

    One that leads up or to the root would stay without effect here, but a program on the host that opens the
    directory later might follow it; so it is not made.
    """
    text = load_path(call, target, target_length)
    with _named(session, call, fd, path, length) as at:
        if not stays_below(text):
            raise WasiError(PERM)
        if at.folder:
            raise WasiError(NOENT)
        session.budget.charge(ENTRY_BYTES)
        os.symlink(text, at.name, dir_fd=at.directory)
    return SUCCESS


def path_readlink(
    session: WasiSession, call: HostCall, fd: int, path: int, length: int, buffer: int, room: int, out: int
) -> int:
    """Writes where a link leads, cut to the buffer. An absolute target is a path of the host: refused."""
    directory = session.directory(fd)
    with Walk(directory.host_fd, load_path(call, path, length), follow=False) as at:
        target = os.readlink(at.name, dir_fd=at.directory)
    if target.startswith(b"/"):
        raise WasiError(PERM)
    call.store(buffer, target[:room])
    call.store(out, U32.pack(min(len(target), room)))
    return SUCCESS


def _found(session: WasiSession, call: HostCall, fd: int, *, lookup: int, path: int, length: int) -> Walk:
    """The target of a path that is only read."""
    text = load_path(call, path, length)
    return Walk(session.directory(fd).host_fd, text, follow=bool(lookup & FOLLOW) or text.endswith(b"/"))


def _named(session: WasiSession, call: HostCall, fd: int, path: int, length: int) -> Walk:
    """The place of a name that is created, changed or removed. Raises: WasiError `PERM`: the directory is read-only."""
    directory = _writable(session, fd)
    return Walk(directory.host_fd, load_path(call, path, length), follow=False)


def _writable(session: WasiSession, fd: int) -> Directory:
    directory = session.directory(fd)
    if not directory.writable:
        raise WasiError(PERM)
    return directory


def _check_slash(at: Walk) -> None:
    """A name with a slash at its end must be a directory."""
    if at.folder:
        _check_folder(at)


def _check_folder(at: Walk) -> None:
    if not stat.S_ISDIR(os.stat(at.name, dir_fd=at.directory, follow_symlinks=False).st_mode):
        raise WasiError(NOTDIR)
